"""A file of people, whoever wrote it, as entries and refusals, one row at a time.

A CSV file, JSON lines, a plain list of addresses, an Excel workbook, or a ZIP of such files. What
it is, is decided by its first rows; a bad row is told, not raised, and costs no good one.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from flashback.errors import ImportFileError
from flashback.model import Circumstances, Refusal, Row
from flashback.rosters import decoding, headless, packed, rows, tabular
from flashback.rosters.dialects import personal
from flashback.rosters.judging import Record, RowError, judged
from flashback.rosters.sayings import UNSAID
from flashback.rosters.sheet import SILENT, Moved, Sheet
from flashback.rosters.systems import BY_NAME, SYSTEMS, System
from flashback.sentences import Sentence, tr

OWN: Final = "flashback"
ADDRESSES: Final = "addresses"
#: What --format takes.
FORMATS: Final = (OWN, ADDRESSES, *(system.name for system in SYSTEMS), "mailman")
_MOST_COLUMNS: Final = 1_000
_SHOWN: Final = 40
_FIRST_LINE: Final = tr(
    "Begin the file with a line like: address,name,language,organisation,status"
)


@dataclass(frozen=True, slots=True)
class Roster:
    """All sheets of a file that hold people."""

    sheets: tuple[Sheet, ...]
    size: int  #: octets that ``moved`` will be told in all
    digest: str  #: SHA-256 of the file, in hexadecimal

    def entries(self, moved: Moved = lambda _: None) -> Iterator[Row]:
        """What each row says, in order."""
        for sheet in self.sheets:
            yield from sheet.entries(moved)


@contextmanager
def opened(
    path: Path, circumstances: Circumstances, *, system: str = "", encoding: str = ""
) -> Iterator[Roster]:
    """Open a file of people. Raises ImportFileError for what is none.

    The digest of the file becomes the evidence of the consents that it brings.
    """
    try:
        with ExitStack() as stack:
            file = stack.enter_context(path.open("rb"))
            digest = decoding.examine(file).digest
            told = replace(circumstances, evidence=f"sha256:{digest}")
            found = stack.enter_context(packed.members(path, file))
            sheets = [
                _sheet(member, told, system, encoding, alone=len(found) == 1) for member in found
            ]
            people = tuple(sheet for sheet in sheets if isinstance(sheet, Sheet))
            if not people:
                raise next(sheet for sheet in sheets if isinstance(sheet, ImportFileError))
            yield Roster(people, sum(member.size for member in found), digest)
    except OSError as error:
        raise ImportFileError(
            tr("{file} cannot be read: {reason}", file=path, reason=error.strerror or error)
        ) from error


def _sheet(
    member: packed.Member, told: Circumstances, system: str, encoding: str, *, alone: bool
) -> Sheet | ImportFileError:
    """One file recognised; the reason why not, where others of an archive may be."""
    try:
        return _recognised(member, told, system, encoding)
    except ImportFileError as error:
        if alone:
            raise
        return error


def _recognised(member: packed.Member, told: Circumstances, system: str, encoding: str) -> Sheet:
    if member.table is not None:
        return _table(member, member.table, told, system, encoding="", delimiter="")
    with member.open() as file:
        found = decoding.examine(file, encoding).encoding

    def lines(moved: Moved) -> Iterator[str | decoding.TooLong]:
        with member.open() as file:
            yield from decoding.lines(file, found, moved)

    first = _first_line(lines)
    if first.lstrip().startswith("{"):
        return headless.json_lines(member.name, lines, told, found)
    if system in {ADDRESSES, "mailman"} or (not system and headless.is_addresses(first)):
        return headless.addresses_of(member.name, lines, told, found)
    excel_hint = first.lower().startswith("sep=")  # how Excel is told the delimiter
    delimiter = first[4:5] or "," if excel_hint else rows.delimiter_of(first)

    def table(moved: Moved) -> Iterator[rows.Row]:
        yield from rows.csv_rows(lines(moved), delimiter)

    return _table(member, table, told, system, encoding=found, delimiter=delimiter)


def _first_line(lines: Callable[[Moved], Iterator[str | decoding.TooLong]]) -> str:
    for line in lines(lambda _: None):
        if isinstance(line, decoding.TooLong):
            raise ImportFileError(
                tr("The first line is longer than {count} characters: this is no list of people.",
                   count=decoding.LONGEST_LINE),
                hint=_FIRST_LINE,
            )  # fmt: skip
        if line.strip():
            return line
    raise ImportFileError(tr("The file is empty."), hint=_FIRST_LINE)


# Tables ---------------------------------------------------------------------------------------


def _table(
    member: packed.Member,
    table: Callable[[Moved], Iterator[rows.Row]],
    told: Circumstances,
    system: str,
    *,
    encoding: str,
    delimiter: str,
) -> Sheet:
    headers = _headers(table)
    names = frozenset(map(tabular.squeezed, headers)) - {""}
    known = _system(system, names, member.file)
    if known is None:
        columns = _columns(headers)
        silent = "status" not in columns and "consents" not in columns
        question = SILENT if silent and "consent" not in columns else None
        record_of: _RecordOf = _own_records(columns, silent=silent)
        title = "CSV" if delimiter else "Excel"
    else:
        _refuse_missing(known, names)
        record_of = _foreign_records(known, headers, member.file)
        title = known.title
        asks = known.name != "mailchimp" or record_of([""] * len(headers))["status"] == UNSAID
        question = known.question if asks else None

    width = len(headers)

    def entries(moved: Moved) -> Iterator[Row]:
        numbered = _after_header(table(moved))
        for number, cells in numbered:
            if isinstance(cells, rows.Unreadable):
                line = filter(None, (cells.line,))
                yield Refusal(number, cells.reason, tuple(line), member.name)
            elif any(map(str.strip, cells)):
                try:
                    _check_width(cells, width)
                    record = record_of(cells)
                    if "skip" not in record:
                        yield judged(number, record, told, member.name)
                except RowError as error:
                    yield Refusal(number, error.reason, tuple(cells), member.name)

    answered = told.consent or told.status is not None
    return Sheet(
        member.name,
        Sentence(title),
        encoding,
        tuple(headers),
        delimiter,
        None if answered else question,
        entries,
    )


def _system(name: str, names: frozenset[str], file: str) -> System | None:
    """The program that was named, or that these headers give away; None for nobody else's."""
    if name:
        return BY_NAME.get(name)
    return next((one for one in SYSTEMS if one.is_it(names, file)), None)


def _check_width(cells: Sequence[str], width: int) -> None:
    if len(cells) > width and any(map(str.strip, cells[width:])):
        raise RowError(tr("The row has more cells than the first line."))


_RecordOf = Callable[[Sequence[str]], Record]


def _headers(table: Callable[[Moved], Iterator[rows.Row]]) -> Sequence[str]:
    for _, cells in table(lambda _: None):
        if isinstance(cells, rows.Unreadable):
            raise ImportFileError(
                tr("The first line cannot be read: {reason}", reason=cells.reason), hint=_FIRST_LINE
            )
        if len(cells) > _MOST_COLUMNS:
            raise ImportFileError(
                tr("The first line has {count} columns; a list of people has {most} at most.",
                   count=len(cells), most=_MOST_COLUMNS),
            )  # fmt: skip
        if _is_header(cells):
            return [cell.strip() for cell in cells]
    raise ImportFileError(tr("The file has no rows."), hint=_FIRST_LINE)


def _is_header(cells: Sequence[str]) -> bool:
    words = "".join(cells).strip()
    return bool(words) and not (words.lower().startswith("sep=") and len(words) <= len("sep=;"))


def _after_header(table: Iterator[rows.Row]) -> Iterator[rows.Row]:
    for _, cells in table:
        if not isinstance(cells, rows.Unreadable) and _is_header(cells):
            break
    return table


def _columns(headers: Sequence[str]) -> list[str]:
    """The columns of a list in our own words. Raises ImportFileError."""
    columns = [tabular.column_of(cell) for cell in headers]
    twice = {name for name in columns if name and columns.count(name) > 1}
    if twice or "address" not in columns:
        name = min(twice, default="address").removeprefix(tabular.FIELD)
        raise ImportFileError(
            tr("The first line must name the column “{name}” once.", name=name), hint=_FIRST_LINE
        )
    return columns


def _own_records(columns: Sequence[str], *, silent: bool) -> _RecordOf:
    unsaid = {"status": UNSAID} if silent else {"status": ""}

    def record_of(cells: Sequence[str]) -> Record:
        found = {
            # Asked here as well, for most cells have no apostrophe.
            name: tabular.armed(cell) if cell[:1] == "'" else cell
            for name, cell in zip(columns, cells, strict=False)
            if name
        }
        return unsaid | found

    return record_of


def _foreign_records(system: System, headers: Sequence[str], file: str) -> _RecordOf:
    squeezed = [tabular.squeezed(header) for header in headers]
    who = personal(headers)
    own_names = {
        position: tabular.FIELD + header
        for position, header in enumerate(headers)
        if tabular.column_of(header)
        and squeezed[position] not in system.uses | system.dropped
        and not (system.name == "mailchimp" and position in who)
    }

    def record_of(cells: Sequence[str]) -> Record:
        row = dict(zip(squeezed, map(system.undone, cells), strict=False))
        row |= {name: cells[position] for position, name in who.items() if position < len(cells)}
        found = {
            name: system.undone(cells[position])
            for position, name in own_names.items()
            if position < len(cells)
        }
        return found | system.says(row, file)

    return record_of


def _refuse_missing(system: System, names: frozenset[str]) -> None:
    """Columns that decide about a person must be there, in words we know."""
    if missing := system.needs - names:
        raise ImportFileError(
            tr("These columns of an export of {system} are missing: {list}.",
               system=system.title, list=", ".join(sorted(missing))),
            hint=tr("Set {system} to English and export again, with all columns.",
                    system=system.title),
        )  # fmt: skip

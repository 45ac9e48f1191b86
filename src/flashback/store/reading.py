"""Lists of people, as CSV or JSON lines, read into entries; a bad row is told, not raised.

Both forms become the same record of texts first, so both are judged alike. Nobody is confirmed
without a positive sign: the row must say so, and there must be words that were agreed to, in the
row or given for the whole file.
"""

import csv
import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TextIO

from flashback import addresses
from flashback.errors import FlashbackError, ImportFileError
from flashback.model import (
    Address,
    Consent,
    ConsentKind,
    SubscriberStatus,
    Suppression,
)
from flashback.sentences import Sentence, tr
from flashback.store import tabular
from flashback.store.storable import foreign, language_tag, own, own_fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One person of a list, in storable words."""

    row: int  #: from 1, the header counted, as a spreadsheet shows it
    address: Address
    name: str
    language: str
    organisation: str
    fields: Mapping[str, str]
    status: SubscriberStatus | None  #: None: nobody, only a suppressed address
    consents: tuple[Consent, ...]
    suppression: Suppression | None
    created_at: dt.datetime
    changed_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that cannot be taken, and why."""

    row: int
    reason: Sentence


@dataclass(frozen=True, slots=True)
class Reading:
    """All rows of a list."""

    entries: tuple[Entry, ...]
    refused: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the file itself does not say."""

    source: str  #: how these people came: "import:acteurs.csv"
    now: dt.datetime
    consent: str = ""  #: what everybody whom the file calls confirmed agreed to


_Record = Mapping[str, str]  #: the columns of ``tabular``; absent ones are empty


class _RowError(Exception):
    """Why a row cannot be taken."""

    def __init__(self, reason: Sentence) -> None:
        super().__init__(reason)
        self.reason = reason


def read_csv(stream: TextIO, circumstances: Circumstances) -> Reading:
    """Read a CSV file with a header line. Raises ImportFileError when it is none."""
    rows = _csv_rows(stream)
    columns = [tabular.column_of(cell) for cell in next(rows, [])]
    twice = {name for name in columns if name and columns.count(name) > 1}
    if twice or "address" not in columns:
        name = min(twice, default="address").removeprefix(tabular.FIELD)
        raise ImportFileError(
            tr("The first line must name the column “{name}” once.", name=name),
            hint=tr("Begin the file with a line like: address,name,language,organisation,status"),
        )
    records = (
        (number, cells) for number, cells in enumerate(rows, start=2) if any(map(str.strip, cells))
    )
    return _judged(records, lambda cells: _named(columns, cells), circumstances)


def read_jsonl(stream: TextIO, circumstances: Circumstances) -> Reading:
    """Read JSON lines as ``exporting`` writes them. Raises ImportFileError when it is no text."""
    lines = ((number, line) for number, line in enumerate(_lines(stream), start=1) if line.strip())
    return _judged(lines, _from_json, circumstances)


def _lines(stream: TextIO) -> Iterator[str]:
    try:
        for number, line in enumerate(stream):
            # A byte-order mark is how some programs begin a file.
            yield line if number else line.removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise ImportFileError(
            tr("The file is not UTF-8 text."),
            hint=tr("Save it again as “CSV UTF-8” in your spreadsheet."),
        ) from error


def _csv_rows(stream: TextIO) -> Iterator[list[str]]:
    lines = _lines(stream)
    first = next(lines, "")
    reader = csv.reader(_chain(first, lines), delimiter=tabular.delimiter_of(first), strict=True)
    try:
        yield from reader
    except csv.Error as error:
        raise ImportFileError(
            tr("Line {number} cannot be read: {reason}.", number=reader.line_num, reason=error),
            hint=tr("Look there for a double quote that is not closed."),
        ) from error


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _named(columns: Sequence[str], cells: Sequence[str]) -> _Record:
    if any(cell.strip() for cell in cells[len(columns) :]):
        raise _RowError(tr("The row has more cells than the first line."))
    return {name: tabular.armed(cell) for name, cell in zip(columns, cells, strict=False) if name}


def _from_json(line: str) -> _Record:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise _RowError(tr("The line is not JSON: {reason}.", reason=error)) from error
    if not isinstance(found, dict):
        raise _RowError(tr("The line is no JSON object."))
    record = {name: found[name] for name in tabular.COLUMNS if name in found}
    record["consents"] = json.dumps(found.get("consents", []))
    own_ones = found.get("fields", {})
    if isinstance(own_ones, dict):
        record |= {tabular.FIELD + name: value for name, value in own_ones.items()}
    if not all(isinstance(value, str) for value in record.values()):
        raise _RowError(tr("Every value must be a text."))
    return record


def _judged(
    numbered: Iterable[tuple[int, Any]], record_of: Any, circumstances: Circumstances
) -> Reading:
    """Make an entry or a refusal of each row; a second row for the same address is refused."""
    entries: dict[str, Entry] = {}
    refused: list[Refusal] = []
    for number, raw in numbered:
        try:
            entry = _entry(number, record_of(raw), circumstances)
            _enter(entries, entry)
        except _RowError as error:
            refused.append(Refusal(number, error.reason))
        except FlashbackError as error:
            refused.append(Refusal(number, error.sentence))
    return Reading(tuple(entries.values()), tuple(refused))


def _enter(entries: dict[str, Entry], entry: Entry) -> None:
    first = entries.setdefault(entry.address.key, entry)
    if first is not entry:
        raise _RowError(
            tr("{address} stands in row {row} already.", address=entry.address, row=first.row)
        )


def _entry(row: int, record: _Record, circumstances: Circumstances) -> Entry:
    address = addresses.parse(record.get("address", ""))
    suppression = _suppression(address, record, circumstances.now)
    nobody = suppression is not None and not record.get("status", "").strip()
    status = None if nobody else _status(record)
    consents = _consents(record, status, circumstances)
    if status is SubscriberStatus.CONFIRMED and not _granted(consents):
        status = SubscriberStatus.UNCONFIRMED
    created_at = _time(record.get("created_at", "")) or circumstances.now
    return Entry(
        row=row,
        address=address,
        name=own(record.get("name", "")),
        language=language_tag(tabular.language_of(record.get("language", ""))),
        organisation=own(record.get("organisation", "")),
        fields=own_fields(
            {
                name.removeprefix(tabular.FIELD): value
                for name, value in record.items()
                if name.startswith(tabular.FIELD)
            }
        ),
        status=status,
        consents=consents,
        suppression=suppression,
        created_at=created_at,
        changed_at=_time(record.get("changed_at", "")) or created_at,
    )


def _status(record: _Record) -> SubscriberStatus:
    words = record.get("status", "")
    status = tabular.status_of(words)
    if status is None:
        raise _RowError(tr("“{words}” is no status.", words=words[:40]))
    return status


def _granted(consents: Sequence[Consent]) -> bool:
    return bool(consents) and consents[-1].kind is ConsentKind.GRANTED


def _consents(
    record: _Record, status: SubscriberStatus | None, circumstances: Circumstances
) -> tuple[Consent, ...]:
    """The record that an export carried, or one made of what the row says."""
    if kept := _kept_consents(record.get("consents", "")):
        return kept
    wording = record.get("consent", "").strip() or circumstances.consent
    at, source = circumstances.now, foreign(circumstances.source)
    if status is SubscriberStatus.CONFIRMED and wording:
        return (Consent(kind=ConsentKind.GRANTED, at=at, source=source, wording=foreign(wording)),)
    if status is SubscriberStatus.UNSUBSCRIBED:
        return (Consent(kind=ConsentKind.WITHDRAWN, at=at, source=source),)
    return ()


_CONSENT_FIELDS: Final = ("source", "wording", "by")


def _kept_consents(words: str) -> tuple[Consent, ...]:
    if not words.strip():
        return ()
    try:
        return tuple(
            Consent(
                kind=ConsentKind(kept["kind"]),
                at=dt.datetime.fromisoformat(kept["at"]).astimezone(dt.UTC),
                **{name: foreign(kept[name]) for name in _CONSENT_FIELDS},
            )
            for kept in json.loads(words)
        )
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise _RowError(tr("The column “consents” is not as an export writes it.")) from error


def _suppression(address: Address, record: _Record, now: dt.datetime) -> Suppression | None:
    words = record.get("suppressed", "").strip()
    if not words:
        return None
    reason = tabular.suppression_reason_of(words)
    if reason is None:
        raise _RowError(tr("“{words}” is no reason for a suppression.", words=words[:40]))
    return Suppression(
        key=address.key,
        reason=reason,
        at=_time(record.get("suppressed_at", "")) or now,
        note=foreign(record.get("suppression_note", "")),
    )


def _time(words: str) -> dt.datetime | None:
    """An aware time; None where the cell says none."""
    if not words.strip():
        return None
    try:
        found = dt.datetime.fromisoformat(words.strip())
    except ValueError as error:
        raise _RowError(tr("“{words}” is no time.", words=words[:40])) from error
    return found.astimezone(dt.UTC) if found.tzinfo else found.replace(tzinfo=dt.UTC)

"""Facts about people as CSV, JSON lines or an Excel workbook; ``reading`` takes each back."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, Final

from flashback.rosters import tabular

Fact = Mapping[str, Any]  #: the columns of ``tabular``; fields by name, tags and consents as lists

_FIELDS: Final = "fields"


def write_jsonl(file: BinaryIO, facts: Iterable[Fact], _fields: Sequence[str] = ()) -> int:
    """Write one JSON object a line; how many."""
    count = 0
    for fact in facts:
        file.write(tabular.compact(fact).encode() + b"\n")
        count += 1
    return count


def write_csv(file: BinaryIO, facts: Iterable[Fact], fields: Sequence[str]) -> int:
    """Write a header and one row a fact, in UTF-8; how many, the header not counted.

    A cell that a spreadsheet would run as a formula begins with an apostrophe.
    """
    stream = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=False)
    writer = csv.writer(stream, lineterminator="\n")
    count = -1
    for cells in _rows(facts, fields):
        writer.writerow(tabular.defused(cells))
        count += 1
    stream.flush()
    stream.detach()
    return count


def write_xlsx(file: BinaryIO, facts: Iterable[Fact], fields: Sequence[str]) -> int:
    """The same as a workbook, where every cell is a text. Raises ImportFileError for too many."""
    from flashback.rosters import workbook  # noqa: PLC0415  # openpyxl is slow to load

    return workbook.write(file, (tabular.defused(cells) for cells in _rows(facts, fields))) - 1


#: How each kind of file is written, by the end of its name.
WRITERS: Final[Mapping[str, Callable[[BinaryIO, Iterable[Fact], Sequence[str]], int]]] = {
    "csv": write_csv,
    "jsonl": write_jsonl,
    "xlsx": write_xlsx,
}


def _rows(facts: Iterable[Fact], fields: Sequence[str]) -> Iterator[list[str]]:
    yield [*tabular.COLUMNS, *(tabular.FIELD + name for name in fields)]
    for fact in facts:
        own = fact.get(_FIELDS, {})
        yield [
            *(_cell(column, fact.get(column, "")) for column in tabular.COLUMNS),
            *(own.get(name, "") for name in fields),
        ]


def _cell(column: str, value: Any) -> str:
    if column == "tags":
        return tabular.cell_of_tags(value) if value else ""
    if column == "consents":
        return tabular.compact(value) if value else ""
    return str(value)

"""Lines to rows of cells: CSV with any delimiter, and with the quoting that people really have.

A quoted cell may go over several lines, but not without end: a double quote that is never closed
costs its own row and no other.
"""

import csv
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from flashback.rosters.decoding import LONGEST_LINE, TooLong
from flashback.sentences import Sentence, tr


class Unreadable(NamedTuple):
    """A row without cells: why, and its line where that is not endless."""

    reason: Sentence
    line: str = ""


#: A row as a spreadsheet numbers it, and its cells.
Row = tuple[int, Sequence[str] | Unreadable]

DELIMITERS: Final = (",", ";", "\t", "|")
#: So many lines may belong to one row: a note, a postal address.
_MOST_LINES: Final = 60
_TOO_LONG: Final = tr("The line is longer than {count} characters.", count=LONGEST_LINE)
_NOT_CLOSED: Final = tr("A double quote is not closed.")


def delimiter_of(line: str) -> str:
    """What parts the cells of a header line: what occurs most outside quotes."""
    bare = "".join(line.split('"')[::2])
    return max(DELIMITERS, key=bare.count)


def csv_rows(lines: Iterable[str | TooLong], delimiter: str) -> Iterator[Row]:
    """The rows of a CSV file (RFC 4180, and what programs make of it)."""
    source = iter(lines)
    waiting: deque[str | TooLong] = deque()
    number = 0
    while True:
        if waiting:
            line = waiting.popleft()
        else:
            found = next(source, None)
            if found is None:
                return
            line = found
        number += 1
        if isinstance(line, TooLong):
            yield number, Unreadable(_TOO_LONG)
        elif '"' not in line:
            yield number, line.split(delimiter)
        elif (cells := _cells(line, delimiter)) is not None:
            yield number, cells
        else:
            whole, taken = _longer(line, source, waiting, delimiter)
            yield number, Unreadable(_NOT_CLOSED, line) if whole is None else whole
            number += taken


def _longer(
    line: str, source: Iterator[str | TooLong], waiting: deque[str | TooLong], delimiter: str
) -> tuple[list[str] | None, int]:
    """The cells of a row of several lines, and how many lines follow the first; None for none.

    Lines that turn out not to belong to it wait to be read by themselves.
    """
    for position in range(_MOST_LINES):
        if position == len(waiting):
            found = next(source, None)
            if found is None:
                break
            waiting.append(found)
        more = waiting[position]
        if isinstance(more, TooLong):
            break
        line += "\n" + more
        if len(line) > LONGEST_LINE:
            break
        if '"' in more and (cells := _strictly(line, delimiter)) is not None:
            for _ in range(position + 1):
                waiting.popleft()
            return cells, position + 1
    return None, 0


def _cells(line: str, delimiter: str) -> list[str] | None:
    """The cells of what may be a whole row; None when a quoted cell is still open at its end."""
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            return None
    # Something stands behind a closing quote: taken as it is.
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return line.split(delimiter)


def _strictly(lines: str, delimiter: str) -> list[str] | None:
    """The cells of a row of several lines that is written as it should be; None for any other."""
    try:
        return next(csv.reader([lines], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None

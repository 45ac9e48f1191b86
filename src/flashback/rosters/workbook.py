"""Excel workbooks, by openpyxl: rows in, rows out, never the whole workbook in memory."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

from flashback.errors import ImportFileError
from flashback.rosters.rows import Row
from flashback.sentences import tr

#: Excel has no more.
_MOST_ROWS: Final = 1_048_576


def table(path: Path) -> Callable[[Callable[[int], None]], Iterator[Row]]:
    """The rows of the first sheet, as texts."""

    def read(moved: Callable[[int], None]) -> Iterator[Row]:
        import openpyxl  # noqa: PLC0415  # a tenth of a second that only workbooks cost

        try:
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        except Exception as error:  # whatever openpyxl and its XML parser raise
            raise _unreadable(error) from error
        try:
            sheet = book.worksheets[0]
            sheet.reset_dimensions()  # what a file says of its size is often wrong
            found = sheet.iter_rows(values_only=True)
            for number, cells in enumerate(found, start=1):
                yield number, _texts(cells)
        except ImportFileError:
            raise
        except Exception as error:
            raise _unreadable(error) from error
        finally:
            book.close()
        moved(path.stat().st_size)

    return read


def _unreadable(error: Exception) -> ImportFileError:
    return ImportFileError(
        tr("The workbook cannot be read: {reason}.", reason=str(error) or type(error).__name__),
        hint=tr("Save the list as CSV and import that."),
    )


def _texts(cells: Sequence[Any]) -> list[str]:
    found = [_text(cell) for cell in cells]
    while found and not found[-1]:
        found.pop()
    return found


def _text(cell: Any) -> str:
    """A cell as a person would type it; a time in ISO 8601."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, dt.datetime):
        return cell.isoformat() if cell.time() != dt.time() else cell.date().isoformat()
    return cell.isoformat() if isinstance(cell, dt.date | dt.time) else str(cell)


def write(file: BinaryIO, rows: Iterator[Sequence[str]]) -> int:
    """Write rows of texts as a workbook of one sheet; how many. Every cell is a text."""
    import openpyxl  # noqa: PLC0415
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415

    book = openpyxl.Workbook(write_only=True)
    sheet: Any = book.create_sheet("flashback")
    count = 0
    for count, cells in enumerate(rows, start=1):
        if count > _MOST_ROWS:
            raise ImportFileError(
                tr("An Excel sheet has {most} rows at most.", most=_MOST_ROWS),
                hint=tr("Write a CSV file instead."),
            )
        line = []
        for text in cells:
            cell = WriteOnlyCell(sheet, value=text)
            cell.data_type = "s"  # never a formula, whatever it begins with
            line.append(cell)
        sheet.append(line)
    book.save(file)
    return count

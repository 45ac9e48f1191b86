"""What lies in a file: the file itself, the lists in a ZIP, or the first sheet of a workbook.

What unpacks to much more than it weighs is refused before it is unpacked.
"""

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from flashback.errors import ImportFileError
from flashback.rosters import weighing
from flashback.rosters.rows import Row
from flashback.sentences import tr

Moved = Callable[[int], None]

#: How every Office file of before 2007 begins.
_OLD_OFFICE: Final = bytes.fromhex("d0cf11e0a1b11ae1")
_LISTS: Final = frozenset({".csv", ".txt", ".tsv", ".jsonl", ".ndjson"})


@dataclass(frozen=True, slots=True)
class Member:
    """One file of rows, wherever it lies."""

    name: str  #: within an archive; empty for a file by itself
    file: str  #: the same name, or the file's own
    size: int  #: octets that reading it moves
    open: Callable[[], BinaryIO]
    table: Callable[[Moved], Iterator[Row]] | None = None  #: of a workbook, which has no lines


@contextmanager
def members(path: Path, file: BinaryIO) -> Iterator[tuple[Member, ...]]:
    """The lists in a file. Raises ImportFileError for an archive that holds none, or too much."""
    file.seek(0)
    begins = file.read(8)
    if begins == _OLD_OFFICE:
        raise ImportFileError(
            tr("{file} is an Excel file of the old kind.", file=path.name),
            hint=tr("Save it as .xlsx or as CSV, and import that."),
        )
    if not begins.startswith(b"PK\x03\x04"):
        yield (Member("", path.name, path.stat().st_size, lambda: path.open("rb")),)
        return
    try:
        with zipfile.ZipFile(file) as archive:
            weighing.weigh(archive)
            names = set(archive.namelist())
            if "xl/workbook.xml" in names:
                from flashback.rosters import workbook  # noqa: PLC0415  # openpyxl is slow to load

                weighing.weigh_workbook(archive)
                size = path.stat().st_size
                yield (Member("", path.name, size, lambda: path.open("rb"), workbook.table(path)),)
            else:
                yield _lists(archive)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise ImportFileError(
            tr("The archive cannot be read: {reason}.", reason=error),
            hint=tr("Unpack it yourself, and import the lists in it."),
        ) from error


def _lists(archive: zipfile.ZipFile) -> tuple[Member, ...]:
    def opener(member: zipfile.ZipInfo) -> Callable[[], BinaryIO]:
        return lambda: archive.open(member)  # type: ignore[return-value]

    found = tuple(
        Member(name := PurePosixPath(m.filename).name, name, m.file_size, opener(m))
        for m in sorted(archive.infolist(), key=lambda m: m.filename)
        if PurePosixPath(m.filename).suffix.lower() in _LISTS and not m.is_dir()
        if not m.filename.startswith("__MACOSX/")
    )
    if not found:
        raise ImportFileError(
            tr("There is no list in the archive: no file ends in .csv, .txt or .jsonl.")
        )
    return found

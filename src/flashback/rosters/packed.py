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
from flashback.rosters.rows import Row
from flashback.sentences import tr

Moved = Callable[[int], None]

_LISTS: Final = frozenset({".csv", ".txt", ".tsv", ".jsonl", ".ndjson"})
_MOST_OCTETS: Final = 1_000_000_000
_MOST_MEMBERS: Final = 10_000
#: Lists compress to a tenth; a bomb to a thousandth.
_MOST_RATIO: Final = 200
_SMALL: Final = 10_000_000


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
    if file.read(4) != b"PK\x03\x04":
        yield (Member("", path.name, path.stat().st_size, lambda: path.open("rb")),)
        return
    try:
        with zipfile.ZipFile(file) as archive:
            _weigh(archive)
            names = set(archive.namelist())
            if "xl/workbook.xml" in names:
                from flashback.rosters import workbook  # noqa: PLC0415  # openpyxl is slow to load

                size = path.stat().st_size
                yield (Member("", path.name, size, lambda: path.open("rb"), workbook.table(path)),)
            else:
                yield _lists(archive)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise ImportFileError(
            tr("The archive cannot be read: {reason}.", reason=error),
            hint=tr("Unpack it yourself, and import the lists in it."),
        ) from error


def _weigh(archive: zipfile.ZipFile) -> None:
    found = archive.infolist()
    whole = sum(member.file_size for member in found)
    bomb = any(m.file_size > _SMALL and m.file_size > _MOST_RATIO * m.compress_size for m in found)
    if bomb or whole > _MOST_OCTETS or len(found) > _MOST_MEMBERS:
        raise ImportFileError(
            tr("The file unpacks to {count} MB: that is no list of people.",
               count=whole // 1_000_000),
            hint=tr("Save the list as CSV and import that."),
        )  # fmt: skip


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

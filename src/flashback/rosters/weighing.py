"""What an archive unpacks to, looked at before anything of it is believed.

openpyxl reads a sheet row by row, but a row, and a text, whole. So a workbook is unpacked once
piece by piece, which costs a fraction of reading it: there must be an end to every text and row.
"""

import re
import zipfile
from collections.abc import Iterator
from typing import Final

from flashback.errors import ImportFileError
from flashback.sentences import tr

_MOST_OCTETS: Final = 1_000_000_000
_MOST_MEMBERS: Final = 10_000
#: Lists compress to a tenth; a bomb to a thousandth.
_MOST_RATIO: Final = 200
_SMALL: Final = 10_000_000
#: Excel writes each text once, here; openpyxl keeps all of them.
_STRINGS: Final = "xl/sharedstrings.xml"
_MOST_STRINGS: Final = 100_000_000
_SHEETS: Final = "xl/worksheets/"
#: Beside the sheets and texts: formats, names of sheets, relations.
_MOST_OTHER: Final = 20_000_000
#: Octets of XML between two tags, and between two rows. Excel ends a cell at 32,767 characters.
_LONGEST_TEXT: Final = 1_000_000
_LONGEST_ROW: Final = 4_000_000
_CHUNK: Final = 1 << 18
_ROW: Final = re.compile(rb"<(?:[A-Za-z0-9_]+:)?row[\s>/]")
_ROWS_END: Final = re.compile(rb"</(?:[A-Za-z0-9_]+:)?sheetData\s*>")
#: So many octets of a chunk may be the beginning of a tag that ends in the next.
_OVERLAP: Final = 64


def weigh(archive: zipfile.ZipFile) -> None:
    """Look at what an archive says of itself. Raises ImportFileError."""
    found = archive.infolist()
    whole = sum(member.file_size for member in found)
    bomb = any(m.file_size > _SMALL and m.file_size > _MOST_RATIO * m.compress_size for m in found)
    if bomb or whole > _MOST_OCTETS or len(found) > _MOST_MEMBERS:
        raise _too_much(whole)


def weigh_workbook(archive: zipfile.ZipFile) -> None:
    """Look at the parts of a workbook that are read. Raises ImportFileError."""
    other = 0
    for member in archive.infolist():
        name = member.filename.lower()
        if not name.endswith((".xml", ".rels")):
            continue
        if name == _STRINGS:
            if member.file_size > _MOST_STRINGS:
                raise _too_much(member.file_size)
            _find_ends(_chunks(archive, member))
        elif name.startswith(_SHEETS) and name.endswith(".xml"):
            _find_ends(_chunks(archive, member), rows=True)
        else:
            other += member.file_size
            if other > _MOST_OTHER:
                raise _too_much(other)


def _chunks(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(member) as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _find_ends(chunks: Iterator[bytes], *, rows: bool = False) -> None:
    """Every text must end, and every row where rows are expected. Raises ImportFileError."""
    at = tag = row = 0  # where we are, and where the last tag and the last row began
    tail = b""
    for chunk in chunks:
        piece, start = tail + chunk, at - len(tail)
        at += len(chunk)
        if (found := piece.rfind(b"<")) >= 0:
            tag = start + found
        if at - tag > _LONGEST_TEXT:
            raise _endless()
        if rows:
            for match in _ROW.finditer(piece):
                row = start + match.start()
            if at - row > _LONGEST_ROW:
                raise _endless()
            rows = _ROWS_END.search(piece) is None
        tail = piece[-_OVERLAP:]


def _too_much(octets: int) -> ImportFileError:
    return ImportFileError(
        tr("The file unpacks to {count} MB: that is no list of people.",
           count=octets // 1_000_000),
        hint=tr("Save the list as CSV and import that."),
    )  # fmt: skip


def _endless() -> ImportFileError:
    return ImportFileError(
        tr("The workbook has a row or a text without end: that is no list of people."),
        hint=tr("Save the list as CSV and import that."),
    )

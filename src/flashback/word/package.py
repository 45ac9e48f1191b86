"""Whether octets are a Word file that may be opened: a package of XML parts of bounded size.

A zip may unpack to a thousand times its size, and XML may define words that do the same; a press
review does neither.
"""

import io
import zipfile
from typing import Final

from flashback.errors import FlashbackError
from flashback.sentences import Sentence, tr

LARGEST: Final = 100_000_000  #: octets of the file, pictures included
_MOST_PARTS: Final = 5_000
_LARGEST_PART: Final = 8_000_000  #: octets of one part of XML; the text of a book
_LARGEST_TOGETHER: Final = 20_000_000
_OLD: Final = b"\xd0\xcf\x11\xe0"  # OLE: Word before 2007, or a file behind a password
_XML: Final = (".xml", ".rels")
_DECLARED: Final = (b"<!DOCTYPE", b"<!ENTITY")
_WIDE: Final = (b"\xff\xfe", b"\xfe\xff", b"\x00")


def check(content: bytes) -> None:
    """Raise FlashbackError, with the way out, unless the file is safe to open."""
    if content.startswith(_OLD):
        raise _refusal(tr("It is an old Word file (.doc), or it has a password."))
    if not content.startswith(b"PK"):
        raise _refusal(tr("It is no Word file (.docx)."))
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            _check_parts(package)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise _refusal(tr("It is damaged: {reason}.", reason=error)) from error


def _check_parts(package: zipfile.ZipFile) -> None:
    parts = package.infolist()
    names = {part.filename for part in parts}
    if len(parts) > _MOST_PARTS:
        raise _refusal(tr("It has {count} parts, and no review has.", count=len(parts)))
    if not any(name.startswith("word/") for name in names):
        raise _refusal(tr("It is no Word file (.docx)."))
    total = 0
    for part in parts:
        if not part.filename.lower().endswith(_XML):
            continue
        # What the directory says of the size is the file's own word; only reading tells.
        with package.open(part) as stream:
            text = stream.read(_LARGEST_PART + 1)
        total += len(text)
        if len(text) > _LARGEST_PART or total > _LARGEST_TOGETHER:
            raise _refusal(tr("Its text is larger than {megabytes} MB.",
                              megabytes=_LARGEST_PART // 1_000_000))  # fmt: skip
        if text.startswith(_WIDE) or any(word in text for word in _DECLARED):
            raise _refusal(tr("It declares words of its own, as no word processor does."))


def _refusal(sentence: Sentence) -> FlashbackError:
    return FlashbackError(
        sentence,
        hint=tr("Open it in Word or LibreOffice, save it as .docx without a password, try again."),
    )

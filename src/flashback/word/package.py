"""A Word file as a package of XML parts of bounded size, and nothing else of it.

A zip may unpack to a thousand times its size, XML may define words that do the same, and a part
may bear any name. So what is read further on is only what was looked at here: parts of XML,
parsed once without what they declare, and written anew.
"""

import io
import zipfile
from collections.abc import Iterator, Mapping
from typing import Final

from lxml import etree

from flashback.errors import FlashbackError
from flashback.sentences import Sentence, tr

LARGEST: Final = 100_000_000  #: octets of the file, pictures included
_MOST_PARTS: Final = 5_000
_LARGEST_PART: Final = 8_000_000  #: octets of one part of XML; the text of a book
_LARGEST_TOGETHER: Final = 20_000_000
_OLD: Final = b"\xd0\xcf\x11\xe0"  # OLE: Word before 2007, or a file behind a password
_XML: Final = (".xml", ".rels")
_DECLARED: Final = (b"<!DOCTYPE", b"<!ENTITY")


def opened(content: bytes) -> dict[str, etree._Element]:
    """The parts of XML by name. Raises FlashbackError, with the way out, for all other files."""
    if content.startswith(_OLD):
        raise _refusal(tr("It is an old Word file (.doc), or it has a password."))
    if not content.startswith(b"PK"):
        raise _refusal(tr("It is no Word file (.docx)."))
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            texts = dict(_texts(package))
    except FlashbackError:
        raise
    except Exception as error:  # zlib.error, lzma.LZMAError, a date that is none
        raise _refusal(tr("It is damaged: {reason}.", reason=error)) from error
    return {name: _parsed(text) for name, text in texts.items()}


def packed(parts: Mapping[str, etree._Element]) -> bytes:
    """The parts as a file again."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as package:
        for name, root in parts.items():
            package.writestr(name, etree.tostring(root, encoding="UTF-8", xml_declaration=True))
    return target.getvalue()


def _texts(package: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    parts = package.infolist()
    if len(parts) > _MOST_PARTS:
        raise _refusal(tr("It has {count} parts, and no review has.", count=len(parts)))
    if not any(part.filename.startswith("word/") for part in parts):
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
        yield part.filename, text


def _parsed(text: bytes) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True,
        remove_pis=True,
    )  # fmt: skip
    declares = _refusal(tr("It declares words of its own, as no word processor does."))
    if any(word in text for word in _DECLARED):
        raise declares
    try:
        root = etree.fromstring(text, parser)
    except etree.XMLSyntaxError as error:
        raise _refusal(tr("It is damaged: {reason}.", reason=error)) from error
    if root.getroottree().docinfo.internalDTD is not None:  # in an encoding that hides it
        raise declares
    return root


def _refusal(sentence: Sentence) -> FlashbackError:
    return FlashbackError(
        sentence,
        hint=tr("Open it in Word or LibreOffice, save it as .docx without a password, try again."),
    )

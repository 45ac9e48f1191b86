"""What kind of picture some octets are, and how wide: by their beginning, never by a name. Pure."""

import struct
from typing import Final, NamedTuple

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG: Final = b"\xff\xd8\xff"
_GIF: Final = (b"GIF87a", b"GIF89a")
#: Start of frame, with the size in it; C4, C8 and CC in the same range are something else.
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


class Picture(NamedTuple):
    """A picture that mail programs show."""

    media_type: str  #: ``image/png``, ``image/jpeg`` or ``image/gif``
    width: int  #: in pixels


def recognised(content: bytes) -> Picture | None:
    """The picture; None for anything else, also for one that breaks off before its size."""
    try:
        if content.startswith(_PNG):
            return Picture("image/png", struct.unpack(">I", content[16:20])[0])
        if content.startswith(_GIF):
            return Picture("image/gif", struct.unpack("<H", content[6:8])[0])
        if content.startswith(_JPEG):
            return Picture("image/jpeg", _jpeg_width(content))
    except (struct.error, IndexError):
        pass
    return None


def _jpeg_width(content: bytes) -> int:
    at = 2
    while True:
        while content[at + 1] == 0xFF:  # noqa: PLR2004 - fill octets, ITU-T T.81 section B.1.1.2
            at += 1
        marker, length = content[at + 1], struct.unpack(">H", content[at + 2 : at + 4])[0]
        if marker in _FRAMES:
            width: int = struct.unpack(">H", content[at + 7 : at + 9])[0]
            return width
        at += 2 + max(length, 2)

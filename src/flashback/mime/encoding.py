"""Texts as 7-bit octets (RFC 2045 section 6), in a form that nothing on the way would change.

Every line is short, none begins with a dot or with "From ", none ends in a space, and no two spaces
stand together. So dots need no stuffing (RFC 5321 section 4.5.2), a mailbox file needs no ">", and
the body is its own relaxed form (RFC 6376 section 3.4.4).
"""

import base64
import binascii
import re
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from typing import Final

CRLF: Final = b"\r\n"
SOFT_BREAK: Final = b"=\r\n"
#: RFC 2045 section 6.7(5): 76 characters, of which the last may be the "=" of a soft break.
_ROOM: Final = 75
#: What fills one line of base64.
BASE64_LINE: Final = 57
_ESCAPED: Final = re.compile(rb"[^ !-<>-~]| (?= |\Z)")
_ESCAPES: Final = tuple(b"=%02X" % octet for octet in range(256))
_ONE_PLAIN_LINE: Final = re.compile(rb"(?!\.)[!-<>-~]{1,75}")


class Encoding(StrEnum):
    """A value of Content-Transfer-Encoding."""

    QUOTED_PRINTABLE = "quoted-printable"
    BASE64 = "base64"


def whole_lines(text: str) -> str:
    """Text with LF line ends, the last line ended as well."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return lines if lines.endswith("\n") else f"{lines}\n"


def octets_of(text: str) -> bytes:
    """UTF-8 with CRLF line ends; half characters become question marks."""
    return text.encode("utf-8", "replace").replace(b"\n", CRLF)


def suited(text: str) -> Encoding:
    """The encoding that makes the text shorter: quoted-printable for French, base64 for Arabic."""
    octets = octets_of(whole_lines(text))
    return min(Encoding, key=lambda encoding: len(encoded(octets, encoding)))


def encoded(octets: bytes, encoding: Encoding) -> bytes:
    """Octets with CRLF line ends in one of the encodings."""
    if encoding is Encoding.QUOTED_PRINTABLE:
        return quoted_printable(octets)
    return base64_lines(octets)


def quoted_printable(octets: bytes) -> bytes:
    """Octets with CRLF line ends in quoted-printable, which ends in a line end if they do."""
    return CRLF.join(SOFT_BREAK.join(_folded(line)) for line in octets.split(CRLF))


@lru_cache(maxsize=8)  # the two texts of a message ask in turn, for much the same values
def quoted_value(text: str) -> bytes:
    """A text without line ends, on lines of its own: it begins after a line end or soft break.

    It closes with a soft break; of an empty text nothing is left, not even that.
    """
    octets = text.encode("utf-8", "replace")
    if _ONE_PLAIN_LINE.fullmatch(octets):
        return octets + SOFT_BREAK
    return SOFT_BREAK.join([*_folded(octets), b""]) if octets else b""


def base64_lines(octets: bytes) -> bytes:
    """Octets in base64, every line ended."""
    if len(octets) <= BASE64_LINE:
        return binascii.b2a_base64(octets, newline=False) + CRLF if octets else b""
    return base64.encodebytes(octets).replace(b"\n", CRLF)


def _escape(found: re.Match[bytes]) -> bytes:
    return _ESCAPES[found[0][0]]


def _folded(line: bytes) -> Iterator[bytes]:
    """The lines of one line, to be joined by soft breaks."""
    escaped = _ESCAPED.sub(_escape, line)
    start = 0
    while True:
        opening = b""
        # RFC 2049 section 3 (6) and (7).
        if escaped.startswith((b".", b"From "), start):
            opening = b"=%02X" % escaped[start]
            start += 1
        end = start + _ROOM - len(opening)
        if end >= len(escaped):
            yield opening + escaped[start:]
            return
        # An escape is never parted.
        parted = escaped.rfind(b"=", end - 2, end)
        end = end if parted < 0 else parted
        yield opening + escaped[start:end]
        start = end

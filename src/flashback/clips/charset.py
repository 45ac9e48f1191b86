"""The octets of a page to its characters: byte-order mark, then the server's word, then the page's.

Names mean what browsers take them for (WHATWG Encoding section 4.2): ISO-8859-1 is windows-1252.
Never raises.
"""

import codecs
import re
from collections.abc import Iterator
from typing import Final

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
#: Python's name for a name on the web. What is not here is not believed: Python knows codecs
#: that are no character sets.
_CODECS: Final = {
    "utf-8": "utf-8", "utf8": "utf-8", "unicode-1-1-utf-8": "utf-8",
    "utf-16": "utf-16-le", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be",
    "ascii": "cp1252", "us-ascii": "cp1252", "iso-8859-1": "cp1252", "iso8859-1": "cp1252",
    "iso_8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252", "l1": "cp1252",
    "iso-8859-9": "cp1254", "iso-8859-6": "iso8859_6", "arabic": "iso8859_6",
    "iso-8859-15": "iso8859_15", "latin-9": "iso8859_15", "macintosh": "mac_roman",
    **{f"windows-125{n}": f"cp125{n}" for n in range(9)},
    **{f"cp125{n}": f"cp125{n}" for n in range(9)},
    **{f"x-cp125{n}": f"cp125{n}" for n in range(9)},
    **{f"iso-8859-{n}": f"iso8859_{n}" for n in (2, 3, 4, 5, 7, 8, 10, 13, 14, 16)},
    "koi8-r": "koi8_r", "koi8-u": "koi8_u", "gb2312": "gb18030", "gbk": "gb18030",
    "gb18030": "gb18030", "big5": "big5hkscs", "euc-kr": "cp949", "shift_jis": "cp932",
    "euc-jp": "euc_jp",
}  # fmt: skip
_SAID: Final = re.compile(
    rb"""<meta\b[^>]{0,200}?\bcharset\s*=\s*["']?\s*([A-Za-z0-9_:.-]{1,40})""", re.IGNORECASE
)
_ARABIC: Final = re.compile(
    rb"""<html\b[^>]{0,500}?\blang\s*=\s*["']?\s*(?:ar|fa|ur)\b""", re.IGNORECASE
)
_HEAD: Final = 4_096  #: octets in which a page must name its character set


def text_of(octets: bytes, charset: str) -> str:
    """The characters of a page; ``charset`` is the server's word, or empty."""
    candidates = list(dict.fromkeys(_candidates(octets, charset)))
    for codec in candidates:
        try:
            return octets.decode(codec).removeprefix("\ufeff")
        except UnicodeDecodeError:
            continue
    return octets.decode(candidates[0], "replace").removeprefix("\ufeff")


def _candidates(octets: bytes, charset: str) -> Iterator[str]:
    """Character sets, the likeliest first; the last one takes the blame when none fits."""
    yield from (codec for mark, codec in _MARKS if octets.startswith(mark))
    if codec := _CODECS.get(charset.strip().lower(), ""):
        yield codec
    head = octets[:_HEAD]
    if said := _SAID.search(head):
        # A page that says UTF-16 in letters one can read is not UTF-16.
        codec = _CODECS.get(said[1].decode("ascii").lower(), "")
        yield "utf-8" if codec.startswith("utf-16") else codec or "utf-8"
    yield "utf-8"
    yield "cp1256" if _ARABIC.search(head) else "cp1252"

"""Just enough of MIME to find a report in a mail, for octets of any kind.

Strangers write these mails, and some mean harm. Everything here answers something for every input,
in time proportional to its length, and only one level deep: there is nothing to recurse into.
"""

import binascii
import re
from collections.abc import Iterator
from itertools import groupby, islice
from typing import Final

Fields = tuple[tuple[str, str], ...]  #: names in lower case, values unfolded, in order

#: Reports stand in the first pages of a mail; what follows is the mail that came back.
LONGEST: Final = 1 << 20  #: octets
_MOST_FIELDS: Final = 500
_MOST_PARTS: Final = 50
_MOST_GROUPS: Final = 500

_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
_FIELD: Final = re.compile(r"([!-9;-~]{1,80})[ \t]*:(.*)", re.DOTALL)
_BOUNDARY: Final = re.compile(
    r';[ \t]*boundary[ \t]*=[ \t]*(?:"([^"]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE
)


def lines_of(octets: bytes) -> list[bytes]:
    """The lines of a mail, whatever ends them, up to ``LONGEST`` octets."""
    return _LINE_END.split(octets[:LONGEST])


def split(lines: list[bytes]) -> tuple[Fields, list[bytes]]:
    """The header and the body of a mail or of a part."""
    for number, line in enumerate(lines):
        if not line.strip():
            return fields_of(lines[:number]), lines[number + 1 :]
    return fields_of(lines), []


def groups(lines: list[bytes]) -> Iterator[Fields]:
    """The groups of fields of a status part, which empty lines divide (RFC 3464 section 2.1)."""
    divided = groupby(lines, key=lambda line: bool(line.strip()))
    filled = (list(group) for full, group in divided if full)
    return (fields_of(group) for group in islice(filled, _MOST_GROUPS))


def fields_of(lines: list[bytes]) -> Fields:
    """Header fields, folded lines joined (RFC 5322 section 2.2.3); what is no field is left out."""
    joined: list[list[str]] = []
    for line in lines:
        text = line.decode("utf-8", "replace")
        if text[:1] in {" ", "\t"} and joined:
            joined[-1].append(text.strip())
        elif len(joined) < _MOST_FIELDS:
            joined.append([text])
    found = (_FIELD.match(" ".join(parts)) for parts in joined)
    return tuple((field[1].lower(), field[2].strip()) for field in found if field)


def values(fields: Fields, name: str) -> Iterator[str]:
    """All values of a field, in order."""
    return (value for known, value in fields if known == name)


def value(fields: Fields, name: str) -> str:
    """The first value of a field; empty where there is none."""
    return next(values(fields, name), "")


def media_type(fields: Fields) -> str:
    """``multipart/report``, in lower case, without parameters."""
    return value(fields, "content-type").partition(";")[0].strip().lower()


def parts(fields: Fields, body: list[bytes]) -> Iterator[tuple[Fields, list[bytes]]]:
    """The parts of a multipart body (RFC 2046 section 5.1.1), each split and decoded."""
    named = _BOUNDARY.search(value(fields, "content-type"))
    if not named:
        return
    mark = b"--" + (named[1] or named[2]).rstrip().encode()
    marked = ((number, line.rstrip()) for number, line in enumerate(body))
    own_marks = (m for m in marked if m[1] in {mark, mark + b"--"})
    marks = list(islice(own_marks, _MOST_PARTS + 1))
    ends = [*(number for number, _ in marks), len(body)][1:]
    for (start, line), end in list(zip(marks, ends, strict=True))[:_MOST_PARTS]:
        if line != mark:
            return  # What stands after the last part belongs to nobody.
        own, content = split(body[start + 1 : end])
        yield own, _decoded(value(own, "content-transfer-encoding").lower(), content)


def _decoded(encoding: str, lines: list[bytes]) -> list[bytes]:
    """Undo base64 or quoted-printable; what is badly encoded stays as it came."""
    try:
        if encoding == "base64":
            return lines_of(binascii.a2b_base64(b"".join(lines)))
        if encoding == "quoted-printable":
            return lines_of(binascii.a2b_qp(b"\n".join(lines)))
    except binascii.Error:
        pass
    return lines

"""Relaxed canonical forms (RFC 6376 sections 3.4.2 and 3.4.4): what a signature is about. Pure."""

import re
from typing import Final

_SPACES: Final = re.compile(rb"[ \t]+")
_SPACES_AT_END: Final = re.compile(rb"[ \t]+(?=\r\n|\Z)")
_EMPTY_LINES_AT_END: Final = re.compile(rb"(?:\r\n)+\Z")


def relaxed_field(field: bytes) -> bytes:
    """A header field, given with or without its line end: unfolded, spaces made one, CRLF."""
    name, _, value = field.partition(b":")
    unfolded = _SPACES.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ")
    return b"%b:%b\r\n" % (name.rstrip(b" \t").lower(), unfolded)


def relaxed_body(body: bytes) -> bytes:
    """A body with CRLF line ends: no spaces at the ends of lines, no empty lines at its end."""
    lines = _SPACES.sub(b" ", _SPACES_AT_END.sub(b"", body))
    lines = _EMPTY_LINES_AT_END.sub(b"", lines)
    return lines + b"\r\n" if lines else b""

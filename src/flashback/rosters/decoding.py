"""Octets to lines: which encoding a file has, and its lines, none of them endless.

The whole file is looked at once before the first line is read, so that nothing is guessed from
its beginning; its digest is taken on the way.
"""

import codecs
import hashlib
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from flashback.errors import ImportFileError
from flashback.sentences import tr

#: Nobody's row is longer; what is, is refused without being kept.
LONGEST_LINE: Final = 1_000_000
_CHUNK: Final = 1 << 16
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: How many letters beyond ASCII stand side by side in a Latin text: "é", seldom "éé".
_ARABIC_RUN: Final = 3
_RUN: Final = re.compile(rb"[\x80-\xff]+")


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found on the first look."""

    encoding: str  #: a name that Python knows
    digest: str  #: SHA-256 of the octets, in hexadecimal


@dataclass(frozen=True, slots=True)
class TooLong:
    """Stands for a line that is longer than LONGEST_LINE."""


def examine(file: BinaryIO, encoding: str = "") -> Examined:
    """Look at all octets of a file once. Raises ImportFileError for an unknown encoding."""
    digest = hashlib.sha256()
    beginning = b""
    utf8: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()
    runs = long_runs = 0
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
        beginning = beginning or chunk
        if utf8 is not None and not _decodes(utf8, chunk):
            utf8 = None
        # Octets beyond ASCII that were UTF-8 so far are hardly letters of another encoding.
        if utf8 is None:
            lengths = [len(run) for run in _RUN.findall(chunk)]
            runs += len(lengths)
            long_runs += sum(length >= _ARABIC_RUN for length in lengths)
    if utf8 is not None and not _decodes(utf8, b"", final=True):
        utf8 = None
    name = encoding or _marked(beginning)
    if not name:
        arabic = long_runs * 2 > runs
        name = "utf-8" if utf8 is not None else "windows-1256" if arabic else "windows-1252"
    _refuse_unknown(name)
    return Examined(name, digest.hexdigest())


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


def _marked(beginning: bytes) -> str:
    """The encoding that a byte-order mark or the NULs of UTF-16 tell; empty for none."""
    for mark, name in _MARKS:
        if beginning.startswith(mark):
            return name
    start = beginning[:200]
    # A NUL beside nearly every letter of the header line, always on the same side.
    for name, zeros, others in (
        ("utf-16-le", start[1::2], start[::2]),
        ("utf-16-be", start[::2], start[1::2]),
    ):
        if len(start) > 3 and zeros.count(0) * 10 > len(zeros) * 8 and not others.count(0):  # noqa: PLR2004
            return name
    return ""


def _refuse_unknown(name: str) -> None:
    try:
        codecs.lookup(name)
    except LookupError as error:
        raise ImportFileError(
            tr("“{name}” is no encoding.", name=name[:40]),
            hint=tr("Say for example: --encoding utf-8, windows-1252 or windows-1256."),
        ) from error


def lines(
    file: BinaryIO, encoding: str, moved: Callable[[int], None] = lambda _: None
) -> Iterator[str | TooLong]:
    """The lines without their ends; ``moved`` is told the octets read since it was told last.

    What does not decode becomes U+FFFD.
    """
    text = io.TextIOWrapper(_Counting(file, moved), encoding, errors="replace", newline=None)  # type: ignore[type-var]
    pending, too_long = "", False
    while chunk := text.read(_CHUNK):
        first, *others = chunk.split("\n")
        if not too_long:
            pending += first
        if others:
            yield TooLong() if too_long or len(pending) > LONGEST_LINE else pending
            yield from others[:-1]
            pending, too_long = others[-1], False
        elif len(pending) > LONGEST_LINE:
            pending, too_long = "", True
    if too_long:
        yield TooLong()
    elif pending:
        yield pending
    text.detach()


class _Counting(io.BufferedIOBase):
    """A file that tells how far it was read."""

    def __init__(self, file: BinaryIO, moved: Callable[[int], None]) -> None:
        self._file = file
        self._moved = moved

    def readable(self) -> bool:
        return True

    def read1(self, size: int | None = -1, /) -> bytes:
        octets = self._file.read(_CHUNK if size is None or size < 0 else size)
        self._moved(len(octets))
        return octets

    read = read1

"""A text with slots, transfer-encoded ahead but for the slots.

In quoted-printable a value stands on lines of its own, between soft breaks, so that it can have any
length. In base64 what follows a value depends on the length of what went before, modulo three: it
is prepared in its three alignments, and only the value with up to two octets on either side is
encoded for each reader (RFC 4648 section 4: three octets make four letters).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from flashback.mime import encoding
from flashback.mime.encoding import CRLF, SOFT_BREAK, Encoding
from flashback.mime.slots import parted
from flashback.model import Slot

Escape = Callable[[str], str]
_ALIGNMENTS: Final = range(3)


class Text(Protocol):
    """A prepared text."""

    @property
    def opening(self) -> bytes:
        """What it begins with for every reader, encoded."""
        ...

    def filled(self, values: Mapping[Slot, str]) -> list[bytes]:
        """What follows the opening for one reader, in pieces. No value has a line end."""
        ...


def prepared(template: str, escape: Escape) -> tuple[Encoding, Text]:
    """The encoding that suits a text, and the text prepared in it.

    Raises TemplateError on a slot that nobody knows.
    """
    lines = encoding.whole_lines(template)
    suited = encoding.suited(lines)
    runs, slots = parted(lines)
    octets = [encoding.octets_of(run) for run in runs]
    if suited is Encoding.QUOTED_PRINTABLE:
        return suited, QuotedText(octets, slots, escape)
    return suited, Base64Text(octets, slots, escape)


class QuotedText:
    """A text in quoted-printable. Its last run ends in CRLF, so no soft break ends the text."""

    def __init__(self, runs: Sequence[bytes], slots: Sequence[Slot], escape: Escape) -> None:
        coded = [encoding.quoted_printable(run) for run in runs]
        self.opening, *self._following = [
            *(_ready_for_value(run) for run in coded[:-1]),
            coded[-1],
        ]
        self._slots = slots
        self._distinct = frozenset(slots)
        self._escape = escape

    def filled(self, values: Mapping[Slot, str]) -> list[bytes]:
        """As ``Text`` says."""
        escape = self._escape
        coded = {slot: encoding.quoted_value(escape(values[slot])) for slot in self._distinct}
        pieces = [b""] * (2 * len(self._slots))
        pieces[::2] = [coded[slot] for slot in self._slots]
        pieces[1::2] = self._following
        return pieces


def _ready_for_value(run: bytes) -> bytes:
    """An encoded run with its line broken, so that a value may follow."""
    return run + SOFT_BREAK if run and not run.endswith(CRLF) else run


class _Run(NamedTuple):
    """What stands between two values, in one alignment."""

    head: bytes  #: octets that complete what was begun before
    lines: bytes  #: whole lines, encoded
    tail: bytes  #: octets that begin a group of three


class Base64Text:
    """A text in base64. A run shorter than a line is encoded together with its neighbours."""

    def __init__(self, runs: Sequence[bytes], slots: Sequence[Slot], escape: Escape) -> None:
        first, *others = runs
        between: list[tuple[bytes | Slot, ...]] = []
        long_runs = [first]
        mixed: tuple[bytes | Slot, ...] = ()
        for number, (slot, run) in enumerate(zip(slots, others, strict=True), start=1):
            mixed += (slot,)
            if len(run) < encoding.BASE64_LINE and number < len(others):
                mixed += (run,)
                continue
            between.append(mixed)
            long_runs.append(run)
            mixed = ()
        last = len(long_runs) - 1
        begun = _aligned(first, 0, is_last=last == 0)
        self.opening = begun.lines
        self._tail = begun.tail
        self._following = [
            (mixed, [_aligned(run, begun, is_last=place == last) for begun in _ALIGNMENTS])
            for place, (mixed, run) in enumerate(zip(between, long_runs[1:], strict=True), start=1)
        ]
        self._distinct = frozenset(slots)
        self._escape = escape

    def filled(self, values: Mapping[Slot, str]) -> list[bytes]:
        """As ``Text`` says."""
        escape = self._escape
        octets = {slot: escape(values[slot]).encode("utf-8", "replace") for slot in self._distinct}
        pieces: list[bytes] = []
        tail = self._tail
        for mixed, alignments in self._following:
            pending = tail + b"".join(
                [piece if isinstance(piece, bytes) else octets[piece] for piece in mixed]
            )
            head, lines, tail = alignments[len(pending) % 3]
            pieces += (encoding.base64_lines(pending + head), lines)
        return pieces


def _aligned(run: bytes, begun: int, *, is_last: bool) -> _Run:
    """A run that follows ``begun`` octets of an unfinished group of three."""
    start = -begun % 3
    end = len(run) if is_last else len(run) - (len(run) - start) % 3
    return _Run(run[:start], encoding.base64_lines(run[start:end]), run[end:])

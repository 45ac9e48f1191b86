"""A text with slots, transfer-encoded ahead but for what differs from reader to reader.

Of the unsubscribe link that is its token alone: the rest of the URL is the same for everybody. In
quoted-printable a value stands on lines of its own, between soft breaks, so that it can have any
length. In base64 what follows a value depends on the length of what went before, modulo three: it
is prepared in its three alignments, and only the value with up to two octets on either side is
encoded for each reader (RFC 4648 section 4: three octets make four letters).
"""

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Final, NamedTuple, Protocol

from flashback.mime import encoding
from flashback.mime.encoding import CRLF, SOFT_BREAK, Encoding
from flashback.mime.slots import parted
from flashback.model import Slot

Escape = Callable[[str], str]
_ALIGNMENTS: Final = range(3)


class Value(IntEnum):
    """What differs from reader to reader in a text: its place among a reader's values."""

    TOKEN = 0  #: letters, digits, "-" and "_"; 32 of them
    MAILBOX = 1
    NAME = 2


_VALUE_OF: Final = {Slot.READER_ADDRESS: Value.MAILBOX, Slot.READER_NAME: Value.NAME}
#: A reader's values as octets, in the form in which they stand in a text.
_Octets = tuple[bytes, bytes, bytes]


class Text(Protocol):
    """A prepared text, with what follows it in the message."""

    @property
    def opening(self) -> bytes:
        """What it begins with for every reader, encoded."""
        ...

    def filled(self, token: bytes, mailbox: str, name: str) -> list[bytes]:
        """What follows the opening for one reader, in pieces. No value has a line end."""
        ...

    def filled_plainly(self, token: bytes, mailbox: bytes, name: bytes) -> list[bytes]:
        """The same for values that need no escape of any kind (``head.plain_to_field``)."""
        ...


def prepared(
    template: str, suited: Encoding, *, url: Sequence[str], escape: Escape, closing: bytes
) -> Text:
    """A text prepared in the encoding that suits it.

    ``url`` is the unsubscribe URL, parted where its token stands; ``closing`` are octets that end
    it. Raises TemplateError on a slot that nobody knows.
    """
    runs, values = _runs(encoding.whole_lines(template), [escape(piece) for piece in url])
    octets = [encoding.octets_of(run) for run in runs]
    kind = QuotedText if suited is Encoding.QUOTED_PRINTABLE else Base64Text
    return kind(octets, values, escape, closing)


def _runs(template: str, url: Sequence[str]) -> tuple[list[str], list[Value]]:
    """What stands between the values, and the values; there is one value less."""
    (first, *others), slots = parted(template)
    runs, values = [first], []
    for slot, run in zip(slots, others, strict=True):
        if slot is Slot.UNSUBSCRIBE_URL:
            runs[-1] += url[0]
            runs += url[1:]
            values += [Value.TOKEN] * (len(url) - 1)
            runs[-1] += run
        else:
            runs.append(run)
            values.append(_VALUE_OF[slot])
    return runs, values


class QuotedText:
    """A text in quoted-printable. Its last run ends in CRLF, so no soft break ends the text."""

    def __init__(
        self, runs: Sequence[bytes], values: Sequence[Value], escape: Escape, closing: bytes
    ) -> None:
        coded = [encoding.quoted_printable(run) for run in runs]
        self.opening, *following = [*(_ready_for_value(run) for run in coded[:-1]), coded[-1]]
        self._pieces: list[bytes] = []
        for value, run in zip(values, following, strict=True):
            # A token fits on its line: the soft break that closes it is the same for everybody.
            self._pieces += (b"", SOFT_BREAK + run if value is Value.TOKEN else run)
        self._pieces.append(closing)
        self._holes = [(2 * number, int(value)) for number, value in enumerate(values)]
        self._escape = escape

    def filled(self, token: bytes, mailbox: str, name: str) -> list[bytes]:
        """As ``Text`` says."""
        escape = self._escape
        return self._put(
            (
                token,
                encoding.quoted_value(escape(mailbox)),
                encoding.quoted_value(escape(name)),
            )
        )

    def filled_plainly(self, token: bytes, mailbox: bytes, name: bytes) -> list[bytes]:
        """As ``Text`` says."""
        return self._put((token, mailbox + SOFT_BREAK, name and name + SOFT_BREAK))

    def _put(self, values: _Octets) -> list[bytes]:
        pieces = self._pieces.copy()
        for place, value in self._holes:
            pieces[place] = values[value]
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

    def __init__(
        self, runs: Sequence[bytes], values: Sequence[Value], escape: Escape, closing: bytes
    ) -> None:
        first, *others = runs
        between: list[list[bytes | Value]] = []
        long_runs = [first]
        mixed: list[bytes | Value] = []
        for number, (value, run) in enumerate(zip(values, others, strict=True), start=1):
            mixed.append(value)
            if len(run) < encoding.BASE64_LINE and number < len(others):
                mixed.append(run)
                continue
            between.append(mixed)
            long_runs.append(run)
            mixed = []
        last = len(long_runs) - 1
        begun = _aligned(first, 0, is_last=last == 0)
        self.opening = begun.lines
        self._tail = begun.tail
        self._following = [
            (mixed, [_aligned(run, begun, is_last=place == last) for begun in _ALIGNMENTS])
            for place, (mixed, run) in enumerate(zip(between, long_runs[1:], strict=True), start=1)
        ]
        self._escape = escape
        self._closing = closing

    def filled(self, token: bytes, mailbox: str, name: str) -> list[bytes]:
        """As ``Text`` says."""
        escape = self._escape
        return self._put(
            (
                token,
                escape(mailbox).encode("utf-8", "replace"),
                escape(name).encode("utf-8", "replace"),
            )
        )

    def filled_plainly(self, token: bytes, mailbox: bytes, name: bytes) -> list[bytes]:
        """As ``Text`` says."""
        return self._put((token, mailbox, name))

    def _put(self, values: _Octets) -> list[bytes]:
        pieces: list[bytes] = []
        tail = self._tail
        for mixed, alignments in self._following:
            pending = tail + b"".join(
                [piece if isinstance(piece, bytes) else values[piece] for piece in mixed]
            )
            head, lines, tail = alignments[len(pending) % 3]
            pieces += (encoding.base64_lines(pending + head), lines)
        pieces.append(self._closing)
        return pieces


def _aligned(run: bytes, begun: int, *, is_last: bool) -> _Run:
    """A run that follows ``begun`` octets of an unfinished group of three."""
    start = -begun % 3
    end = len(run) if is_last else len(run) - (len(run) - start) % 3
    return _Run(run[:start], encoding.base64_lines(run[start:end]), run[end:])

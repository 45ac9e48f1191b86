"""What is fuzzed, and what must hold. Each target takes octets and raises when a promise breaks."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final, cast

from flashback.model import Message
from flashback.sentences import NOTHING
from flashback.smtp.capabilities import Capabilities, capabilities_of
from flashback.smtp.commands import Commands
from flashback.smtp.reply import ReplyBuffer, parse, queue_id_of
from flashback.smtp.session import Session
from flashback.smtp.steps import Answered, Lost
from fuzz.choices import Choices

from fixtures import letters
from fixtures.sink import Book, Manners
from fixtures.sink import Session as Server

_MESSAGES: Final = tuple(letters.message(number) for number in range(1, 9))
_OFFERED: Final = Capabilities(pipelining=True, chunking=True, takes_size=True, dsn=True)
_ANSWERS: Final = (
    b"250 Ok\r\n", b"250 2.1.0 Ok\r\n", b"354 Go\r\n", b"550 5.1.1 No\r\n", b"451 Later\r\n",
    b"421 4.3.2 Bye\r\n", b"503 5.5.1 Nested MAIL\r\n", b"250-a\r\n250 b\r\n", b"220 hi\r\n",
    b"554 5.5.1 No valid recipients\r\n", b"250-a\r\n550 b\r\n", b"\r\n", b"250\r\n", b"250 Ok\n",
    b"99 x\r\n", b"250-", b"2", b"\xff\xfe\r\n", b"250 \x00\r\n", b"999 x\r\n",
)  # fmt: skip


def replies(data: bytes) -> None:
    """Reading replies never raises, and does not depend on how the octets are cut."""
    choices = Choices(data)
    pieces = []
    while not choices.is_spent:
        known = choices.number(2) == 0
        pieces.append(choices.one_of(_ANSWERS) if known else choices.octets(40))
    whole = b"".join(pieces)
    at_once, cut, single = ReplyBuffer(), ReplyBuffer(), ReplyBuffer()
    expected = [tuple(lines) for lines in at_once.replies(whole)]
    in_pieces = [tuple(lines) for piece in pieces for lines in cut.replies(piece)]
    one_by_one = [tuple(lines) for octet in whole for lines in single.replies(bytes([octet]))]
    assert expected == in_pieces == one_by_one, (expected, in_pieces, one_by_one)
    for lines in expected:
        reply = parse(lines)
        if reply is not None:
            assert 200 <= reply.code <= 555
            assert not any(c < " " or c == "\x7f" for text in reply.lines for c in text)
            queue_id_of(reply)
            capabilities_of(reply)


def hostile(data: bytes) -> None:
    """Whatever a server says, and whenever: each message has one ending, and none is a lie."""
    choices = Choices(data)
    session = _session(choices)
    waiting, endings = list(_MESSAGES), _Endings()
    for _ in range(400):
        if choices.is_spent or session.is_finished:
            break
        match choices.number(4):
            case 0 if session.is_ready and waiting:
                endings.submit(session, waiting.pop())
            case 1:
                endings.write(session, choices)
            case 2 if session.awaited is not None:
                endings.hear(session, choices.one_of(_ANSWERS))
            case 3:
                endings.hear(session, choices.octets(30))
            case _:
                endings.write(session, choices, everything=True)
    endings.lose(session)


def honest(data: bytes) -> None:
    """Against a strict server, octets cut anywhere: its book and our answers are the same."""
    choices = Choices(data)
    session = _session(choices)
    book = _Book(choices)
    line = _Line()
    server = Server(book)
    server.connection_made(line)  # type: ignore[arg-type]  # it writes, aborts and closes
    server.data_received(b"EHLO x\r\n")
    line.said.clear()
    waiting, endings = list(_MESSAGES), _Endings()
    for _ in range(3_000):
        while session.is_ready and waiting and choices.number(3):
            endings.submit(session, waiting.pop())
        octets = endings.write(session, choices, everything=not choices.number(1))
        for start in range(0, len(octets), step := 1 + choices.number(255) * 64):
            if not line.is_closing():
                server.data_received(octets[start : start + step])
        count = len(line.said) if choices.is_spent else choices.number(80)
        heard = bytes(line.said[:count])
        del line.said[:count]
        if heard:
            endings.hear(session, heard)
        if line.is_closing() and not line.said:
            break
        is_done = session.is_idle and not line.said and (choices.is_spent or not waiting)
        if is_done or session.is_finished:
            break
    was_cut, is_idle = line.is_closing(), session.is_idle
    endings.lose(session)
    if not was_cut:
        assert is_idle, "a session that nobody cuts comes to its end"
        assert session.fault == NOTHING, str(session.fault)
    assert endings.accepted <= book.recipients, "we say accepted, and it is not"
    assert book.recipients <= endings.accepted | endings.in_doubt, "it is accepted, unnamed"
    assert max(Counter(book.names).values(), default=1) == 1, "nobody is sent two copies"


class _Endings:
    """What came of each message, and what has left of it."""

    def __init__(self) -> None:
        self._submitted: list[str] = []
        self._ended: Counter[str] = Counter()
        self._named: set[str] = set()  #: whose final dots were asked about
        self._pending = b""  #: to be written
        self._written = b""
        self.accepted: set[str] = set()
        self.in_doubt: set[str] = set()

    def submit(self, session: Session, message: Message) -> None:
        self._submitted.append(message.envelope.recipient)
        session.submit(message)

    def write(self, session: Session, choices: Choices, *, everything: bool = False) -> bytes:
        self._named |= {str(claim.address) for claim in session.take_leaving()}
        self._pending += session.data_to_send()
        count = len(self._pending) if everything else choices.number(255) * 40
        left, self._pending = self._pending[:count], self._pending[count:]
        self._written += left
        session.handed_over(len(left))
        return left

    def hear(self, session: Session, octets: bytes) -> None:
        for told in session.receive_data(octets):
            self._end(told)

    def lose(self, session: Session) -> None:
        for lost in session.connection_lost():
            self._end(lost)
        assert sorted(self._ended) == sorted(self._submitted), "each message has an ending"
        assert set(self._ended.values()) <= {1}, "and one only"

    def _end(self, told: Answered | Lost) -> None:
        reader = told.message.envelope.recipient
        self._ended[reader] += 1
        if isinstance(told, Lost):
            if told.is_in_doubt:
                assert reader in self._named, "no final dot leaves before it is noted"
                self.in_doubt.add(reader)
        elif told.stage == "dot" and told.reply.code // 100 == 2 and not told.is_mad:
            assert reader in self._named, "no final dot leaves before it is noted"
            assert told.message.message_id.encode() in self._written, "accepted before it was sent"
            self.accepted.add(reader)


def _session(choices: Choices) -> Session:
    commands = Commands(offered=_OFFERED, delivery_reports=bool(choices.number(1)))
    how = choices.number(2)
    ahead = 1 + choices.number(7) if how == 2 else 0
    return Session(commands, pipelining=how > 0, ahead=ahead)


class _Book(Book):
    """The server's book in memory; it refuses and cuts by choice."""

    def __init__(self, choices: Choices) -> None:
        super().__init__(Manners(pipelining=True), lambda _octets: None)
        self._choices = choices
        self.names: list[str] = []

    @property
    def recipients(self) -> set[str]:
        return set(self.names)

    def take(self, recipients: "list[bytes] | tuple[bytes, ...]", content: bytes) -> int:  # type: ignore[override]
        self.names += [recipient.decode() for recipient in recipients]
        return super().take(recipients, content)

    def refusal(self, step: str) -> bytes:
        code = {1: b"550 5.1.1 No", 2: b"451 4.2.1 Not now"}.get(self._choices.number(11), b"")
        return code if step != "mail" or code[:1] != b"5" else b""

    def cuts(self, step: str) -> bool:
        return step != "ehlo" and step != "connect" and self._choices.number(59) == 7  # noqa: PLR1714


class _Line:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.said = bytearray()
        self._closed = False

    def write(self, octets: bytes) -> None:
        self.said += octets

    def set_write_buffer_limits(self, high: int) -> None:
        pass

    def is_closing(self) -> bool:
        return self._closed

    def abort(self) -> None:
        self._closed = True

    close = abort


TARGETS: Final = cast(
    "Mapping[str, Callable[[bytes], None]]",
    {"replies": replies, "hostile": hostile, "honest": honest},
)

"""The session without I/O, against a strict server without I/O: nobody is confused or forgotten."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashback.model import Address, Claim, Envelope, Message
from flashback.smtp.capabilities import Capabilities
from flashback.smtp.commands import Commands, xtext
from flashback.smtp.session import Session
from flashback.smtp.steps import TRANSITIONS, Answered, Step

#: How far a session may speak ahead: pipelining, chunks.
WAYS = [(False, 0), (True, 0), (True, 1), (True, 4)]
ways = st.sampled_from(WAYS)


def message(number: int, content: bytes = b"Subject: x\r\n\r\n.dots\r\n..\r\nend\r\n") -> Message:
    """A message for reader ``number``."""
    mailbox = f"r{number}@example.org"
    claim = Claim(
        delivery_id=number,
        mailing_id=1,
        subscriber_id=number,
        address=Address(mailbox, mailbox),
        name="",
        language="fr",
        edition_digest="d",
        attempt=1,
        owner="o",
    )
    envelope = Envelope(sender=f"b+{number}-mac@example.org", recipient=mailbox)
    return Message(
        claim=claim, envelope=envelope, message_id=f"{number}@example.org", content=content
    )


@dataclass
class StrictServer:
    """As strict as Postfix: nested MAIL and DATA without a recipient are refused with 503.

    ``refusals`` maps (step, reader) to a code. ``accepted``: whom it took, before it says so.
    """

    refusals: dict[tuple[str, int], int] = field(default_factory=dict)
    takes_empty_data: bool = False
    accepted: list[tuple[int, bytes]] = field(default_factory=list)
    sender: bool = False
    recipient: int | None = None
    is_in_body: bool = False
    received: bytes = b""

    def feed(self, octets: bytes) -> bytes:
        """Everything it answers to what has come so far."""
        self.received += octets
        answers = b""
        while (answer := self._next()) is not None:
            answers += answer
        return answers

    def _next(self) -> bytes | None:
        if self.is_in_body:
            return self._body()
        line, end, rest = self.received.partition(b"\r\n")
        if not end:
            return None
        if line.startswith(b"BDAT"):
            return self._chunk(line, rest)
        self.received = rest
        return self._command(line.decode()).encode() + b"\r\n"

    def _body(self) -> bytes | None:
        if self.received.startswith(b".\r\n"):
            body, self.received = b"", self.received[3:]
        else:
            body, end, rest = self.received.partition(b"\r\n.\r\n")
            if not end:
                return None
            self.received = rest
        self.is_in_body = False
        return self._end(re.sub(rb"(?m)^\.", b"", body) + b"\r\n")

    def _chunk(self, line: bytes, rest: bytes) -> bytes | None:
        size = int(line.split()[1])
        if len(rest) < size:
            return None
        body, self.received = rest[:size], rest[size:]
        if self.recipient is None:
            return b"503 5.5.1 no recipient\r\n"
        return self._end(body)

    def _end(self, body: bytes) -> bytes:
        reader, self.recipient, self.sender = self.recipient, None, False
        if reader is None:
            return b"554 5.5.1 no valid recipients\r\n"
        if code := self.refusals.get(("dot", reader)):
            return b"%d said at the dot\r\n" % code
        self.accepted.append((reader, body))
        return b"250-2.0.0 Ok:\r\n250 2.0.0 queued as Q%d\r\n" % reader

    def _command(self, line: str) -> str:  # noqa: C901, PLR0911 - one branch a verb
        found = re.search(r"<[rb]\+?(\d+)", line)
        reader = int(found[1]) if found else 0
        if line == "RSET":
            self.sender, self.recipient = False, None
            return "250 2.0.0 Ok"
        if line.startswith("MAIL"):
            if self.sender:
                return "503 5.5.1 nested MAIL"
            if code := self.refusals.get(("mail", reader)):
                return f"{code} said at mail"
            self.sender = True
            return "250 2.1.0 Ok"
        if line.startswith("RCPT"):
            if not self.sender:
                return "503 5.5.1 need MAIL"
            if code := self.refusals.get(("rcpt", reader)):
                return f"{code} said at rcpt"
            self.recipient = reader
            return "250 2.1.5 Ok"
        if line == "DATA":
            if self.recipient is None and not self.takes_empty_data:
                return "503 5.5.1 need RCPT"
            if code := self.refusals.get(("data", self.recipient or 0)):
                return f"{code} said at data"
            self.is_in_body = True
            return "354 go ahead"
        return "221 bye"


def converse(
    session: Session,
    server: StrictServer,
    messages: Iterable[Message],
    cuts: Sequence[int] = (),
) -> list[Answered]:
    """Let the two speak until nobody has anything left to say; octets are cut as told."""
    waiting, told = list(messages), list[Answered]()
    sizes = list(cuts)
    while True:
        while waiting and session.is_ready:
            session.submit(waiting.pop(0))
        out = session.data_to_send()
        session.handed_over(len(out))
        answers = server.feed(out)
        if not out and not answers:
            return told
        while answers:
            size = sizes.pop(0) if sizes else len(answers)
            told += session.receive_data(answers[:size])
            answers = answers[size:]
            if answers:
                # What the client says meanwhile reaches the server, whose answers come later.
                out = session.data_to_send()
                session.handed_over(len(out))
                answers += server.feed(out)


refusals = st.dictionaries(
    st.tuples(st.sampled_from(["rcpt", "data", "dot"]), st.integers(1, 8)),
    st.sampled_from([450, 451, 452, 550, 552, 554]),
    max_size=6,
)


@given(
    way=ways,
    refused=refusals,
    empty=st.booleans(),
    cuts=st.lists(st.integers(1, 40), max_size=80),
)
def test_refusals_leave_neighbours_alone(
    way: tuple[bool, int],
    refused: dict[tuple[str, int], int],
    empty: bool,  # noqa: FBT001 - drawn
    cuts: list[int],
) -> None:
    """Each gets what was said of them, once, whatever was said of others and however it is cut."""
    session = Session(Commands(), pipelining=way[0], ahead=way[1])
    server = StrictServer(refused, takes_empty_data=empty)
    told = converse(session, server, [message(n) for n in range(1, 9)], cuts)
    assert [answer.message.claim.delivery_id for answer in told] == sorted(
        answer.message.claim.delivery_id for answer in told
    )
    assert len(told) == 8
    assert session.connection_lost() == []
    for answer in told:
        reader = answer.message.claim.delivery_id
        steps = ["rcpt", "dot"] if way[1] else ["rcpt", "data", "dot"]
        codes = [(step, refused[step, reader]) for step in steps if (step, reader) in refused]
        assert (answer.stage, answer.reply.code) == (codes or [("dot", 250)])[0]
        assert not answer.is_mad
    accepted = {a.message.claim.delivery_id for a in told if a.reply.code == 250}
    assert [reader for reader, _ in server.accepted] == sorted(accepted)
    assert all(body == message(reader).content for reader, body in server.accepted)


@given(way=ways, refused=refusals, cuts=st.lists(st.integers(1, 40), max_size=80))
def test_any_cutting_gives_the_same_events(
    way: tuple[bool, int], refused: dict[tuple[str, int], int], cuts: list[int]
) -> None:
    """One octet at a time, or all at once: the same answers for the same messages."""
    every = []
    for pieces in ([], cuts, [1] * 2_000):
        session = Session(Commands(), pipelining=way[0], ahead=way[1])
        every.append(
            converse(session, StrictServer(refused), [message(n) for n in range(1, 9)], pieces)
        )
    assert every[0] == every[1] == every[2]


@given(
    way=ways,
    refused=refusals,
    read=st.integers(0, 2_500),
    heard=st.integers(0, 2_500),
)
def test_a_line_cut_anywhere_names_everybody_once(
    way: tuple[bool, int], refused: dict[tuple[str, int], int], read: int, heard: int
) -> None:
    """Told, in doubt, or certainly not accepted: each message submitted is exactly one of them."""
    session = Session(Commands(), pipelining=way[0], ahead=way[1])
    server = StrictServer(refused)
    waiting = [message(n) for n in range(1, 9)]
    submitted, told = [], list[Answered]()
    while read > 0 and heard > 0:
        while waiting and session.is_ready:
            submitted.append(waiting.pop(0).claim.delivery_id)
            session.submit(message(submitted[-1]))
        out = session.data_to_send()
        session.handed_over(len(out))
        answers = server.feed(out[:read])
        read -= len(out)
        told += session.receive_data(answers[:heard])
        heard -= len(answers)
        if not out and not answers:
            break
    lost = session.connection_lost()
    named = [a.message.claim.delivery_id for a in told]
    named += [one.message.claim.delivery_id for one in lost]
    assert sorted(named) == submitted
    accepted = {reader for reader, _ in server.accepted}
    sure = {a.message.claim.delivery_id for a in told if a.stage == "dot" and a.reply.code == 250}
    doubt = {one.message.claim.delivery_id for one in lost if one.is_in_doubt}
    assert sure <= accepted <= sure | doubt
    assert len(doubt) <= max(1, way[1])
    assert session.connection_lost() == []


@given(way=ways, noise=st.lists(st.binary(max_size=60), max_size=12))
def test_hostile_octets(way: tuple[bool, int], noise: list[bytes]) -> None:
    """Whatever comes, nothing is raised, and every message is told or named once."""
    session = Session(Commands(), pipelining=way[0], ahead=way[1])
    submitted, told = 0, list[Answered]()
    for octets in noise:
        while session.is_ready and submitted < 20:
            submitted += 1
            session.submit(message(submitted))
        session.handed_over(len(session.data_to_send()))
        told += session.receive_data(octets)
    named = [answer.message.claim.delivery_id for answer in told]
    named += [one.message.claim.delivery_id for one in session.connection_lost()]
    assert sorted(named) == list(range(1, submitted + 1))


replies = st.sampled_from(
    [b"250 Ok", b"354 go", b"421 bye", b"450 later", b"503 lost", b"550 no", b"355 what"]
)


@given(way=ways, said=st.lists(replies, max_size=40))
def test_any_answers_in_any_order(way: tuple[bool, int], said: list[bytes]) -> None:
    """A mad server can break the line, never the account."""
    session = Session(Commands(), pipelining=way[0], ahead=way[1])
    submitted, told = 0, list[Answered]()
    for line in said:
        while session.is_ready and submitted < 20:
            submitted += 1
            session.submit(message(submitted))
        session.handed_over(len(session.data_to_send()))
        told += session.receive_data(line + b"\r\n")
    named = [answer.message.claim.delivery_id for answer in told]
    named += [one.message.claim.delivery_id for one in session.connection_lost()]
    assert sorted(named) == list(range(1, submitted + 1))


def test_what_comes_after_the_end_answers_nothing() -> None:
    """A server that did not take chunks goes on talking: its message is still named as lost."""
    session = Session(Commands(), pipelining=True, ahead=1)
    session.submit(message(1))
    session.handed_over(len(session.data_to_send()))
    assert session.receive_data(b"250 Ok\r\n250 Ok\r\n503 lost\r\n") == []
    assert session.is_finished
    assert session.receive_data(b"250 Ok\r\n") == []
    assert [one.message.claim.delivery_id for one in session.connection_lost()] == [1]


def speak(session: Session, server: StrictServer, turns: int) -> list[bytes]:
    """What the client says in each of so many turns."""
    said = []
    for _ in range(turns):
        said.append(session.data_to_send())
        session.handed_over(len(said[-1]))
        session.receive_data(server.feed(said[-1]))
    return said


OPENING = b"MAIL FROM:<b+%d-mac@example.org>\r\nRCPT TO:<r%d@example.org>\r\nDATA\r\n"


def test_how_a_pipelined_conversation_looks() -> None:
    """RFC 2920: the body of one with MAIL, RCPT and DATA of the next; RSET after a refusal."""
    session, server = Session(Commands(), pipelining=True), StrictServer({("rcpt", 2): 550})
    session.submit(message(1, b"x\r\n"))
    session.submit(message(2, b"y\r\n"))
    said = speak(session, server, 2)
    session.submit(message(3, b"z\r\n"))
    said += speak(session, server, 3)
    assert said == [
        OPENING % (1, 1),
        b"x\r\n.\r\n" + OPENING % (2, 2),
        b"RSET\r\n" + OPENING % (3, 3),
        b"z\r\n.\r\n",
        b"",
    ]


def test_data_taken_for_nobody_is_ended_by_a_lone_dot() -> None:
    """RFC 2920 section 3.1: a server may take DATA although it has refused the recipient."""
    session = Session(Commands(), pipelining=True)
    server = StrictServer({("rcpt", 1): 550}, takes_empty_data=True)
    session.submit(message(1, b"x\r\n"))
    said = speak(session, server, 2)
    session.submit(message(2, b"y\r\n"))
    said += speak(session, server, 2)
    assert said == [
        OPENING % (1, 1),
        b".\r\n",
        b"RSET\r\n" + OPENING % (2, 2),
        b"y\r\n.\r\n",
    ]


def test_how_chunks_look() -> None:
    """RFC 3030: everything at once; RSET in between, for whoever was refused is not over."""
    session = Session(Commands(), pipelining=True, ahead=3)
    session.submit(message(1, b".x\r\n"))
    session.submit(message(2, b"y\r\n"))
    first = OPENING % (1, 1)
    assert session.data_to_send() == (
        first.replace(b"DATA", b"BDAT 4 LAST")
        + b".x\r\nRSET\r\n"
        + (OPENING % (2, 2)).replace(b"DATA", b"BDAT 3 LAST")
        + b"y\r\n"
    )


def test_the_note_is_asked_for_before_the_end_may_leave() -> None:
    """Whose final dot is in the octets is told before the octets are."""
    session = Session(Commands(), pipelining=True)
    session.submit(message(1))
    assert session.take_leaving() == []
    session.handed_over(len(session.data_to_send()))
    session.receive_data(b"250 Ok\r\n250 Ok\r\n354 go\r\n")
    assert [claim.delivery_id for claim in session.take_leaving()] == [1]
    assert session.take_leaving() == []
    assert session.data_to_send().endswith(b"\r\n.\r\n")


def test_what_has_not_left_our_hands_is_not_in_doubt() -> None:
    """A body that is still being written when the line ends was not accepted."""
    session = Session(Commands(), pipelining=True)
    session.submit(message(1))
    session.handed_over(len(session.data_to_send()))
    session.receive_data(b"250 Ok\r\n250 Ok\r\n354 go\r\n")
    session.handed_over(len(session.data_to_send()) - 1)
    (lost,) = session.connection_lost()
    assert (lost.stage, lost.is_in_doubt, lost.is_first) == ("body", False, True)


def test_only_when_ready() -> None:
    """A message too many is refused before it can be lost."""
    session = Session(Commands())
    session.submit(message(1))
    with pytest.raises(ValueError, match="not ready"):
        session.submit(message(2))


def test_every_step_has_its_transitions() -> None:
    """The one table knows every step."""
    assert set(TRANSITIONS) == set(Step)


def test_parameters_are_said_where_they_are_offered() -> None:
    """SIZE, DSN and REQUIRETLS; RFC 3461's xtext keeps a plus sign apart."""
    offered = Capabilities(takes_size=True, dsn=True, require_tls=True)
    commands = Commands(offered=offered, delivery_reports=True, require_tls=True)
    letter = message(7, b"12345\r\n")
    assert commands.mail(letter) == (
        b"MAIL FROM:<b+7-mac@example.org> SIZE=7 REQUIRETLS RET=HDRS ENVID=7-mac\r\n"
    )
    assert commands.rcpt(letter) == (
        b"RCPT TO:<r7@example.org> NOTIFY=FAILURE,DELAY ORCPT=rfc822;r7@example.org\r\n"
    )
    assert xtext("a+b=c d") == "a+2Bb+3Dc+20d"

"""The fault matrix over several lines: what breaks, where, in each way of speaking.

The oracle of every cell: what the server has read to its end and not refused is accepted, or in
doubt; nobody's message is read twice; each message taken has exactly one outcome; one broken line
costs at most one doubt, or as many as were written ahead on it.

One line alone, the greeting, EHLO, TLS and logins: ``test_smtp_faults``, ``test_smtp_tls``.
"""

import functools
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from flashback.config import RelayConfig
from flashback.errors import FlashbackError, RelayUnreachableError, TransportError
from flashback.model import Message, Outcome, Result
from flashback.smtp import Relay

from fixtures import letters
from fixtures.faulty import (
    Fault,
    FaultyServer,
    Talk,
    accented,
    drip,
    endless,
    fin,
    hang,
    instead,
    refuse,
    rst,
    then_close,
)
from fixtures.sending import Notes, clock, send_all

A, T, P, U, N = Result.ACCEPTED, Result.TEMPORARY, Result.PERMANENT, Result.UNKNOWN, Result.UNTRIED
WAYS = ("one by one", "pipelining", "chunking")
AHEAD = 4
#: What breaks the line, wherever it happens.
BREAKS: Mapping[str, Fault] = {
    "RST": rst,
    "FIN": fin,
    "hang": hang,
    "garbage": instead(b"<html>what?</html>"),
    "slow drip": drip,
    "half a reply": then_close(b"250-and so"),
    "ten megabytes": endless,
}
#: The steps that each way of speaking knows.
STEPS = ("mail", "rcpt", "data", "body", "dot-before", "dot", "rset", "quit")


@functools.cache
def letter(number: int, mailbox: str = "") -> Message:
    """The message of one reader."""
    return letters.message(number, mailbox=mailbox)


@dataclass(frozen=True)
class Mailed:
    """A mailing that is over, and the server's own view of it."""

    outcomes: Mapping[int, Outcome]
    error: FlashbackError | None
    server: FaultyServer
    taken: int  #: messages that the relay took off our hands
    width: int  #: messages in doubt that one broken line may cost

    def who(self, *results: Result) -> set[int]:
        """The readers with one of these outcomes."""
        return {reader for reader, o in self.outcomes.items() if o.result in results}

    def adds_up(self) -> None:
        """The oracle."""
        assert len(self.outcomes) == self.taken, "each message taken has one outcome"
        mailed = Counter(self.server.read) - Counter(self.server.refused)
        assert all(count == 1 for count in mailed.values()), "somebody was mailed twice"
        has_it = set(mailed)
        assert self.who(A) <= has_it, "called accepted, and is not"
        assert has_it <= self.who(A, U), "taken, and would be sent again"
        # A server that lies throughout strikes once before it is spoken to more slowly.
        assert len(self.who(U)) <= max(self.server.struck, 1) * self.width, "too many in doubt"


def relay(port: int, way: str, *, per_connection: int = 100, reports: bool = False) -> Relay:
    """Three lines to a server, with little patience."""
    config = RelayConfig(
        host="127.0.0.1",
        port=port,
        security="none",
        connect_seconds=2.0,
        command_seconds=0.3,
        final_dot_seconds=0.3,
        connections=3,
        messages_per_connection=per_connection,
        pipelining=way != "one by one",
        chunking=way == "chunking",
        ahead=AHEAD,
        delivery_reports=reports,
    )
    return Relay(config, None, clock, pause=lambda _seconds: None)


def mailed(
    server: FaultyServer,
    way: str,
    *,
    readers: int = 24,
    per_connection: int = 100,
    reports: bool = False,
    mailbox: str = "",
) -> Mailed:
    """Mail everybody, and hold the oracle against what came of it."""
    taken = 0

    def messages() -> Iterator[Message]:
        nonlocal taken
        for number in range(1, readers + 1):
            taken += 1
            yield letter(number, mailbox.format(number))

    notes = Notes()
    transport = relay(server.port, way, per_connection=per_connection, reports=reports)
    told, error = send_all(transport, messages(), notes)
    outcomes = {outcome.claim.subscriber_id: outcome for outcome in told}
    assert len(outcomes) == len(told), "somebody has two outcomes"
    done = Mailed(outcomes, error, server, taken, AHEAD if way == "chunking" else 1)
    done.adds_up()
    assert done.who(A, U) <= set(notes.let_through)
    return done


def cells() -> Iterator[tuple[str, str, str]]:
    """Every fault at every step in every way that knows this step."""
    for way in WAYS:
        for step in STEPS:
            if (way, step) == ("chunking", "data"):
                continue
            for fault in BREAKS:
                # A good answer before the end of the message is another matter.
                if not (step in {"body", "dot-before"} and fault == "ten megabytes"):
                    yield way, step, fault


@pytest.mark.parametrize(("way", "step", "fault"), list(cells()))
def test_two_lines_break_in_the_middle(way: str, step: str, fault: str) -> None:
    """Only who was on these lines pays, everybody else has the message, and the mailing ends."""
    server = FaultyServer(
        {step: BREAKS[fault]},
        # RSET is seldom said: once for each who was refused.
        due=lambda count: count in ({1, 2} if step == "rset" else {2, 5}),
        # After a refusal there is something to reset; RSET stands between chunked ones anyway.
        refused_readers=lambda reader: step == "rset" and reader % 5 == 0,
    )
    with server:
        done = mailed(server, way, per_connection=4 if step == "quit" else 100)
    assert done.error is None
    assert server.struck == 2
    refused, unsent = done.who(P), done.who(T, U)
    meant = {5, 10, 15, 20} if step == "rset" else set()
    assert refused <= meant <= refused | unsent
    assert done.who(A) | refused | unsent == set(range(1, 25))
    if step == "quit":
        assert not unsent
    elif way != "chunking" and step in {"mail", "rcpt", "rset"}:
        assert not done.who(T)
    assert len(unsent) <= 2 * done.width


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("step", ["mail", "rcpt", "data", "dot", "rset", "quit"])
def test_words_beyond_ascii(way: str, step: str) -> None:
    """A good answer in Latin-1 is a good answer."""
    with FaultyServer({step: accented}, refused_readers=lambda reader: reader == 2) as server:
        done = mailed(server, way)
    assert done.error is None
    assert done.who(P) == {2}
    assert len(done.who(A)) == 23


CODES = (421, 450, 451, 452, 550, 552, 554)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("step", ["rcpt", "data", "dot"])
@pytest.mark.parametrize("code", CODES)
def test_one_reader_is_refused_in_the_middle(way: str, step: str, code: int) -> None:
    """The one whom the answer is about is refused or deferred; it costs nobody else a thing."""
    if (way, step) == ("chunking", "data"):
        step = "dot"
    with FaultyServer({step: refuse(code)}, due=lambda count: count == 20) as server:
        done = mailed(server, way, readers=40)
    assert done.error is None
    assert server.struck == 1
    if code == 421 and step in {"rcpt", "data"}:
        # A line that has taken messages may say "so many and no more", which costs nobody. To a
        # fresh one it was said about this reader.
        assert len(done.who(T)) <= 1
        assert len(done.who(A)) + len(done.who(T)) == 40
        return
    meant = P if code >= 500 else T
    assert len(done.who(meant)) == 1
    (reader,) = done.who(meant)
    reply = done.outcomes[reader].reply
    assert reply is not None
    assert reply.code == code
    assert len(done.who(A)) == 39


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("code", CODES)
def test_mail_is_refused_in_the_middle(way: str, code: int) -> None:
    """A "not now" costs a line and nobody's delivery; a "never" is about us, and ends it tidily."""
    with FaultyServer({"mail": refuse(code)}, due=lambda count: count == 20) as server:
        done = mailed(server, way, readers=40)
    assert server.struck == 1
    assert not done.who(T, P)
    if code < 500:
        assert done.error is None
        assert len(done.who(A, U)) == 40
        assert code == 421 or not done.who(U)
    else:
        assert isinstance(done.error, TransportError)
        assert not isinstance(done.error, RelayUnreachableError)
        assert done.who(N)
        assert not done.who(U)


# Servers that do not what they offer -------------------------------------------------------------


def unheard(talk: Talk) -> bool:
    """What is sent ahead is thrown away, always."""
    return bool(talk.received)


@pytest.mark.parametrize("way", WAYS)
def test_pipelining_that_lies(way: str) -> None:
    """Offered, and then what comes ahead of an answer is dropped: it is spoken to more slowly."""
    with FaultyServer(is_deaf=unheard) as server:
        done = mailed(server, way)
    assert done.error is None
    assert len(done.who(A, U)) == 24
    assert len(done.who(U)) <= (AHEAD if way == "chunking" else 0)


def mute(_talk: Talk, _good: bytes) -> bool:
    """Do it, and say nothing."""
    return True


@pytest.mark.parametrize("way", ["pipelining", "chunking"])
def test_only_the_first_of_a_group_is_answered(way: str) -> None:
    """Whoever waits for the other answers waits in vain, once; nothing has left by then."""

    def rcpt(talk: Talk, good: bytes) -> bool:
        return mute(talk, good) if talk.received else instead(good)(talk, good)

    with FaultyServer({"rcpt": rcpt}) as server:
        done = mailed(server, way)
    assert done.error is None
    assert len(done.who(A, U)) >= 23  # the answer to DATA may pass for one about a reader


@pytest.mark.parametrize("code", [500, 502, 503])
@pytest.mark.parametrize("swallows", [True, False])
def test_chunking_that_lies(code: int, *, swallows: bool) -> None:
    """Offered, and then BDAT is not known: no reader is refused for it, and DATA does it."""

    def no(talk: Talk, good: bytes) -> bool:
        is_chunk = not good.startswith(b"250") or server.commands[-1][1].startswith(b"BDAT")
        if not is_chunk:
            return instead(good)(talk, good)
        return refuse(code)(talk, good)

    with FaultyServer({"dot": no}, swallows_chunks=swallows) as server:
        done = mailed(server, "chunking")
    assert done.error is None
    assert not done.who(P)
    assert len(done.who(A, U)) == 24
    assert len(done.who(U)) < AHEAD


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_offered(way: str) -> None:
    """Then nothing is asked for: no SIZE, no DSN, no PIPELINING, no BDAT, and seven bits."""
    with FaultyServer(offers=lambda _number: ()) as server:
        done = mailed(server, way, reports=True)
    assert done.error is None
    assert len(done.who(A)) == 24
    for _, command in server.commands:
        verb, *words = command.split()
        assert verb in {b"EHLO", b"MAIL", b"RCPT", b"DATA", b"QUIT"}
        assert verb in {b"EHLO", b"DATA", b"QUIT"} or len(words) == 1
    assert all(content.isascii() for content in server.contents)


@pytest.mark.parametrize("missing", [b"SIZE", b"8BITMIME", b"SMTPUTF8", b"DSN"])
@pytest.mark.parametrize("way", WAYS)
def test_one_extension_is_missing(way: str, missing: bytes) -> None:
    """What is not offered is not used, and the mail arrives all the same."""
    every = (b"SIZE 1000000", b"8BITMIME", b"SMTPUTF8", b"DSN", b"PIPELINING", b"CHUNKING")
    offers = tuple(offer for offer in every if not offer.startswith(missing))
    with FaultyServer(offers=lambda _number: offers) as server:
        done = mailed(server, way, reports=True)
    assert done.error is None
    assert len(done.who(A)) == 24
    said = b"\n".join(command for _, command in server.commands)
    used = {b"SIZE": b" SIZE=", b"DSN": b" NOTIFY=", b"SMTPUTF8": b" SMTPUTF8"}
    for extension, word in used.items():
        assert (word in said) is (extension not in {missing, b"SMTPUTF8"})


@pytest.mark.parametrize("way", WAYS)
def test_an_address_beyond_ascii_where_that_is_not_offered(way: str) -> None:
    """Those readers are refused unspoken; nobody else is."""
    offers = (b"SIZE 1000000", b"PIPELINING", b"CHUNKING")
    with FaultyServer(offers=lambda _number: offers) as server:
        done = mailed(server, way, mailbox="نادية-{}@example.org")
    assert done.error is None
    assert len(done.who(P)) == 24
    assert not server.read


@pytest.mark.parametrize("way", WAYS)
def test_offers_that_change_from_line_to_line(way: str) -> None:
    """Each line is spoken to by what was offered on it."""
    every = (b"SIZE 1000000", b"DSN", b"PIPELINING", b"CHUNKING")
    with FaultyServer(offers=lambda number: every[: number % 5]) as server:
        done = mailed(server, way, per_connection=4, reports=True)
    assert done.error is None
    assert len(done.who(A)) == 24
    assert server.connections >= 6
    for number, command in server.commands:
        offered = every[: number % 5]
        assert (b" SIZE=" not in command) or (every[0] in offered)
        assert (b" NOTIFY=" not in command) or (b"DSN" in offered)
        assert not command.startswith(b"BDAT") or (b"CHUNKING" in offered)

"""Relays with manners of their own: what they do costs no reader, and nobody hammers them."""

import re
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from flashback.config import RelayConfig
from flashback.errors import RelayUnreachableError, TransportError
from flashback.model import Message, Outcome, Result
from flashback.smtp import Host, Relays

from fixtures import certificates, letters
from fixtures.scripted import (
    Action,
    Peer,
    ScriptedServer,
    close,
    for_those,
    say,
)
from fixtures.sending import clock

A, T, P, N = Result.ACCEPTED, Result.TEMPORARY, Result.PERMANENT, Result.UNTRIED


def host(port: int, ca_file: Path | None = None, **changes: object) -> Host:
    """A relay on loopback, of little patience."""
    usual: dict[str, object] = {
        "host": "127.0.0.1", "port": port, "security": "none", "connections": 1,
        "connect_seconds": 2.0, "command_seconds": 2.0, "final_dot_seconds": 2.0,
    }  # fmt: skip
    config = RelayConfig(**{**usual, **changes})  # type: ignore[arg-type]
    password = (lambda: "secret") if "username" in changes else None
    return Host(config, password, clock, ca_file)


def readers(last: int, text: str = "") -> list[Message]:
    more = {"text": text} if text else {}
    return [letters.message(n, **more) for n in range(1, last + 1)]


def sent(
    messages: list[Message], *hosts: Host, seconds: float = 10.0, note: float = 0.0
) -> tuple[Counter[Result], TransportError | None]:
    """How many ended in which way; a run that does not end is a failure."""

    def before(_claims: object) -> None:
        time.sleep(note)

    outcomes: list[Outcome] = []
    began = time.monotonic()
    relays = Relays(hosts, pause=lambda wait: time.sleep(wait / 20))
    try:
        with relays.connected():
            for told in relays.send(iter(messages), before):
                outcomes += told
                assert time.monotonic() - began < seconds, "it goes on for ever"
    except TransportError as error:
        return Counter(outcome.result for outcome in outcomes), error
    assert len({one.claim.subscriber_id for one in outcomes}) == len(outcomes) == len(messages)
    return Counter(outcome.result for outcome in outcomes), None


def late(seconds: float, answer: bytes = b"250 2.0.0 ok") -> Action:
    def action(peer: Peer) -> bool:
        time.sleep(seconds)
        return say(answer)(peer)

    return action


# Large writes under TLS --------------------------------------------------------------------------


class Chunks:
    """Takes chunks under TLS through a small buffer; its first line may break after some."""

    def __init__(self, folder: Path, breaks_after: int | None) -> None:
        authority = certificates.authority()
        self.ca_file = authority.write(folder / "ca.pem")
        self._context = certificates.certificate("127.0.0.1", by=authority).server_context(folder)
        self._breaks_after = breaks_after
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(5)
        self.port = int(self._listener.getsockname()[1])
        self.took: list[int] = []
        self._lines = 0

    @contextmanager
    def serving(self) -> Iterator[None]:
        thread = threading.Thread(target=self._serve, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            thread.join(10)

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._lines += 1
                with (
                    suppress(OSError, EOFError),
                    connection,
                    self._context.wrap_socket(connection, server_side=True) as line,
                ):
                    self._talk(line, self._lines)

    def _talk(self, line: ssl.SSLSocket, number: int) -> None:  # noqa: C901 - a whole server
        def read(count: int) -> bytes:
            octets = b""
            while len(octets) < count:
                more = line.recv(min(4096, count - len(octets)))
                if not more:
                    raise EOFError
                octets += more
            return octets

        line.sendall(b"220 hello\r\n")
        taken = 0
        while True:
            said = b""
            while not said.endswith(b"\n"):
                said += read(1)
            if said.startswith(b"EHLO"):
                line.sendall(b"250-hello\r\n250-PIPELINING\r\n250 CHUNKING\r\n")
            elif said.startswith(b"QUIT"):
                line.sendall(b"221 bye\r\n")
                return
            elif said.startswith(b"BDAT"):
                found = re.search(rb"reader-(\d+)@", read(int(said.split()[1])))
                assert found is not None
                self.took.append(int(found[1]))
                taken += 1
                if number == 1 and taken == self._breaks_after:
                    line.close()
                    return
                if number > 1 or self._breaks_after is None:
                    line.sendall(b"250 ok\r\n")
            elif number > 1 or self._breaks_after is None:
                line.sendall(b"250 ok\r\n")


@pytest.mark.parametrize("breaks_after", [None, 3])
def test_large_messages_under_tls(tmp_path: Path, breaks_after: int | None) -> None:
    """Octets count as gone when they are: nobody gets two, and no 250 is taken for early."""
    server = Chunks(tmp_path, breaks_after)
    with server.serving():
        relay = host(
            server.port, server.ca_file, security="tls", chunking=True, ahead=16,
            command_seconds=5.0, final_dot_seconds=5.0,
        )  # fmt: skip
        results, error = sent(readers(16, "word " * 60_000), relay, seconds=30)
    assert error is None
    assert max(Counter(server.took).values()) == 1
    if breaks_after is None:
        assert results == {A: 16}
    else:
        assert results[A] + results[Result.UNKNOWN] == 16


# Relays that are busy ----------------------------------------------------------------------------


def test_a_word_behind_the_greeting() -> None:
    """A relay that adds a 421 to its answer is asked a few times, not thousands."""
    busy = say(b"250-relay.example.org\r\n250 HELP\r\n421 4.3.2 too busy, closing")
    with ScriptedServer({"ehlo": busy}) as server:
        results, error = sent(readers(1), host(server.port))
        assert server.connections < 10
    assert isinstance(error, RelayUnreachableError)
    assert results == {}


def test_a_relay_that_gives_one_line_only() -> None:
    """A line that was refused is not asked for again at once."""
    with ScriptedServer({"dot": late(0.03)}) as server:
        serve = server._serve

        def one(connection: socket.socket, number: int) -> None:
            if number == 1:
                serve(connection, number)
                return
            with connection:
                connection.sendall(b"421 4.7.0 too many connections from your address\r\n")

        server._serve = one  # type: ignore[method-assign]
        results, error = sent(readers(30), host(server.port, connections=5))
        assert server.connections <= 4
    assert error is None
    assert results == {A: 30}


def test_a_login_that_fails_later_is_not_tried_again() -> None:
    """An account is not locked by trying the same password a thousand times."""
    tries: list[int] = []

    def auth(peer: Peer) -> bool:
        tries.append(1)
        return say(b"235 ok" if len(tries) == 1 else b"535 5.7.8 too many failures")(peer)

    script = {"ehlo": say(b"250-r\r\n250 AUTH CRAM-MD5"), "auth": auth, "dot": late(0.03)}
    with ScriptedServer(script) as server:
        results, error = sent(readers(30), host(server.port, username="news", connections=5))
    assert error is None
    assert results == {A: 30}
    assert len(tries) == 2


@pytest.mark.parametrize(("stage", "good"), [("rcpt", b"250 ok"), ("data", b"354 go ahead")])
def test_a_polite_end_costs_nobody(stage: str, good: bytes) -> None:
    """So many messages on a line, then 421: the next one goes on a new line."""

    def action(peer: Peer) -> bool:
        verb = peer.commands[-1][:4]
        count = sum(command.startswith(verb) for command in peer.commands)
        return say(good if count < 4 else b"421 4.7.0 enough on this line")(peer)

    with ScriptedServer({stage: action}) as server:
        results, error = sent(readers(12), host(server.port))
    assert error is None
    assert results == {A: 12}


def test_a_polite_end_with_chunks_puts_nobody_in_doubt() -> None:
    """RFC 5321 section 3.8: what stands behind a 421 was not carried out."""
    listener = socket.create_server(("127.0.0.1", 0))

    def talk(connection: socket.socket) -> None:
        file = connection.makefile("rb")
        connection.sendall(b"220 hello\r\n")
        taken = 0
        for line in file:
            verb = line[:4].upper()
            if verb == b"EHLO":
                connection.sendall(b"250-hello\r\n250-PIPELINING\r\n250 CHUNKING\r\n")
            elif verb == b"MAIL" and taken == 10:
                connection.sendall(b"421 4.7.0 enough on this line\r\n")
                connection.shutdown(socket.SHUT_WR)
                file.read()
                break
            elif verb == b"QUIT":
                connection.sendall(b"221 bye\r\n")
                break
            else:
                if verb == b"BDAT":
                    file.read(int(line.split()[1]))
                    taken += 1
                connection.sendall(b"250 ok\r\n")
        file.close()
        connection.close()

    def serve() -> None:
        with suppress(OSError):
            while True:
                talk(listener.accept()[0])

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        port = int(listener.getsockname()[1])
        results, error = sent(readers(40), host(port, chunking=True))
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)
    assert error is None
    assert results == {A: 40}


def test_our_own_slowness_is_not_the_servers() -> None:
    """A note that takes longer than the server's deadline ends no line."""
    with ScriptedServer({"dot": late(0.1)}) as server:
        relay = host(server.port, command_seconds=0.4, final_dot_seconds=0.4)
        results, error = sent(readers(3), relay, note=0.6)
    assert error is None
    assert results == {A: 3}


# Refusals that are about us ----------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["rcpt", "dot"])
@pytest.mark.parametrize(
    "answer",
    [
        b"553 5.7.1 <b@example.org>: Sender address rejected: not owned by user news",
        b"554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied",
        b"554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using a list",
        b"504 5.5.2 <news>: Helo command rejected: need fully-qualified hostname",
        b"550 5.1.8 <b@example.org>: Sender address rejected: Domain not found",
        b"553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
        b"550 5.4.5 Daily user sending quota exceeded",
        b"552 5.3.4 Message size exceeds fixed limit",
        b"552 message too big",
        b"554 5.2.252 SendAsDenied; not allowed to send as letter@example.org",
    ],
)
def test_refusals_that_every_reader_would_get(stage: str, answer: bytes) -> None:
    """They stop the line, whatever enhanced code they bear; nobody is refused or deferred."""
    with ScriptedServer({stage: say(answer)}) as server:
        results, error = sent(readers(12), host(server.port))
    assert set(results) == {N}
    assert isinstance(error, TransportError)
    assert error.hint.source


def test_relay_denied_for_now() -> None:
    """Postfix's 454 for what it does not relay is no reader's fault either."""
    with ScriptedServer({"rcpt": say(b"454 4.7.1 Relay access denied")}) as server:
        results, error = sent(readers(12), host(server.port))
    assert set(results) == {N}
    assert isinstance(error, TransportError)


def test_who_was_held_back_for_us_is_tried_later() -> None:
    """When the next reader is taken after all, the one before her is deferred, not refused."""
    quota = b"550 5.4.5 Daily user sending quota exceeded"
    with ScriptedServer({"rcpt": for_those([b"reader-1@"], say(quota))}) as server:
        results, error = sent(readers(4), host(server.port))
    assert error is None
    assert results == {T: 1, A: 3}


def test_a_server_that_keeps_a_refused_message() -> None:
    """One that answers the next MAIL with 503 is told RSET, and blames nobody."""
    answers = [b"250 ok", b"554 5.7.1 no"]

    def dot(peer: Peer) -> bool:
        return say(answers.pop() if answers else b"250 ok")(peer)

    with ScriptedServer({"dot": dot}) as server:
        results, error = sent(readers(5), host(server.port))
        verbs = [command[:4].upper() for command in server.commands]
    assert error is None
    assert results == {P: 1, A: 4}
    assert b"RSET" in verbs


def test_the_last_reader_at_whom_every_line_breaks() -> None:
    """A relay that has taken others means her: she is deferred, and the mailing can end."""
    with ScriptedServer({"rcpt": for_those([b"reader-10@"], close)}) as server:
        results, error = sent(readers(10), host(server.port))
    assert error is None
    assert results == {A: 9, T: 1}


# Several relays ----------------------------------------------------------------------------------


def test_a_message_too_big_for_one_goes_to_the_other() -> None:
    """A relay's limit is its own; nobody turns in circles."""
    with (
        ScriptedServer({"ehlo": say(b"250-relay\r\n250 SIZE 1000")}) as small,
        ScriptedServer({}) as large,
    ):
        results, error = sent(readers(5), host(small.port, weight=2), host(large.port))
        assert len(large.taken) == 5
    assert error is None
    assert results == {A: 5}


def test_a_slow_relay_does_not_halt_the_other() -> None:
    """While one thinks about its first dot, the other takes what there is."""
    with ScriptedServer({"dot": late(3.0)}) as slow, ScriptedServer({}) as quick:
        relays = host(slow.port, final_dot_seconds=30.0), host(quick.port)
        results, error = sent(readers(30), *relays)
        assert len(quick.taken) == 29
    assert error is None
    assert results == {A: 30}


@pytest.mark.parametrize("offered", [True, False])
def test_letters_beyond_ascii_go_where_they_are_taken(offered: bool) -> None:  # noqa: FBT001
    """Whichever relay is asked first; when none takes them, they are refused."""
    words = b"250-relay\r\n250 SMTPUTF8" if offered else b"250 relay"
    people = [letters.message(n, mailbox=f"zoé-{n}@example.org") for n in range(1, 5)]
    with (
        ScriptedServer({"ehlo": say(b"250 relay")}) as plain,
        ScriptedServer({"ehlo": say(words)}) as other,
    ):
        results, error = sent(people, host(plain.port), host(other.port))
        assert plain.taken == []
    assert error is None
    assert results == {A if offered else P: 4}


def test_who_was_held_back_before_is_forgotten() -> None:
    """What an errand that was closed early knew of its readers is not told by the next one."""
    relays_denied = for_those([b"bad"], say(b"550 5.7.1 relaying denied"))
    with ScriptedServer({"rcpt": relays_denied}) as server:
        relays = Relays([host(server.port)])
        with relays.connected():
            bad = letters.message(1, mailbox="bad@example.org")
            first = relays.send(iter([bad, *readers(50)]), _unnoted)
            next(first)
            first.close()
        with relays.connected():
            outcomes = [one for told in relays.send(iter(readers(2)), _unnoted) for one in told]
    assert sorted(outcome.result for outcome in outcomes) == [A, A]


def _unnoted(_claims: object) -> None:
    """Nobody keeps notes here."""

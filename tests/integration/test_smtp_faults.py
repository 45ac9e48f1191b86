"""The fault matrix: whatever a server does at whatever stage, the outcome says what is known.

The oracle of each case: a message is "not accepted" only if the server never read its final dot or
said no to it; past the dot without a well-formed answer it is unknown.
"""

import datetime as dt
import socket
import time
from collections.abc import Callable, Iterator, Mapping

import pytest

from flashback.config import RelayConfig
from flashback.errors import LeaseLostError, RelayUnreachableError, StoreError, TransportError
from flashback.model import Claim, Message, Outcome, Result
from flashback.sentences import tr
from flashback.smtp import Relay
from flashback.smtp.dialogue import literal_of
from flashback.smtp.wire import octets

from fixtures import letters
from fixtures.scripted import (
    Action,
    Peer,
    ScriptedServer,
    close,
    drip,
    hang,
    reset,
    say,
    say_and_close,
)
from fixtures.sending import Notes, relay_to, send_all

T, P, U, A, N = Result.TEMPORARY, Result.PERMANENT, Result.UNKNOWN, Result.ACCEPTED, Result.UNTRIED
#: What breaks the line wherever it happens.
BREAKS: Mapping[str, Action] = {
    "close": close,
    "reset": reset,
    "hang": hang,
    "garbage": say(b"<html>what?</html>"),
    "half a reply": say_and_close(b"250-and so"),
    "slow drip": drip(b"250 " + b"o" * 60 + b"\r\n", 0.02),
    "3xx": say(b"355 what"),
}


def first_only(number: int) -> bool:
    """The first connection misbehaves, later ones do not."""
    return number == 1


def outcome_of(stage: str, action: Action, *, note: Notes | None = None) -> Outcome:
    """What comes of the first of two messages; the second must arrive on a sound line."""
    notes = note or Notes()
    with ScriptedServer({stage: action}, on=first_only) as server:
        messages = [letters.message(1), letters.message(2)]
        outcomes, error = send_all(relay_to(server.port), messages, notes)
    assert error is None
    assert [outcome.claim.subscriber_id for outcome in outcomes] == [1, 2]
    first, second = outcomes
    if second.result is not A:
        # The same connection still misbehaves: it was not broken.
        assert second.result is first.result
    dots = len(server.taken)
    if first.result in {T, N} and first.stage != "dot":
        assert dots == (second.result is A)
    assert first.at == letters.OPENED_AT
    assert first.host == "127.0.0.1"
    return first


@pytest.mark.parametrize("stage", ["mail", "rcpt"])
@pytest.mark.parametrize("fault", sorted(BREAKS))
def test_line_broken_before_anything_was_said_of_the_reader(stage: str, fault: str) -> None:
    """The same message goes again, on a new line: the reader does not pay."""
    outcome = outcome_of(stage, BREAKS[fault])
    assert (outcome.result, outcome.stage) == (A, "dot")


@pytest.mark.parametrize("answer", [b"503 5.5.1 Bad sequence", b"354 Go ahead"])
def test_an_answer_to_rcpt_that_makes_no_sense(answer: bytes) -> None:
    """A server that has lost its place says nothing of the reader: on a new line she is taken."""
    outcome = outcome_of("rcpt", say(answer))
    assert (outcome.result, outcome.stage) == (A, "dot")


@pytest.mark.parametrize("fault", BREAKS)
def test_line_broken_before_the_dot(fault: str) -> None:
    """Before the final dot nothing is accepted: try again later, on a new line."""
    outcome = outcome_of("data", BREAKS[fault])
    assert (outcome.result, outcome.stage) == (T, "data")
    assert outcome.detail


@pytest.mark.parametrize("fault", ["close", "reset"])
def test_line_broken_during_the_body(fault: str) -> None:
    """The whole message has left our hands: what the server read of it, nobody knows."""
    outcome = outcome_of("body", BREAKS[fault])
    assert (outcome.result, outcome.stage) == (U, "dot")


def test_server_speaks_during_the_body() -> None:
    """421 in place of an answer to the dot is an answer: not accepted, try again."""
    outcome = outcome_of("body", say_and_close(b"421 4.3.2 Shutting down"))
    assert outcome.result is T
    assert str(outcome.reply) == "421 4.3.2 Shutting down"


def test_server_speaks_before_it_has_the_message() -> None:
    """An answer that comes while we are still writing cannot mean that the message was taken."""
    message = letters.message(1, text=("x" * 70 + "\n") * 120_000)

    def speak(peer: Peer) -> bool:
        peer.say(b"250 2.0.0 Ok, thank you\r\n")
        return hang(peer)

    script = {"body": speak, "ehlo": say(b"250 relay")}
    with ScriptedServer(script, on=first_only) as server:
        (outcome,), error = send_all(relay_to(server.port), [message])
    assert error is None
    assert (outcome.result, outcome.stage) == (T, "body")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("action", "detail"),
    [(hang, "the server stopped reading"), (reset, "the connection was lost")],
)
def test_large_body(action: Action, detail: str) -> None:
    """More than the system buffers: the write itself fails, and has a deadline as well."""
    message = letters.message(1, text=("x" * 70 + "\n") * 120_000)
    with ScriptedServer({"body": action, "ehlo": say(b"250 relay")}) as server:
        (outcome,), error = send_all(relay_to(server.port), [message])
    assert error is None
    assert (outcome.result, outcome.stage) == (T, "body")
    assert outcome.detail == detail


@pytest.mark.parametrize("fault", BREAKS)
def test_line_broken_at_the_dot(fault: str) -> None:
    """After the dot only a well-formed answer tells: everything else is in doubt (RFC 1047)."""
    outcome = outcome_of("dot", BREAKS[fault])
    assert (outcome.result, outcome.stage) == (U, "dot")
    assert outcome.detail


@pytest.mark.parametrize(
    ("stage", "answer", "result"),
    [
        ("rcpt", b"421 4.7.0 Too busy", T),
        ("rcpt", b"450 4.2.0 Greylisted", T),
        ("rcpt", b"451 4.3.0 Local error", T),
        ("rcpt", b"452 4.2.2 Full", T),
        ("rcpt", b"550 5.1.1 No such user", P),
        ("rcpt", b"552 5.2.2 Full", P),
        ("rcpt", b"554 5.7.1 Policy", P),
        ("data", b"250 2.0.0 What?", T),
        ("data", b"421 4.7.0 Too busy", T),
        ("data", b"451 4.3.0 Local error", T),
        ("data", b"554 5.5.1 No", P),
        ("dot", b"250 2.0.0 Ok: queued as ABC", A),
        ("dot", b"252 Whatever", A),
        ("dot", b"421 4.7.0 Shutting down", T),
        ("dot", b"451 4.3.0 Local error", T),
        ("dot", b"452 4.3.1 No room", T),
        ("dot", b"550 5.7.1 Spam", P),
        ("dot", b"552 5.2.2 Full", P),
        ("dot", b"554-5.7.1 Long\r\n554 5.7.1 story", P),
        ("dot", b"554-5.7.1 Long\r\n250 2.0.0 lie", U),
    ],
)
def test_answers(stage: str, answer: bytes, result: Result) -> None:
    """A well-formed answer is taken at its word, and kept."""
    outcome = outcome_of(stage, say(answer))
    assert (outcome.result, outcome.stage) == (result, stage)
    if result is not U:
        assert outcome.reply is not None
        assert outcome.reply.code == int(answer[:3])
    assert outcome.queue_id == ("ABC" if b"ABC" in answer else "")


@pytest.mark.parametrize(
    ("stage", "answer", "sentence"),
    [
        ("mail", b"550 5.7.1 Sender unknown", "refuses our sender address bounce"),
        ("mail", b"552 5.3.4 Too big", "does not take messages of"),
        ("mail", b"530 5.7.0 Login first", "wants a login"),
        ("rcpt", b"530 5.7.0 STARTTLS first", "wants a login"),
    ],
)
def test_refusals_that_are_about_us(stage: str, answer: bytes, sentence: str) -> None:
    """They stop the line; no reader is refused, and the one in hand is given back."""
    with ScriptedServer({stage: say(answer)}) as server:
        outcomes, error = send_all(relay_to(server.port), [letters.message(1), letters.message(2)])
    assert [outcome.result for outcome in outcomes] == [N]
    assert isinstance(error, TransportError)
    assert sentence in str(error)
    assert error.hint.source


def test_message_over_the_limit_is_not_begun() -> None:
    """RFC 1870: a server that tells its limit is believed."""
    with ScriptedServer({"ehlo": say(b"250-relay\r\n250 SIZE 100")}) as server:
        outcomes, error = send_all(relay_to(server.port), [letters.message(1)])
    assert [outcome.result for outcome in outcomes] == [N]
    assert "does not take messages of" in str(error)
    assert [command[:4] for command in server.commands] == [b"EHLO", b"QUIT"]


def test_a_refused_reader_costs_the_next_one_nothing() -> None:
    """RSET comes before the next MAIL."""
    with ScriptedServer({"rcpt": say(b"550 5.1.1 No")}) as server:
        send_all(relay_to(server.port), [letters.message(1), letters.message(2)])
    verbs = [command.split()[0] for command in server.commands]
    assert verbs == [b"EHLO", b"MAIL", b"RCPT", b"RSET", b"MAIL", b"RCPT", b"QUIT"]


@pytest.mark.parametrize("answer", [close, say(b"421 4.7.0 Too many errors"), say(b"502 What?")])
def test_reset_refused_means_a_new_line(answer: Action) -> None:
    """And nobody is harmed by it."""
    script = {"rcpt": say(b"550 5.1.1 No"), "rset": answer}
    with ScriptedServer(script, on=first_only) as server:
        outcomes, error = send_all(relay_to(server.port), [letters.message(1), letters.message(2)])
    assert error is None
    assert [outcome.result for outcome in outcomes] == [P, A]
    assert server.connections == 2


@pytest.mark.parametrize("way", [say, say_and_close])
@pytest.mark.parametrize(
    "goodbye", [b"250 Ok\r\n421 4.4.2 Idle too long", b"250 Ok\r\n250 Ok", b"250 Ok\r\n25"]
)
def test_server_that_says_too_much(goodbye: bytes, way: Callable[[bytes], Action]) -> None:
    """An answer nobody asked for is never taken for the next reader's."""
    with ScriptedServer({"dot": way(goodbye)}, on=first_only) as server:
        outcomes, error = send_all(relay_to(server.port), [letters.message(1), letters.message(2)])
    assert error is None
    assert [outcome.result for outcome in outcomes] == [A, A]
    assert server.connections == 2


def test_two_answers_to_one_command() -> None:
    """A second answer in the same breath is not the answer to RCPT: again, on a new line."""
    outcome = outcome_of("mail", say(b"250 Ok\r\n550 5.1.1 Surprise"))
    assert (outcome.result, outcome.stage) == (A, "dot")


def test_server_that_hung_up_while_idle() -> None:
    """Between two messages nothing is lost: a new line, and no outcome says otherwise."""
    with ScriptedServer({"dot": say_and_close(b"250 Ok")}, on=first_only) as server:
        relay, notes = relay_to(server.port), Notes()
        with relay.connected():
            first = list(relay.send(iter([letters.message(1)]), notes))
            time.sleep(0.05)
            second = list(relay.send(iter([letters.message(2)]), notes))
    assert [o.result for told in first + second for o in told] == [A, A]


def test_relay_that_breaks_everything_is_given_up() -> None:
    """A relay that dies at every dot puts three in doubt, not an audience."""
    pauses: list[float] = []
    with ScriptedServer({"dot": close}) as server:
        outcomes, error = send_all(
            relay_to(server.port, pauses=pauses), [letters.message(n) for n in range(1, 11)]
        )
    assert [outcome.result for outcome in outcomes] == [U, U, U]
    assert isinstance(error, RelayUnreachableError)
    assert "breaks off" in str(error)
    assert pauses == [1.0, 5.0]


def test_relay_that_goes_away_is_given_up() -> None:
    """The message in hand is given back untried, after a bounded number of connections."""
    with ScriptedServer({}) as server:

        def messages() -> Iterator[Message]:
            yield letters.message(1)
            server.stop()
            yield letters.message(2)
            yield letters.message(3)

        outcomes, error = send_all(relay_to(server.port), messages())
    assert [outcome.result for outcome in outcomes] == [A, N]
    assert isinstance(error, RelayUnreachableError)
    assert "cannot be reached" in str(error)
    assert outcomes[1].stage == "connect"
    assert error.exit_code == 75


def test_lost_lease_takes_the_message_back() -> None:
    """Another sender has our claims now: no dot leaves, and the line is given up."""

    def refuse(_claim: Claim) -> None:
        raise LeaseLostError(tr("gone"))

    with ScriptedServer({}) as server:
        outcomes, error = send_all(
            relay_to(server.port), [letters.message(1), letters.message(2)], Notes(refuse)
        )
    assert isinstance(error, LeaseLostError)
    assert outcomes == []
    assert server.taken == []


def test_failing_note_stops_the_line_without_a_dot() -> None:
    """When the ledger cannot write, nothing leaves."""

    def fail(_claim: Claim) -> None:
        raise StoreError(tr("disk full"))

    with ScriptedServer({}) as server:
        outcomes, error = send_all(relay_to(server.port), [letters.message(1)], Notes(fail))
    assert outcomes == []
    assert isinstance(error, StoreError)
    assert server.taken == []


def test_closing_the_generator_hangs_up() -> None:
    """Who stops listening gets no further message sent."""
    with ScriptedServer({}) as server:
        relay = relay_to(server.port)
        with relay.connected():
            outcomes = relay.send((letters.message(n) for n in range(1, 4)), Notes())
            assert [outcome.result for outcome in next(filter(None, outcomes))] == [A]
            outcomes.close()
    assert len(server.taken) == 1
    assert server.commands[-1] != b"QUIT"


def test_the_note_comes_after_the_body_and_before_the_dot() -> None:
    """At the moment of the note the server has the body and not the dot."""
    seen: list[int] = []
    with ScriptedServer({}) as server:

        def look(_claim: Claim) -> None:
            time.sleep(0.05)
            seen.append(len(server.taken))

        outcomes, _ = send_all(relay_to(server.port), [letters.message(1)], Notes(look))
    assert seen == [0]
    assert [outcome.result for outcome in outcomes] == [A]
    assert server.taken == [octets(letters.message(1).content) + b".\r\n"]


def test_nobody_is_home() -> None:
    """Refused, unknown, or not SMTP: one error that names the place and says to try again."""
    with ScriptedServer({}) as server:
        pass
    _, error = send_all(relay_to(server.port), [])
    assert isinstance(error, RelayUnreachableError)
    assert f"127.0.0.1:{server.port}" in str(error)
    _, error = send_all(relay_to(25, host="x" * 70 + ".example"), [])
    assert isinstance(error, RelayUnreachableError)


@pytest.mark.parametrize(
    "fault", ["close", "reset", "hang", "garbage", "half a reply", "slow drip"]
)
@pytest.mark.parametrize("stage", ["greeting", "ehlo"])
def test_line_broken_at_the_opening(stage: str, fault: str) -> None:
    """Before any message: the relay cannot be reached, try again."""
    with ScriptedServer({stage: BREAKS[fault]}) as server:
        outcomes, error = send_all(relay_to(server.port), [letters.message(1)])
    assert outcomes == []
    assert isinstance(error, RelayUnreachableError)
    assert f"127.0.0.1:{server.port}" in str(error)


@pytest.mark.parametrize(
    ("stage", "answer", "unreachable"),
    [
        ("greeting", b"421 4.7.0 Too busy", True),
        ("greeting", b"554 5.7.1 Go away", False),
        ("ehlo", b"421 4.7.0 Too busy", True),
        ("ehlo", b"554 5.7.1 Go away", False),
        ("ehlo", b"502 5.5.1 Neither this nor HELO", False),
    ],
)
def test_turned_away_at_the_door(stage: str, answer: bytes, *, unreachable: bool) -> None:
    """A 4yz may work later, a 5yz is for a person to settle."""
    with ScriptedServer({stage: say(answer)}) as server:
        _, error = send_all(relay_to(server.port), [])
    assert isinstance(error, TransportError)
    assert isinstance(error, RelayUnreachableError) is unreachable


def test_old_server_is_greeted_with_helo() -> None:
    """RFC 5321 section 3.2."""
    answers = iter([b"502 5.5.1 Unknown", b"250 relay"])

    def ehlo(peer: Peer) -> bool:
        return say(next(answers))(peer)

    with ScriptedServer({"ehlo": ehlo}) as server:
        outcomes, _ = send_all(relay_to(server.port), [letters.message(1)])
    assert [outcome.result for outcome in outcomes] == [A]
    assert server.commands[2].startswith(b"MAIL FROM:<bounce+1001-")
    assert server.commands[2].endswith(b"@example.org>")


@pytest.mark.parametrize(
    ("setting", "machine", "expected"),
    [
        ("mail.example.org", "vm.example.org", b"EHLO mail.example.org"),
        ("", "vm.example.org", b"EHLO vm.example.org"),
        ("", "vm", b"EHLO [127.0.0.1]"),
    ],
)
def test_our_name(
    setting: str, machine: str, expected: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As set; else a full host name, or the IP address of the line (RFC 5321 section 4.1.3)."""
    monkeypatch.setattr("socket.gethostname", lambda: machine)
    with ScriptedServer({}) as server:
        send_all(relay_to(server.port, helo_name=setting), [])
    assert server.commands[0] == expected
    assert literal_of("fe80::1%eth0") == "[IPv6:fe80::1]"


def test_connecting_has_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that drops packets is told from one that says no."""

    def silent(*_arguments: object, **_more: object) -> socket.socket:
        raise TimeoutError

    monkeypatch.setattr("socket.create_connection", silent)
    _, error = send_all(relay_to(2525), [])
    assert isinstance(error, RelayUnreachableError)
    assert "nobody answered in time" in str(error)


def test_outcomes_are_dated_by_the_clock_on_the_wall() -> None:
    """Unless another clock is handed over."""
    with ScriptedServer({}) as server:
        relay = Relay(RelayConfig(host="127.0.0.1", port=server.port, security="none"))
        (outcome,), _ = send_all(relay, [letters.message(1)])
    assert outcome.at.utcoffset() == dt.timedelta(0)
    assert abs(outcome.at - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)


def test_a_new_line_after_so_many_messages() -> None:
    """Parted from politely, so that the server keeps no grudge."""
    with ScriptedServer({}) as server:
        relay = relay_to(server.port, messages_per_connection=2)
        outcomes, _ = send_all(relay, [letters.message(n) for n in range(1, 6)])
    assert [outcome.result for outcome in outcomes] == [A] * 5
    assert server.connections == 3
    assert server.commands.count(b"QUIT") == 3


def test_server_that_does_not_part_politely() -> None:
    """An answer to QUIT is a courtesy."""
    with ScriptedServer({"quit": close}) as server:
        outcomes, error = send_all(relay_to(server.port), [letters.message(1)])
    assert error is None
    assert [outcome.result for outcome in outcomes] == [A]


@pytest.mark.parametrize("offered", [b"250-relay\r\n250 SMTPUTF8", b"250 relay"])
def test_addresses_beyond_ascii(offered: bytes) -> None:
    """Sent with SMTPUTF8 where the relay takes it (RFC 6531), refused unspoken elsewhere."""
    with ScriptedServer({"ehlo": say(offered)}) as server:
        outcomes, error = send_all(
            relay_to(server.port), [letters.message(1, mailbox="نادية@example.org")]
        )
    assert error is None
    if b"SMTPUTF8" in offered:
        assert [outcome.result for outcome in outcomes] == [A]
        assert server.commands[1].endswith(b"BODY=8BITMIME SMTPUTF8")
        assert "RCPT TO:<نادية@example.org>".encode() in server.commands
    else:
        assert [(outcome.result, outcome.stage) for outcome in outcomes] == [(P, "rcpt")]
        assert [command[:4] for command in server.commands] == [b"EHLO", b"QUIT"]


def test_a_command_is_one_line() -> None:
    """An address that holds a line end would be a second command."""
    message = letters.message(1)
    envelope = message.envelope._replace(recipient="a@example.org>\r\nRSET")
    with ScriptedServer({}) as server, pytest.raises(ValueError, match="one line"):
        send_all(relay_to(server.port), [message._replace(envelope=envelope)])
    assert b"RSET" not in server.commands

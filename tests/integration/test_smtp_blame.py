"""Whose fault it is: nothing before the answer to RCPT is about a reader, and no reader blocks all.

A relay's limits cost time and nobody's delivery; one address that a relay will not relay for is
told from a relay that will not relay.
"""

from collections.abc import Iterable, Sequence

import pytest

from flashback.errors import FlashbackError, RelayUnreachableError, TransportError
from flashback.model import Message, Outcome, Result
from flashback.smtp import is_dead_address

from fixtures import letters
from fixtures.scripted import (
    Action,
    ScriptedServer,
    close,
    for_those,
    from_the,
    in_turn,
    reset,
    say,
    say_and_close,
)
from fixtures.sending import Notes, relay_to, send_all

T, P, A, N = Result.TEMPORARY, Result.PERMANENT, Result.ACCEPTED, Result.UNTRIED
DENIED = say(b"554 5.7.1 Relay access denied")


def readers(last: int, *, bad: Iterable[int] = ()) -> list[Message]:
    """Readers 1 to ``last``; the mailbox of a bad one begins with "bad"."""
    chosen = set(bad)
    return [
        letters.message(n, mailbox=f"{'bad' if n in chosen else 'good'}-{n}@example.org")
        for n in range(1, last + 1)
    ]


def results(outcomes: Sequence[Outcome]) -> dict[int, Result]:
    """What came of each reader, by number; nobody has two outcomes."""
    found = {outcome.claim.subscriber_id: outcome.result for outcome in outcomes}
    assert len(found) == len(outcomes)
    return found


def unreachable(error: FlashbackError | None, words: str) -> None:
    """The line was stopped, to go on later, and says why."""
    assert isinstance(error, RelayUnreachableError)
    assert words in str(error)
    assert error.hint.source


@pytest.mark.parametrize(
    ("stage", "action"),
    [
        ("mail", say_and_close(b"421 4.7.0 Too many messages on this connection")),
        ("mail", say(b"450 4.7.1 Too many messages on this connection")),
        ("mail", say(b"355 what")),
        ("mail", close),
        ("mail", reset),
        ("rcpt", close),
        ("rcpt", reset),
    ],
)
def test_a_line_has_a_limit_of_its_own(stage: str, action: Action) -> None:
    """At every 4th message the relay wants a new line: it gets one, at once, and nobody pays."""
    pauses: list[float] = []
    with ScriptedServer({stage: from_the(4, action)}) as server:
        notes = Notes()
        outcomes, error = send_all(relay_to(server.port, pauses=pauses), readers(12), notes)
    assert error is None
    assert [outcome.claim.subscriber_id for outcome in outcomes] == list(range(1, 13))
    assert set(results(outcomes).values()) == {A}
    assert notes.let_through == list(range(1, 13))
    assert len(server.taken) == 12
    assert server.connections == 4
    assert not any(pauses)


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (say(b"450 4.7.1 Rate limit"), "450 4.7.1 Rate limit"),
        (say(b"452 4.3.1 No room"), "452 4.3.1 No room"),
        (say_and_close(b"421 4.7.0 Too busy"), "421 4.7.0 Too busy"),
        (say(b"355 what"), "breaks off"),
        (close, "breaks off"),
    ],
)
def test_not_now_to_every_mail(action: Action, words: str) -> None:
    """Our rate is limited, not a reader: three lines, then the rest is for later."""
    pauses: list[float] = []
    with ScriptedServer({"mail": action}) as server:
        outcomes, error = send_all(relay_to(server.port, pauses=pauses), readers(5))
    unreachable(error, words)
    assert results(outcomes) == {1: N}
    assert outcomes[0].stage == "mail"
    assert outcomes[0].detail
    assert server.connections == 3
    assert pauses == [1.0, 5.0]
    assert server.taken == []


def test_not_now_in_the_middle() -> None:
    """Who was sent is sent; who was not is planned; nobody is deferred."""
    with ScriptedServer(
        {"mail": for_those([b"SIZE"], say(b"450 4.7.1 Rate limit"))}, on=lambda number: number > 1
    ) as server:
        relay = relay_to(server.port, messages_per_connection=3)
        outcomes, error = send_all(relay, readers(9))
    unreachable(error, "450 4.7.1 Rate limit")
    assert results(outcomes) == {1: A, 2: A, 3: A, 4: N}


def test_a_not_now_is_parted_from_politely() -> None:
    """The line is sound, so the relay hears QUIT."""
    with ScriptedServer({"mail": say(b"450 4.7.1 Later")}, on=lambda number: number == 1) as server:
        outcomes, error = send_all(relay_to(server.port), readers(1))
    assert error is None
    assert results(outcomes) == {1: A}
    assert server.commands.count(b"QUIT") == 2


def test_relay_gone_between_two_tries() -> None:
    """One outcome, not two, for a message whose second try finds nobody."""
    with ScriptedServer({"mail": close, "greeting": say(b"220 hello")}) as server:
        relay = relay_to(server.port, between_lines=server.stop)
        outcomes, error = send_all(relay, readers(2))
    unreachable(error, "cannot be reached")
    assert results(outcomes) == {1: N}


@pytest.mark.parametrize("bad", [{1}, {1, 2}, {2}, {1, 3}, {4}, {2, 4}])
@pytest.mark.parametrize(
    "answer", [b"554 5.7.1 Relay access denied", b"550 5.1.1 relay not permitted"]
)
def test_relay_denied_for_some_readers_only(bad: set[int], answer: bytes) -> None:
    """They are refused, all others get their mail, and no address is called dead."""
    with ScriptedServer({"rcpt": for_those([b"bad"], say(answer))}) as server:
        outcomes, error = send_all(relay_to(server.port), readers(5, bad=bad))
    assert error is None
    assert results(outcomes) == {n: P if n in bad else A for n in range(1, 6)}
    for outcome in outcomes:
        assert outcome.reply is not None
        if outcome.result is P:
            assert (outcome.stage, outcome.detail) == ("rcpt", "")
            assert str(outcome.reply) == answer.decode()
            assert not is_dead_address(outcome.reply)


def test_one_that_was_taken_at_rcpt_is_enough() -> None:
    """Whatever comes of the message itself afterwards."""
    script = {"rcpt": for_those([b"bad"], DENIED), "dot": say(b"451 4.3.0 Later")}
    with ScriptedServer(script) as server:
        outcomes, error = send_all(relay_to(server.port), readers(3, bad={1, 3}))
    assert error is None
    assert results(outcomes) == {1: P, 2: T, 3: P}


def test_the_outcome_past_the_dot_comes_first() -> None:
    """What was held back waits until the message past the dot has its outcome."""
    with ScriptedServer({"rcpt": for_those([b"bad"], DENIED)}) as server:
        outcomes, _ = send_all(relay_to(server.port), readers(4, bad={1, 2}))
    assert [outcome.claim.subscriber_id for outcome in outcomes] == [3, 1, 2, 4]


@pytest.mark.parametrize(("size", "heard"), [(1, 1), (2, 2), (3, 3), (9, 3)])
def test_relay_denied_for_everybody(size: int, heard: int) -> None:
    """Three of three, or all there are: it is about us; nobody is refused, and the line stops."""
    with ScriptedServer({"rcpt": DENIED}) as server:
        outcomes, error = send_all(relay_to(server.port), readers(size))
    assert isinstance(error, TransportError)
    assert not isinstance(error, RelayUnreachableError)
    assert "passes on no mail for us" in str(error)
    assert error.hint.source
    assert results(outcomes) == dict.fromkeys(range(1, heard + 1), N)


def test_other_refusals_prove_nothing() -> None:
    """A greylisted or unknown reader in between does not show that the relay relays."""
    answers = in_turn(b"554 Relay access denied", b"450 Greylisted", b"550 5.1.1 Unknown")
    with ScriptedServer({"rcpt": answers}) as server:
        outcomes, error = send_all(relay_to(server.port), readers(3))
    assert "passes on no mail for us" in str(error)
    assert results(outcomes) == {1: N, 2: T, 3: P}


@pytest.mark.parametrize("answer", [b"530 5.7.0 STARTTLS first", b"538 5.7.11 Encrypt"])
def test_login_wanted_stops_at_once(answer: bytes) -> None:
    """There is no doubt about whom this is; what was held back is untried as well."""
    with ScriptedServer({"rcpt": say(answer)}) as server:
        outcomes, error = send_all(relay_to(server.port), readers(3))
    assert "wants a login" in str(error)
    assert results(outcomes) == {1: N}
    with ScriptedServer({"rcpt": in_turn(b"554 Relay access denied", answer)}) as server:
        outcomes, error = send_all(relay_to(server.port), readers(3))
    assert "wants a login" in str(error)
    assert results(outcomes) == {1: N, 2: N}


def test_a_reader_at_whom_every_line_breaks() -> None:
    """Tried on three lines, then held back: the others get their mail, this one waits."""
    with ScriptedServer({"rcpt": for_those([b"bad"], close)}) as server:
        outcomes, error = send_all(relay_to(server.port), readers(4, bad={2}))
    assert error is None
    assert results(outcomes) == {1: A, 2: T, 3: A, 4: A}
    held = next(outcome for outcome in outcomes if outcome.result is T)
    assert (held.stage, held.detail) == ("rcpt", "the server closed the connection")


@pytest.mark.parametrize("size", [1, 2, 9])
def test_every_line_breaks_at_every_reader(size: int) -> None:
    """That is the relay's fault: all of them are untried."""
    with ScriptedServer({"rcpt": close}) as server:
        outcomes, error = send_all(relay_to(server.port), readers(size))
    unreachable(error, "breaks off")
    assert results(outcomes) == dict.fromkeys(range(1, min(size, 3) + 1), N)
    assert server.connections == 2 + min(size, 3)


def test_held_back_when_the_relay_gives_up() -> None:
    """Every message begun has its outcome, whichever way the line ends."""
    script = {"rcpt": for_those([b"bad"], DENIED), "mail": from_the(2, close)}
    with ScriptedServer(script, on=lambda number: number == 1) as server:
        relay = relay_to(server.port, between_lines=server.stop)
        outcomes, error = send_all(relay, readers(3, bad={1}))
    unreachable(error, "cannot be reached")
    assert results(outcomes) == {1: N, 2: N}

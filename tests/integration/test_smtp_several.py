"""Several lines to several relays: as fast as they allow, and nobody lost between them."""

import datetime as dt
import itertools
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from flashback.config import RelayConfig
from flashback.errors import RelayUnreachableError, TransportError
from flashback.model import Message, Outcome, Result
from flashback.smtp import Host, Relays

from fixtures import letters
from fixtures.scripted import (
    Action,
    Peer,
    ScriptedServer,
    close,
    for_those,
    from_the,
    say,
    say_and_close,
)
from fixtures.sending import Notes, clock, relay_to

PIPELINING = say(b"250-relay\r\n250-SIZE 0\r\n250 PIPELINING")
A = Result.ACCEPTED
LONG_AGO = dt.datetime(1982, 8, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Wait:
    """Nothing may leave for so many seconds."""

    seconds: float


def readers(last: int) -> Iterator[Message]:
    """Messages to readers 1 to ``last``; every seventh is "bad"."""
    for n in range(1, last + 1):
        yield letters.message(n, mailbox=f"{'bad' if n % 7 == 0 else 'good'}-{n}@example.org")


def relays(*servers: ScriptedServer, weights: tuple[int, ...] = (), lines: int = 2) -> Relays:
    """Those servers as relays that we never wait for long."""
    return Relays(
        [
            Host(
                RelayConfig(
                    host="127.0.0.1",
                    port=server.port,
                    security="none",
                    connections=lines,
                    connect_seconds=0.5,
                    command_seconds=0.5,
                    final_dot_seconds=0.5,
                    weight=weight,
                ),
                None,
                clock,
                None,
            )
            for server, weight in zip(servers, weights or (1,) * len(servers), strict=True)
        ],
        pause=lambda _seconds: None,
    )


def send(
    transport: Relays, messages: Iterator[Message | Wait], notes: Notes | None = None
) -> tuple[list[Outcome], TransportError | None]:
    """Every outcome, and the error at the end."""
    outcomes = list[Outcome]()
    try:
        with transport.connected():
            for told in transport.send(messages, notes or Notes()):
                outcomes += told
    except TransportError as error:
        return outcomes, error
    return outcomes, None


def numbers(outcomes: list[Outcome], result: Result = A) -> list[int]:
    """Who had this result, sorted; with repetitions, if there were any."""
    return sorted(o.claim.subscriber_id for o in outcomes if o.result is result)


def taken(*servers: ScriptedServer) -> list[int]:
    """Whose message a server has read to its dot, sorted."""
    found = [body for server in servers for body in server.taken]
    return sorted(int(re.findall(rb"-(\d+)@example", body)[0]) for body in found)


@pytest.mark.parametrize("ehlo", [PIPELINING, say(b"250 relay")])
def test_refusals_on_many_lines(ehlo: Action) -> None:
    """Each refused reader is refused, and every other one gets one message, on whatever line."""
    script = {"ehlo": ehlo, "rcpt": for_those([b"bad"], say(b"550 5.1.1 No such user"))}
    with ScriptedServer(script) as server:
        outcomes, error = send(relay_to(server.port, connections=4), readers(60))
    good = [n for n in range(1, 61) if n % 7]
    assert error is None
    assert numbers(outcomes) == taken(server) == good
    assert numbers(outcomes, Result.PERMANENT) == [n for n in range(1, 61) if not n % 7]
    assert server.connections > 1


def test_one_line_until_the_relay_has_shown_itself() -> None:
    """Two messages need one line."""
    with ScriptedServer({}) as server:
        outcomes, _ = send(relay_to(server.port, connections=10), readers(2))
    assert numbers(outcomes) == [1, 2]
    assert server.connections == 1


def test_lines_work_at_the_same_time() -> None:
    """Five lines to a slow relay take a fraction of the time of one."""

    def slowly(peer: Peer) -> bool:
        time.sleep(0.05)
        return say(b"250 2.0.0 Ok")(peer)

    took = []
    for lines in (1, 5):
        with ScriptedServer({"dot": slowly}) as server:
            began = time.monotonic()
            outcomes, error = send(relay_to(server.port, connections=lines), readers(20))
            took.append(time.monotonic() - began)
        assert error is None
        assert len(outcomes) == 20
    assert took[1] < took[0] / 2


def test_a_relay_that_allows_two_lines_gets_two() -> None:
    """More than it allows is no fault of anybody."""
    full = say_and_close(b"421 4.7.0 Too many connections")
    with ScriptedServer({"greeting": full}, on=lambda number: number > 2) as server:
        outcomes, error = send(relay_to(server.port, connections=5), readers(40))
    assert error is None
    assert len(outcomes) == 40
    assert numbers(outcomes) == taken(server)


@pytest.mark.parametrize("ehlo", [PIPELINING, say(b"250 relay")])
@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "dot"])
def test_lines_that_break_in_the_middle(ehlo: Action, stage: str) -> None:
    """Whoever's line broke is tried again, deferred, or in doubt: nobody twice, nobody lost."""
    script = {"ehlo": ehlo, stage: _every_ninth(stage)}
    with ScriptedServer(script) as server:
        notes = Notes()
        outcomes, error = send(relay_to(server.port, connections=3), readers(60), notes)
    assert error is None
    assert sorted(o.claim.subscriber_id for o in outcomes) == list(range(1, 61))
    accepted, doubt = set(numbers(outcomes)), set(numbers(outcomes, Result.UNKNOWN))
    read = {n for n in range(1, 61) if _count(server, n)}
    assert all(_count(server, n) <= 1 for n in range(1, 61))
    assert accepted <= read <= accepted | doubt
    assert accepted | doubt <= set(notes.let_through)
    assert bool(doubt) is (stage == "dot")


def _every_ninth(stage: str) -> Action:
    """Close at the ninth of its kind on a line."""
    good = b"354 Go ahead" if stage == "data" else b"250 2.0.0 Ok"
    counts: Counter[int] = Counter()

    def act(peer: Peer) -> bool:
        counts[id(peer)] += 1
        return close(peer) if counts[id(peer)] == 9 else say(good)(peer)

    return act


def _count(server: ScriptedServer, number: int) -> int:
    return sum(f"-{number}@example.org".encode() in body for body in server.taken)


def test_the_other_relay_takes_over() -> None:
    """A relay that breaks off and lets nobody in again leaves its readers to the other."""
    doors = iter([say(b"220 welcome"), *[close] * 20])

    def greet(peer: Peer) -> bool:
        return next(doors)(peer)

    script: dict[str, Action] = {"greeting": greet, "mail": from_the(4, close)}
    with ScriptedServer(script) as first, ScriptedServer({}) as second:
        outcomes, error = send(relays(first, second), readers(40))
    assert error is None
    assert numbers(outcomes) == list(range(1, 41))
    assert (len(first.taken), len(second.taken)) == (3, 37)


def test_a_relay_that_is_not_there() -> None:
    """One that lets us in is enough."""
    with ScriptedServer({}) as gone:
        pass
    with ScriptedServer({}) as server:
        outcomes, error = send(relays(gone, server, weights=(9, 1)), readers(10))
    assert error is None
    assert numbers(outcomes) == list(range(1, 11))


def test_no_relay_is_left() -> None:
    """Then it is said why, and nobody was tried."""
    with ScriptedServer({"mail": close}) as first, ScriptedServer({"mail": close}) as second:
        outcomes, error = send(relays(first, second), readers(20))
    assert isinstance(error, RelayUnreachableError)
    assert {outcome.result for outcome in outcomes} == {Result.UNTRIED}
    assert first.connections >= 3
    assert second.connections >= 3


def test_relays_get_their_share() -> None:
    """Messages are given out by weight."""
    with ScriptedServer({}) as first, ScriptedServer({}) as second:
        outcomes, error = send(relays(first, second, weights=(3, 1), lines=1), readers(200))
    assert error is None
    assert len(outcomes) == 200
    assert 2 <= len(first.taken) / len(second.taken) <= 4


def test_somebody_refused_here_is_not_asked_for_there() -> None:
    """A refusal is an answer: the other relay is not tried."""
    refuse = {"rcpt": for_those([b"bad"], say(b"550 5.1.1 No such user"))}
    with ScriptedServer(refuse) as first, ScriptedServer(refuse) as second:
        outcomes, error = send(relays(first, second), readers(28))
    assert error is None
    assert numbers(outcomes, Result.PERMANENT) == [7, 14, 21, 28]


def test_waiting_is_not_sleeping() -> None:
    """While nothing may leave, the caller hears from us at least twice a second."""

    def messages() -> Iterator[Message | Wait]:
        yield letters.message(1)
        yield Wait(0.7)
        yield Wait(0.3)
        yield letters.message(2)

    with ScriptedServer({}) as server:
        relay, heard, outcomes = relay_to(server.port), [time.monotonic()], list[Outcome]()
        began = heard[0]
        with relay.connected():
            for told in relay.send(messages(), Notes()):
                heard.append(time.monotonic())
                outcomes += told
    assert numbers(outcomes) == [1, 2]
    assert heard[-1] - began >= 1.0
    assert max(b - a for a, b in itertools.pairwise(heard)) < 0.6


@dataclass
class Dripping:
    """A gate that lets one message through every ``every`` seconds."""

    every: float
    opens: dt.datetime = LONG_AGO

    def wait(self, now: dt.datetime) -> float:
        return max((self.opens - now).total_seconds(), 0.0)

    def spend(self, now: dt.datetime) -> None:
        assert not self.wait(now)
        self.opens = now + dt.timedelta(seconds=self.every)


def gated(server: ScriptedServer, gate: Dripping | None) -> Host:
    config = RelayConfig(host="127.0.0.1", port=server.port, security="none")
    return Host(config, None, lambda: dt.datetime.now(dt.UTC), None, gate=gate)


def test_a_pace_of_its_own() -> None:
    """A relay gets no more than its gate lets through, on however many lines."""
    with ScriptedServer({}) as server:
        transport = Relays([gated(server, Dripping(0.1))])
        began = time.monotonic()
        outcomes, error = send(transport, readers(6))
        took = time.monotonic() - began
    assert error is None
    assert len(outcomes) == 6
    assert 0.5 <= took < 2


def test_a_slow_gate_holds_up_no_other_relay() -> None:
    """While one relay may have no more, the other takes what there is."""
    with ScriptedServer({}) as slow, ScriptedServer({}) as quick:
        transport = Relays([gated(slow, Dripping(60)), gated(quick, None)])
        began = time.monotonic()
        outcomes, error = send(transport, readers(40))
        took = time.monotonic() - began
    assert error is None
    assert [outcome.result for outcome in outcomes] == [A] * 40
    assert took < 5

"""The loop, on a ledger and a transport in memory."""

import datetime as dt
import json
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest

from flashback.dispatch import Line, dispatch, line_of, plan
from flashback.dispatch.ports import BeforeFinalDot, Ledger, Transport
from flashback.errors import RelayUnreachableError, StoreError
from flashback.model import (
    Claim,
    DeliveryState,
    Envelope,
    MailingState,
    Message,
    Outcome,
    Reply,
    Result,
    Settlement,
    Subscriber,
    SubscriberStatus,
)
from flashback.sentences import tr
from flashback.testing import FrozenClock, MemoryLedger, MemoryTransport, address

from samples import edition

S = DeliveryState


def build(claim: Claim) -> Message:
    return Message(
        claim=claim,
        envelope=Envelope(sender="b@example.org", recipient=claim.address.mailbox),
        message_id=f"{claim.subscriber_id}@example.org",
        content=b"Subject: x\r\n\r\nx\r\n",
    )


def no_address_is_dead(_reply: Reply) -> bool:
    return False


@dataclass
class Bench:
    """A line in memory with ``size`` readers and an open mailing."""

    size: int = 5
    script: Callable[[Message], Result | Exception] = lambda _message: Result.ACCEPTED
    clock: FrozenClock = field(default_factory=FrozenClock)
    told: list[Settlement] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ledger = MemoryLedger(
            readers={
                n: Subscriber(
                    id=n,
                    address=address(f"reader{n}@example.org"),
                    status=SubscriberStatus.CONFIRMED,
                )
                for n in range(1, self.size + 1)
            }
        )
        self.transport = MemoryTransport(clock=self.clock, script=self.script)
        readers = [(n, "fr") for n in self.ledger.readers]
        opened = self.ledger.open(plan([edition("fr")], readers, fallback="fr"), self.clock.now())
        self.mailing = opened.id

    @property
    def line(self) -> Line:
        return Line(
            ledger=self.ledger,
            transport=self.transport,
            build=build,
            clock=self.clock,
            owner="me",
            is_dead_address=no_address_is_dead,
            window=2,
            tell=self.told.append,
            pause=self.pauses.append,
        )

    def got(self) -> list[str]:
        return [message.envelope.recipient for message in self.transport.accepted]


def test_the_fakes_fit_the_ports() -> None:
    """What is in memory can stand wherever the real one stands (checked by the type checker)."""
    ledger: Ledger = MemoryLedger()
    transport: Transport = MemoryTransport()
    assert ledger is not None
    assert transport is not None


def test_everybody_gets_it_once() -> None:
    """All planned deliveries are accepted, in windows, and the mailing is finished."""
    bench = Bench()
    account = dispatch(bench.line, bench.mailing)
    assert account[S.ACCEPTED] == account.audience == 5
    assert sorted(bench.got()) == [f"reader{n}@example.org" for n in range(1, 6)]
    assert bench.ledger.mailing(bench.mailing).state is MailingState.FINISHED
    assert len(bench.told) == 5


def test_a_second_run_sends_nothing() -> None:
    """Dispatching a finished mailing again repeats nobody."""
    bench = Bench()
    dispatch(bench.line, bench.mailing)
    dispatch(bench.line, bench.mailing)
    assert len(bench.got()) == 5


def test_limit_ends_the_run_and_leaves_the_rest_planned() -> None:
    """A limit counts deliveries tried in this run."""
    bench = Bench()
    account = dispatch(bench.line, bench.mailing, limit=3)
    assert (account[S.ACCEPTED], account[S.PLANNED]) == (3, 2)
    assert bench.ledger.mailing(bench.mailing).state is MailingState.OPEN


def test_who_leaves_before_their_turn_is_skipped() -> None:
    """Someone who leaves between planning and sending gets no mail."""
    bench = Bench()
    leaver = bench.ledger.readers[4]
    bench.ledger.readers[4] = replace(leaver, status=SubscriberStatus.UNSUBSCRIBED)
    account = dispatch(bench.line, bench.mailing)
    assert (account[S.ACCEPTED], account[S.SKIPPED]) == (4, 1)
    assert "reader4@example.org" not in bench.got()


def test_not_now_waits_and_comes_back() -> None:
    """A 4xx defers; the delivery is tried again once it is due, and not before."""
    answers = [Result.TEMPORARY, Result.ACCEPTED]
    bench = Bench(size=1, script=lambda _message: answers.pop(0))
    assert dispatch(bench.line, bench.mailing)[S.DEFERRED] == 1
    assert dispatch(bench.line, bench.mailing)[S.DEFERRED] == 1
    bench.clock.forward(dt.timedelta(minutes=20))
    assert dispatch(bench.line, bench.mailing)[S.ACCEPTED] == 1


def test_patience_ends_in_refusal() -> None:
    """A delivery that is always deferred is given up after two days."""
    bench = Bench(size=1, script=lambda _message: Result.TEMPORARY)
    for _ in range(20):
        dispatch(bench.line, bench.mailing)
        bench.clock.forward(dt.timedelta(hours=8))
    assert bench.ledger.account(bench.mailing)[S.REFUSED] == 1


def test_a_dead_address_is_suppressed_at_once() -> None:
    """A refusal at RCPT that names a dead address leads to a suppression; others don't."""
    bench = Bench(size=1, script=lambda _message: Result.PERMANENT)
    line = replace(bench.line, is_dead_address=lambda reply: reply.enhanced == "5.1.1")
    assert dispatch(line, bench.mailing)[S.REFUSED] == 1
    assert bench.ledger.suppressed == {"reader1@example.org"}


def test_no_reply_to_the_final_dot_is_in_doubt_and_not_repeated() -> None:
    """Past the final dot without a reply: in doubt; a further run leaves it so."""
    bench = Bench(size=1, script=lambda _message: Result.UNKNOWN)
    assert dispatch(bench.line, bench.mailing)[S.IN_DOUBT] == 1
    assert dispatch(bench.line, bench.mailing)[S.IN_DOUBT] == 1
    assert len(bench.got()) == 1


def test_a_relay_that_fails_gives_the_window_back() -> None:
    """When the relay is lost, nothing stays claimed and nobody is lost or counted as tried."""

    def script(message: Message) -> Result | Exception:
        if message.envelope.recipient == "reader3@example.org":
            return RelayUnreachableError(tr("gone"))
        return Result.ACCEPTED

    bench = Bench(script=script)
    with pytest.raises(RelayUnreachableError):
        dispatch(bench.line, bench.mailing)
    account = bench.ledger.account(bench.mailing)
    assert (account[S.ACCEPTED], account[S.PLANNED], account[S.CLAIMED]) == (2, 3, 0)


def test_stop_settles_what_is_past_the_dot_and_gives_the_rest_back() -> None:
    """A polite stop ends between two messages."""
    bench = Bench()
    line = replace(bench.line, stop=lambda: len(bench.transport.accepted) >= 3)
    account = dispatch(line, bench.mailing)
    assert (account[S.ACCEPTED], account[S.PLANNED]) == (3, 2)


def test_an_interruption_at_the_dot_is_in_doubt() -> None:
    """Ctrl-C while waiting for the final reply: the delivery is named as in doubt."""
    bench = Bench(size=3)

    class Interrupted(MemoryTransport):
        def send(
            self, messages: Iterable[Message], before_final_dot: BeforeFinalDot
        ) -> Generator[Outcome, None, None]:
            before_final_dot(next(iter(messages)).claim)
            raise KeyboardInterrupt

    line = replace(bench.line, transport=Interrupted(clock=bench.clock))
    with pytest.raises(KeyboardInterrupt):
        dispatch(line, bench.mailing)
    account = bench.ledger.account(bench.mailing)
    assert (account[S.IN_DOUBT], account[S.PLANNED]) == (1, 2)


def test_a_store_that_fails_stops_the_line() -> None:
    """When an outcome cannot be written, nothing more leaves."""

    class Full(MemoryLedger):
        def settle(self, settlements: Iterable[Settlement]) -> None:
            raise StoreError(tr("disk full"))

        def release(self, claims: Iterable[Claim]) -> None:
            raise StoreError(tr("disk full"))

    bench = Bench()
    full = Full(readers=bench.ledger.readers)
    readers = [(n, "fr") for n in full.readers]
    mailing = full.open(plan([edition("fr")], readers, fallback="fr"), bench.clock.now())
    with pytest.raises(StoreError, match="disk full"):
        dispatch(replace(bench.line, ledger=full), mailing.id)
    assert len(bench.got()) == 1


def test_a_lost_lease_keeps_the_message_home() -> None:
    """When another sender has taken a delivery over, this one's dot never leaves."""
    bench = Bench(size=1)
    ledger = bench.ledger

    def steal(_message: Message) -> Result:
        bench.clock.forward(dt.timedelta(hours=1))
        ledger.recover(bench.mailing, now=bench.clock.now())
        ledger.claim(bench.mailing, owner="other", limit=1, now=bench.clock.now())
        return Result.ACCEPTED

    bench.transport.script = steal
    account = dispatch(bench.line, bench.mailing)
    assert account[S.CLAIMED] == 1
    assert bench.got() == []


def test_log_lines_hide_the_person_and_show_the_reply() -> None:
    """The log has one JSON object per event; addresses are redacted unless asked for."""
    bench = Bench(size=1)
    dispatch(bench.line, bench.mailing)
    hidden = json.loads(line_of(bench.told[0], addresses=False))
    assert hidden["address"] == "r***@example.org"
    assert (hidden["state"], hidden["code"], hidden["enhanced"]) == ("accepted", 250, "2.0.0")
    assert "reader1" in line_of(bench.told[0], addresses=True)


def test_a_store_that_stumbles_costs_nothing() -> None:
    """A store that cannot write for a moment: the reply is kept, written, and the line goes on."""
    failures = [StoreError(tr("locked")), StoreError(tr("locked"))]

    class Stumbling(MemoryLedger):
        def settle(self, settlements: Iterable[Settlement]) -> None:
            if failures:
                raise failures.pop()
            super().settle(settlements)

    bench = Bench()
    stumbling = Stumbling(readers=bench.ledger.readers)
    readers = [(n, "fr") for n in stumbling.readers]
    mailing = stumbling.open(plan([edition("fr")], readers, fallback="fr"), bench.clock.now())
    account = dispatch(replace(bench.line, ledger=stumbling), mailing.id)
    assert account[S.ACCEPTED] == 5
    assert bench.pauses == [0.5, 2.0]


def test_a_known_reply_is_never_in_doubt() -> None:
    """When the store fails at the settlement and comes back, the 250 is written, not a doubt."""
    tries: list[int] = []

    class Late(MemoryLedger):
        def settle(self, settlements: Iterable[Settlement]) -> None:
            tries.append(1)
            if len(tries) <= 4:
                raise StoreError(tr("locked"))
            super().settle(settlements)

    bench = Bench()
    late = Late(readers=bench.ledger.readers)
    readers = [(n, "fr") for n in late.readers]
    mailing = late.open(plan([edition("fr")], readers, fallback="fr"), bench.clock.now())
    with pytest.raises(StoreError, match="locked"):
        dispatch(replace(bench.line, ledger=late), mailing.id)
    account = late.account(mailing.id)
    assert (account[S.ACCEPTED], account[S.IN_DOUBT], account[S.CLAIMED]) == (1, 0, 0)


def test_the_relay_is_not_called_for_nothing() -> None:
    """When nothing is planned or due, no connection is opened."""

    class Down(MemoryTransport):
        @contextmanager
        def connected(self) -> Iterator[None]:
            if not self.is_connected:
                raise RelayUnreachableError(tr("nobody there"))
            yield

    bench = Bench()
    dispatch(bench.line, bench.mailing)
    down = replace(bench.line, transport=Down(clock=bench.clock))
    assert dispatch(down, bench.mailing)[S.ACCEPTED] == 5


def test_a_relay_that_does_not_answer_costs_nobody_a_try() -> None:
    """When the connection fails, what was claimed is planned again, as if never claimed."""

    class Down(MemoryTransport):
        @contextmanager
        def connected(self) -> Iterator[None]:
            if not self.is_connected:
                raise RelayUnreachableError(tr("nobody there"))
            yield

    bench = Bench()
    with pytest.raises(RelayUnreachableError):
        dispatch(replace(bench.line, transport=Down(clock=bench.clock)), bench.mailing)
    assert bench.ledger.account(bench.mailing)[S.PLANNED] == 5
    (claim,) = bench.ledger.claim(bench.mailing, owner="me", limit=1, now=bench.clock.now())
    assert claim.attempt == 1


def test_log_lines_hide_an_address_that_the_relay_repeats() -> None:
    """Relays quote the address in their reply; the log does not."""
    bench = Bench(size=1)
    dispatch(bench.line, bench.mailing)
    told = bench.told[0]
    said = Reply(code=550, lines=("<Reader1@Example.org> unknown", "reader1@example.org"))
    loud = replace(told, outcome=replace(told.outcome, reply=said, detail="reader1@example.org"))
    assert "reader1" not in line_of(loud, addresses=False).lower()
    assert line_of(loud, addresses=True).lower().count("reader1") == 4

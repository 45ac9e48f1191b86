"""A line on the bench: a ledger and a relay in memory that fail where they are told to."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from flashback.dispatch import Line
from flashback.dispatch.ports import BeforeFinalDot, Wait
from flashback.model import (
    TRANSITIONS,
    Claim,
    DeliveryState,
    Envelope,
    Grant,
    MailingState,
    Message,
    Outcome,
    Plan,
    Reply,
    Result,
    Settlement,
    Subscriber,
    SubscriberStatus,
)
from flashback.testing import FrozenClock, MemoryLedger, address

from samples import edition

S = DeliveryState
MAILING = 1

OK = Reply(code=250, enhanced="2.0.0", lines=("Ok",))
NOBODY = Reply(code=550, enhanced="5.1.1", lines=("No such user",))
LATER = Reply(code=450, enhanced="4.2.1", lines=("Try later",))
SLOWER = Reply(code=421, enhanced="4.7.0", lines=("Too much mail",))

#: What a relay does with a message: a result, a reply at a stage, or something that is raised.
Said = Result | tuple[str, Reply] | BaseException


def build(claim: Claim) -> Message:
    return Message(
        claim=claim,
        envelope=Envelope(sender="b@example.org", recipient=claim.address.mailbox),
        message_id=f"{claim.subscriber_id}@example.org",
        content=b"Subject: x\r\n\r\nx\r\n",
    )


def is_nobody(reply: Reply) -> bool:
    return reply.enhanced == "5.1.1"


@dataclass
class Book(MemoryLedger):
    """A ledger that is strict with its caller, and fails where it is told to."""

    fails: Callable[[str], BaseException | None] = lambda _verb: None  #: asked before every call
    calls: Counter[str] = field(default_factory=Counter)
    remembered: list[Settlement] = field(default_factory=list)

    @property
    def rows(self) -> Mapping[int, Any]:
        """The deliveries by reader."""
        return {row.subscriber_id: row for row in self._rows[MAILING]}

    @property
    def state(self) -> MailingState:
        return self.mailing(MAILING).state

    @state.setter
    def state(self, state: MailingState) -> None:
        self._change(MAILING, state=state)

    @property
    def reason(self) -> str:
        return self.mailing(MAILING).reason

    def _called(self, verb: str) -> None:
        self.calls[verb] += 1
        error = self.fails(verb)
        if error is not None:
            raise error

    def claim(
        self, mailing_id: int, *, owner: str, limit: int, now: dt.datetime
    ) -> Sequence[Claim]:
        self._called("claim")
        return super().claim(mailing_id, owner=owner, limit=limit, now=now)

    def note(self, claims: Sequence[Claim], *, now: dt.datetime) -> None:
        self._called("note")
        super().note(claims, now=now)

    def remember(self, settlements: Sequence[Settlement]) -> None:
        self._called("remember")
        self.remembered += settlements
        super().remember(settlements)

    def settle(self, settlements: Iterable[Settlement]) -> None:
        self._called("settle")
        settlements = list(settlements)
        for settlement in settlements:
            row = self._row(settlement.outcome.claim)
            assert row.state is S.CLAIMED, "settled twice"
            assert settlement.state in TRANSITIONS[S.CLAIMED]
        super().settle(settlements)

    def release(self, claims: Iterable[Claim]) -> None:
        self._called("release")
        claims = list(claims)
        for claim in claims:
            assert self._row(claim).state is S.CLAIMED, "released, and settled before"
        super().release(claims)

    def beat(self, mailing_id: int, *, owner: str, now: dt.datetime) -> MailingState:
        self._called("beat")
        return super().beat(mailing_id, owner=owner, now=now)

    def pause(self, mailing_id: int, *, reason: str, now: dt.datetime) -> None:
        self._called("pause")
        super().pause(mailing_id, reason=reason, now=now)

    def draw(
        self, key: str, *, per_minute: float, burst: int, wanted: int, now: dt.datetime
    ) -> Grant:
        self._called("draw")
        return super().draw(key, per_minute=per_minute, burst=burst, wanted=wanted, now=now)


@dataclass
class Crowd:
    """A relay in memory that takes some messages ahead and answers them in any order."""

    clock: FrozenClock
    script: Callable[[Message], Said] = lambda _message: Result.ACCEPTED
    ahead: int = 1
    pick: Callable[[int], int] = lambda _count: 0  #: which of so many is answered next
    together: int = 1  #: outcomes told at a time
    seconds: float = 0.0  #: that a message takes
    is_down: BaseException | None = None
    connections: int = 0
    is_connected: bool = False
    is_speaking: bool = False
    taken: list[Claim] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)  #: addresses whose dots have left
    accepted_at: list[tuple[str, dt.datetime]] = field(default_factory=list)

    @contextmanager
    def connected(self) -> Iterator[None]:
        if self.is_down is not None:
            raise self.is_down
        self.connections += 1
        self.is_connected = True
        try:
            yield
        finally:
            self.is_connected = False

    def send(
        self, messages: Iterator[Message | Wait], before_final_dot: BeforeFinalDot
    ) -> Generator[Sequence[Outcome], None, None]:
        assert self.is_connected
        self.is_speaking = True
        try:
            yield from self._send(messages, before_final_dot)
        finally:
            self.is_speaking = False

    def _send(
        self, messages: Iterator[Message | Wait], before_final_dot: BeforeFinalDot
    ) -> Generator[Sequence[Outcome], None, None]:
        hands: list[Message] = []
        told: list[Outcome] = []
        is_over = False
        while not is_over or hands:
            while not is_over and len(hands) < self.ahead:
                found = next(messages, None)
                if found is None:
                    is_over = True
                elif isinstance(found, Wait):
                    assert 0 < found.seconds <= 0.5
                    self.clock.forward(dt.timedelta(seconds=found.seconds))
                    break
                else:
                    self.taken.append(found.claim)
                    hands.append(found)
            if hands:
                message = hands.pop(self.pick(len(hands)))
                said = self.script(message)
                if isinstance(said, Exception):
                    # As a transport does: first every outcome, then the error.
                    yield [*told, *(self._outcome(m, Result.UNTRIED) for m in (message, *hands))]
                    raise said
                told.append(self._answer(message, said, before_final_dot))
            if len(told) >= self.together or not hands:
                yield told
                told = []
        yield told

    def _answer(self, message: Message, said: Said, note: BeforeFinalDot) -> Outcome:
        self.clock.forward(dt.timedelta(seconds=self.seconds))
        past_dot = not isinstance(said, tuple) or said[0] == "dot"
        if past_dot and said not in {Result.TEMPORARY, Result.PERMANENT, Result.UNTRIED}:
            note([message.claim])
            self.accepted.append(message.envelope.recipient)
            self.accepted_at.append((message.envelope.recipient, self.clock.now()))
        if isinstance(said, BaseException):
            raise said
        return self._outcome(message, said)

    def _outcome(self, message: Message, said: Said) -> Outcome:
        bare = Outcome(
            claim=message.claim, result=Result.UNTRIED, at=self.clock.now(), host="relay"
        )
        match said:
            case (stage, reply):
                results = {2: Result.ACCEPTED, 4: Result.TEMPORARY, 5: Result.PERMANENT}
                return replace(bare, result=results[reply.code // 100], stage=stage, reply=reply)
            case Result.ACCEPTED:
                return replace(bare, result=said, stage="dot", reply=OK)
            case Result.PERMANENT:
                return replace(bare, result=said, stage="rcpt", reply=NOBODY)
            case Result.TEMPORARY:
                return replace(bare, result=said, stage="rcpt", reply=LATER)
            case Result.UNKNOWN:
                return replace(bare, result=said, stage="dot", detail="connection lost")
            case _:
                return bare


class Bench:
    """A line in memory, with as many readers as addresses and an open mailing."""

    def __init__(self, readers: int | Sequence[str] = 5, **relay: Any) -> None:
        if isinstance(readers, int):
            readers = [f"reader{n}@example.org" for n in range(1, readers + 1)]
        self.clock = FrozenClock()
        self.began = self.clock.now()
        self.ledger = Book(
            readers={
                n: Subscriber(id=n, address=address(a), status=SubscriberStatus.CONFIRMED)
                for n, a in enumerate(readers, start=1)
            }
        )
        self.ledger.open(Plan(editions=(edition("fr"),), fallback="fr"), self.clock.now())
        self.relay = Crowd(clock=self.clock, **relay)
        self.told: list[Settlement] = []
        self.pauses: list[float] = []

    def tell(self, settlements: Sequence[Settlement]) -> None:
        for settlement in settlements:
            assert settlement in self.ledger.settlements, "told before it was durable"
        self.told += settlements

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.clock.forward(dt.timedelta(seconds=seconds))

    def seconds(self) -> float:
        return (self.clock.now() - self.began).total_seconds()

    def line(self, **parts: Any) -> Line:
        usual: dict[str, Any] = {
            "ledger": self.ledger, "transport": self.relay, "build": build, "clock": self.clock,
            "owner": "me", "is_dead_address": is_nobody, "window": 2, "tell": self.tell,
            "pause": self.pause, "seconds": self.seconds,
        }  # fmt: skip
        return Line(**(usual | parts))

    @property
    def account(self) -> dict[DeliveryState, int]:
        return {s: n for s, n in self.ledger.account(MAILING).counts.items() if n}

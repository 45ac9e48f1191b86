"""Fakes that remember, for our tests and for yours: a ledger, a transport and a clock in memory.

Each has a real counterpart, and the same tests run against both: ``MemoryLedger`` keeps the
promises of ``dispatch.ports.Ledger`` but durability.
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from flashback.dispatch.ports import BeforeFinalDot
from flashback.errors import LeaseLostError, RepeatedIssueError, UnknownMailingError
from flashback.model import (
    TRANSITIONS,
    Account,
    Address,
    Claim,
    DeliveryState,
    Mailing,
    MailingState,
    Message,
    Outcome,
    Plan,
    Reply,
    Result,
    Settlement,
    Subscriber,
)
from flashback.sentences import tr

LEASE = dt.timedelta(minutes=15)


@dataclass
class FrozenClock:
    """A clock that moves only when told."""

    at: dt.datetime = dt.datetime(2011, 9, 2, 9, 0, tzinfo=dt.UTC)

    def now(self) -> dt.datetime:
        """The time it was set to."""
        return self.at

    def forward(self, by: dt.timedelta) -> None:
        """Let time pass."""
        self.at += by


@dataclass
class _Row:
    id: int
    subscriber_id: int
    language: str
    digest: str
    state: DeliveryState = DeliveryState.PLANNED
    attempts: int = 0
    owner: str = ""
    before_dot: bool = False
    first_tried_at: dt.datetime | None = None
    due_at: dt.datetime | None = None

    def move(self, state: DeliveryState) -> None:
        assert state in TRANSITIONS[self.state], f"{self.state} -> {state}"
        self.state = state


@dataclass
class MemoryLedger:
    """A ledger in memory. ``readers`` may be changed while a mailing runs: people leave."""

    readers: dict[int, Subscriber] = field(default_factory=dict)
    dead_owners: set[str] = field(default_factory=set)
    suppressed: set[str] = field(default_factory=set)  #: keys suppressed by settlements
    settlements: list[Settlement] = field(default_factory=list)
    _mailings: dict[int, Mailing] = field(default_factory=dict)
    _rows: dict[int, list[_Row]] = field(default_factory=dict)
    _heartbeats: dict[str, dt.datetime] = field(default_factory=dict)

    def open(self, plan: Plan, now: dt.datetime) -> Mailing:
        """Keep the plan."""
        number = plan.editions[0].issue_number
        if not plan.again and any(m.issue_number == number for m in self._mailings.values()):
            raise RepeatedIssueError(tr("Issue {number} was already sent.", number=number))
        mailing_id = len(self._mailings) + 1
        digests = {edition.language: edition.digest for edition in plan.editions}
        first = plan.editions[0]
        self._mailings[mailing_id] = Mailing(
            id=mailing_id,
            issue_number=first.issue_number,
            title=first.title,
            state=MailingState.OPEN,
            opened_at=now,
            audience=len(plan.deliveries),
            editions=digests,
            sender=plan.sender,
        )
        self._rows[mailing_id] = [
            _Row(mailing_id * 1000 + n, d.subscriber_id, d.language, digests[d.language])
            for n, d in enumerate(plan.deliveries, start=1)
        ]
        return self._mailings[mailing_id]

    def mailing(self, mailing_id: int) -> Mailing:
        """The mailing by that number."""
        if mailing_id not in self._mailings:
            raise UnknownMailingError(tr("There is no mailing {number}.", number=mailing_id))
        return self._mailings[mailing_id]

    def claim(
        self, mailing_id: int, *, owner: str, limit: int, now: dt.datetime
    ) -> Sequence[Claim]:
        """Claim planned and due deliveries; skip who left."""
        claims: list[Claim] = []
        for row in self._rows[mailing_id]:
            if len(claims) == limit:
                break
            if row.state is DeliveryState.DEFERRED and row.due_at and row.due_at <= now:
                row.move(DeliveryState.PLANNED)
            if row.state is not DeliveryState.PLANNED:
                continue
            reader = self.readers.get(row.subscriber_id)
            if reader is None or not reader.mailable or reader.address.key in self.suppressed:
                row.move(DeliveryState.SKIPPED)
                continue
            row.move(DeliveryState.CLAIMED)
            row.owner, row.before_dot = owner, False
            self._heartbeats[owner] = now
            row.attempts += 1
            claims.append(self._claim(mailing_id, row, reader))
        return claims

    @staticmethod
    def _claim(mailing_id: int, row: _Row, reader: Subscriber) -> Claim:
        return Claim(
            delivery_id=row.id,
            mailing_id=mailing_id,
            subscriber_id=reader.id,
            address=reader.address,
            name=reader.name,
            language=row.language,
            edition_digest=row.digest,
            attempt=row.attempts,
            owner=row.owner,
            first_tried_at=row.first_tried_at,
        )

    def _row(self, claim: Claim) -> _Row:
        return next(r for r in self._rows[claim.mailing_id] if r.id == claim.delivery_id)

    def before_final_dot(self, claim: Claim, *, now: dt.datetime) -> None:
        """Note that the dot is about to leave."""
        row = self._row(claim)
        mine = (DeliveryState.CLAIMED, claim.owner, claim.attempt, False)
        if (row.state, row.owner, row.attempts, row.before_dot) != mine:
            raise LeaseLostError(tr("Another sender has taken over this delivery."))
        row.before_dot = True
        self._heartbeats[claim.owner] = now

    def settle(self, settlements: Iterable[Settlement]) -> None:
        """Write outcomes down."""
        for settlement in settlements:
            self.settlements.append(settlement)
            claim = settlement.outcome.claim
            row = self._row(claim)
            held = row.owner == claim.owner and row.attempts == claim.attempt
            if not held or row.state not in {DeliveryState.CLAIMED, DeliveryState.IN_DOUBT}:
                continue
            if settlement.outcome.result is Result.UNTRIED:
                row.attempts -= 1
            else:
                row.first_tried_at = row.first_tried_at or settlement.outcome.at
            row.move(settlement.state)
            row.due_at = settlement.due_at
            if settlement.suppress:
                self.suppressed.add(claim.address.key)

    def release(self, claims: Iterable[Claim]) -> None:
        """Give claims back."""
        for claim in claims:
            row = self._row(claim)
            mine = row.owner == claim.owner and row.attempts == claim.attempt
            if row.state is DeliveryState.CLAIMED and mine and not row.before_dot:
                row.move(DeliveryState.PLANNED)
                row.attempts -= 1

    def recover(self, mailing_id: int, *, now: dt.datetime) -> Account:
        """Free the claims of dead owners."""
        moved: Counter[DeliveryState] = Counter()
        for row in self._rows[mailing_id]:
            expired = now - self._heartbeats.get(row.owner, now) >= LEASE
            if row.state is DeliveryState.CLAIMED and (row.owner in self.dead_owners or expired):
                row.move(DeliveryState.IN_DOUBT if row.before_dot else DeliveryState.PLANNED)
                moved[row.state] += 1
        return Account(moved)

    def resolve_doubt(self, mailing_id: int, *, resend: bool, now: dt.datetime) -> int:  # noqa: ARG002  # memory keeps no times
        """Decide what is in doubt."""
        rows = [r for r in self._rows[mailing_id] if r.state is DeliveryState.IN_DOUBT]
        for row in rows:
            row.move(DeliveryState.PLANNED if resend else DeliveryState.ACCEPTED)
        if resend and rows:
            self._set_state(mailing_id, MailingState.OPEN)
        return len(rows)

    def account(self, mailing_id: int) -> Account:
        """The counts per state."""
        return Account(Counter(row.state for row in self._rows[mailing_id]))

    def finish(self, mailing_id: int, now: dt.datetime) -> None:  # noqa: ARG002
        """Close the mailing."""
        self._set_state(mailing_id, MailingState.FINISHED)

    def _set_state(self, mailing_id: int, state: MailingState) -> None:
        self._mailings[mailing_id] = replace(self._mailings[mailing_id], state=state)


@dataclass
class MemoryTransport:
    """A relay in memory. ``script`` answers for a message; accepted messages are kept."""

    clock: FrozenClock = field(default_factory=FrozenClock)
    script: Callable[[Message], Result | Exception] = lambda _message: Result.ACCEPTED
    accepted: list[Message] = field(default_factory=list)
    is_connected: bool = False

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Connect and part."""
        self.is_connected = True
        try:
            yield
        finally:
            self.is_connected = False

    def send(
        self, messages: Iterable[Message], before_final_dot: BeforeFinalDot
    ) -> Generator[Outcome, None, None]:
        """Answer as scripted."""
        assert self.is_connected
        for message in messages:
            answer = self.script(message)
            if isinstance(answer, Exception):
                raise answer
            yield self._outcome(message, answer, before_final_dot)

    def _outcome(self, message: Message, result: Result, note: BeforeFinalDot) -> Outcome:
        outcome = Outcome(claim=message.claim, result=result, at=self.clock.now(), host="memory")
        match result:
            case Result.ACCEPTED | Result.UNKNOWN:
                try:
                    note(message.claim)
                except LeaseLostError:
                    return replace(outcome, result=Result.UNTRIED, stage="dot")
                self.accepted.append(message)
                reply = (
                    Reply(code=250, enhanced="2.0.0", lines=("Ok",))
                    if result is Result.ACCEPTED
                    else None
                )
                return replace(outcome, stage="dot", reply=reply)
            case Result.PERMANENT:
                return replace(
                    outcome,
                    stage="rcpt",
                    reply=Reply(code=550, enhanced="5.1.1", lines=("No such user",)),
                )
            case Result.TEMPORARY:
                return replace(
                    outcome,
                    stage="rcpt",
                    reply=Reply(code=450, enhanced="4.2.0", lines=("Greylisted",)),
                )
            case Result.UNTRIED:
                return outcome


def address(mailbox: str) -> Address:
    """An address without the parser, for tests: ASCII, well-formed, lower case."""
    return Address(mailbox=mailbox, key=mailbox.casefold())

"""A ledger in memory: the promises of ``dispatch.ports.Ledger`` but durability."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flashback.dispatch.planning import language_for
from flashback.errors import LeaseLostError, RepeatedIssueError, StoreError, UnknownMailingError
from flashback.model import (
    Account,
    Claim,
    DeliveryState,
    Grant,
    Mailing,
    MailingState,
    Plan,
    Result,
    Settlement,
    Subscriber,
    SubscriberStatus,
)
from flashback.sentences import tr
from flashback.testing.rows import Bucket, Row

LEASE = dt.timedelta(minutes=15)


@dataclass
class MemoryLedger:
    """A ledger in memory. ``readers`` may be changed while a mailing runs: people leave.

    It cannot read a segment's expression: ``segments`` says whom each one means.
    """

    readers: dict[int, Subscriber] = field(default_factory=dict)
    segments: dict[str, Callable[[Subscriber], bool]] = field(default_factory=dict)
    dead_owners: set[str] = field(default_factory=set)
    lost_journals: set[str] = field(default_factory=set)  #: of owners whose notes cannot be read
    suppressed: set[str] = field(default_factory=set)  #: keys suppressed by settlements
    settlements: list[Settlement] = field(default_factory=list)
    _mailings: dict[int, Mailing] = field(default_factory=dict)
    _rows: dict[int, list[Row]] = field(default_factory=dict)
    _heartbeats: dict[str, dt.datetime] = field(default_factory=dict)
    _buckets: dict[str, Bucket] = field(default_factory=dict)

    # The line ---------------------------------------------------------------------------------

    def open(self, plan: Plan, now: dt.datetime) -> Mailing:
        """Keep the plan, for everybody who may be mailed now."""
        first = plan.editions[0]
        may_repeat = plan.again or plan.latecomers
        if not may_repeat and self._earlier(first.issue_number):
            raise RepeatedIssueError(
                tr("Issue {number} was already sent.", number=first.issue_number)
            )
        meant = list(self._meant(plan))
        mailing_id = len(self._mailings) + 1
        digests = {edition.language: edition.digest for edition in plan.editions}
        waits = plan.not_before is not None and plan.not_before > now
        self._mailings[mailing_id] = Mailing(
            id=mailing_id,
            issue_number=first.issue_number,
            title=first.title,
            state=MailingState.SCHEDULED if waits else MailingState.OPEN,
            opened_at=now,
            audience=len(meant),
            editions=digests,
            sender=plan.sender,
            not_before=plan.not_before,
            not_after=plan.not_after,
        )
        self._rows[mailing_id] = [
            Row(mailing_id * 1000 + n, reader, language, digests[language])
            for n, (reader, language) in enumerate(meant, start=1)
        ]
        return self._mailings[mailing_id]

    def audience(self, plan: Plan) -> Mapping[str, int]:
        """How many each edition would go to."""
        nobody = dict.fromkeys((edition.language for edition in plan.editions), 0)
        return nobody | Counter(language for _, language in self._meant(plan))

    def _earlier(self, issue_number: str) -> list[int]:
        return [m.id for m in self._mailings.values() if m.issue_number == issue_number]

    def _meant(self, plan: Plan) -> Iterator[tuple[int, str]]:
        typeset = {edition.language for edition in plan.editions}
        is_meant = self.segments[plan.segment] if plan.segment else _everybody
        earlier = self._earlier(plan.editions[0].issue_number) if plan.latecomers else []
        had_it = {row.subscriber_id for number in earlier for row in self._rows[number]}
        for number, reader in sorted(self.readers.items()):
            if self._bar(reader) == "" and is_meant(reader) and number not in had_it:
                yield number, language_for(reader.language, typeset, fallback=plan.fallback)

    def _bar(self, reader: Subscriber | None) -> str:
        if reader is None:
            return "erased"
        if reader.status is not SubscriberStatus.CONFIRMED:
            return reader.status.value
        if reader.suppressed is not None:
            return reader.suppressed.value
        return "hard_bounce" if reader.address.key in self.suppressed else ""

    def mailing(self, mailing_id: int) -> Mailing:
        """The mailing by that number."""
        if mailing_id not in self._mailings:
            raise UnknownMailingError(tr("There is no mailing {number}.", number=mailing_id))
        return self._mailings[mailing_id]

    def claim(
        self, mailing_id: int, *, owner: str, limit: int, now: dt.datetime
    ) -> Sequence[Claim]:
        """Claim planned and due deliveries; skip who left."""
        mailing = self.mailing(mailing_id)
        if mailing.state is MailingState.SCHEDULED and (mailing.not_before or now) <= now:
            self._change(mailing_id, state=MailingState.OPEN)
        if self.mailing(mailing_id).state is not MailingState.OPEN:
            return ()
        self._heartbeats[owner] = now
        claims: list[Claim] = []
        for row in self._rows[mailing_id]:
            if len(claims) == limit:
                break
            if row.state is DeliveryState.DEFERRED and row.due_at and row.due_at <= now:
                row.move(DeliveryState.PLANNED)
            if row.state is not DeliveryState.PLANNED:
                continue
            reader = self.readers.get(row.subscriber_id)
            if reader is None or self._bar(reader):
                row.move(DeliveryState.SKIPPED, self._bar(reader))
                continue
            row.move(DeliveryState.CLAIMED)
            row.owner, row.noted, row.remembered = owner, False, []
            row.attempts += 1
            claims.append(self._claim(mailing_id, row, reader))
        return claims

    @staticmethod
    def _claim(mailing_id: int, row: Row, reader: Subscriber) -> Claim:
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

    def _row(self, claim: Claim) -> Row:
        return next(r for r in self._rows[claim.mailing_id] if r.id == claim.delivery_id)

    def note(self, claims: Sequence[Claim], *, now: dt.datetime) -> None:
        """Note that dots are about to leave."""
        rows = [self._row(claim) for claim in claims]
        for row, claim in zip(rows, claims, strict=True):
            is_held = row.state is DeliveryState.CLAIMED and row.is_held_by(claim)
            if not is_held:
                raise LeaseLostError(tr("Another sender has taken over this delivery."))
        for row, claim in zip(rows, claims, strict=True):
            row.noted = True
            self._heartbeats[claim.owner] = max(now, self._heartbeats[claim.owner])

    def remember(self, settlements: Sequence[Settlement]) -> None:
        """Keep outcomes for recovery."""
        for settlement in settlements:
            row = self._row(settlement.outcome.claim)
            if row.is_held_by(settlement.outcome.claim):
                row.remembered.append(settlement)

    def settle(self, settlements: Iterable[Settlement]) -> None:
        """Write outcomes down."""
        for settlement in settlements:
            self._settle(settlement)
            outcome = settlement.outcome
            self._heartbeats[outcome.claim.owner] = outcome.at

    def _settle(self, settlement: Settlement) -> None:
        self.settlements.append(settlement)
        claim = settlement.outcome.claim
        row = self._row(claim)
        is_late = row.state is DeliveryState.IN_DOUBT
        if not row.is_held_by(claim) or not (is_late or row.state is DeliveryState.CLAIMED):
            return
        if settlement.outcome.result is Result.UNTRIED:
            row.attempts -= 1
        else:
            row.first_tried_at = row.first_tried_at or settlement.outcome.at
        is_wait = settlement.state is DeliveryState.DEFERRED
        to = DeliveryState.PLANNED if is_late and is_wait else settlement.state
        row.move(to, settlement.outcome.detail)
        row.due_at = settlement.due_at if to is DeliveryState.DEFERRED else None
        if is_late and to is DeliveryState.PLANNED:
            self._unfinish(claim.mailing_id)
        self._skip_if_cancelled(claim.mailing_id)
        if settlement.suppress:
            self.suppressed.add(claim.address.key)

    def release(self, claims: Iterable[Claim]) -> None:
        """Give claims back."""
        for claim in claims:
            row = self._row(claim)
            mine = row.state is DeliveryState.CLAIMED and row.is_held_by(claim)
            if mine and not row.noted:
                row.move(DeliveryState.PLANNED)
                row.attempts -= 1
                self._skip_if_cancelled(claim.mailing_id)

    def beat(self, mailing_id: int, *, owner: str, now: dt.datetime) -> MailingState:
        """Renew the lease; the mailing's state."""
        self._heartbeats[owner] = now
        return self.mailing(mailing_id).state

    def _is_silent(self, owner: str, now: dt.datetime) -> bool:
        return owner not in self._heartbeats or now - self._heartbeats[owner] >= LEASE

    def draw(
        self, key: str, *, per_minute: float, burst: int, wanted: int, now: dt.datetime
    ) -> Grant:
        """Take tokens from a bucket."""
        bucket = self._buckets.setdefault(key, Bucket(burst, now))
        return bucket.draw(wanted, per_second=per_minute / 60, burst=burst, now=now)

    # What staff want --------------------------------------------------------------------------

    def pause(self, mailing_id: int, *, reason: str, now: dt.datetime) -> None:  # noqa: ARG002  # memory keeps no times
        """Stop what is open or scheduled."""
        if self.mailing(mailing_id).state in {MailingState.OPEN, MailingState.SCHEDULED}:
            self._change(mailing_id, state=MailingState.PAUSED, reason=reason)

    def reopen(self, mailing_id: int, now: dt.datetime) -> None:  # noqa: ARG002
        """Let it go on."""
        self._refuse_cancelled(mailing_id)
        if self.mailing(mailing_id).state in {MailingState.PAUSED, MailingState.SCHEDULED}:
            self._change(mailing_id, state=MailingState.OPEN, reason="")

    def cancel(self, mailing_id: int, *, reason: str, now: dt.datetime) -> int:  # noqa: ARG002
        """Skip what waits; how many."""
        mailing = self.mailing(mailing_id)
        if mailing.state is MailingState.FINISHED:
            raise StoreError(tr("Mailing {number} is finished.", number=mailing_id))
        if mailing.state is not MailingState.CANCELLED:
            self._change(mailing_id, state=MailingState.CANCELLED, reason=reason)
        return self._skip_waiting(mailing_id, reason)

    def resend(self, mailing_id: int, state: DeliveryState, now: dt.datetime) -> int:  # noqa: ARG002
        """Plan again what stands in a state."""
        if state not in {DeliveryState.REFUSED, DeliveryState.IN_DOUBT}:
            raise StoreError(tr("A delivery cannot be resent from {state}.", state=state))
        self._refuse_cancelled(mailing_id)
        rows = [
            row for row in self._rows[mailing_id] if row.state is state and not self._is_struck(row)
        ]
        for row in rows:
            row.move(DeliveryState.PLANNED, "resent")
            row.first_tried_at = None
        if rows:
            self._unfinish(mailing_id)
        return len(rows)

    def _is_struck(self, row: Row) -> bool:
        reader = self.readers.get(row.subscriber_id)
        return reader is not None and reader.address.key in self.suppressed

    def _skip_if_cancelled(self, mailing_id: int) -> None:
        if self.mailing(mailing_id).state is MailingState.CANCELLED:
            self._skip_waiting(mailing_id, "cancelled")

    def _skip_waiting(self, mailing_id: int, reason: str) -> int:
        waiting = {DeliveryState.PLANNED, DeliveryState.DEFERRED}
        rows = [row for row in self._rows[mailing_id] if row.state in waiting]
        for row in rows:
            row.move(DeliveryState.SKIPPED, reason)
            row.due_at = None
        return len(rows)

    def _unfinish(self, mailing_id: int) -> None:
        if self.mailing(mailing_id).state is MailingState.FINISHED:
            self._change(mailing_id, state=MailingState.OPEN)

    def _refuse_cancelled(self, mailing_id: int) -> None:
        if self.mailing(mailing_id).state is MailingState.CANCELLED:
            raise StoreError(tr("Mailing {number} was cancelled.", number=mailing_id))

    def _change(self, mailing_id: int, **changes: Any) -> None:
        self._mailings[mailing_id] = replace(self.mailing(mailing_id), **changes)

    # After a crash ----------------------------------------------------------------------------

    def recover(self, mailing_id: int, *, now: dt.datetime) -> Account:
        """Free the claims of dead owners."""
        freed = [
            row
            for row in self._rows[mailing_id]
            if row.state is DeliveryState.CLAIMED
            and (row.owner in self.dead_owners or self._is_silent(row.owner, now))
        ]
        for row in freed:
            if row.owner in self.lost_journals:
                row.move(DeliveryState.IN_DOUBT, "sender ended, journal lost")
            elif row.remembered:
                for settlement in row.remembered:
                    self._settle(settlement)
            elif row.noted:
                row.move(DeliveryState.IN_DOUBT, "sender ended")
            else:
                row.move(DeliveryState.PLANNED)
        self._skip_if_cancelled(mailing_id)
        return Account(Counter(row.state for row in freed))

    def resolve_doubt(self, mailing_id: int, *, resend: bool, now: dt.datetime) -> int:
        """Decide what is in doubt."""
        if resend:
            return self.resend(mailing_id, DeliveryState.IN_DOUBT, now)
        rows = [r for r in self._rows[mailing_id] if r.state is DeliveryState.IN_DOUBT]
        for row in rows:
            row.move(DeliveryState.ACCEPTED, "assumed accepted")
        return len(rows)

    def account(self, mailing_id: int) -> Account:
        """The counts per state."""
        return Account(Counter(row.state for row in self._rows[mailing_id]))

    def next_due(self, mailing_id: int) -> dt.datetime | None:
        """When the first deferred one is due."""
        waiting = (r.due_at for r in self._rows[mailing_id] if r.state is DeliveryState.DEFERRED)
        return min(filter(None, waiting), default=None)

    def finish(self, mailing_id: int, now: dt.datetime) -> None:  # noqa: ARG002
        """Close the mailing."""
        if waiting := self.account(mailing_id).open:
            raise StoreError(
                tr("Mailing {number} still has {count} open.", number=mailing_id, count=waiting)
            )
        if self.mailing(mailing_id).state is not MailingState.CANCELLED:
            self._change(mailing_id, state=MailingState.FINISHED)


def _everybody(_reader: Subscriber) -> bool:
    return True

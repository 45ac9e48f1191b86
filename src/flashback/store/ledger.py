"""The ledger: the durable account of mailings, one transaction a method.

It keeps the promises of ``dispatch.ports.Ledger`` on SQLite and on PostgreSQL. A claim is fenced
by its owner and the number of its attempt: whoever lost it can move nothing any more. Killing
the program at any point leaves every delivery in exactly one state. Between two transactions, a
sender's journal knows what left.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection

from flashback.errors import StoreError
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
    SuppressionReason,
)
from flashback.store import (
    buckets,
    claiming,
    evidence,
    journal,
    mailings,
    opening,
    owners,
    recovery,
    senders,
    settling,
)
from flashback.store.engine import Store
from flashback.store.senders import Sender
from flashback.store.telling import Told


class SqlLedger(Told):
    """Mailings and deliveries in a store; journals of this machine's senders in a folder.

    One thread a sender. Close it when done: a journal that nobody needs goes then.
    """

    def __init__(self, store: Store, journals: Path) -> None:
        super().__init__(store)
        self._journals = journals
        self._senders: dict[str, Sender] = {}
        #: By mailing; frozen when it opens, so never stale.
        self._editions: dict[int, Mapping[str, str]] = {}

    def close(self) -> None:
        """Let go of the journals, and remove those of senders that hold nothing any more."""
        for sender in self._senders.values():
            sender.close(is_needed=self._still_holds(sender.owner))
        self._senders.clear()

    def _still_holds(self, owner: str) -> bool:
        """Whether the database has claims of a sender, heard of or not."""
        try:
            with self._store.read() as connection:
                return senders.holds_anything(connection, owner)
        except StoreError:
            return True

    # The line ---------------------------------------------------------------------------------

    def open(self, plan: Plan, now: dt.datetime) -> Mailing:
        """Write mailing, editions and all deliveries at once; all or nothing.

        Deliveries are for everybody who may be mailed in this transaction and whom the plan
        means. Raises RepeatedIssueError when the issue was opened before, and the plan is neither
        ``again`` nor for latecomers; SegmentError.
        """
        with self._store.write() as connection:
            mailing_id = opening.open_mailing(connection, plan, now)
            return mailings.mailing_by_id(connection, mailing_id)

    def audience(self, plan: Plan) -> Mapping[str, int]:
        """How many readers each edition would get were the plan opened now, by language."""
        with self._store.read() as connection:
            return opening.audience(connection, plan)

    def claim(
        self, mailing_id: int, *, owner: str, limit: int, now: dt.datetime
    ) -> Sequence[Claim]:
        """Hand up to ``limit`` planned or due deliveries to one owner, and to no other.

        Who is unconfirmed, has left, was suppressed or erased becomes skipped, with the reason.
        Of a mailing that is not open, nothing; one whose hour has come is opened.
        """
        if mailing_id not in self._editions:
            self._editions[mailing_id] = self.mailing(mailing_id).editions
        sender = self._senders.setdefault(owner, Sender(owner))
        sender.open_journal(self._journals)
        ticked = senders.elapsed()
        beats = sender.is_silent(now, since=senders.HEARTBEAT)
        claims: list[Claim] = []
        with self._store.write() as connection:
            is_open = claiming.ready(connection, mailing_id, now)
            if beats:
                sender.enrol(connection, now)
            if is_open:
                claims = claiming.claim(
                    connection,
                    mailing_id,
                    owner=owner,
                    sender_id=sender.number,
                    editions=self._editions[mailing_id],
                    limit=limit,
                    now=now,
                )
        if beats:
            sender.beaten(now, ticked)
        sender.take(claims)
        return claims

    def note(self, claims: Sequence[Claim], *, now: dt.datetime) -> None:
        """Note that these final dots, all of one owner, are about to leave.

        Raises LeaseLostError when one claim may be another sender's by now, and StoreError when
        the note cannot be written: then none of them may leave.
        """
        for owner in {claim.owner for claim in claims}:
            sender = self._senders.get(owner)
            if sender is None:
                raise senders.lost(claims[0])
            self._hold_on(sender, now)
            sender.note([claim for claim in claims if claim.owner == owner], now)
            # Had this process slept before writing, the journal may have been read already.
            self._hold_on(sender, now)

    def remember(self, settlements: Sequence[Settlement]) -> None:
        """Keep outcomes, all of one owner, that are known and not settled yet. Raises StoreError.

        Recovery settles them should this process end before ``settle``.
        """
        for owner in {settlement.outcome.claim.owner for settlement in settlements}:
            if sender := self._senders.get(owner):
                sender.remember([s for s in settlements if s.outcome.claim.owner == owner])

    def settle(self, settlements: Iterable[Settlement]) -> None:
        """Write outcomes down. Of a claim that was lost only the attempt is kept.

        An untried claim is given back and leaves no attempt; what would wait in a cancelled
        mailing is skipped. Raises StoreError on a transition that cannot be; then nothing of the
        batch was written.
        """
        batch = tuple(settlements)
        if not batch:
            return
        last = batch[-1].outcome
        given_back = [s for s in batch if s.outcome.result is Result.UNTRIED]
        for sender in self._senders.values():
            # A journal that cannot be written costs a doubt too many, should we die right now.
            with suppress(StoreError):
                sender.remember(sender.forgotten(given_back))
        with self._beating(self._senders.get(last.claim.owner), last.at) as connection:
            settling.settle(connection, batch)
        self._drop([settlement.outcome.claim for settlement in batch])

    def release(self, claims: Iterable[Claim]) -> None:
        """Give back claims of which nothing left: claimed becomes planned.

        One that was noted is not given back, whatever the caller believes: only its outcome, or
        recovery, may judge it.
        """
        given = tuple(claims)
        for sender in self._senders.values():
            given = sender.unnoted(given)
        with self._store.write() as connection:
            claiming.release(connection, given)
        self._drop(given)

    def beat(self, mailing_id: int, *, owner: str, now: dt.datetime) -> MailingState:
        """Renew this sender's lease once a minute, and answer what staff want of the mailing."""
        sender = self._senders.get(owner)
        if sender is None or not sender.is_silent(now, since=senders.HEARTBEAT):
            with self._store.read() as connection:
                if sender is not None and senders.is_gone(connection, owner):
                    sender.lose()
                return mailings.read_state(connection, mailing_id)
        with self._beating(sender, now) as connection:
            return mailings.read_state(connection, mailing_id)

    def draw(
        self, key: str, *, per_minute: float, burst: int, wanted: int, now: dt.datetime
    ) -> Grant:
        """Take up to ``wanted`` tokens from a bucket that all senders share.

        ``per_minute`` and ``burst`` are above zero. A clock that is set back gains or loses
        nobody more than one burst.
        """
        with self._store.write() as connection:
            return buckets.draw(
                connection, key, per_minute=per_minute, burst=burst, wanted=wanted, now=now
            )

    @contextmanager
    def _beating(self, sender: Sender | None, now: dt.datetime) -> Iterator[Connection]:
        """A transaction that also renews a sender's lease, when it is time."""
        ticked = senders.elapsed()
        with self._store.write() as connection:
            is_renewed = (
                sender is not None
                and sender.is_silent(now, since=senders.HEARTBEAT)
                and sender.renew(connection, now)
            )
            yield connection
        if sender is not None and is_renewed:
            sender.beaten(now, ticked)

    def _hold_on(self, sender: Sender, now: dt.datetime) -> None:
        """Raise LeaseLostError when others may have taken over what a sender holds."""
        if not sender.is_silent(now, since=senders.SILENCE):
            return
        ticked = senders.elapsed()
        with self._store.write() as connection:
            is_held = sender.renew(connection, now)
        if not is_held:
            raise senders.silent_for_too_long()
        sender.beaten(now, ticked)

    def _drop(self, claims: Sequence[Claim]) -> None:
        for sender in self._senders.values():
            sender.drop([claim for claim in claims if claim.owner == sender.owner])

    # What staff want --------------------------------------------------------------------------

    def pause(self, mailing_id: int, *, reason: str, now: dt.datetime) -> None:  # noqa: ARG002  # a port's word
        """Stop an open or scheduled mailing; one that has ended is left as it is."""
        with self._store.write() as connection:
            mailings.pause(connection, mailing_id, reason)

    def reopen(self, mailing_id: int, now: dt.datetime) -> None:  # noqa: ARG002
        """Let a paused or scheduled mailing go on. Raises StoreError when it was cancelled."""
        with self._store.write() as connection:
            mailings.reopen(connection, mailing_id)

    def cancel(self, mailing_id: int, *, reason: str, now: dt.datetime) -> int:
        """Skip all that waits, for ever; how many. Raises StoreError when it is finished."""
        with self._store.write() as connection:
            return mailings.cancel(connection, mailing_id, reason, now)

    def finish(self, mailing_id: int, now: dt.datetime) -> None:
        """Close a mailing of which nothing is open. Raises StoreError otherwise."""
        with self._store.write() as connection:
            mailings.finish(connection, mailing_id, now)

    def resend(self, mailing_id: int, state: DeliveryState, now: dt.datetime) -> int:
        """Plan again all that is refused, or in doubt, and open the mailing; how many.

        Raises StoreError from any other state, and when the mailing was cancelled.
        """
        with self._store.write() as connection:
            return mailings.resend(connection, mailing_id, state, now)

    def resendable(self, mailing_id: int, state: DeliveryState) -> int:
        """How many ``resend`` would plan again: dead addresses stay what they are."""
        with self._store.read() as connection:
            return mailings.resendable(connection, mailing_id, state)

    # After a crash ----------------------------------------------------------------------------

    def recover(self, mailing_id: int, *, now: dt.datetime) -> Account:
        """Free the claims of senders that are dead or silent for longer than their lease.

        What their journals remember is settled. Noted without an outcome: in doubt. Neither:
        planned. A journal that is lost, or of another boot: all in doubt. Answers how many went
        where.
        """
        one_machine = self._store.one_machine
        with self._store.write() as connection:
            found = recovery.recover(
                connection,
                mailing_id,
                now=now,
                one_machine=one_machine,
                journals=self._journals.resolve(),
            )
        self._sweep()
        return found

    def _sweep(self) -> None:
        """Remove journals of dead senders that hold nothing any more."""
        for owner, stem in journal.owners_in(self._journals):
            one_machine = self._store.one_machine
            if owner in self._senders or not owners.is_dead(owner, one_machine=one_machine):
                continue
            with self._store.read() as connection:
                # Another store's sender, or one that an older copy of this store does not know.
                is_ours = senders.is_known(connection, owner)
                is_needed = senders.holds_anything(connection, owner)
            if is_ours and not is_needed:
                journal.remove(stem)

    def resolve_doubt(self, mailing_id: int, *, resend: bool, now: dt.datetime) -> int:
        """Turn all in_doubt deliveries to planned (resend) or accepted; how many there were."""
        if resend:
            return self.resend(mailing_id, DeliveryState.IN_DOUBT, now)
        with self._store.write() as connection:
            return recovery.assume_accepted(connection, mailing_id, now)

    def record_evidence(
        self,
        delivery_id: int,
        state: DeliveryState,
        *,
        at: dt.datetime,
        reason: str,
        suppress: SuppressionReason | None = None,
    ) -> bool:
        """Move one accepted or doubtful delivery by what a report or a relay's log says.

        ``suppress`` also forbids mailing the address, in the same transaction. False when the
        delivery stood there already; StoreError when it cannot go there.
        """
        with self._store.write() as connection:
            return evidence.record(
                connection, delivery_id, state, at=at, reason=reason, suppress=suppress
            )

"""The ledger: the durable account of mailings, one transaction a method.

It keeps the promises of ``dispatch.ports.Ledger`` on SQLite and on PostgreSQL. A claim is fenced
by its owner and the number of its attempt: whoever lost it can move nothing any more. Killing
the program at any point leaves every delivery in exactly one state.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from flashback.model import (
    Account,
    Claim,
    Delivery,
    DeliveryState,
    Edition,
    Mailing,
    Plan,
    Settlement,
    SuppressionReason,
)
from flashback.store import claiming, evidence, mailings, recovery, senders, settling
from flashback.store.engine import Store

_PAGE: Final = 1_000


class SqlLedger:
    """Mailings and deliveries in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pulse = senders.Pulse()
        #: By mailing; frozen when it opens, so never stale.
        self._editions: dict[int, Mapping[str, str]] = {}

    # The line ---------------------------------------------------------------------------------

    def open(self, plan: Plan, now: dt.datetime) -> Mailing:
        """Write mailing, editions and all deliveries at once; all or nothing.

        Raises RepeatedIssueError when the issue was opened before and the plan is not ``again``.
        """
        with self._store.write() as connection:
            mailing_id = mailings.open_mailing(connection, plan, now)
            return mailings.mailing_by_id(connection, mailing_id)

    def claim(
        self, mailing_id: int, *, owner: str, limit: int, now: dt.datetime
    ) -> Sequence[Claim]:
        """Hand up to ``limit`` planned or due deliveries to one owner, and to no other.

        Who is unconfirmed, has left, was suppressed or erased becomes skipped, with the reason.
        """
        if mailing_id not in self._editions:
            self._editions[mailing_id] = self.mailing(mailing_id).editions
        with self._pulse.beating(owner, now) as beat, self._store.write() as connection:
            return claiming.claim(
                connection,
                mailing_id,
                owner=owner,
                sender_id=beat.enrol(connection),
                editions=self._editions[mailing_id],
                limit=limit,
                now=now,
            )

    def before_final_dot(self, claim: Claim, *, now: dt.datetime) -> None:
        """Note that the final dot is about to leave; once per claim. Raises LeaseLostError."""
        with self._pulse.beating(claim.owner, now) as beat, self._store.write() as connection:
            claiming.before_final_dot(connection, claim, now)
            beat.renew(connection)

    def settle(self, settlements: Iterable[Settlement]) -> None:
        """Write outcomes down. Of a claim that was lost only the attempt is kept.

        An untried claim is given back and leaves no attempt. Raises StoreError on a transition
        that cannot be; then nothing of the batch was written.
        """
        batch = tuple(settlements)
        if not batch:
            return
        last = batch[-1].outcome
        with (
            self._pulse.beating(last.claim.owner, last.at) as beat,
            self._store.write() as connection,
        ):
            settling.settle(connection, batch)
            beat.renew(connection)

    def release(self, claims: Iterable[Claim]) -> None:
        """Give back claims of which nothing left: claimed becomes planned."""
        with self._store.write() as connection:
            recovery.release(connection, claims)

    # After a crash ----------------------------------------------------------------------------

    def recover(self, mailing_id: int, *, now: dt.datetime) -> Account:
        """Free the claims of senders that are dead or silent for longer than their lease.

        Past the final dot: in doubt. Before it: planned again. Answers how many of each.
        """
        with self._store.write() as connection:
            gone = senders.gone(
                connection, mailing_id, now=now, one_machine=self._store.one_machine
            )
            return recovery.recover(connection, mailing_id, gone, now)

    def resolve_doubt(self, mailing_id: int, *, resend: bool, now: dt.datetime) -> int:
        """Turn all in_doubt deliveries to planned (resend) or accepted; how many there were."""
        to = DeliveryState.PLANNED if resend else DeliveryState.ACCEPTED
        with self._store.write() as connection:
            return recovery.resolve_doubt(connection, mailing_id, to=to, now=now)

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

    # Reading ----------------------------------------------------------------------------------

    def mailing(self, mailing_id: int) -> Mailing:
        """Raises UnknownMailingError."""
        with self._store.read() as connection:
            return mailings.mailing_by_id(connection, mailing_id)

    def mailings(self, *, limit: int | None = None) -> tuple[Mailing, ...]:
        """All mailings, newest first."""
        with self._store.read() as connection:
            return mailings.newest(connection, limit=limit)

    def mailing_of(self, issue_number: str) -> Mailing | None:
        """The newest mailing of an issue; None when it was never mailed."""
        with self._store.read() as connection:
            return _first(mailings.newest(connection, issue_number=issue_number, limit=1))

    def refuse_repetition(self, issue_number: str) -> None:
        """Raise RepeatedIssueError when the issue was opened as a mailing before."""
        with self._store.read() as connection:
            mailings.refuse_repetition(connection, issue_number)

    def edition(self, digest: str) -> Edition:
        """An edition as it was when its mailing opened. Raises StoreError."""
        with self._store.read() as connection:
            return mailings.edition_by_digest(connection, digest)

    def account(self, mailing_id: int) -> Account:
        """The counts per state, from the rows themselves."""
        with self._store.read() as connection:
            return mailings.account(connection, mailing_id)

    def deliveries(self, mailing_id: int, state: DeliveryState | None = None) -> Iterator[Delivery]:
        """Deliveries in order, read a page at a time; an erased person's address is empty."""
        states = DeliveryState if state is None else (state,)
        after: int | None = 0
        while after is not None:
            with self._store.read() as connection:
                page = mailings.page_of_deliveries(
                    connection, mailing_id, states, after=after, limit=_PAGE
                )
            yield from page
            after = page[-1].id if len(page) == _PAGE else None

    def finish(self, mailing_id: int, now: dt.datetime) -> None:
        """Close a mailing of which nothing is open. Raises StoreError otherwise."""
        with self._store.write() as connection:
            mailings.close_mailing(connection, mailing_id, now)


def _first(found: Sequence[Mailing]) -> Mailing | None:
    return found[0] if found else None

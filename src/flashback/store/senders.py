"""The senders that use this store, and the lease that their heartbeat renews.

A sender's claims are its own for as long as its heart beats: one row to renew, however many
claims it holds. Whoever frees the claims of a silent sender says so in its row, under the row's
lock, so that it learns of it before anything else leaves.
"""

import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, bindparam, exists, insert, select, update

from flashback.errors import LeaseLostError
from flashback.model import Claim, DeliveryState, Settlement
from flashback.sentences import tr
from flashback.store import owners
from flashback.store.journal import Flight, Journal
from flashback.store.tables import deliveries, mailings, senders

#: RFC 5321 section 4.5.3.2.6 lets a relay think for ten minutes after the final dot.
LEASE: Final = dt.timedelta(minutes=15)
#: How often the heart beats at most.
HEARTBEAT: Final = dt.timedelta(minutes=1)
#: After so long a silence a sender asks whether its claims are still its own; the rest of the
#: lease is for clocks that differ.
SILENCE: Final = LEASE - dt.timedelta(minutes=2)

#: Goes on while the machine sleeps, where the system has such a clock.
_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

_ROW: Final = (
    select(senders.c.id, senders.c.heartbeat_at, senders.c.gone_at, senders.c.journal)
    .where(senders.c.owner == bindparam("who"))
    .with_for_update()
)
_GONE: Final = select(senders.c.gone_at).where(senders.c.owner == bindparam("who"))
_BEAT: Final = (
    update(senders)
    .where(senders.c.id == bindparam("sender"))
    .values(
        heartbeat_at=bindparam("now"), gone_at=bindparam("gone"), journal=bindparam("journal_path")
    )
)


def elapsed() -> float:
    """Seconds of a clock that nobody sets."""
    return time.clock_gettime(_CLOCK)


@dataclass(slots=True)
class Sender:
    """One owner in this process: its lease, its journal, and what it holds."""

    owner: str
    number: int = 0  #: of its row; 0 before its first claim
    beat_at: dt.datetime | None = None  #: the last one that is durable
    _ticked: float = 0.0
    _journal: Journal | None = None
    _flights: dict[int, Flight] = field(default_factory=dict)

    # The lease --------------------------------------------------------------------------------

    def is_silent(self, now: dt.datetime, *, since: dt.timedelta) -> bool:
        """Whether its heart has not beaten for so long, by either clock."""
        if self.beat_at is None or elapsed() - self._ticked >= since.total_seconds():
            return True
        return now - self.beat_at >= since

    def enrol(self, connection: Connection, now: dt.datetime) -> int:
        """Its number, with a lease that begins now; what it lost before stays lost."""
        assert self._journal is not None, "the journal is there before the first claim"
        path = str(self._journal.stem)
        row = connection.execute(_ROW, {"who": self.owner}).one_or_none()
        if row is None:
            self.number = _insert(connection, self.owner, path, now)
        else:
            self.number = row.id
            if _is_over(row):
                self.lose()
            _beat(connection, row, now, journal=path)
        return self.number

    def renew(self, connection: Connection, now: dt.datetime) -> bool:
        """Beat. False when the lease is over: then everything it holds may be another's."""
        row = connection.execute(_ROW, {"who": self.owner}).one_or_none()
        if row is None or _is_over(row):
            self.lose()
            return False
        _beat(connection, row, now, journal=row.journal)
        return True

    def beaten(self, now: dt.datetime, ticked: float) -> None:
        """Remember a beat whose transaction ended well; ``ticked``: elapsed when it began."""
        self.beat_at, self._ticked = now, ticked

    def lose(self) -> None:
        """Hold nothing any more; the journal goes on knowing what was noted."""
        self.beat_at = None
        for flight in self._flights.values():
            flight.is_lost = True

    # What it holds ----------------------------------------------------------------------------

    def open_journal(self, folder: Path) -> None:
        """Have a journal from now on. Raises StoreError."""
        if self._journal is None:
            self._journal = Journal(folder, self.owner)

    def take(self, claims: Sequence[Claim]) -> None:
        """Hold new claims."""
        self._flights.update([(claim.delivery_id, Flight(claim.attempt)) for claim in claims])

    def check(self, claims: Sequence[Claim]) -> list[Flight]:
        """What it holds of each claim. Raises LeaseLostError when one is not its own."""
        flights = []
        for claim in claims:
            flight = self._flights.get(claim.delivery_id)
            if flight is None or flight.is_lost or flight.attempt != claim.attempt:
                raise lost(claim)
            flights.append(flight)
        return flights

    def note(self, claims: Sequence[Claim], now: dt.datetime) -> None:
        """Write down what is about to leave. Raises StoreError."""
        flights = self.check(claims)
        if self._journal is not None:
            self._journal.note(claims, now)
        for flight in flights:
            flight.noted_at = now

    def remember(self, settlements: Sequence[Settlement]) -> None:
        """Write down outcomes that are not settled yet. Raises StoreError."""
        if self._journal is None or not settlements:
            return
        self._journal.remember(settlements)
        for settlement in settlements:
            flight = self._flights.get(settlement.outcome.claim.delivery_id)
            if flight is not None and flight.attempt == settlement.outcome.claim.attempt:
                flight.outcomes += (settlement,)

    def unnoted(self, claims: Sequence[Claim]) -> tuple[Claim, ...]:
        """Without those of its own that were noted."""
        return tuple(claim for claim in claims if not self._is_noted(claim))

    def _is_noted(self, claim: Claim) -> bool:
        flight = self._flights.get(claim.delivery_id)
        return (
            flight is not None
            and flight.noted_at is not None
            and (self.owner, flight.attempt) == (claim.owner, claim.attempt)
        )

    def forgotten(self, settlements: Sequence[Settlement]) -> list[Settlement]:
        """Those of noted claims that are given back, and that the journal does not know."""
        return [
            settlement
            for settlement in settlements
            if self._is_noted(settlement.outcome.claim)
            and not self._flights[settlement.outcome.claim.delivery_id].outcomes
        ]

    def drop(self, claims: Sequence[Claim]) -> None:
        """Hold these no more: the database knows what became of them."""
        pop = self._flights.pop
        for claim in claims:
            flight = pop(claim.delivery_id, None)
            if flight is not None and flight.attempt != claim.attempt:
                self._flights[claim.delivery_id] = flight
        if self._journal is not None and self._journal.is_large:
            self._journal.roll(self._flights)

    def close(self, *, is_needed: bool) -> None:
        """Let go of the journal, and remove it when everything in it is settled."""
        if self._journal is not None:
            self._journal.close(remove=not self._flights and not is_needed)
            self._journal = None


def lost(claim: Claim) -> LeaseLostError:
    """The error about a claim that is another's now."""
    return LeaseLostError(
        tr("Delivery {number} belongs to another sender now.", number=claim.delivery_id),
        hint=tr("Nothing is lost: the other sender sends it."),
    )


def silent_for_too_long() -> LeaseLostError:
    """The error about all claims of a sender that was not heard of."""
    return LeaseLostError(
        tr("This sender was silent for so long that others may have taken over its work."),
        hint=tr("Nothing is lost. Go on with it: flashback resume"),
    )


def _is_over(row: Any) -> bool:
    # Whoever takes claims away says so in this row, in the same transaction: ``bury``.
    return row.gone_at is not None


def _insert(connection: Connection, owner: str, journal: str, now: dt.datetime) -> int:
    parts = owners.parse_owner(owner)
    number: int = connection.execute(
        insert(senders).returning(senders.c.id),
        {
            "owner": owner,
            "host": parts.host if parts else "",
            "pid": parts.pid if parts else 0,
            "started_at": now,
            "heartbeat_at": now,
            "journal": journal,
        },
    ).scalar_one()
    return number


def _beat(connection: Connection, row: Any, now: dt.datetime, *, journal: str) -> None:
    values = {"sender": row.id, "now": now, "gone": None, "journal_path": journal}
    connection.execute(_BEAT, values)


def gone(
    connection: Connection, mailing_id: int, *, now: dt.datetime, one_machine: bool
) -> list[Any]:
    """Rows of senders with claims in a mailing that are dead or whose lease is over, locked."""
    holders = connection.scalars(
        select(deliveries.c.sender_id)
        .where(deliveries.c.mailing_id == mailing_id, deliveries.c.state == DeliveryState.CLAIMED)
        .distinct()
    ).all()
    rows = connection.execute(
        select(senders).where(senders.c.id.in_(holders)).order_by(senders.c.id).with_for_update()
    )
    return [
        row
        for row in rows
        if row.gone_at is not None
        or not now - LEASE < row.heartbeat_at < now + LEASE  # a clock may have been ahead
        or owners.is_dead(row.owner, one_machine=one_machine)
    ]


def bury(connection: Connection, numbers: Sequence[int], now: dt.datetime) -> None:
    """Let senders know, should they live, that their claims were taken away."""
    connection.execute(update(senders).where(senders.c.id.in_(numbers)).values(gone_at=now))


def is_gone(connection: Connection, owner: str) -> bool:
    """Whether somebody has taken a sender for dead and freed its claims."""
    row = connection.execute(_GONE, {"who": owner}).one_or_none()
    return row is not None and row.gone_at is not None


def is_known(connection: Connection, owner: str) -> bool:
    """Whether a sender ever claimed anything here."""
    return connection.execute(_GONE, {"who": owner}).one_or_none() is not None


def holds_anything(connection: Connection, owner: str) -> bool:
    """Whether deliveries of any mailing are claimed by an owner."""
    found: bool = connection.execute(
        select(
            exists().where(
                deliveries.c.mailing_id.in_(select(mailings.c.id)),
                deliveries.c.state == DeliveryState.CLAIMED,
                deliveries.c.sender_id
                == select(senders.c.id)
                .where(senders.c.owner == bindparam("who", type_=senders.c.owner.type))
                .scalar_subquery(),
            )
        ),
        {"who": owner},
    ).scalar_one()
    return found

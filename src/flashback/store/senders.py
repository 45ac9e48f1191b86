"""The senders that use this store, and the lease that their heartbeat renews.

A sender's claims are its own for as long as its heart beats: one row to renew, however many
claims it holds.
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, bindparam, select, update

from flashback.model import DeliveryState
from flashback.store import owners
from flashback.store.once import insert_once
from flashback.store.tables import deliveries, senders

#: RFC 5321 section 4.5.3.2.6 lets a relay think for ten minutes after the final dot.
LEASE: Final = dt.timedelta(minutes=15)
#: How often the heart beats at most, in the time that callers pass in.
HEARTBEAT: Final = dt.timedelta(minutes=1)

_BEAT: Final = (
    update(senders)
    .where(senders.c.owner == bindparam("who"), senders.c.heartbeat_at < bindparam("now"))
    .values(heartbeat_at=bindparam("now"))
)


class Pulse:
    """When each sender's heart last beat, so that it beats no more often than needed."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, dt.datetime]] = {}

    @contextmanager
    def beating(self, owner: str, now: dt.datetime) -> Iterator["Beat"]:
        """Hand out a beat around a transaction; it counts only when that ended well."""
        number, at = self._known.get(owner, (None, None))
        beat = Beat(owner, now, number, needed=at is None or now - at >= HEARTBEAT)
        yield beat
        if beat.done and beat.number is not None:
            self._known[owner] = (beat.number, now)


@dataclass(slots=True)
class Beat:
    """One chance to renew the lease of everything a sender has claimed."""

    owner: str
    now: dt.datetime
    number: int | None  #: of the sender's row; None before its first claim
    needed: bool
    done: bool = False

    def enrol(self, connection: Connection) -> int:
        """The sender's number; at first sight it is written down."""
        if self.number is None:
            self.number = _enrol(connection, self.owner, self.now)
        self.renew(connection)
        return self.number

    def renew(self, connection: Connection) -> None:
        """Beat, unless the last time is fresh."""
        if self.needed:
            connection.execute(_BEAT, {"who": self.owner, "now": self.now})
            self.done = True


def _enrol(connection: Connection, owner: str, now: dt.datetime) -> int:
    parts = owners.parse_owner(owner)
    connection.execute(
        insert_once(connection, senders),
        {
            "owner": owner,
            "host": parts.host if parts else "",
            "pid": parts.pid if parts else 0,
            "started_at": now,
            "heartbeat_at": now,
        },
    )
    found = select(senders.c.id).where(senders.c.owner == owner)
    number: int = connection.execute(found).scalar_one()
    return number


def gone(
    connection: Connection, mailing_id: int, *, now: dt.datetime, one_machine: bool
) -> list[int]:
    """The numbers of senders with claims in a mailing that are dead or whose lease is over."""
    holders = connection.execute(
        select(senders.c.id, senders.c.owner, senders.c.heartbeat_at)
        .join(deliveries, deliveries.c.sender_id == senders.c.id)
        .where(deliveries.c.mailing_id == mailing_id, deliveries.c.state == DeliveryState.CLAIMED)
        .distinct()
    )
    return [
        row.id
        for row in holders
        if row.heartbeat_at + LEASE <= now or owners.is_dead(row.owner, one_machine=one_machine)
    ]

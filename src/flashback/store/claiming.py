"""Claims: who may be tried next, by one sender and no other.

Reading who is due, who may still be mailed, and taking them is one transaction. Functions over a
connection; ``ledger`` decides where the transaction begins and ends.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Integer, bindparam, select, text, update

from flashback.errors import LeaseLostError
from flashback.model import (
    Address,
    Claim,
    DeliveryState,
    SubscriberStatus,
    SuppressionReason,
)
from flashback.sentences import tr
from flashback.store.columns import Identity
from flashback.store.tables import deliveries, senders, subscribers, suppressions

#: One statement names at most so many rows: databases limit its parameters.
LARGEST_WINDOW: Final = 5_000

_WINDOW: Final = (
    select(
        deliveries.c.id,
        deliveries.c.subscriber_id,
        deliveries.c.language,
        deliveries.c.attempts,
        deliveries.c.first_tried_at,
        subscribers.c.mailbox,
        subscribers.c.key,
        subscribers.c.name,
        subscribers.c.status,
        suppressions.c.reason,
    )
    .select_from(
        deliveries.outerjoin(subscribers, subscribers.c.id == deliveries.c.subscriber_id).outerjoin(
            suppressions, suppressions.c.key == subscribers.c.key
        )
    )
    .where(
        deliveries.c.mailing_id == bindparam("mailing", type_=Identity),
        deliveries.c.state == DeliveryState.PLANNED,
    )
    .order_by(deliveries.c.id)
    .limit(bindparam("size", type_=Integer))
    # PostgreSQL: what another sender is claiming right now is not there for us.
    .with_for_update(of=deliveries, skip_locked=True)
)

_DUE: Final = (
    select(deliveries.c.id)
    .where(
        deliveries.c.mailing_id == bindparam("mailing", type_=Identity),
        # The partial index answers only to these very words.
        text("state = 'deferred'"),
        deliveries.c.due_at <= bindparam("now"),
    )
    .order_by(deliveries.c.due_at)
    .limit(bindparam("size", type_=Integer))
    .with_for_update(skip_locked=True)
)

_BEFORE_DOT: Final = (
    update(deliveries)
    .where(
        deliveries.c.id == bindparam("delivery"),
        deliveries.c.state == DeliveryState.CLAIMED,
        deliveries.c.attempts == bindparam("attempt"),
        deliveries.c.sender_id
        == select(senders.c.id).where(senders.c.owner == bindparam("who")).scalar_subquery(),
        # One final dot to a claim.
        deliveries.c.before_dot_at.is_(None),
    )
    .values(before_dot_at=bindparam("now"))
)


def claim(
    connection: Connection,
    mailing_id: int,
    *,
    owner: str,
    sender_id: int,
    editions: Mapping[str, str],
    limit: int,
    now: dt.datetime,
) -> list[Claim]:
    """Take up to ``limit`` deliveries in order; settle as skipped who may not be mailed."""
    _wake(connection, mailing_id, min(limit, LARGEST_WINDOW), now)
    claims: list[Claim] = []
    while len(claims) < limit:
        size = min(limit - len(claims), LARGEST_WINDOW)
        rows = connection.execute(_WINDOW, {"mailing": mailing_id, "size": size}).all()
        if not rows:
            break
        barred = {row.id: reason for row in rows if (reason := _bar(row))}
        _skip(connection, barred, now)
        free = [row for row in rows if row.id not in barred]
        _take(connection, [row.id for row in free], sender_id, now)
        claims += [_claim(row, mailing_id, owner, editions) for row in free]
    return claims


def _wake(connection: Connection, mailing_id: int, size: int, now: dt.datetime) -> None:
    """Make deferred deliveries planned that are due, a window at a time."""
    due = connection.scalars(_DUE, {"mailing": mailing_id, "now": now, "size": size}).all()
    if due:
        connection.execute(
            update(deliveries)
            .where(deliveries.c.id.in_(due))
            .values(state=DeliveryState.PLANNED, due_at=None, changed_at=now)
        )


def _bar(row: Any) -> str:
    """Why nothing may be sent to this person; empty when it may."""
    status: SubscriberStatus | None = row.status
    suppressed: SuppressionReason | None = row.reason
    if status is None:
        return "erased"
    if status is not SubscriberStatus.CONFIRMED:
        return status.value
    return suppressed.value if suppressed else ""


def _skip(connection: Connection, barred: Mapping[int, str], now: dt.datetime) -> None:
    for reason in sorted(set(barred.values())):
        connection.execute(
            update(deliveries)
            .where(deliveries.c.id.in_([n for n, why in barred.items() if why == reason]))
            .values(state=DeliveryState.SKIPPED, reason=reason, changed_at=now)
        )


def _take(connection: Connection, ids: Sequence[int], sender_id: int, now: dt.datetime) -> None:
    if ids:
        connection.execute(
            update(deliveries)
            .where(deliveries.c.id.in_(ids))
            .values(
                state=DeliveryState.CLAIMED,
                sender_id=sender_id,
                attempts=deliveries.c.attempts + 1,
                before_dot_at=None,
                changed_at=now,
            )
        )


def _claim(row: Any, mailing_id: int, owner: str, editions: Mapping[str, str]) -> Claim:
    return Claim(
        delivery_id=row.id,
        mailing_id=mailing_id,
        subscriber_id=row.subscriber_id,
        address=Address(mailbox=row.mailbox, key=row.key),
        name=row.name,
        language=row.language,
        edition_digest=editions[row.language],
        attempt=row.attempts + 1,
        owner=owner,
        first_tried_at=row.first_tried_at,
    )


def before_final_dot(connection: Connection, claim: Claim, now: dt.datetime) -> None:
    """Note that the final dot is about to leave. Raises LeaseLostError when it must not."""
    found = connection.execute(
        _BEFORE_DOT,
        {
            "delivery": claim.delivery_id,
            "attempt": claim.attempt,
            "who": claim.owner,
            "now": now,
        },
    )
    if found.rowcount != 1:
        raise LeaseLostError(
            tr("Delivery {number} belongs to another sender now.", number=claim.delivery_id),
            hint=tr("Nothing is lost: the other sender sends it."),
        )

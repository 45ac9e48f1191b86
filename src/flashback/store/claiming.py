"""Claims: who may be tried next, by one sender and no other.

Reading who is due, who may still be mailed, and taking them is one transaction. Functions over a
connection; ``ledger`` decides where the transaction begins and ends.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from sqlalchemy import Connection, Integer, bindparam, case, literal, select, text, update

from flashback.model import Address, Claim, DeliveryState, MailingState, SubscriberStatus
from flashback.store.columns import Identity
from flashback.store.mailings import begin_if_due, read_state, skip_if_cancelled, state_of
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
        # Why nothing may be sent to this person; null when it may.
        case(
            (subscribers.c.id.is_(None), "erased"),
            (
                subscribers.c.status != literal(SubscriberStatus.CONFIRMED),
                # Its word, whatever type the column has.
                subscribers.c.status.cast(deliveries.c.reason.type),
            ),
            else_=suppressions.c.reason.cast(deliveries.c.reason.type),
        ).label("bar"),
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

_TAKEN: Final = {
    "state": DeliveryState.CLAIMED,
    "sender_id": bindparam("sender"),
    "attempts": deliveries.c.attempts + 1,
    "changed_at": bindparam("now"),
}
#: SQLite has one writer: between the first and the last of a window there are no others.
_TAKE_RANGE: Final = (
    update(deliveries)
    .where(
        deliveries.c.mailing_id == bindparam("mailing", type_=Identity),
        deliveries.c.state == DeliveryState.PLANNED,
        deliveries.c.id.between(bindparam("first"), bindparam("last")),
    )
    .values(_TAKEN)
)
_TAKE: Final = (
    update(deliveries)
    .where(deliveries.c.id.in_(bindparam("numbers", expanding=True)))
    .values(_TAKEN)
)


def ready(connection: Connection, mailing_id: int, now: dt.datetime) -> bool:
    """Whether a mailing is open; one whose hour has come is opened here."""
    # Changed before it is locked for reading: two senders would wait for one another.
    if read_state(connection, mailing_id) is MailingState.SCHEDULED:
        begin_if_due(connection, mailing_id, now)
    return state_of(connection, mailing_id) is MailingState.OPEN


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
        free = [row for row in rows if row.bar is None]
        if len(free) < len(rows):
            _skip(connection, [row for row in rows if row.bar is not None], now)
        _take(connection, mailing_id, free, sender_id, now)
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


def _skip(connection: Connection, barred: Sequence[Any], now: dt.datetime) -> None:
    for reason in sorted({row.bar for row in barred}):
        connection.execute(
            update(deliveries)
            .where(deliveries.c.id.in_([row.id for row in barred if row.bar == reason]))
            .values(state=DeliveryState.SKIPPED, reason=reason, changed_at=now)
        )


def _take(
    connection: Connection, mailing_id: int, rows: Sequence[Any], sender_id: int, now: dt.datetime
) -> None:
    if not rows:
        return
    values = {"sender": sender_id, "now": now}
    if connection.dialect.name == "sqlite":
        ends = {"mailing": mailing_id, "first": rows[0].id, "last": rows[-1].id}
        connection.execute(_TAKE_RANGE, values | ends)
    else:
        connection.execute(_TAKE, values | {"numbers": [row.id for row in rows]})


def _claim(row: Any, mailing_id: int, owner: str, editions: Mapping[str, str]) -> Claim:
    number, subscriber_id, language, attempts, first_tried_at, mailbox, key, name, _ = row
    return Claim(
        delivery_id=number,
        mailing_id=mailing_id,
        subscriber_id=subscriber_id,
        address=Address(mailbox, key),
        name=name,
        language=language,
        edition_digest=editions[language],
        attempt=attempts + 1,
        owner=owner,
        first_tried_at=first_tried_at,
    )


def release(connection: Connection, claims: Iterable[Claim]) -> None:
    """Give back what is still held: planned, or skipped where the mailing was cancelled."""
    groups = groupby(sorted(claims, key=_group_and_number), _group)
    for (mailing_id, owner, attempt), group in groups:
        state_of(connection, mailing_id)  # locked, so that nobody cancels it meanwhile
        numbers = [claim.delivery_id for claim in group]
        for start in range(0, len(numbers), LARGEST_WINDOW):
            connection.execute(
                update(deliveries)
                .where(
                    deliveries.c.id.in_(numbers[start : start + LARGEST_WINDOW]),
                    deliveries.c.state == DeliveryState.CLAIMED,
                    deliveries.c.attempts == attempt,
                    deliveries.c.sender_id
                    == select(senders.c.id).where(senders.c.owner == owner).scalar_subquery(),
                )
                .values(state=DeliveryState.PLANNED, attempts=deliveries.c.attempts - 1)
            )
        skip_if_cancelled(connection, mailing_id, None)


def _group(claim: Claim) -> tuple[int, str, int]:
    return claim.mailing_id, claim.owner, claim.attempt


def _group_and_number(claim: Claim) -> tuple[int, str, int, int]:
    return *_group(claim), claim.delivery_id

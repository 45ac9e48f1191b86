"""What can be told about a mailing: counts, reasons, domains, pace, and single deliveries.

Everything is read from the rows themselves. Functions over a connection; ``ledger`` decides where
their transactions begin and end.
"""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, Text, case, cast, func, select, text

from flashback.errors import StoreError
from flashback.model import Account, Delivery, DeliveryState
from flashback.sentences import tr
from flashback.store.tables import deliveries, mailings, subscribers

_MOST_REASONS: Final = 50
_SECONDS_A_DAY: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainAccount:
    """How the readers of one mail domain fared in a mailing."""

    domain: str  #: in A-labels; empty for people who were erased
    account: Account
    attempts: int  #: of all deliveries together
    seconds: float | None  #: mean, from opening until accepted; None when none was


_DELIVERIES: Final[Select[Any]] = select(deliveries, subscribers.c.mailbox).select_from(
    deliveries.outerjoin(subscribers, subscribers.c.id == deliveries.c.subscriber_id)
)


def account(connection: Connection, mailing_id: int) -> Account:
    """Count the rows."""
    rows = connection.execute(
        select(deliveries.c.state, func.count().label("number"))
        .where(deliveries.c.mailing_id == mailing_id)
        .group_by(deliveries.c.state)
    )
    return Account({row.state: row.number for row in rows})


def page_of_deliveries(
    connection: Connection,
    mailing_id: int,
    states: Iterable[DeliveryState],
    *,
    after: int,
    limit: int,
) -> tuple[Delivery, ...]:
    """Deliveries in order, beginning after one; an erased person's address is empty."""
    # The index has each state in order. Several at once would be read to the end, and sorted.
    found = [
        connection.scalars(
            select(deliveries.c.id)
            .where(
                deliveries.c.mailing_id == mailing_id,
                deliveries.c.state == state,
                deliveries.c.id > after,
            )
            .order_by(deliveries.c.id)
            .limit(limit)
        )
        for state in states
    ]
    numbers = sorted(chain.from_iterable(found))[:limit]
    rows = connection.execute(
        _DELIVERIES.where(deliveries.c.id.in_(numbers)).order_by(deliveries.c.id)
    )
    return tuple(_deliveries(rows))


def _deliveries(rows: Iterable[Any]) -> Iterator[Delivery]:
    for row in rows:
        yield Delivery(
            id=row.id,
            mailing_id=row.mailing_id,
            address=row.mailbox or "",
            language=row.language,
            state=row.state,
            attempts=row.attempts,
            changed_at=row.changed_at,
            due_at=row.due_at,
            reply=row.reply,
            queue_id=row.queue_id,
            reason=row.reason,
        )


def delivery_by_id(connection: Connection, delivery_id: int) -> Delivery:
    """One delivery. Raises StoreError when there is none."""
    rows = connection.execute(_DELIVERIES.where(deliveries.c.id == delivery_id))
    for found in _deliveries(rows):
        return found
    raise no_delivery(delivery_id)


def no_delivery(delivery_id: int) -> StoreError:
    """The error about a number that no delivery has."""
    return StoreError(tr("There is no delivery {number}.", number=delivery_id))


def reasons(
    connection: Connection, mailing_id: int, state: DeliveryState
) -> tuple[tuple[str, int], ...]:
    """What servers answered, or else what we say, about deliveries in one state."""
    said = case((deliveries.c.reply != "", deliveries.c.reply), else_=deliveries.c.reason)
    rows = connection.execute(
        select(said.label("said"), func.count().label("number"))
        .where(deliveries.c.mailing_id == mailing_id, deliveries.c.state == state)
        .group_by(said)
        .order_by(func.count().desc(), said)
        .limit(_MOST_REASONS)
    )
    return tuple((row.said, row.number) for row in rows)


@dataclass(slots=True)
class _Tally:
    counts: dict[DeliveryState, int] = field(default_factory=dict)
    attempts: int = 0
    seconds: float | None = None


def domains(connection: Connection, mailing_id: int) -> tuple[DomainAccount, ...]:
    """The mail domains of a mailing's readers, the largest first."""
    domain = _domain()
    rows = connection.execute(
        select(
            domain.label("domain"),
            deliveries.c.state,
            func.count().label("number"),
            func.sum(deliveries.c.attempts).label("attempts"),
            func.avg(_seconds(connection)).label("seconds"),
        )
        .select_from(
            deliveries.join(mailings, mailings.c.id == deliveries.c.mailing_id).outerjoin(
                subscribers, subscribers.c.id == deliveries.c.subscriber_id
            )
        )
        .where(deliveries.c.mailing_id == mailing_id)
        .group_by(domain, deliveries.c.state)
    )
    tallies: dict[str, _Tally] = {}
    for row in rows:
        tally = tallies.setdefault(row.domain, _Tally())
        tally.counts[row.state] = row.number
        tally.attempts += int(row.attempts)
        if row.state is DeliveryState.ACCEPTED:
            tally.seconds = float(row.seconds)
    found = (
        DomainAccount(
            domain=name,
            account=Account(tally.counts),
            attempts=tally.attempts,
            seconds=tally.seconds,
        )
        for name, tally in tallies.items()
    )
    return tuple(sorted(found, key=lambda one: (-one.account.audience, one.domain)))


def _domain() -> ColumnElement[str]:
    """What follows the last at sign; a local part between quotes may hold others."""
    mailbox = func.coalesce(subscribers.c.mailbox, "")
    before = func.rtrim(mailbox, func.replace(mailbox, "@", ""))
    return func.substr(mailbox, func.length(before) + 1, type_=Text)


def _seconds(connection: Connection) -> ColumnElement[Any]:
    """Between the opening of the mailing and the last change of a delivery."""
    changed, opened = deliveries.c.changed_at, mailings.c.opened_at
    if connection.dialect.name == "postgresql":
        return func.extract("epoch", changed - opened)
    return (func.julianday(changed) - func.julianday(opened)) * _SECONDS_A_DAY


def pace(connection: Connection, mailing_id: int) -> tuple[tuple[dt.datetime, int], ...]:
    """How many were accepted in each minute, in order; a minute with none is left out."""
    if connection.dialect.name == "postgresql":
        shape = "YYYY-MM-DD HH24:MI"
        minute = func.to_char(func.timezone("UTC", deliveries.c.changed_at), shape)
    else:
        minute = func.substr(cast(deliveries.c.changed_at, Text), 1, 16)
    rows = connection.execute(
        select(minute.label("minute"), func.count().label("number"))
        .where(
            deliveries.c.mailing_id == mailing_id,
            deliveries.c.state == DeliveryState.ACCEPTED,
        )
        .group_by(minute)
        .order_by(minute)
    )
    return tuple(
        (dt.datetime.fromisoformat(row.minute).replace(tzinfo=dt.UTC), row.number) for row in rows
    )


def next_due(connection: Connection, mailing_id: int) -> dt.datetime | None:
    """When the first deferred delivery is tried again; None when none waits."""
    due: dt.datetime | None = connection.scalar(
        select(func.min(deliveries.c.due_at)).where(
            deliveries.c.mailing_id == mailing_id,
            # The partial index answers only to these very words.
            text("state = 'deferred'"),
        )
    )
    return due

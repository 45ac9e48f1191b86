"""Whether a store is whole: its file, its references, its accounts, its consents."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, func, select

from flashback.model import ConsentKind, SubscriberStatus
from flashback.sentences import Sentence, tr
from flashback.store.engine import Store
from flashback.store.tables import consents, deliveries, mailings, subscribers

_MOST: Final = 20


def check(store: Store) -> tuple[Sentence, ...]:
    """What is wrong with a store; nothing for a sound one.

    Its file and its references, that each mailing's account adds up to its audience, and that
    everybody who may be mailed agreed last.
    """
    with store.read() as connection:
        return (
            *(_file(connection) if store.one_machine else ()),
            *_accounts(connection),
            *_agreements(connection),
        )


def _file(connection: Connection) -> Iterator[Sentence]:
    """PostgreSQL looks after both by itself."""
    for (found,) in connection.exec_driver_sql(f"PRAGMA integrity_check({_MOST})"):
        if found != "ok":
            yield tr("The file is damaged: {reason}", reason=found)
    if dangling := connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall():
        yield tr("{count} rows refer to others that are not there.", count=len(dangling))


def _accounts(connection: Connection) -> Iterator[Sentence]:
    counted = (
        select(deliveries.c.mailing_id, func.count().label("number"))
        .group_by(deliveries.c.mailing_id)
        .subquery()
    )
    number = func.coalesce(counted.c.number, 0)
    sums = (
        select(mailings.c.id, mailings.c.audience, number.label("number"))
        .outerjoin(counted, counted.c.mailing_id == mailings.c.id)
        .where(number != mailings.c.audience)
        .order_by(mailings.c.id)
    )
    for row in connection.execute(sums):
        yield tr(
            "Mailing {number} has an audience of {audience} and {count} deliveries.",
            number=row.id,
            audience=row.audience,
            count=row.number,
        )


def _agreements(connection: Connection) -> Iterator[Sentence]:
    last = select(func.max(consents.c.id)).group_by(consents.c.subscriber_id)
    agreed = select(consents.c.subscriber_id).where(
        consents.c.id.in_(last), consents.c.kind == ConsentKind.GRANTED
    )
    silent = connection.scalar(
        select(func.count())
        .select_from(subscribers)
        .where(subscribers.c.status == SubscriberStatus.CONFIRMED, subscribers.c.id.not_in(agreed))
    )
    if silent:
        yield tr("{count} people are confirmed without a consent.", count=silent)

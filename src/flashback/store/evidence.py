"""What was learned later about one delivery: a bounce report, or a line of the relay's log."""

import datetime as dt

from sqlalchemy import Connection, select, update

from flashback.model import DeliveryState, SuppressionReason
from flashback.storable import foreign
from flashback.store.mailings import skip_if_cancelled, state_of, unfinish
from flashback.store.once import insert_once
from flashback.store.reports import no_delivery
from flashback.store.settling import EVIDENCE, check_lawful
from flashback.store.tables import deliveries, subscribers, suppressions


def record(
    connection: Connection,
    delivery_id: int,
    state: DeliveryState,
    *,
    at: dt.datetime,
    reason: str,
    suppress: SuppressionReason | None,
) -> bool:
    """Move one accepted or doubtful delivery; False when it stands there already.

    Raises StoreError when there is no such delivery, or when it cannot go there.
    """
    row = connection.execute(
        select(deliveries.c.state, deliveries.c.mailing_id, subscribers.c.key)
        .outerjoin(subscribers, subscribers.c.id == deliveries.c.subscriber_id)
        .where(deliveries.c.id == delivery_id)
        .with_for_update(of=deliveries)
    ).one_or_none()
    if row is None:
        raise no_delivery(delivery_id)
    if row.state is state:
        return False
    check_lawful(row.state, state, by=EVIDENCE)
    if state is DeliveryState.PLANNED:
        state_of(connection, row.mailing_id)  # nobody finishes it meanwhile
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery_id)
        .values(state=state, changed_at=at, reason=foreign(reason))
    )
    if state is DeliveryState.PLANNED:
        unfinish(connection, row.mailing_id)
        skip_if_cancelled(connection, row.mailing_id, at)
    if suppress is not None and row.key is not None:
        connection.execute(
            insert_once(connection, suppressions),
            {"key": row.key, "reason": suppress, "at": at, "note": foreign(reason)},
        )
    return True

"""After a crash: what dead senders held, and what to do about what nobody knows.

Functions over a connection; ``ledger`` decides where their transactions begin and end.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import Connection, func, insert, literal, select, update

from flashback.model import Account, Claim, DeliveryState, Result
from flashback.store.mailings import reopen
from flashback.store.tables import attempts, deliveries, senders

#: What stands as a delivery's reason when a program, or a person, decided it.
ENDED: Final = "sender ended"
RESENT: Final = "resent"
ASSUMED: Final = "assumed accepted"


def recover(
    connection: Connection, mailing_id: int, gone: Sequence[int], now: dt.datetime
) -> Account:
    """Free the claims of senders that are gone; answer how many became planned and in doubt."""
    held = (
        deliveries.c.mailing_id == mailing_id,
        deliveries.c.state == DeliveryState.CLAIMED,
        deliveries.c.sender_id.in_(gone),
    )
    # In this order, a sender thought dead that notes its dot between the two is found by the
    # second; the other way round its delivery would be planned although it leaves.
    planned = connection.execute(
        update(deliveries)
        .where(*held, deliveries.c.before_dot_at.is_(None))
        .values(state=DeliveryState.PLANNED, changed_at=now)
    ).rowcount
    past_dot = (*held, deliveries.c.before_dot_at.is_not(None))
    connection.execute(
        insert(attempts).from_select(
            ["delivery_id", "number", "at", "stage", "result", "detail"],
            select(
                deliveries.c.id,
                deliveries.c.attempts,
                deliveries.c.before_dot_at,
                literal("dot"),
                literal(Result.UNKNOWN, attempts.c.result.type),
                literal(ENDED),
            ).where(*past_dot),
        )
    )
    in_doubt = connection.execute(
        update(deliveries)
        .where(*past_dot)
        .values(
            state=DeliveryState.IN_DOUBT,
            changed_at=now,
            first_tried_at=func.coalesce(deliveries.c.first_tried_at, deliveries.c.before_dot_at),
            reason=ENDED,
        )
    ).rowcount
    return Account({DeliveryState.PLANNED: planned, DeliveryState.IN_DOUBT: in_doubt})


def release(connection: Connection, claims: Iterable[Claim]) -> None:
    """Give back what is still held and has not reached its final dot."""
    for claim in sorted(claims, key=lambda claim: claim.delivery_id):
        connection.execute(
            update(deliveries)
            .where(
                deliveries.c.id == claim.delivery_id,
                deliveries.c.state == DeliveryState.CLAIMED,
                deliveries.c.attempts == claim.attempt,
                deliveries.c.sender_id
                == select(senders.c.id).where(senders.c.owner == claim.owner).scalar_subquery(),
                # Whatever the caller believes: past its dot, only recovery may judge it.
                deliveries.c.before_dot_at.is_(None),
            )
            .values(state=DeliveryState.PLANNED, attempts=deliveries.c.attempts - 1)
        )


def resolve_doubt(
    connection: Connection, mailing_id: int, *, to: DeliveryState, now: dt.datetime
) -> int:
    """Move all that is in doubt; a finished mailing that gets work again is open again."""
    resend = to is DeliveryState.PLANNED
    moved = connection.execute(
        update(deliveries)
        .where(
            deliveries.c.mailing_id == mailing_id,
            deliveries.c.state == DeliveryState.IN_DOUBT,
        )
        .values(state=to, changed_at=now, reason=RESENT if resend else ASSUMED)
    ).rowcount
    if moved and resend:
        reopen(connection, mailing_id)
    return moved

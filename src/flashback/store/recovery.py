"""After a crash: what dead senders held, and what to do about what nobody knows.

Functions over a connection; ``ledger`` decides where their transactions begin and end.
"""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, insert, select, update

from flashback.model import Account, Address, Claim, DeliveryState, Result
from flashback.store import journal, senders
from flashback.store.mailings import skip_if_cancelled, state_of
from flashback.store.settling import settle
from flashback.store.tables import attempts, deliveries, subscribers

#: What stands as a delivery's reason when a program, or a person, decided it.
ENDED: Final = "sender ended"
UNREAD: Final = "sender ended, journal lost"
ASSUMED: Final = "assumed accepted"

_CHUNK: Final = 5_000

_PLAN: Final = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("delivery"))
    .values(state=DeliveryState.PLANNED, changed_at=bindparam("now"))
)
_DOUBT: Final = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("delivery"))
    .values(
        state=DeliveryState.IN_DOUBT,
        changed_at=bindparam("now"),
        first_tried_at=func.coalesce(deliveries.c.first_tried_at, bindparam("at")),
        reason=bindparam("why"),
    )
)


def recover(
    connection: Connection,
    mailing_id: int,
    *,
    now: dt.datetime,
    one_machine: bool,
    journals: Path,
) -> Account:
    """Free the claims of senders that are gone; answer how many went where.

    ``journals`` is where they may lie by now, if their workspace was moved.
    """
    state_of(connection, mailing_id)
    freed: list[int] = []
    gone = senders.gone(connection, mailing_id, now=now, one_machine=one_machine)
    for row in gone:
        claims = _held(connection, mailing_id, row)
        memory = journal.read(row.journal, row.owner)
        if memory is None and row.journal:
            place = journals / Path(row.journal).name
            memory = journal.read(str(place), row.owner, moved=True)
        _free(connection, claims, memory, now)
        freed += [claim.delivery_id for claim in claims]
    senders.bury(connection, [row.id for row in gone], now)
    if freed:
        skip_if_cancelled(connection, mailing_id, now)
    return _whither(connection, freed)


def _held(connection: Connection, mailing_id: int, sender: Any) -> list[Claim]:
    rows = connection.execute(
        select(deliveries, subscribers.c.mailbox, subscribers.c.key, subscribers.c.name)
        .outerjoin(subscribers, subscribers.c.id == deliveries.c.subscriber_id)
        .where(
            deliveries.c.mailing_id == mailing_id,
            deliveries.c.state == DeliveryState.CLAIMED,
            deliveries.c.sender_id == sender.id,
        )
        .order_by(deliveries.c.id)
        .with_for_update(of=deliveries)
    )
    return [
        Claim(
            delivery_id=row.id,
            mailing_id=mailing_id,
            subscriber_id=row.subscriber_id or 0,
            # Nobody is mailed by this claim; an erased person has neither.
            address=Address(mailbox=row.mailbox or "", key=row.key or ""),
            name=row.name or "",
            language=row.language,
            edition_digest="",
            attempt=row.attempts,
            owner=sender.owner,
            first_tried_at=row.first_tried_at,
        )
        for row in rows
    ]


def _free(
    connection: Connection,
    claims: Sequence[Claim],
    memory: journal.Recollection | None,
    now: dt.datetime,
) -> None:
    if memory is None:
        _doubt(connection, [(claim, now) for claim in claims], UNREAD, now)
        return
    known = {claim.delivery_id: memory.settlements(claim) for claim in claims}
    settle(connection, [settlement for some in known.values() for settlement in some])
    unknown = [claim for claim in claims if not known[claim.delivery_id]]
    noted = [(c, at) for c in unknown if (at := memory.noted.get((c.delivery_id, c.attempt)))]
    _doubt(connection, noted, ENDED, now)
    doubtful = {claim.delivery_id for claim, _ in noted}
    planned = [c.delivery_id for c in unknown if c.delivery_id not in doubtful]
    if planned:
        connection.execute(_PLAN, [{"delivery": number, "now": now} for number in planned])


def _doubt(
    connection: Connection,
    claims: Sequence[tuple[Claim, dt.datetime]],
    why: str,
    now: dt.datetime,
) -> None:
    if not claims:
        return
    connection.execute(
        insert(attempts),
        [
            {
                "delivery_id": claim.delivery_id,
                "number": claim.attempt,
                "at": at,
                "stage": "dot",
                "result": Result.UNKNOWN,
                "detail": why,
            }
            for claim, at in claims
        ],
    )
    connection.execute(
        _DOUBT,
        [{"delivery": claim.delivery_id, "at": at, "why": why, "now": now} for claim, at in claims],
    )


def _whither(connection: Connection, numbers: Sequence[int]) -> Account:
    """Where the freed deliveries stand now."""
    counts: Counter[DeliveryState] = Counter()
    for start in range(0, len(numbers), _CHUNK):
        rows = connection.execute(
            select(deliveries.c.state, func.count().label("number"))
            .where(deliveries.c.id.in_(numbers[start : start + _CHUNK]))
            .group_by(deliveries.c.state)
        )
        counts.update({row.state: row.number for row in rows})
    return Account(counts)


def assume_accepted(connection: Connection, mailing_id: int, now: dt.datetime) -> int:
    """Count all that is in doubt as accepted; how many there were."""
    return connection.execute(
        update(deliveries)
        .where(
            deliveries.c.mailing_id == mailing_id,
            deliveries.c.state == DeliveryState.IN_DOUBT,
        )
        .values(state=DeliveryState.ACCEPTED, changed_at=now, reason=ASSUMED)
    ).rowcount

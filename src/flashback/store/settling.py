"""Settlements: what came of each try, and the one table of transitions enforced.

An attempt is always kept. The delivery moves only when it is still this claim's: the same sender
and the same attempt, claimed, or in doubt because others thought the sender dead.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, insert, select, update

from flashback.errors import StoreError
from flashback.model import (
    TRANSITIONS,
    DeliveryState,
    Outcome,
    Result,
    Settlement,
    SuppressionReason,
)
from flashback.sentences import tr
from flashback.store.mailings import reopen
from flashback.store.once import insert_once
from flashback.store.storable import foreign
from flashback.store.tables import attempts, deliveries, senders, suppressions

_CHUNK: Final = 5_000

#: The states that a sender moves on, and those that later evidence does.
SENDERS: Final = frozenset({DeliveryState.CLAIMED})
EVIDENCE: Final = frozenset({DeliveryState.ACCEPTED, DeliveryState.IN_DOUBT})

_MOVE: Final = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("delivery"))
    .values(
        state=bindparam("to"),
        attempts=bindparam("tries"),
        due_at=bindparam("due"),
        changed_at=bindparam("at"),
        first_tried_at=func.coalesce(deliveries.c.first_tried_at, bindparam("first")),
        reply=bindparam("said"),
        reason=bindparam("why"),
        queue_id=bindparam("queue"),
    )
)


@dataclass(slots=True)
class _Standing:
    """Where a delivery stands while a batch of settlements is gone through."""

    state: DeliveryState
    attempts: int
    owner: str | None


def settle(connection: Connection, settlements: Sequence[Settlement]) -> None:
    """Write a batch down. Raises StoreError, before writing, on a transition that cannot be."""
    for settlement in settlements:
        check_lawful(DeliveryState.CLAIMED, settlement.state, by=SENDERS)
    for start in range(0, len(settlements), _CHUNK):
        _settle(connection, settlements[start : start + _CHUNK])


def check_lawful(state: DeliveryState, to: DeliveryState, *, by: frozenset[DeliveryState]) -> None:
    """Raise StoreError unless the one table allows it, and the state is one of ``by``."""
    if state not in by or to not in TRANSITIONS[state]:
        raise StoreError(tr("A delivery cannot go from {state} to {to}.", state=state, to=to))


def _settle(connection: Connection, settlements: Sequence[Settlement]) -> None:
    standings = _standings(connection, sorted({s.outcome.claim.delivery_id for s in settlements}))
    moves: list[dict[str, Any]] = []
    dead: list[dict[str, Any]] = []
    for settlement in settlements:
        standing = _standing(standings, settlement.outcome.claim.delivery_id)
        if not _held(standing, settlement):
            continue
        late = standing.state is DeliveryState.IN_DOUBT
        standing.state = _late(settlement.state) if late else settlement.state
        if late and standing.state is DeliveryState.PLANNED:
            reopen(connection, settlement.outcome.claim.mailing_id)
        standing.attempts -= settlement.outcome.result is Result.UNTRIED
        moves.append(_move(settlement, standing))
        if settlement.suppress:
            dead.append(_suppression(settlement.outcome))
    tried = [_attempt(s.outcome) for s in settlements if s.outcome.result is not Result.UNTRIED]
    if tried:
        connection.execute(insert(attempts), tried)
    if moves:
        connection.execute(_MOVE, moves)
    if dead:
        connection.execute(insert_once(connection, suppressions), dead)


def _standings(connection: Connection, ids: Sequence[int]) -> dict[int, _Standing]:
    rows = connection.execute(
        select(deliveries.c.id, deliveries.c.state, deliveries.c.attempts, senders.c.owner)
        .outerjoin(senders, senders.c.id == deliveries.c.sender_id)
        .where(deliveries.c.id.in_(ids))
        .order_by(deliveries.c.id)
        .with_for_update(of=deliveries)
    )
    return {row.id: _Standing(row.state, row.attempts, row.owner) for row in rows}


def _standing(standings: Mapping[int, _Standing], delivery_id: int) -> _Standing:
    if delivery_id not in standings:
        raise StoreError(tr("There is no delivery {number}.", number=delivery_id))
    return standings[delivery_id]


def _held(standing: _Standing, settlement: Settlement) -> bool:
    claim = settlement.outcome.claim
    return (
        standing.state in {DeliveryState.CLAIMED, DeliveryState.IN_DOUBT}
        and standing.owner == claim.owner
        and standing.attempts == claim.attempt
    )


def _late(to: DeliveryState) -> DeliveryState:
    """Where evidence leads that comes after the doubt. "Not now" clears it: it did not leave."""
    return DeliveryState.PLANNED if to is DeliveryState.DEFERRED else to


def _move(settlement: Settlement, standing: _Standing) -> dict[str, Any]:
    outcome = settlement.outcome
    deferred = standing.state is DeliveryState.DEFERRED
    return {
        "delivery": outcome.claim.delivery_id,
        "to": standing.state,
        "tries": standing.attempts,
        "due": settlement.due_at if deferred else None,
        "at": outcome.at,
        "first": None if outcome.result is Result.UNTRIED else outcome.at,
        "said": foreign(str(outcome.reply)) if outcome.reply else "",
        "why": foreign(outcome.detail),
        "queue": foreign(outcome.queue_id),
    }


def _attempt(outcome: Outcome) -> dict[str, Any]:
    reply = outcome.reply
    return {
        "delivery_id": outcome.claim.delivery_id,
        "number": outcome.claim.attempt,
        "at": outcome.at,
        "host": foreign(outcome.host),
        "stage": outcome.stage,
        "result": outcome.result,
        "reply_code": reply.code if reply else None,
        "reply_enhanced": foreign(reply.enhanced) if reply else "",
        "reply_text": foreign("\n".join(reply.lines)) if reply else "",
        "detail": foreign(outcome.detail),
        "queue_id": foreign(outcome.queue_id),
    }


def _suppression(outcome: Outcome) -> dict[str, Any]:
    return {
        "key": outcome.claim.address.key,
        "reason": SuppressionReason.HARD_BOUNCE,
        "at": outcome.at,
        "note": foreign(str(outcome.reply or outcome.detail)),
    }

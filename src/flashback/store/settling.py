"""Settlements: what came of each try, and the one table of transitions enforced.

An attempt is always kept. The delivery moves only when it is still this claim's: the same sender
and the same attempt, claimed, or in doubt because others thought the sender dead.
"""

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    Connection,
    bindparam,
    func,
    insert,
    literal_column,
    null,
    select,
    update,
)

from flashback.errors import StoreError
from flashback.model import (
    TRANSITIONS,
    DeliveryState,
    MailingState,
    Outcome,
    Result,
    Settlement,
    SuppressionReason,
)
from flashback.sentences import tr
from flashback.storable import foreign
from flashback.store.bulk import Bulk, moments
from flashback.store.mailings import CANCELLED, state_of, unfinish
from flashback.store.once import insert_once
from flashback.store.reports import no_delivery
from flashback.store.tables import attempts, deliveries, senders, subscribers, suppressions

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


#: Most of what is ever settled: still held, and accepted.
_ACCEPT: Final = Bulk(
    update(deliveries)
    .where(
        deliveries.c.id == bindparam("delivery"),
        deliveries.c.state == literal_column("'claimed'"),
        deliveries.c.sender_id == bindparam("sender"),
        deliveries.c.attempts == bindparam("attempt"),
    )
    .values(
        state=literal_column("'accepted'"),
        due_at=null(),
        changed_at=bindparam("at"),
        first_tried_at=func.coalesce(deliveries.c.first_tried_at, bindparam("at")),
        reply=bindparam("said"),
        reason=bindparam("why"),
        queue_id=bindparam("queue"),
    ),
    *("delivery", "attempt", "sender", "at", "said", "why", "queue"),
)
_ATTEMPT: Final = Bulk(
    insert(attempts),
    *("delivery_id", "number", "at", "host", "stage", "result"),
    *("reply_code", "reply_enhanced", "reply_text", "detail", "queue_id"),
)

#: Found by the index of people and mailings: they are few.
_ERASED: Final = select(deliveries.c.id).where(
    deliveries.c.subscriber_id.is_(None),
    deliveries.c.mailing_id.in_(bindparam("numbers", expanding=True)),
    deliveries.c.reply != "",
)

_Row = tuple[Any, ...]
_TimeOf = Callable[[dt.datetime], dt.datetime | str]


@dataclass(slots=True)
class _Standing:
    """Where a delivery stands while a batch of settlements is gone through."""

    state: DeliveryState
    attempts: int
    owner: str | None


def settle(connection: Connection, settlements: Sequence[Settlement]) -> None:
    """Write a batch down. Raises StoreError, before writing, on a transition that cannot be."""
    for state in {settlement.state for settlement in settlements}:
        check_lawful(DeliveryState.CLAIMED, state, by=SENDERS)
    for start in range(0, len(settlements), _CHUNK):
        _settle(connection, settlements[start : start + _CHUNK])


def check_lawful(state: DeliveryState, to: DeliveryState, *, by: frozenset[DeliveryState]) -> None:
    """Raise StoreError unless the one table allows it, and the state is one of ``by``."""
    if state not in by or to not in TRANSITIONS[state]:
        raise StoreError(tr("A delivery cannot go from {state} to {to}.", state=state, to=to))


def _settle(connection: Connection, settlements: Sequence[Settlement]) -> None:
    plain = [settlement for settlement in settlements if _is_plain(settlement)]
    # Of two outcomes of one claim, the second judges the first: one by one, in order.
    is_each_once = len({s.outcome.claim.delivery_id for s in settlements}) == len(settlements)
    is_usual = is_each_once and _accept(connection, plain)
    if is_usual:
        others = [settlement for settlement in settlements if not _is_plain(settlement)]
    else:
        others = list(settlements)
    _weigh(connection, others)
    tried = [s.outcome for s in settlements if s.outcome.result is not Result.UNTRIED]
    if not is_usual:
        tried = _unwritten(connection, tried)
    if tried:
        time_of = moments(connection)
        _ATTEMPT.execute(connection, [_attempt(outcome, time_of) for outcome in tried])
    _hush_erased(connection, {s.outcome.claim.mailing_id for s in settlements})


def _unwritten(connection: Connection, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Without those that were written already, by a commit whose answer was lost."""
    numbers = {outcome.claim.delivery_id for outcome in outcomes}
    rows = connection.execute(
        select(attempts.c.delivery_id, attempts.c.number, attempts.c.at, attempts.c.stage).where(
            attempts.c.delivery_id.in_(numbers)
        )
    )
    written = {tuple(row) for row in rows}
    return [
        outcome
        for outcome in outcomes
        if (outcome.claim.delivery_id, outcome.claim.attempt, outcome.at, outcome.stage)
        not in written
    ]


def _hush_erased(connection: Connection, mailing_ids: Collection[int]) -> None:
    """Keep no server's words about a person who was erased while a message was under way."""
    erased = connection.scalars(_ERASED, {"numbers": list(mailing_ids)}).all()
    if not erased:
        return
    connection.execute(
        update(deliveries).where(deliveries.c.id.in_(erased)).values(reply="", reason="erased")
    )
    connection.execute(
        update(attempts).where(attempts.c.delivery_id.in_(erased)).values(reply_text="", detail="")
    )


def _is_plain(settlement: Settlement) -> bool:
    return settlement.state is DeliveryState.ACCEPTED and not settlement.suppress


def _accept(connection: Connection, settlements: Sequence[Settlement]) -> bool:
    """Move what was accepted; whether all of it was still held, as nearly always."""
    if not settlements:
        return True
    numbers = _sender_numbers(connection, {s.outcome.claim.owner for s in settlements})
    time_of = moments(connection)
    rows = [_acceptance(s.outcome, numbers, time_of) for s in settlements]
    return _ACCEPT.execute(connection, rows) == len(rows)


def _sender_numbers(connection: Connection, owners: Collection[str]) -> dict[str, int]:
    rows = connection.execute(
        select(senders.c.owner, senders.c.id).where(senders.c.owner.in_(owners))
    )
    return {row.owner: row.id for row in rows}


def _acceptance(outcome: Outcome, numbers: Mapping[str, int], time_of: _TimeOf) -> _Row:
    claim, reply = outcome.claim, outcome.reply
    return (
        claim.delivery_id,
        claim.attempt,
        numbers.get(claim.owner),
        time_of(outcome.at),
        foreign(str(reply)) if reply else "",
        foreign(outcome.detail) if outcome.detail else "",
        foreign(outcome.queue_id) if outcome.queue_id else "",
    )


def _weigh(connection: Connection, settlements: Sequence[Settlement]) -> None:
    """Move each as it stands, one after the other."""
    if not settlements:
        return
    mailing_ids = sorted({s.outcome.claim.mailing_id for s in settlements})
    cancelled = {n for n in mailing_ids if state_of(connection, n) is MailingState.CANCELLED}
    standings = _standings(connection, sorted({s.outcome.claim.delivery_id for s in settlements}))
    moves: list[dict[str, Any]] = []
    dead: list[dict[str, Any]] = []
    for settlement in settlements:
        claim = settlement.outcome.claim
        standing = _standing(standings, claim.delivery_id)
        if not _held(standing, settlement):
            continue
        late = standing.state is DeliveryState.IN_DOUBT
        standing.state = _late(settlement.state) if late else settlement.state
        if late and standing.state is DeliveryState.PLANNED:
            unfinish(connection, claim.mailing_id)
        standing.attempts -= settlement.outcome.result is Result.UNTRIED
        moves.append(_move(settlement, standing, is_cancelled=claim.mailing_id in cancelled))
        if settlement.suppress and claim.address.key:
            dead.append(_suppression(settlement.outcome))
    if moves:
        connection.execute(_MOVE, moves)
    if dead:
        # Of who was erased meanwhile, the address is not kept for this either.
        there = set(
            connection.scalars(
                select(subscribers.c.key).where(subscribers.c.key.in_([row["key"] for row in dead]))
            )
        )
        kept = [row for row in dead if row["key"] in there]
        if kept:
            connection.execute(insert_once(connection, suppressions), kept)


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
        raise no_delivery(delivery_id)
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


def _move(settlement: Settlement, standing: _Standing, *, is_cancelled: bool) -> dict[str, Any]:
    outcome, state = settlement.outcome, standing.state
    is_dropped = is_cancelled and state in {DeliveryState.PLANNED, DeliveryState.DEFERRED}
    return {
        "delivery": outcome.claim.delivery_id,
        "to": DeliveryState.SKIPPED if is_dropped else state,
        "tries": standing.attempts,
        "due": settlement.due_at if state is DeliveryState.DEFERRED and not is_dropped else None,
        "at": outcome.at,
        "first": None if outcome.result is Result.UNTRIED else outcome.at,
        "said": foreign(str(outcome.reply)) if outcome.reply else "",
        "why": CANCELLED if is_dropped else foreign(outcome.detail),
        "queue": foreign(outcome.queue_id),
    }


def _attempt(outcome: Outcome, time_of: _TimeOf) -> _Row:
    claim, reply = outcome.claim, outcome.reply
    return (
        claim.delivery_id,
        claim.attempt,
        time_of(outcome.at),
        foreign(outcome.host),
        outcome.stage,
        outcome.result.value,
        reply.code if reply else None,
        foreign(reply.enhanced) if reply else "",
        foreign("\n".join(reply.lines)) if reply else "",
        foreign(outcome.detail) if outcome.detail else "",
        foreign(outcome.queue_id) if outcome.queue_id else "",
    )


def _suppression(outcome: Outcome) -> dict[str, Any]:
    return {
        "key": outcome.claim.address.key,
        "reason": SuppressionReason.HARD_BOUNCE,
        "at": outcome.at,
        "note": foreign(str(outcome.reply or outcome.detail)),
    }

"""Mailings and their editions: read back, paused, cancelled, and closed when nothing is open.

Functions over a connection; ``ledger`` decides where their transactions begin and end.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, select, update

from flashback.errors import StoreError, UnknownMailingError
from flashback.model import (
    DeliveryState,
    Edition,
    InlineImage,
    Mailing,
    MailingState,
)
from flashback.sentences import tr
from flashback.storable import foreign
from flashback.store.columns import Identity
from flashback.store.reports import account
from flashback.store.tables import (
    deliveries,
    edition_images,
    editions,
    mailing_editions,
    mailings,
    subscribers,
    suppressions,
)

#: What stands as a delivery's reason when its mailing was cancelled, or a person had it resent.
CANCELLED: Final = "cancelled"
RESENT: Final = "resent"

_RESENDABLE: Final = (DeliveryState.REFUSED, DeliveryState.IN_DOUBT)
_IMAGE_FIELDS: Final = ("content_id", "media_type", "filename", "content")
_STATE: Final = (
    select(mailings.c.state)
    .where(mailings.c.id == bindparam("mailing", type_=Identity))
    .with_for_update(read=True)
)


def mailing_by_id(connection: Connection, mailing_id: int) -> Mailing:
    """Raises UnknownMailingError."""
    found = _read(connection, select(mailings).where(mailings.c.id == mailing_id))
    if not found:
        raise unknown(mailing_id)
    return found[0]


def unknown(mailing_id: int) -> UnknownMailingError:
    """The error about a number that no mailing has."""
    return UnknownMailingError(
        tr("There is no mailing {number}.", number=mailing_id),
        hint=tr("See the numbers: flashback status"),
    )


def newest(
    connection: Connection,
    *,
    issue_number: str | None = None,
    state: MailingState | None = None,
    limit: int | None = None,
) -> tuple[Mailing, ...]:
    """Mailings, newest first; of one issue, or in one state."""
    statement = select(mailings).order_by(mailings.c.id.desc()).limit(limit)
    if issue_number is not None:
        statement = statement.where(mailings.c.issue_number == issue_number)
    if state is not None:
        statement = statement.where(mailings.c.state == state)
    return _read(connection, statement)


def _read(connection: Connection, statement: Select[Any]) -> tuple[Mailing, ...]:
    rows = connection.execute(statement).all()
    digests: dict[int, dict[str, str]] = {row.id: {} for row in rows}
    pairs = select(mailing_editions).where(mailing_editions.c.mailing_id.in_(digests))
    for pair in connection.execute(pairs):
        digests[pair.mailing_id][pair.language] = pair.digest
    return tuple(_mailing(row, digests[row.id]) for row in rows)


def _mailing(row: Any, digests: Mapping[str, str]) -> Mailing:
    return Mailing(
        id=row.id,
        issue_number=row.issue_number,
        title=row.title,
        state=row.state,
        opened_at=row.opened_at,
        sender=row.sender,
        audience=row.audience,
        editions=digests,
        reason=row.reason,
        not_before=row.not_before,
        not_after=row.not_after,
    )


def edition_by_digest(connection: Connection, digest: str) -> Edition:
    """An edition as it was when its mailing opened. Raises StoreError when it is not the same."""
    row = connection.execute(select(editions).where(editions.c.digest == digest)).one_or_none()
    if row is None:
        raise StoreError(tr("There is no edition {digest}.", digest=digest[:12]))
    values = row._asdict()
    del values["digest"]
    images = connection.execute(
        select(*(edition_images.c[name] for name in _IMAGE_FIELDS))
        .where(edition_images.c.digest == digest)
        .order_by(edition_images.c.position)
    )
    edition = Edition(**values, images=tuple(InlineImage(**i._asdict()) for i in images))
    if edition.digest != digest:
        raise StoreError(
            tr("The edition {digest} in the store was changed.", digest=digest[:12]),
            hint=tr("Nothing of it may be sent. Put your last backup of the store in its place."),
        )
    return edition


def state_of(connection: Connection, mailing_id: int) -> MailingState:
    """Its state, which nobody else changes before this transaction ends.

    Raises UnknownMailingError.
    """
    state: MailingState | None = connection.scalar(_STATE, {"mailing": mailing_id})
    if state is None:
        raise unknown(mailing_id)
    return state


def lock(connection: Connection, mailing_id: int) -> None:
    """Let nobody else look at its state before this transaction ends."""
    connection.execute(select(mailings.c.id).where(mailings.c.id == mailing_id).with_for_update())


def read_state(connection: Connection, mailing_id: int) -> MailingState:
    """Its state at this moment. Raises UnknownMailingError."""
    state: MailingState | None = connection.scalar(
        select(mailings.c.state).where(mailings.c.id == mailing_id)
    )
    if state is None:
        raise unknown(mailing_id)
    return state


def begin_if_due(connection: Connection, mailing_id: int, now: dt.datetime) -> None:
    """Open a mailing whose hour has come."""
    _move(
        connection,
        mailing_id,
        (MailingState.SCHEDULED,),
        MailingState.OPEN,
        mailings.c.not_before <= now,
    )


def pause(connection: Connection, mailing_id: int, reason: str) -> None:
    """Stop what is open or scheduled; the first reason stays, and what has ended stays ended."""
    waiting = (MailingState.OPEN, MailingState.SCHEDULED)
    if not _move(connection, mailing_id, waiting, MailingState.PAUSED, reason=foreign(reason)):
        mailing_by_id(connection, mailing_id)


def reopen(connection: Connection, mailing_id: int) -> None:
    """Let go on what was paused or scheduled. Raises StoreError when it was cancelled."""
    waiting = (MailingState.PAUSED, MailingState.SCHEDULED)
    if not _move(connection, mailing_id, waiting, MailingState.OPEN, reason=""):
        _refuse_cancelled(mailing_by_id(connection, mailing_id))


def cancel(connection: Connection, mailing_id: int, reason: str, now: dt.datetime) -> int:
    """Skip everything that waits; how many. Raises StoreError when the mailing is finished."""
    running = (MailingState.SCHEDULED, MailingState.OPEN, MailingState.PAUSED)
    if not _move(
        connection,
        mailing_id,
        running,
        MailingState.CANCELLED,
        reason=foreign(reason),
        finished_at=now,
    ):
        found = mailing_by_id(connection, mailing_id)
        if found.state is MailingState.FINISHED:
            raise StoreError(
                tr("Mailing {number} is finished: nothing of it waits.", number=mailing_id),
                hint=tr("What has left cannot be called back."),
            )
    return _skip_waiting(connection, mailing_id, foreign(reason), now)


def skip_if_cancelled(connection: Connection, mailing_id: int, now: dt.datetime | None) -> None:
    """Nothing waits in a mailing that was cancelled, whatever came back to it."""
    if state_of(connection, mailing_id) is MailingState.CANCELLED:
        _skip_waiting(connection, mailing_id, CANCELLED, now)


def _skip_waiting(
    connection: Connection, mailing_id: int, reason: str, now: dt.datetime | None
) -> int:
    moment = {} if now is None else {"changed_at": now}
    return connection.execute(
        update(deliveries)
        .where(
            deliveries.c.mailing_id == mailing_id,
            deliveries.c.state.in_((DeliveryState.PLANNED, DeliveryState.DEFERRED)),
        )
        .values(state=DeliveryState.SKIPPED, reason=reason, due_at=None, **moment)
    ).rowcount


def finish(connection: Connection, mailing_id: int, now: dt.datetime) -> None:
    """Set it finished, once. Raises StoreError while something is open."""
    lock(connection, mailing_id)
    found = mailing_by_id(connection, mailing_id)
    if waiting := account(connection, mailing_id).open:
        raise StoreError(
            tr("Mailing {number} still has {count} open.", number=mailing_id, count=waiting),
            hint=tr("Go on with it: flashback resume {number}", number=mailing_id),
        )
    running = (MailingState.SCHEDULED, MailingState.OPEN, MailingState.PAUSED)
    _move(connection, found.id, running, MailingState.FINISHED, finished_at=now)


def unfinish(connection: Connection, mailing_id: int) -> None:
    """Open what was finished: a delivery is to be sent after all."""
    _move(
        connection,
        mailing_id,
        (MailingState.FINISHED,),
        MailingState.OPEN,
        finished_at=None,
    )


def _resendable(mailing_id: int, state: DeliveryState) -> tuple[ColumnElement[bool], ...]:
    """Which deliveries may be planned again: an address that is suppressed stays what it is."""
    struck = (
        select(suppressions.c.key)
        .join(subscribers, subscribers.c.key == suppressions.c.key)
        .where(subscribers.c.id == deliveries.c.subscriber_id)
    )
    return deliveries.c.mailing_id == mailing_id, deliveries.c.state == state, ~struck.exists()


def resendable(connection: Connection, mailing_id: int, state: DeliveryState) -> int:
    """How many ``resend`` would plan again."""
    count: int = connection.execute(
        select(func.count()).select_from(deliveries).where(*_resendable(mailing_id, state))
    ).scalar_one()
    return count


def resend(connection: Connection, mailing_id: int, state: DeliveryState, now: dt.datetime) -> int:
    """Plan again all that stands in one state; how many there were.

    A finished mailing is opened; a paused one stays paused, for whoever paused it. Raises
    StoreError from a state that leads nowhere, and when the mailing was cancelled.
    """
    if state not in _RESENDABLE:
        raise StoreError(
            tr("A delivery cannot go from {state} to {to}.", state=state, to=DeliveryState.PLANNED)
        )
    lock(connection, mailing_id)
    _refuse_cancelled(mailing_by_id(connection, mailing_id))
    moved = connection.execute(
        update(deliveries)
        .where(*_resendable(mailing_id, state))
        .values(state=DeliveryState.PLANNED, changed_at=now, first_tried_at=None, reason=RESENT)
    ).rowcount
    if moved:
        unfinish(connection, mailing_id)
    return moved


def _refuse_cancelled(mailing: Mailing) -> None:
    if mailing.state is MailingState.CANCELLED:
        raise StoreError(
            tr("Mailing {number} was cancelled: nothing more of it leaves.", number=mailing.id),
            hint=tr("To send the issue after all: flashback send, with --again."),
        )


def _move(
    connection: Connection,
    mailing_id: int,
    states: Sequence[MailingState],
    to: MailingState,
    *conditions: ColumnElement[bool],
    **values: Any,
) -> bool:
    found = connection.execute(
        update(mailings)
        .where(mailings.c.id == mailing_id, mailings.c.state.in_(states), *conditions)
        .values(state=to, **values)
    )
    return found.rowcount == 1

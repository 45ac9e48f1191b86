"""Mailings and their editions: opened whole, read back, and closed when nothing is open.

Functions over a connection; ``ledger`` decides where their transactions begin and end.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Connection, Select, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from flashback.errors import RepeatedIssueError, StoreError, UnknownMailingError
from flashback.model import (
    Account,
    Delivery,
    DeliveryState,
    Edition,
    InlineImage,
    Mailing,
    MailingState,
    Plan,
)
from flashback.sentences import tr
from flashback.store.once import insert_once
from flashback.store.tables import (
    deliveries,
    edition_images,
    editions,
    mailing_editions,
    mailings,
    subscribers,
)

_CHUNK: Final = 10_000
_EDITION_FIELDS: Final = tuple(column.name for column in editions.columns)
_IMAGE_FIELDS: Final = ("content_id", "media_type", "filename", "content")


def open_mailing(connection: Connection, plan: Plan, now: dt.datetime) -> int:
    """Write mailing, editions and deliveries; answer the mailing's number."""
    first = plan.editions[0]
    if not plan.again:
        if connection.dialect.name == "postgresql":
            # SQLite has one writer at a time; here, two programs may open the same issue at once.
            connection.execute(text("LOCK TABLE mailings IN SHARE ROW EXCLUSIVE MODE"))
        refuse_repetition(connection, first.issue_number)
    for edition in plan.editions:
        _keep_edition(connection, edition)
    mailing_id: int = connection.execute(
        insert(mailings).returning(mailings.c.id),
        {
            "issue_number": first.issue_number,
            "title": first.title,
            "state": MailingState.OPEN,
            "audience": len(plan.deliveries),
            "opened_at": now,
            "forced": list(plan.forced),
            "sender": dict(plan.sender),
        },
    ).scalar_one()
    connection.execute(
        insert(mailing_editions),
        [
            {"mailing_id": mailing_id, "language": e.language, "digest": e.digest}
            for e in plan.editions
        ],
    )
    _plan_deliveries(connection, mailing_id, plan, now)
    return mailing_id


def refuse_repetition(connection: Connection, issue_number: str) -> None:
    """Raise RepeatedIssueError when an issue was opened before, were it a moment ago."""
    for earlier in newest(connection, issue_number=issue_number, limit=1):
        opened = earlier.opened_at.astimezone().strftime("%Y-%m-%d %H:%M")
        raise RepeatedIssueError(
            tr(
                "Issue {number} was already sent: mailing {id}, {date}.",
                number=issue_number,
                id=earlier.id,
                date=opened,
            ),
            hint=tr(
                "To go on with it: flashback resume {id}. To send it once more: add --again.",
                id=earlier.id,
            ),
        )


def _keep_edition(connection: Connection, edition: Edition) -> None:
    """Keep an edition; what its digest names is there already or never changes."""
    values = {name: getattr(edition, name) for name in _EDITION_FIELDS}
    connection.execute(insert_once(connection, editions), values)
    if edition.images:
        connection.execute(
            insert_once(connection, edition_images),
            [
                {"digest": edition.digest, "position": position}
                | {name: getattr(image, name) for name in _IMAGE_FIELDS}
                for position, image in enumerate(edition.images)
            ],
        )


def _plan_deliveries(connection: Connection, mailing_id: int, plan: Plan, now: dt.datetime) -> None:
    constants = {"mailing_id": mailing_id, "state": DeliveryState.PLANNED, "changed_at": now}
    try:
        for start in range(0, len(plan.deliveries), _CHUNK):
            connection.execute(
                insert(deliveries),
                [
                    {"subscriber_id": d.subscriber_id, "language": d.language, **constants}
                    for d in plan.deliveries[start : start + _CHUNK]
                ],
            )
    except IntegrityError as error:
        raise StoreError(
            tr("The list of readers changed while the mailing was planned; nothing was opened."),
            hint=tr("Run the same command again."),
        ) from error


def mailing_by_id(connection: Connection, mailing_id: int) -> Mailing:
    """Raises UnknownMailingError."""
    found = _read(connection, select(mailings).where(mailings.c.id == mailing_id))
    if not found:
        raise UnknownMailingError(
            tr("There is no mailing {number}.", number=mailing_id),
            hint=tr("See the numbers: flashback status"),
        )
    return found[0]


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


def account(connection: Connection, mailing_id: int) -> Account:
    """Count the rows."""
    rows = connection.execute(
        select(deliveries.c.state, func.count().label("number"))
        .where(deliveries.c.mailing_id == mailing_id)
        .group_by(deliveries.c.state)
    )
    return Account({row.state: row.number for row in rows})


def close_mailing(connection: Connection, mailing_id: int, now: dt.datetime) -> None:
    """Set it finished, once. Raises StoreError while something is open."""
    mailing_by_id(connection, mailing_id)
    if waiting := account(connection, mailing_id).open:
        raise StoreError(
            tr("Mailing {number} still has {count} open.", number=mailing_id, count=waiting),
            hint=tr("Go on with it: flashback resume {number}", number=mailing_id),
        )
    connection.execute(
        update(mailings)
        .where(mailings.c.id == mailing_id, mailings.c.state == MailingState.OPEN)
        .values(state=MailingState.FINISHED, finished_at=now)
    )


def reopen(connection: Connection, mailing_id: int) -> None:
    """Set it open: a delivery that was in doubt is to be sent after all."""
    connection.execute(
        update(mailings)
        .where(mailings.c.id == mailing_id)
        .values(state=MailingState.OPEN, finished_at=None)
    )


def page_of_deliveries(
    connection: Connection,
    mailing_id: int,
    states: Iterable[DeliveryState],
    *,
    after: int,
    limit: int,
) -> tuple[Delivery, ...]:
    """Deliveries in order, beginning after one; an erased person's address is empty."""
    rows = connection.execute(
        select(deliveries, subscribers.c.mailbox)
        .outerjoin(subscribers, subscribers.c.id == deliveries.c.subscriber_id)
        .where(
            deliveries.c.mailing_id == mailing_id,
            deliveries.c.state.in_(tuple(states)),
            deliveries.c.id > after,
        )
        .order_by(deliveries.c.id)
        .limit(limit)
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

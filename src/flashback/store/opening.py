"""Opening a mailing: its editions, and one delivery for everybody whom the plan means.

The snapshot of the audience is one statement inside the opening transaction. Functions over a
connection; ``ledger`` decides where their transactions begin and end.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Text,
    case,
    func,
    insert,
    literal,
    not_,
    select,
    text,
    update,
)

from flashback.errors import RepeatedIssueError
from flashback.model import DeliveryState, Edition, MailingState, Plan
from flashback.sentences import tr
from flashback.store.mailings import newest
from flashback.store.once import insert_once
from flashback.store.people import mailable
from flashback.store.segments import compile_segment
from flashback.store.tables import (
    deliveries,
    edition_images,
    editions,
    mailing_editions,
    mailings,
    subscribers,
    suppressions,
)

_EDITION_FIELDS: Final = tuple(column.name for column in editions.columns)
_IMAGE_FIELDS: Final = ("content_id", "media_type", "filename", "content")


def open_mailing(connection: Connection, plan: Plan, now: dt.datetime) -> int:
    """Write mailing, editions and deliveries; answer the mailing's number.

    Raises RepeatedIssueError, and SegmentError.
    """
    first = plan.editions[0]
    if (plan.latecomers or not plan.again) and connection.dialect.name == "postgresql":
        # SQLite has one writer at a time; here, two programs may open the same issue at once.
        connection.execute(text("LOCK TABLE mailings IN SHARE ROW EXCLUSIVE MODE"))
    if not plan.again and not plan.latecomers:
        refuse_repetition(connection, first.issue_number)
    for edition in plan.editions:
        _keep_edition(connection, edition)
    audience = _audience(connection, plan)
    mailing_id: int = connection.execute(
        insert(mailings).returning(mailings.c.id), _mailing(plan, now)
    ).scalar_one()
    connection.execute(
        insert(mailing_editions),
        [
            {"mailing_id": mailing_id, "language": e.language, "digest": e.digest}
            for e in plan.editions
        ],
    )
    planned = _plan_deliveries(connection, mailing_id, audience, now)
    connection.execute(update(mailings).where(mailings.c.id == mailing_id).values(audience=planned))
    return mailing_id


def audience(connection: Connection, plan: Plan) -> Mapping[str, int]:
    """How many readers each edition would get, by language; nobody is a number too."""
    people = _audience(connection, plan).subquery()
    rows = connection.execute(
        select(people.c.language, func.count().label("number")).group_by(people.c.language)
    )
    nobody = dict.fromkeys((edition.language for edition in plan.editions), 0)
    return nobody | {row.language: row.number for row in rows}


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


def _mailing(plan: Plan, now: dt.datetime) -> dict[str, Any]:
    first = plan.editions[0]
    waits = plan.not_before is not None and plan.not_before > now
    return {
        "issue_number": first.issue_number,
        "title": first.title,
        "state": MailingState.SCHEDULED if waits else MailingState.OPEN,
        "audience": 0,  # counted when the deliveries are there
        "opened_at": now,
        "forced": list(plan.forced),
        "sender": dict(plan.sender),
        "not_before": plan.not_before,
        "not_after": plan.not_after,
    }


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


def _audience(connection: Connection, plan: Plan) -> Select[Any]:
    """Whom a plan means, as numbers and edition languages, in order."""
    found = (
        select(subscribers.c.id, _edition_language(connection, plan).label("language"))
        .select_from(subscribers.outerjoin(suppressions, suppressions.c.key == subscribers.c.key))
        .where(*mailable())
        .order_by(subscribers.c.id)
    )
    if plan.segment.strip():
        found = found.where(compile_segment(plan.segment))
    if plan.latecomers:
        number = plan.editions[0].issue_number
        earlier = connection.scalars(
            select(mailings.c.id).where(mailings.c.issue_number == number)
        ).all()
        was_meant = select(deliveries.c.id).where(
            deliveries.c.subscriber_id == subscribers.c.id, deliveries.c.mailing_id.in_(earlier)
        )
        found = found.where(not_(was_meant.exists()))
    return found


def _edition_language(connection: Connection, plan: Plan) -> ColumnElement[str]:
    """What ``dispatch.planning.language_for`` answers about a reader, in SQL."""
    # No primary subtag has a capital or a hyphen, so no other edition is ever named by one.
    typeset = [e.language for e in plan.editions if e.language == e.language.lower()]
    named = {language: literal(language, Text) for language in typeset if "-" not in language}
    fallback = literal(plan.fallback, Text)
    if not named:
        return fallback
    tag = subscribers.c.language
    if connection.dialect.name == "postgresql":
        primary = func.lower(func.split_part(tag, "-", 1).collate("C"))
    else:
        primary = func.lower(func.substr(tag, 1, func.instr(tag.concat("-"), "-") - 1))
    # Nearly every tag is a bare one, and comparing is cheaper than cutting.
    return case(named, value=tag, else_=case(named, value=primary, else_=fallback))


def _plan_deliveries(
    connection: Connection, mailing_id: int, audience: Select[Any], now: dt.datetime
) -> int:
    people = audience.subquery()
    constants = {
        deliveries.c.mailing_id: mailing_id,
        deliveries.c.state: DeliveryState.PLANNED,
        deliveries.c.changed_at: now,
    }
    columns = [deliveries.c.subscriber_id, deliveries.c.language, *constants]
    return connection.execute(
        insert(deliveries).from_select(
            [column.name for column in columns],
            select(
                people.c.id,
                people.c.language,
                *(literal(value, column.type) for column, value in constants.items()),
            ).order_by(people.c.id),
        ),
        execution_options={"preserve_rowcount": True},
    ).rowcount

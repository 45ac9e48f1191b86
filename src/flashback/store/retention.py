"""What is kept no longer than the team said: counted, or deleted.

A purge goes page by page, each page one transaction that is over within about a tenth of a second,
so that a sender beside it is never held up for long. Killed at any moment, what was purged is
purged and the rest is there; the next run goes on. ``docs/rights.md`` tells what each kind means.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, exists, func, select

from flashback.model import ConsentKind, Subscriber, SubscriberStatus
from flashback.store import erasing, people, replies
from flashback.store.engine import Mark, Store
from flashback.store.paging import Find, Take, pages
from flashback.store.tables import consents, subscribers, suppressions


class Kind(StrEnum):
    """What has a time of its own; the words are those of the settings."""

    UNCONFIRMED = "unconfirmed"
    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"
    REPLIES = "replies"


#: What is older than these is purged; a kind that is not named is kept for ever.
Limits = Mapping[Kind, dt.datetime]
Told = Callable[[int, int], None]  #: done, of how many


@dataclass(frozen=True, slots=True)
class Due:
    """What is kept longer than it may be."""

    count: int  #: people; of replies, the copies that they are about
    oldest: dt.datetime | None  #: since when the first of them is kept; None for nothing


_STATUS: Final = {
    Kind.UNCONFIRMED: SubscriberStatus.UNCONFIRMED,
    Kind.UNSUBSCRIBED: SubscriberStatus.UNSUBSCRIBED,
    Kind.SUPPRESSED: SubscriberStatus.CONFIRMED,
}
#: When somebody last said that they leave; a list may have told only that they did.
_LEFT: Final = func.coalesce(
    select(func.max(consents.c.at))
    .where(consents.c.subscriber_id == subscribers.c.id, consents.c.kind == ConsentKind.WITHDRAWN)
    .scalar_subquery(),
    subscribers.c.changed_at,
)
_SINCE: Final[Mapping[Kind, ColumnElement[Any]]] = {
    Kind.UNCONFIRMED: subscribers.c.changed_at,
    Kind.UNSUBSCRIBED: _LEFT,
    Kind.SUPPRESSED: suppressions.c.at,
}
#: Whom somebody changes at this moment is left to the next run: nobody waits for anybody.
_HELD: Final = people.PEOPLE.with_for_update(of=subscribers, skip_locked=True)


def due(store: Store, limits: Limits) -> dict[Kind, Due]:
    """How much of each kind is older than its limit, and since when; nothing is changed."""
    with store.read() as connection:
        return {
            kind: Due(*replies.count(connection, before))
            if kind is Kind.REPLIES
            else _count(connection, kind, before)
            for kind, before in limits.items()
        }


def purge(store: Store, limits: Limits, *, now: dt.datetime, told: Told) -> dict[Kind, int]:
    """Delete what is older than its limit; how much of each kind.

    Who left, or may not be mailed, is erased as ``Subscribers.remove`` does: a mark stays. Of who
    never agreed nothing stays, for they may yet agree.
    """
    of = sum(one.count for one in due(store, limits).values())
    done = dict.fromkeys(limits, 0)
    try:
        # Replies first: with people, those about them would go uncounted.
        for kind in sorted(limits, key=lambda kind: kind is not Kind.REPLIES):
            find, take = _steps(kind, limits[kind], now, store.mark_of)
            for count in pages(store, find, take):
                done[kind] += count
                told(sum(done.values()), of)
    finally:
        store.forget_log()
    return done


def _steps(kind: Kind, before: dt.datetime, now: dt.datetime, mark_of: Mark) -> tuple[Find, Take]:
    """How a page of one kind is found, and how it is purged."""
    if kind is Kind.REPLIES:
        return partial(replies.find, before=before), partial(replies.forget, before=before)
    condition = _is_due(kind, before)
    return partial(_find, condition), partial(_purge, condition, now, mark_of)


def _is_due(kind: Kind, before: dt.datetime) -> ColumnElement[bool]:
    is_recent = exists().where(
        consents.c.subscriber_id == subscribers.c.id, consents.c.at >= before
    )
    return and_(subscribers.c.status == _STATUS[kind], _SINCE[kind] < before, ~is_recent)


def _count(connection: Connection, kind: Kind, before: dt.datetime) -> Due:
    wanted = people.PEOPLE.with_only_columns(func.count(), func.min(_SINCE[kind]))
    row = connection.execute(wanted.where(_is_due(kind, before))).one()
    return Due(row[0], row[1])


def _find(
    condition: ColumnElement[bool], connection: Connection, after: int, limit: int
) -> Sequence[int]:
    wanted = people.PEOPLE.with_only_columns(subscribers.c.id)
    return connection.scalars(
        wanted.where(subscribers.c.id > after, condition).order_by(subscribers.c.id).limit(limit)
    ).all()


def _purge(
    condition: ColumnElement[bool],
    now: dt.datetime,
    mark_of: Mark,
    connection: Connection,
    numbers: Sequence[int],
) -> int:
    """Erase those to whom it still applies; how many."""
    # Who came back since the page was read stays.
    rows = connection.execute(
        _HELD.where(subscribers.c.id.in_(numbers), condition).order_by(subscribers.c.id)
    )
    gone = [people.subscriber_of(row) for row in rows]
    said_no = set(_said_no(connection, gone))
    erasing.erase(connection, [one for one in gone if one.id in said_no], now, mark_of)
    erasing.forget(connection, [one for one in gone if one.id not in said_no])
    return len(gone)


def _said_no(connection: Connection, gone: Sequence[Subscriber]) -> Iterator[int]:
    """Those whom no list may bring back: a wish of theirs, or a fact, forbids it."""
    withdrawn = select(consents.c.subscriber_id).where(
        consents.c.subscriber_id.in_([one.id for one in gone]),
        consents.c.kind == ConsentKind.WITHDRAWN,
    )
    yield from connection.scalars(withdrawn)
    for one in gone:
        if one.status is SubscriberStatus.UNSUBSCRIBED or one.suppressed is not None:
            yield one.id

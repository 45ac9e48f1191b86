"""How many people there are, and how many of them may be mailed: by an index wherever one can tell.

Functions over a connection; ``subscribers`` decides where their transactions begin and end.
"""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Column, ColumnElement, Connection, and_, case, func, select, true
from sqlalchemy.sql import visitors

from flashback.model import SubscriberStatus
from flashback.store.tables import subscribers, suppressions

_CONFIRMED: Final = subscribers.c.status == SubscriberStatus.CONFIRMED
#: What ``indices`` begin with, or have beside it.
_INDEXED: Final = frozenset(
    subscribers.c[name] for name in ("language", "organisation", "status", "created_at")
)


def by_language(connection: Connection) -> Mapping[tuple[str, SubscriberStatus], int]:
    """How many there are, by language and status; nobody is left out."""
    statuses = sorted(SubscriberStatus)
    # One group a language: its index has them in order, and each status beside it.
    rows = connection.execute(
        select(
            subscribers.c.language,
            *(func.count(case((subscribers.c.status == status, 1))) for status in statuses),
        )
        .group_by(subscribers.c.language)
        .order_by(subscribers.c.language)
    )
    return {
        (language, status): number
        for language, *numbers in rows
        for status, number in zip(statuses, numbers, strict=True)
        if number
    }


def count(connection: Connection, condition: ColumnElement[bool] | None) -> tuple[int, int]:
    """How many people a condition means, and how many of them may be mailed."""
    meant = true() if condition is None else condition
    there, confirmed = connection.execute(
        select(func.count(), func.count(case((_CONFIRMED, 1)))).where(meant)
    ).one()
    # Asked by itself: for a join, each person's row would have to be looked at.
    return there, confirmed - _barred(connection, and_(_CONFIRMED, meant), confirmed)


def _barred(connection: Connection, meant: ColumnElement[bool], number: int) -> int:
    """How many of so many people are suppressed: whichever are fewer are looked up."""
    if not number:
        return 0
    # Outer joins: an inner one SQLite begins with whichever side it takes for the smaller one.
    same = subscribers.c.key == suppressions.c.key
    if _is_indexed(meant) and _are_suppressed_more_than(connection, number):
        people_first = subscribers.outerjoin(suppressions, same)
        barred = select(func.count(suppressions.c.key)).select_from(people_first).where(meant)
    else:
        suppressed_first = suppressions.outerjoin(subscribers, and_(same, meant))
        barred = select(func.count(subscribers.c.id)).select_from(suppressed_first)
    found: int = connection.execute(barred).scalar_one()
    return found


def _is_indexed(condition: ColumnElement[bool]) -> bool:
    """Whether people are found by it in an index; else they are looked for only once."""
    columns = {part for part in visitors.iterate(condition) if isinstance(part, Column)}
    return columns <= _INDEXED


def _are_suppressed_more_than(connection: Connection, number: int) -> bool:
    one_more = select(suppressions.c.key).limit(1).offset(number)
    return connection.execute(one_more).first() is not None

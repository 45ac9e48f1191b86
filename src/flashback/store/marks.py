"""Marks of erased people in a list: they wait beside its rows, and become erasures of the store.

So a store that is exported and brought in elsewhere with the same key still knows who must not come
back. Who came back by a new consent of their own is not sent away by an old list.
"""

from collections.abc import Iterator

from sqlalchemy import Column, Connection, Table, Text, func, insert, select, update

from flashback.model import Erasure
from flashback.store import people
from flashback.store.bulk import Bulk, moments
from flashback.store.columns import UtcDateTime
from flashback.store.engine import Mark
from flashback.store.once import insert_once
from flashback.store.tables import erasures, subscribers
from flashback.store.waiting import Fate, temporary

marks = Table(
    "marks",
    temporary,
    Column("mark", Text, nullable=False, index=True),
    Column("at", UtcDateTime, nullable=False),
    Column("fate", Text, nullable=False, server_default=Fate.NEW.value),
    prefixes=["TEMPORARY"],
)
_INSERT = Bulk(insert(marks), "mark", "at")


def keep(connection: Connection, found: list[Erasure]) -> None:
    """Let marks wait."""
    moment = moments(connection)
    _INSERT.execute(connection, [(one.mark, moment(one.at)) for one in found])


def recognise(connection: Connection, mark_of: Mark) -> None:
    """Which marks the store has, and which belong to somebody who is here."""
    if connection.execute(select(marks.c.mark).limit(1)).first() is None:
        return  # and nobody is asked for a mark
    there = select(erasures.c.mark).where(erasures.c.mark == marks.c.mark).exists()
    connection.execute(update(marks).where(there).values(fate=Fate.UNCHANGED.value))
    for keys in _keys(connection):
        here = marks.c.mark.in_([mark_of(key) for key in keys])
        connection.execute(update(marks).where(here).values(fate=Fate.LEFT_ALONE.value))


def _keys(connection: Connection) -> Iterator[list[str]]:
    after = 0
    page = select(subscribers.c.id, subscribers.c.key).order_by(subscribers.c.id)
    while rows := connection.execute(
        page.where(subscribers.c.id > after).limit(people.CHUNK)
    ).all():
        yield [row.key for row in rows]
        after = rows[-1].id


def write(connection: Connection) -> None:
    """Make erasures of the marks that are new."""
    new = select(marks.c.mark, marks.c.at).where(marks.c.fate == Fate.NEW.value)
    connection.execute(insert_once(connection, erasures).from_select(["mark", "at"], new))


def counted(connection: Connection) -> dict[Fate, int]:
    """How many of which fate."""
    rows = connection.execute(select(marks.c.fate, func.count()).group_by(marks.c.fate))
    return {Fate(fate): count for fate, count in rows}

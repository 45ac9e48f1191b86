"""People who are new are written: from the waiting rows straight into the store's tables."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, cast, func, insert, select, update
from sqlalchemy.dialects import postgresql

from flashback.store import marks, numbering, people
from flashback.store.once import insert_once
from flashback.store.tables import consents, subscribers, suppressions
from flashback.store.waiting import Fate, agreements, waiting

Told = Callable[[int, int], None]  #: how many rows are done, of how many

#: So many new people are written by one statement; then it is told how far it got.
_STEP: Final = 20_000
#: Columns that are filled from those of the same name.
_COPIED: Final = {
    name: name
    for name in (
        *("mailbox", "key", "name", "language", "organisation"),
        *("status", "fields", "tags", "created_at", "changed_at"),
    )
}
_FORBIDDEN: Final = {
    "key": waiting.c.key,
    "reason": waiting.c.suppressed,
    "at": waiting.c.suppressed_at,
    "note": waiting.c.suppression_note,
}


NEW: Final = (Fate.NEW.value, Fate.ADDED.value)


class Progress:
    """How many rows are written, of how many."""

    def __init__(self, told: Told, of: int) -> None:
        self._told, self._of, self._done = told, of, 0

    def more(self, count: int) -> None:
        """Tell that so many more are written."""
        self._done += count
        self._told(self._done, self._of)


def add(connection: Connection, progress: Progress) -> bool:
    """Write who is new; whether somebody else was quicker, who has to be looked at again."""
    new = waiting.c.fate == Fate.NEW.value
    if (numbered := numbering.kept(connection)) is not None:
        _add_people(connection, new & numbered, {"id": "number"} | _COPIED, progress)
        numbering.go_on(connection)
        new &= ~numbered
    _add_people(connection, new, _COPIED, progress)
    if connection.dialect.name == "sqlite":
        return False  # nobody else writes
    left = select(waiting.c.seq).where(waiting.c.fate == Fate.NEW.value).limit(1)
    return connection.execute(left).first() is not None


def _add_people(
    connection: Connection, new: ColumnElement[bool], copied: Mapping[str, str], progress: Progress
) -> None:
    """Write new people step by step; ``copied`` tells of which column each is filled."""
    last = connection.scalar(select(func.max(waiting.c.seq)).where(new)) or 0
    write = _write_people if connection.dialect.name == "sqlite" else _write_people_beside_others
    for start in range(0, last, _STEP):
        step = new & waiting.c.seq.between(start + 1, start + _STEP)
        arrivals = (
            select(*(_copied(connection, name) for name in copied.values()))
            .where(step, waiting.c.status.is_not(None))
            .order_by(waiting.c.seq)
        )
        progress.more(write(connection, step, list(copied), arrivals))


def _write_people(
    connection: Connection, _step: ColumnElement[bool], names: list[str], arrivals: Select[Any]
) -> int:
    return connection.execute(insert(subscribers).from_select(names, arrivals)).rowcount


def _write_people_beside_others(
    connection: Connection, step: ColumnElement[bool], names: list[str], arrivals: Select[Any]
) -> int:
    """The same in PostgreSQL, where others write as well.

    Whoever is added by hand at this moment stays as they are, and is looked at again.
    """
    inserted = (
        postgresql.insert(subscribers)
        .from_select(names, arrivals)
        .on_conflict_do_nothing()
        .returning(subscribers.c.key)
        .cte("inserted")
    )
    added = update(waiting).values(fate=Fate.ADDED.value)
    is_in = waiting.c.key.in_(select(inserted.c.key))
    count = connection.execute(added.where(step, is_in)).rowcount
    connection.execute(added.where(step, waiting.c.status.is_(None)))
    return count


def _copied(connection: Connection, name: str) -> ColumnElement[Any]:
    column = waiting.c[name]
    document = name in ("fields", "tags") and connection.dialect.name == "postgresql"
    return cast(column, postgresql.JSONB) if document else column


def add_facts(connection: Connection) -> None:
    """Write what the new people agreed to, and to which new addresses mail is forbidden."""
    marks.write(connection)
    is_new = waiting.c.fate.in_(NEW)
    forbidden = select(*_FORBIDDEN.values()).where(is_new, waiting.c.suppressed.is_not(None))
    connection.execute(
        insert_once(connection, suppressions).from_select(list(_FORBIDDEN), forbidden)
    )
    names = ["kind", "at", *people.CONSENT_WORDS]
    agreed = (
        select(subscribers.c.id, *(agreements.c[name] for name in names))
        .select_from(
            waiting.join(subscribers, subscribers.c.key == waiting.c.key).join(
                agreements, agreements.c.number == waiting.c.agreed
            )
        )
        .where(is_new)
        .order_by(waiting.c.seq, agreements.c.position)
    )
    connection.execute(insert(consents).from_select(["subscriber_id", *names], agreed))

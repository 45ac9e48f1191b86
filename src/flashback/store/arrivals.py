"""Bring a list of people in: first a plan that changes nothing, then one transaction.

The list waits in temporary tables (``waiting``). Who is new is found and written by statements over
all rows; only about people who are known something has to be decided (``merging``), a page at a
time. So a list may be longer than memory.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Select,
    bindparam,
    func,
    literal,
    select,
    text,
    update,
)

from flashback.model import Entry, Refusal, Row, Subscriber, SubscriberStatus
from flashback.store import adding, marks, merging, people, taking
from flashback.store import waiting as lists
from flashback.store.bulk import Bulk, moments
from flashback.store.engine import Mark, Sitting, Store
from flashback.store.schema import compact_json
from flashback.store.tables import erasures, subscribers, suppressions
from flashback.store.waiting import Change, Fate, waiting

#: Before, after, and the row that makes the difference.
_Merger = tuple[Subscriber, Subscriber, Entry]

#: PostgreSQL's name for "a list comes in": two of them would wait for each other's rows.
_ONE_LIST: Final = 0x666C6174


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPlan:
    """What a list would do, or did: how many rows. Each stands in exactly one number."""

    confirmed: int = 0  #: new, as the next three
    unconfirmed: int = 0
    unsubscribed: int = 0
    forbidden: int = 0  #: addresses to which mail is forbidden, with or without a person
    changed: int = 0
    unchanged: int = 0
    left_alone: int = 0  #: who left or is suppressed
    refused: int = 0

    @property
    def new(self) -> int:
        """People and forbidden addresses that nobody knew."""
        return self.confirmed + self.unconfirmed + self.unsubscribed + self.forbidden


@contextmanager
def importing(store: Store) -> Iterator["Import"]:
    """A list that waits beside the store until it is done or given up."""
    with store.sit() as sitting:
        yield Import(sitting, store.mark_of)


class Import:
    """One list: read once, planned, and done if somebody says so."""

    def __init__(self, sitting: Sitting, mark_of: Mark) -> None:
        self._sitting = sitting
        self._mark_of = mark_of

    def plan(self, rows: Iterable[Row]) -> ImportPlan:
        """Read the list, and tell what it would do; nothing is written to the store."""
        with self._sitting.read() as connection:
            lists.prepare(connection)
            taking.take(connection, rows)
        with self._sitting.read() as connection:
            self._recognise(connection)
            for _ in self._decide(connection, people.PEOPLE):
                pass
            return _counted(connection)

    def apply(self, *, now: dt.datetime, told: adding.Told = lambda _done, _of: None) -> ImportPlan:
        """Do it, in one transaction; answer what was done.

        That is decided anew inside the transaction: who left since the plan was shown stays away.
        """
        with self._sitting.write() as connection:
            _alone(connection)
            progress = adding.Progress(told, _reopen(connection))
            arrived = True
            while arrived:
                self._recognise(connection)
                # Held: who leaves at this moment has left when it is decided, or leaves afterwards.
                for found in self._decide(connection, people.HELD):
                    _change(connection, found, now)
                    progress.more(len(found))
                arrived = adding.add(connection, progress)
            adding.add_facts(connection)
            return _counted(connection)

    def changes(self) -> Iterator[Change]:
        """What the plan, or what was done, changes of people who are known."""
        with self._sitting.read() as connection:
            yield from lists.told(connection)

    def refusals(self) -> Iterator[Refusal]:
        """The rows that cannot be taken, in the order of the file."""
        with self._sitting.read() as connection:
            yield from taking.refused(connection)

    def _recognise(self, connection: Connection) -> None:
        """Of the new rows: who is known after all, and to whom mail is forbidden."""
        for other, fate in ((subscribers, Fate.KNOWN), (suppressions, Fate.LEFT_ALONE)):
            there = select(other.c.key).where(other.c.key == waiting.c.key).exists()
            connection.execute(
                update(waiting)
                .where(waiting.c.fate == Fate.NEW.value, there)
                .values(fate=fate.value)
            )
        marks.recognise(connection, self._mark_of)
        if connection.execute(select(erasures.c.mark).limit(1)).first() is None:
            return  # and no key is asked for its mark
        for numbers, entries in lists.pages(connection, Fate.NEW):
            keys = [entry.address.key for entry in entries]
            erased = people.erased_keys(connection, keys, self._mark_of)
            found = {n: Fate.LEFT_ALONE for n, k in zip(numbers, keys, strict=True) if k in erased}
            lists.settle(connection, found)

    def _decide(self, connection: Connection, persons: Select[Any]) -> Iterator[list[_Merger]]:
        """Decide about the people who are known; tell whom to change, page by page."""
        for numbers, entries in lists.pages(connection, Fate.KNOWN):
            keys = [entry.address.key for entry in entries]
            known = people.by_keys(connection, keys, people=persons)
            erased = people.erased_keys(connection, keys, self._mark_of)
            fates: dict[int, Fate] = {}
            mergers: list[_Merger] = []
            told: list[tuple[int, Change]] = []
            for number, entry in zip(numbers, entries, strict=True):
                before, key = known.get(entry.address.key), entry.address.key
                fates[number], after = merging.decided(before, entry, erased=key in erased)
                if before is not None and after is not None:
                    told.append((number, merging.change_of(before, after, entry)))
                    mergers.append((before, after, entry))
            lists.settle(connection, fates)
            lists.tell(connection, told)
            yield mergers


# Writing it down ------------------------------------------------------------------------------


def _alone(connection: Connection) -> None:
    """One list at a time; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(select(func.pg_advisory_xact_lock(literal(_ONE_LIST))))


def _reopen(connection: Connection) -> int:
    """What was planned for known people is decided anew; how many rows are to be written."""
    connection.execute(lists.changes.delete())
    again = update(waiting).where(waiting.c.fate == Fate.CHANGED.value)
    changed = connection.execute(again.values(fate=Fate.KNOWN.value)).rowcount
    new = select(func.count()).where(waiting.c.fate == Fate.NEW.value)
    return changed + (connection.scalar(new) or 0)


def _change(connection: Connection, mergers: Sequence[_Merger], now: dt.datetime) -> None:
    """Write what a list makes of people who are known."""
    moment = moments(connection)(now)
    document = compact_json if connection.dialect.name == "sqlite" else _itself
    rows = [
        (
            *(after.id, after.name, after.language, after.organisation, after.status),
            *(document(dict(after.fields)), document(list(after.tags)), moment),
        )
        for _, after, _ in mergers
    ]
    if rows:
        _UPDATE.execute(connection, rows)
    people.record_consents(
        connection,
        (
            (before.id, consent)
            for before, after, entry in mergers
            if after.status is not before.status
            for consent in entry.consents
        ),
    )
    people.insert_suppressions(
        connection, (entry.suppression for _, _, entry in mergers if entry.suppression)
    )


def _itself(value: Any) -> Any:
    return value


_WORDS: Final = (
    *("name", "language", "organisation", "status"),
    *("fields", "tags", "changed_at"),
)
_UPDATE: Final = Bulk(
    update(subscribers)
    .where(subscribers.c.id == bindparam("number"))
    .values({name: bindparam(f"new_{name}") for name in _WORDS}),
    "number",
    *(f"new_{name}" for name in _WORDS),
)


def _counted(connection: Connection) -> ImportPlan:
    is_new = waiting.c.fate.in_(adding.NEW)
    is_forbidden = waiting.c.suppressed.is_not(None) | waiting.c.status.is_(None)
    kinds = {
        status.value: is_new & ~is_forbidden & (waiting.c.status == status.value)
        for status in SubscriberStatus
    }
    decided = {
        fate.value: waiting.c.fate == fate.value
        for fate in (Fate.CHANGED, Fate.UNCHANGED, Fate.LEFT_ALONE)
    }
    groups = {**kinds, "forbidden": is_new & is_forbidden, **decided}
    # Filters, not groups: grouping a million rows sorts them.
    counts = select(*(func.count().filter(rows).label(name) for name, rows in groups.items()))
    found = dict(connection.execute(counts).one()._mapping)  # noqa: SLF001 - SQLAlchemy's own
    for fate, count in marks.counted(connection).items():
        found["forbidden" if fate is Fate.NEW else fate.value] += count
    refused = connection.scalar(select(func.count()).select_from(lists.refusals)) or 0
    return ImportPlan(**found, refused=refused)

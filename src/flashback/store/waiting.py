"""The rows of a list while it is decided what becomes of them: temporary tables of one connection.

Nothing of them is in the store, nobody else sees them, and they are gone with the connection. So a
list may be longer than memory, and one statement compares all of it with the people who are known.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    insert,
    select,
    update,
)

from flashback.model import (
    Address,
    Consent,
    ConsentKind,
    Entry,
    SubscriberStatus,
    Suppression,
    SuppressionReason,
)
from flashback.store import people
from flashback.store.bulk import Bulk
from flashback.store.columns import Identity, UtcDateTime


class Fate(StrEnum):
    """What becomes of a row."""

    NEW = "new"  #: nobody knows the address, and nothing forbids it
    KNOWN = "known"  #: a person has the address; not yet decided
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    LEFT_ALONE = "left_alone"
    ADDED = "added"


#: What lives as long as a connection.
temporary: Final = MetaData()

waiting: Final = Table(
    "waiting",
    temporary,
    Column("seq", Identity, primary_key=True, autoincrement=False),
    Column("row", Integer, nullable=False),
    Column("sheet", Text, nullable=False),
    Column("mailbox", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("organisation", Text, nullable=False),
    Column("fields", Text, nullable=False),  # JSON
    Column("tags", Text, nullable=False),  # JSON
    Column("status", Text),
    Column("agreed", Integer, nullable=False),  # the number of its consents in ``agreements``
    Column("suppressed", Text),
    Column("suppressed_at", UtcDateTime),
    Column("suppression_note", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("number", Identity, nullable=False),
    Column("fate", Text, nullable=False, server_default=Fate.NEW.value),
    prefixes=["TEMPORARY"],
)

#: Most rows of a list agree to the same, which is kept once.
agreements: Final = Table(
    "agreements",
    temporary,
    Column("number", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    *(Column(name, Text, nullable=False) for name in people.CONSENT_WORDS),
    prefixes=["TEMPORARY"],
)

refusals: Final = Table(
    "refusals",
    temporary,
    Column("sheet", Text, nullable=False),
    Column("row", Integer, nullable=False),
    Column("reason", Text, nullable=False),  # JSON
    Column("cells", Text, nullable=False),  # JSON
    # Which of the waiting rows it was, where another one of the same person counts.
    Column("seq", Identity),
    prefixes=["TEMPORARY"],
)

changes: Final = Table(
    "changes",
    temporary,
    Column("seq", Identity, primary_key=True, autoincrement=False),
    Column("row", Integer, nullable=False),
    Column("mailbox", Text, nullable=False),
    Column("differences", Text, nullable=False),  # JSON
    prefixes=["TEMPORARY"],
)

Index("agreements_number", agreements.c.number)

_INSERT_CHANGES: Final = Bulk(insert(changes), *(column.name for column in changes.c))
#: A statement that is answered piece by piece.
STREAMED: Final = {"yield_per": people.CHUNK}


@dataclass(frozen=True, slots=True)
class Change:
    """A known person whom the list tells something new about."""

    row: int
    mailbox: str
    #: Field by field: its name, what it was, what it becomes.
    differences: tuple[tuple[str, str, str], ...]


def prepare(connection: Connection) -> None:
    """Make the temporary tables, empty."""
    temporary.create_all(connection, checkfirst=False)


def pages(connection: Connection, fate: Fate) -> Iterator[tuple[list[int], list[Entry]]]:
    """The numbers and entries of one fate, in order, some hundreds at a time.

    They may get another fate meanwhile.
    """
    after = 0
    page = (
        select(waiting)
        .where(waiting.c.fate == fate.value)
        .order_by(waiting.c.seq)
        .limit(people.CHUNK)
    )
    while rows := connection.execute(page.where(waiting.c.seq > after)).all():
        consents = _consents(connection, {row.agreed for row in rows})
        yield [row.seq for row in rows], [_entry(row, consents[row.agreed]) for row in rows]
        after = rows[-1].seq


def settle(connection: Connection, fates: Mapping[int, Fate]) -> None:
    """Write down what becomes of some rows."""
    for fate in Fate:
        if numbers := [seq for seq, found in fates.items() if found is fate]:
            connection.execute(
                update(waiting).where(waiting.c.seq.in_(numbers)).values(fate=fate.value)
            )


def tell(connection: Connection, found: Sequence[tuple[int, Change]]) -> None:
    """Keep what changes, to be shown."""
    rows = [
        (seq, change.row, change.mailbox, json.dumps(change.differences)) for seq, change in found
    ]
    if rows:
        _INSERT_CHANGES.execute(connection, rows)


def told(connection: Connection) -> Iterator[Change]:
    """What changes, in the order of the list."""
    ordered = select(changes).order_by(changes.c.seq)
    for row in connection.execute(ordered.execution_options(**STREAMED)):
        differences = tuple((n, old, new) for n, old, new in json.loads(row.differences))
        yield Change(row.row, row.mailbox, differences)


def _consents(connection: Connection, numbers: Iterable[int]) -> Mapping[int, tuple[Consent, ...]]:
    found: dict[int, tuple[Consent, ...]] = dict.fromkeys(numbers, ())
    rows = connection.execute(
        select(agreements)
        .where(agreements.c.number.in_(found))
        .order_by(agreements.c.number, agreements.c.position)
    )
    for row in rows:
        words = {name: getattr(row, name) for name in people.CONSENT_WORDS}
        found[row.number] += (Consent(kind=ConsentKind(row.kind), at=row.at, **words),)
    return found


def _entry(row: Any, consents: tuple[Consent, ...]) -> Entry:
    return Entry(
        row=row.row,
        address=Address(mailbox=row.mailbox, key=row.key),
        name=row.name,
        language=row.language,
        organisation=row.organisation,
        fields=json.loads(row.fields),
        tags=tuple(json.loads(row.tags)),
        status=SubscriberStatus(row.status) if row.status else None,
        consents=consents,
        suppression=Suppression(
            key=row.key,
            reason=SuppressionReason(row.suppressed),
            at=row.suppressed_at,
            note=row.suppression_note,
        )
        if row.suppressed
        else None,
        created_at=row.created_at,
        changed_at=row.changed_at,
        sheet=row.sheet,
        number=row.number,
    )

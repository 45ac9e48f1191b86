"""Every fact about people, for ``rosters`` to write; imported, they restore an empty store.

Deliveries are not among them: they belong to mailings. All are of one moment.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection, select

from flashback.model import Consent
from flashback.store import people
from flashback.store.engine import Store
from flashback.store.tables import erasures, subscribers, suppressions

_PEOPLE: Final = people.PEOPLE.add_columns(
    suppressions.c.at.label("suppressed_at"), suppressions.c.note.label("suppression_note")
)
_STREAM: Final = people.CHUNK


@contextmanager
def exporting(store: Store) -> Iterator[tuple[Iterator[dict[str, Any]], list[str]]]:
    """Every fact as it was at one moment, one dictionary a person; and the names of all fields."""
    with store.read() as connection:
        yield _facts(connection), _field_names(connection)


def _field_names(connection: Connection) -> list[str]:
    rows = connection.execution_options(yield_per=_STREAM).scalars(select(subscribers.c.fields))
    return sorted({name for fields in rows for name in fields})


def _facts(connection: Connection) -> Iterator[dict[str, Any]]:
    """Each person, each suppressed address of nobody we know, and the mark of who was erased."""
    streamed = connection.execution_options(yield_per=_STREAM)
    for rows in streamed.execute(_PEOPLE.order_by(subscribers.c.id)).partitions():
        agreed = people.consents_of(connection, [row.id for row in rows])
        for row in rows:
            yield _person(row, agreed[row.id])
    orphans = (
        select(suppressions)
        .outerjoin(subscribers, subscribers.c.key == suppressions.c.key)
        .where(subscribers.c.id.is_(None))
        .order_by(suppressions.c.key)
    )
    for row in connection.execute(orphans):
        yield {"address": row.key} | _suppression(row.reason.value, row.at, row.note)
    for row in connection.execute(select(erasures).order_by(erasures.c.mark)):
        yield _suppression("erased", row.at, row.mark)


def _person(row: Any, agreed: tuple[Consent, ...]) -> dict[str, Any]:
    fact = {
        "address": row.mailbox,
        "name": row.name,
        "language": row.language,
        "organisation": row.organisation,
        "status": row.status.value,
        "fields": row.fields,
        "tags": row.tags,
        "consents": [_consent(consent) for consent in agreed],
        "created_at": row.created_at.isoformat(),
        "changed_at": row.changed_at.isoformat(),
        "flashback_number": str(row.id),
    }
    if row.suppressed is not None:
        fact |= _suppression(row.suppressed.value, row.suppressed_at, row.suppression_note)
    return fact


def _suppression(reason: str, at: Any, note: str) -> dict[str, str]:
    return {
        "suppressed": reason,
        "suppressed_at": at.isoformat(),
        "suppression_note": note,
    }


def _consent(consent: Consent) -> dict[str, str]:
    words = {name: getattr(consent, name) for name in people.CONSENT_WORDS}
    # The first three always stand there; the others where there is something to say.
    always = ("source", "wording", "by")
    return {
        "kind": consent.kind.value,
        "at": consent.at.isoformat(),
        **{name: value for name, value in words.items() if value or name in always},
    }

"""Every fact about people, as CSV or JSON lines; importing it into an empty store restores them.

Deliveries are not among them: they belong to mailings. All rows are of one moment.
"""

import csv
from collections.abc import Iterator
from typing import Any, Final, TextIO

from sqlalchemy import Connection, select

from flashback.model import Consent
from flashback.store import people, tabular
from flashback.store.engine import Store
from flashback.store.schema import compact_json
from flashback.store.tables import subscribers, suppressions

_PEOPLE: Final = people.PEOPLE.add_columns(
    suppressions.c.at.label("suppressed_at"), suppressions.c.note.label("suppression_note")
)
_STREAM: Final = people.CHUNK


def export_jsonl(store: Store, stream: TextIO) -> int:
    """Write one JSON object a line; how many."""
    with store.read() as connection:
        lines = 0
        for fact in _facts(connection):
            stream.write(compact_json(fact) + "\n")
            lines += 1
        return lines


def export_csv(store: Store, stream: TextIO) -> int:
    """Write a header and one row a person or suppressed address; how many, the header not counted.

    A cell that a spreadsheet would run as a formula begins with an apostrophe.
    """
    with store.read() as connection:
        names = _field_names(connection)
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(
            tabular.defused([*tabular.COLUMNS, *(tabular.FIELD + name for name in names)])
        )
        rows = 0
        for fact in _facts(connection):
            cells = [fact.get(column, "") for column in tabular.COLUMNS]
            fields = fact.get("fields", {})
            cells[_CONSENTS] = compact_json(cells[_CONSENTS]) if cells[_CONSENTS] else ""
            writer.writerow(tabular.defused([*cells, *(fields.get(name, "") for name in names)]))
            rows += 1
        return rows


_CONSENTS: Final = tabular.COLUMNS.index("consents")


def _field_names(connection: Connection) -> list[str]:
    rows = connection.execution_options(yield_per=_STREAM).scalars(select(subscribers.c.fields))
    return sorted({name for fields in rows for name in fields})


def _facts(connection: Connection) -> Iterator[dict[str, Any]]:
    """Each person, then each suppressed address of nobody we know."""
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
        yield {"address": row.key} | _suppression(row.reason, row.at, row.note)


def _person(row: Any, agreed: tuple[Consent, ...]) -> dict[str, Any]:
    fact = {
        "address": row.mailbox,
        "name": row.name,
        "language": row.language,
        "organisation": row.organisation,
        "status": row.status.value,
        "fields": row.fields,
        "consents": [_consent(consent) for consent in agreed],
        "created_at": row.created_at.isoformat(),
        "changed_at": row.changed_at.isoformat(),
    }
    if row.suppressed is not None:
        fact |= _suppression(row.suppressed, row.suppressed_at, row.suppression_note)
    return fact


def _suppression(reason: Any, at: Any, note: str) -> dict[str, str]:
    return {
        "suppressed": reason.value,
        "suppressed_at": at.isoformat(),
        "suppression_note": note,
    }


def _consent(consent: Consent) -> dict[str, str]:
    return {
        "kind": consent.kind.value,
        "at": consent.at.isoformat(),
        "source": consent.source,
        "wording": consent.wording,
        "by": consent.by,
    }

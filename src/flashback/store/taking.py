"""A list is read into its temporary tables: rows that can be taken, and those that cannot.

Each address waits once. What is refused is kept as a sentence, to be told in any language later.
"""

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, select, text

from flashback.model import Consent, Entry, Erasure, Refusal, Row, SubscriberStatus
from flashback.sentences import Sentence, tr
from flashback.store import marks, people
from flashback.store.bulk import Bulk, moments
from flashback.store.schema import compact_json
from flashback.store.waiting import STREAMED, agreements, refusals, waiting

_ROW: Final = tuple(column.name for column in waiting.c if column.name != "fate")
_INSERT_ROWS: Final = Bulk(insert(waiting), *_ROW)
_AGREEMENT: Final = tuple(column.name for column in agreements.c)
_INSERT_AGREEMENTS: Final = Bulk(insert(agreements), *_AGREEMENT)
#: So many different consents are remembered while a list is read.
_REMEMBERED: Final = 4_096
_NO_CONSENTS: Final = 0
#: For a row that forbids nothing.
_UNFORBIDDEN: Final = (None, None, None)


def take(connection: Connection, rows: Iterable[Row]) -> None:
    """Let all rows of a list wait; of several rows of one person, one."""
    keeping = _Keeping(connection)
    for row in rows:
        if isinstance(row, Entry):
            keeping.keep(row)
        elif isinstance(row, Refusal):
            keeping.refuse(row)
        else:
            keeping.mark(row)
    keeping.flush()
    # Made when all is there: that is sorting once, not finding a place a million times.
    connection.execute(text("CREATE INDEX waiting_key ON waiting (key)"))
    if connection.dialect.name == "postgresql":
        connection.execute(text("ANALYZE waiting"))
    _refuse_repeated(connection)


class _Keeping:
    """Rows on their way into the tables, some hundreds at a time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._moment = moments(connection)
        self._seq = self._agreements = 0
        self._numbers: dict[tuple[Consent, ...], int] = {}
        self._rows: list[tuple[Any, ...]] = []
        self._agreed: list[tuple[Any, ...]] = []
        self._refused: list[Refusal] = []
        self._marks: list[Erasure] = []

    def keep(self, entry: Entry) -> None:
        self._seq += 1
        found, moment = entry.suppression, self._moment
        self._rows.append(
            (
                self._seq,
                entry.row,
                entry.sheet,
                entry.address.mailbox,
                entry.address.key,
                entry.name,
                entry.language,
                entry.organisation,
                compact_json(entry.fields) if entry.fields else "{}",
                compact_json(entry.tags) if entry.tags else "[]",
                entry.status.value if entry.status else None,
                self._number(entry.consents) if entry.consents else _NO_CONSENTS,
                *((found.reason.value, moment(found.at), found.note) if found else _UNFORBIDDEN),
                moment(entry.created_at),
                moment(entry.changed_at),
                entry.number,
            )
        )
        if len(self._rows) >= people.CHUNK:
            self.flush()

    def _number(self, consents: tuple[Consent, ...]) -> int:
        number = self._numbers.get(consents)
        if number is None:
            if len(self._numbers) >= _REMEMBERED:
                self._numbers.clear()
            number = self._agreements = self._numbers[consents] = self._agreements + 1
            self._agreed += [
                (
                    number,
                    position,
                    consent.kind.value,
                    self._moment(consent.at),
                    *(getattr(consent, name) for name in people.CONSENT_WORDS),
                )
                for position, consent in enumerate(consents)
            ]
        return number

    def refuse(self, refusal: Refusal) -> None:
        self._refused.append(refusal)
        if len(self._refused) >= people.CHUNK:
            self.flush()

    def mark(self, erasure: Erasure) -> None:
        self._marks.append(erasure)
        if len(self._marks) >= people.CHUNK:
            self.flush()

    def flush(self) -> None:
        if self._rows:
            _INSERT_ROWS.execute(self._connection, self._rows)
        if self._agreed:
            _INSERT_AGREEMENTS.execute(self._connection, self._agreed)
        if self._refused:
            self._connection.execute(insert(refusals), [_kept(one) for one in self._refused])
        if self._marks:
            marks.keep(self._connection, self._marks)
        self._rows, self._agreed, self._refused, self._marks = [], [], [], []


# Rows that cannot be taken --------------------------------------------------------------------


def _refuse_repeated(connection: Connection) -> None:
    """Each address once: the row that lets the person leave, else the first."""
    several = select(waiting.c.key).group_by(waiting.c.key).having(func.count() > 1)
    takes_away = (waiting.c.suppressed.is_not(None)).desc()
    unsubscribed = (waiting.c.status == SubscriberStatus.UNSUBSCRIBED.value).desc().nulls_last()
    rows = connection.execute(
        select(waiting.c.key, waiting.c.seq, waiting.c.sheet, waiting.c.row, waiting.c.mailbox)
        .where(waiting.c.key.in_(several))
        .order_by(waiting.c.key, takes_away, unsubscribed, waiting.c.seq)
        .execution_options(**STREAMED)
    )
    repeated = _repeated(rows)
    while chunk := list(islice(repeated, people.CHUNK)):
        connection.execute(insert(refusals), chunk)
    told = select(refusals.c.seq).where(refusals.c.seq.is_not(None))
    connection.execute(delete(waiting).where(waiting.c.seq.in_(told)))


def _repeated(rows: Iterable[Any]) -> Iterator[dict[str, Any]]:
    counts: Any = None
    for row in rows:
        if counts is None or counts.key != row.key:
            counts = row
            place = f"{row.sheet} {row.row}".strip()
        else:
            reason = tr("{address} stands in row {row}, which counts.",
                        address=row.mailbox, row=place)  # fmt: skip
            yield _kept(Refusal(row.row, reason, (), row.sheet)) | {"seq": row.seq}


def _kept(refusal: Refusal) -> dict[str, Any]:
    return {
        "sheet": refusal.sheet,
        "row": refusal.row,
        "reason": json.dumps(_packed(refusal.reason)),
        "cells": json.dumps(refusal.cells),
        "seq": None,
    }


def refused(connection: Connection) -> Iterator[Refusal]:
    """The rows that cannot be taken, in the order of the file."""
    ordered = select(refusals).order_by(refusals.c.sheet, refusals.c.row)
    for row in connection.execute(ordered.execution_options(**STREAMED)):
        reason = _unpacked(json.loads(row.reason))
        yield Refusal(row.row, reason, tuple(json.loads(row.cells)), row.sheet)


def _packed(sentence: Sentence) -> list[Any]:
    """A sentence as JSON, to be told in any language later; numbers stay numbers."""
    fields = {
        name: _packed(value)
        if isinstance(value, Sentence)
        else value
        if isinstance(value, int | float)
        else str(value)
        for name, value in sentence.fields.items()
    }
    return [sentence.source, fields]


def _unpacked(kept: Any) -> Sentence:
    source, fields = kept
    return Sentence(
        source,
        {n: _unpacked(value) if isinstance(value, list) else value for n, value in fields.items()},
    )

"""Rows of people: read as ``Subscriber``, written whole; ``erasing`` takes them away.

Functions over a connection; ``subscribers`` and ``importing`` decide where their transactions
begin and end.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Select, delete, insert, select, update

from flashback.model import (
    Address,
    Consent,
    DeliveryState,
    Subscriber,
    SubscriberStatus,
    Suppression,
)
from flashback.storable import foreign, language_tag, own, own_fields, own_tags
from flashback.store.engine import Mark
from flashback.store.once import insert_once
from flashback.store.tables import (
    attempts,
    consents,
    deliveries,
    erasures,
    mailings,
    subscribers,
    suppressions,
)


class Try(NamedTuple):
    """One attempt at a copy."""

    at: dt.datetime
    host: str
    result: str
    reply: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """What one mailing meant for somebody, and what came of it."""

    mailing: int
    issue: str
    title: str
    language: str
    state: DeliveryState
    at: dt.datetime  #: of the last change
    reply: str
    reason: str
    tries: tuple[Try, ...]


#: One statement names at most so many rows: databases limit its parameters.
CHUNK: Final = 1_000

#: The texts of a consent, all of them kept as they came.
CONSENT_WORDS: Final = ("source", "wording", "by", "version", "network_address", "evidence")

PEOPLE: Final[Select[Any]] = select(
    subscribers, suppressions.c.reason.label("suppressed")
).select_from(subscribers.outerjoin(suppressions, suppressions.c.key == subscribers.c.key))

#: The same, their rows locked until the transaction ends. SQLite has one writer at a time anyway.
HELD: Final = PEOPLE.with_for_update(of=subscribers)


def subscriber_of(row: Any) -> Subscriber:
    """A row of ``PEOPLE`` as a value."""
    return Subscriber(
        id=row.id,
        address=Address(mailbox=row.mailbox, key=row.key),
        name=row.name,
        language=row.language,
        organisation=row.organisation,
        status=row.status,
        fields=row.fields,
        tags=tuple(row.tags),
        suppressed=row.suppressed,
        created_at=row.created_at,
    )


def cleaned(subscriber: Subscriber) -> Subscriber:
    """The same person in storable words. Raises StoreError."""
    return replace(
        subscriber,
        name=own(subscriber.name),
        language=language_tag(subscriber.language),
        organisation=own(subscriber.organisation),
        fields=own_fields(subscriber.fields),
        tags=own_tags(subscriber.tags),
    )


def values_of(subscriber: Subscriber) -> dict[str, Any]:
    """The columns that a person's own words fill."""
    return {
        "mailbox": subscriber.address.mailbox,
        "key": subscriber.address.key,
        "name": subscriber.name,
        "language": subscriber.language,
        "organisation": subscriber.organisation,
        "fields": dict(subscriber.fields),
        "tags": list(subscriber.tags),
    }


def by_key(connection: Connection, key: str) -> Subscriber | None:
    """The person with an address, if there is one."""
    row = connection.execute(PEOPLE.where(subscribers.c.key == key)).one_or_none()
    return subscriber_of(row) if row else None


def by_id(connection: Connection, subscriber_id: int) -> Subscriber | None:
    """The person with a number, if there still is one."""
    row = connection.execute(PEOPLE.where(subscribers.c.id == subscriber_id)).one_or_none()
    return subscriber_of(row) if row else None


def held_by_id(connection: Connection, subscriber_id: int) -> Subscriber | None:
    """The same, and nobody else changes the row until this transaction ends."""
    row = connection.execute(HELD.where(subscribers.c.id == subscriber_id)).one_or_none()
    return subscriber_of(row) if row else None


def by_keys(
    connection: Connection, keys: Sequence[str], *, people: Select[Any] = PEOPLE
) -> dict[str, Subscriber]:
    """The people with some addresses, by key; of ``HELD``, nobody else changes them meanwhile."""
    found: dict[str, Subscriber] = {}
    for start in range(0, len(keys), CHUNK):
        some = people.where(subscribers.c.key.in_(keys[start : start + CHUNK]))
        found |= {row.key: subscriber_of(row) for row in connection.execute(some)}
    return found


def suppressed_keys(connection: Connection, keys: Sequence[str]) -> set[str]:
    """Those of some keys that must not be mailed."""
    found: set[str] = set()
    for start in range(0, len(keys), CHUNK):
        some = suppressions.c.key.in_(keys[start : start + CHUNK])
        found |= set(connection.scalars(select(suppressions.c.key).where(some)))
    return found


def insert_people(
    connection: Connection, people: Sequence[tuple[Subscriber, dt.datetime]]
) -> dict[str, int]:
    """Write new people, each with the time of its last change; their numbers by key."""
    numbers: dict[str, int] = {}
    for start in range(0, len(people), CHUNK):
        chunk = people[start : start + CHUNK]
        connection.execute(
            insert(subscribers),
            [
                {
                    **values_of(person),
                    "status": person.status,
                    "created_at": person.created_at,
                    "changed_at": changed_at,
                }
                for person, changed_at in chunk
            ],
        )
        keys = [person.address.key for person, _ in chunk]
        rows = select(subscribers.c.key, subscribers.c.id).where(subscribers.c.key.in_(keys))
        numbers |= {row.key: row.id for row in connection.execute(rows)}
    return numbers


def update_person(
    connection: Connection, subscriber_id: int, values: Mapping[str, Any], now: dt.datetime
) -> None:
    """Change columns of one person."""
    connection.execute(
        update(subscribers)
        .where(subscribers.c.id == subscriber_id)
        .values(**values, changed_at=now)
    )


def record_consents(connection: Connection, records: Iterable[tuple[int, Consent]]) -> None:
    """Add to the record of what was agreed."""
    rows = [
        {
            "subscriber_id": subscriber_id,
            "kind": consent.kind,
            "at": consent.at,
            **{name: foreign(getattr(consent, name)) for name in CONSENT_WORDS},
        }
        for subscriber_id, consent in records
    ]
    if rows:
        connection.execute(insert(consents), rows)


def consents_of(
    connection: Connection, subscriber_ids: Sequence[int]
) -> dict[int, tuple[Consent, ...]]:
    """What some people agreed to and withdrew, in the order it was recorded."""
    found: dict[int, tuple[Consent, ...]] = dict.fromkeys(subscriber_ids, ())
    for start in range(0, len(subscriber_ids), CHUNK):
        chunk = subscriber_ids[start : start + CHUNK]
        rows = connection.execute(
            select(consents).where(consents.c.subscriber_id.in_(chunk)).order_by(consents.c.id)
        )
        for row in rows:
            found[row.subscriber_id] += (
                Consent(
                    kind=row.kind,
                    at=row.at,
                    **{name: getattr(row, name) for name in CONSENT_WORDS},
                ),
            )
    return found


def insert_suppressions(connection: Connection, found: Iterable[Suppression]) -> None:
    """Forbid mailing some keys; an older reason stays."""
    rows = [{"key": s.key, "reason": s.reason, "at": s.at, "note": foreign(s.note)} for s in found]
    if rows:
        connection.execute(insert_once(connection, suppressions), rows)


def suppression_of(connection: Connection, key: str) -> Suppression | None:
    """Why a key must not be mailed."""
    row = connection.execute(select(suppressions).where(suppressions.c.key == key)).one_or_none()
    return Suppression(key=row.key, reason=row.reason, at=row.at, note=row.note) if row else None


def erased_keys(connection: Connection, keys: Sequence[str], mark_of: Mark) -> set[str]:
    """Those of some keys that belong to people who were erased."""
    if connection.execute(select(erasures.c.mark).limit(1)).first() is None:
        return set()  # and no key is asked for its mark
    by_mark = {mark_of(key): key for key in keys}
    marks = list(by_mark)
    found: set[str] = set()
    for start in range(0, len(marks), CHUNK):
        some = erasures.c.mark.in_(marks[start : start + CHUNK])
        found |= {by_mark[mark] for mark in connection.scalars(select(erasures.c.mark).where(some))}
    return found


def erased_at(connection: Connection, key: str, mark_of: Mark) -> dt.datetime | None:
    """When the person with an address was erased; None for nobody."""
    if not erased_keys(connection, [key], mark_of):
        return None
    found: dt.datetime = connection.execute(
        select(erasures.c.at).where(erasures.c.mark == mark_of(key))
    ).scalar_one()
    return found


def unerase(connection: Connection, key: str, mark_of: Mark) -> bool:
    """Forget that a person was erased; False when nobody was."""
    if not erased_keys(connection, [key], mark_of):
        return False
    connection.execute(delete(erasures).where(erasures.c.mark == mark_of(key)))
    return True


def mailable() -> tuple[Any, ...]:
    """The conditions, over ``PEOPLE``, under which somebody may be mailed."""
    return (
        subscribers.c.status == SubscriberStatus.CONFIRMED,
        suppressions.c.key.is_(None),
    )


def copies_of(connection: Connection, subscriber_id: int) -> tuple[Copy, ...]:
    """What was sent to somebody, or was to be, in the order of the mailings."""
    rows = connection.execute(
        select(
            deliveries.c.id,
            deliveries.c.mailing_id,
            mailings.c.issue_number,
            mailings.c.title,
            deliveries.c.language,
            deliveries.c.state,
            deliveries.c.changed_at,
            deliveries.c.reply,
            deliveries.c.reason,
        )
        .join(mailings, mailings.c.id == deliveries.c.mailing_id)
        .where(deliveries.c.subscriber_id == subscriber_id)
        .order_by(deliveries.c.mailing_id)
    ).all()
    tries: dict[int, list[Try]] = {row.id: [] for row in rows}
    for one in connection.execute(
        select(attempts)
        .join(deliveries, deliveries.c.id == attempts.c.delivery_id)
        .where(deliveries.c.subscriber_id == subscriber_id)
        .order_by(attempts.c.id)
    ):
        words = (one.reply_code or "", one.reply_enhanced, one.reply_text, one.detail)
        reply = " ".join(str(word) for word in words if word)
        tries[one.delivery_id].append(Try(one.at, one.host, one.result.value, reply))
    return tuple(
        Copy(
            mailing=row.mailing_id,
            issue=row.issue_number,
            title=row.title,
            language=row.language,
            state=row.state,
            at=row.changed_at,
            reply=row.reply,
            reason=row.reason,
            tries=tuple(tries[row.id]),
        )
        for row in rows
    )

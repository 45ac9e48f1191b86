"""Bring a list of people in: first a plan that changes nothing, then one transaction.

Who left or is suppressed is left alone, whatever the list says; nobody is sent back from
confirmed to unconfirmed by a list; an empty cell erases nothing.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from flashback.model import Subscriber, SubscriberStatus
from flashback.store import people
from flashback.store.engine import Store
from flashback.store.reading import Entry, Reading, Refusal


@dataclass(frozen=True, slots=True)
class Change:
    """A known person whom the list tells something new about."""

    entry: Entry
    before: Subscriber
    after: Subscriber


@dataclass(frozen=True, kw_only=True)
class ImportPlan:
    """What a list would do. Each row stands in exactly one of the five."""

    new: tuple[Entry, ...]
    changed: tuple[Change, ...]
    unchanged: tuple[Entry, ...]
    left_alone: tuple[Entry, ...]  #: who left or is suppressed
    refused: tuple[Refusal, ...]
    reading: Reading = field(repr=False)


def plan_import(store: Store, reading: Reading) -> ImportPlan:
    """Tell what a list would do; nothing is written."""
    with store.read() as connection:
        return _plan(connection, reading)


def apply_import(store: Store, plan: ImportPlan, *, now: dt.datetime) -> ImportPlan:
    """Do it, in one transaction; answer what was done.

    That is decided anew inside the transaction: who left since the plan was shown stays away.
    """
    with store.write() as connection:
        done = _plan(connection, plan.reading)
        _add(connection, done.new)
        for change in done.changed:
            _change(connection, change, now)
    return done


def _plan(connection: Connection, reading: Reading) -> ImportPlan:
    keys = [entry.address.key for entry in reading.entries]
    known = people.by_keys(connection, keys)
    suppressed = people.suppressed_keys(connection, keys)
    new: list[Entry] = []
    changed: list[Change] = []
    unchanged: list[Entry] = []
    left_alone: list[Entry] = []
    for entry in reading.entries:
        before = known.get(entry.address.key)
        if entry.address.key in suppressed or _left(before):
            left_alone.append(entry)
        elif before is None:
            new.append(entry)
        elif (after := _merged(before, entry)) == before:
            unchanged.append(entry)
        else:
            changed.append(Change(entry, before, after))
    return ImportPlan(
        new=tuple(new),
        changed=tuple(changed),
        unchanged=tuple(unchanged),
        left_alone=tuple(left_alone),
        refused=reading.refused,
        reading=reading,
    )


def _left(person: Subscriber | None) -> bool:
    return person is not None and person.status is SubscriberStatus.UNSUBSCRIBED


def _merged(before: Subscriber, entry: Entry) -> Subscriber:
    """What a list makes of a known person. A status only moves forward."""
    undecided = (None, SubscriberStatus.UNCONFIRMED)
    return replace(
        before,
        name=entry.name or before.name,
        language=entry.language or before.language,
        organisation=entry.organisation or before.organisation,
        fields={**before.fields, **entry.fields},
        status=before.status if entry.status in undecided else entry.status,
        suppressed=entry.suppression.reason if entry.suppression else None,
    )


def _add(connection: Connection, entries: Sequence[Entry]) -> None:
    arrivals = [entry for entry in entries if entry.status is not None]
    numbers = people.insert_people(
        connection, [(_person(entry), entry.changed_at) for entry in arrivals]
    )
    people.record_consents(
        connection,
        ((numbers[e.address.key], consent) for e in arrivals for consent in e.consents),
    )
    people.insert_suppressions(connection, (e.suppression for e in entries if e.suppression))


def _person(entry: Entry) -> Subscriber:
    assert entry.status is not None
    return Subscriber(
        id=0,
        address=entry.address,
        name=entry.name,
        language=entry.language,
        organisation=entry.organisation,
        status=entry.status,
        fields=entry.fields,
        created_at=entry.created_at,
    )


def _change(connection: Connection, change: Change, now: dt.datetime) -> None:
    number, after = change.before.id, change.after
    values = {**people.values_of(after), "status": after.status}
    people.update_person(connection, number, values, now)
    if after.status is not change.before.status:
        people.record_consents(connection, [(number, c) for c in change.entry.consents])
    if change.entry.suppression:
        people.insert_suppressions(connection, [change.entry.suppression])

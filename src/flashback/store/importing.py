"""Bring a list of people in: first a plan that changes nothing, then one transaction.

Who left or is suppressed is left alone, whatever the list says; nobody is sent back from
confirmed to unconfirmed by a list; an empty cell erases nothing.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from flashback.model import Entry, Refusal, Subscriber, SubscriberStatus
from flashback.sentences import tr
from flashback.store import people
from flashback.store.engine import Mark, Store


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
    entries: tuple[Entry, ...] = field(repr=False)  #: all that can be taken, each address once


def plan_import(store: Store, rows: Iterable[Entry | Refusal]) -> ImportPlan:
    """Tell what a list would do; nothing is written."""
    entries, refused = _once(rows)
    with store.read() as connection:
        known = people.by_keys(connection, _keys(entries))
        return _plan(connection, known, entries, refused, store.mark_of)


def apply_import(store: Store, plan: ImportPlan, *, now: dt.datetime) -> ImportPlan:
    """Do it, in one transaction; answer what was done.

    That is decided anew inside the transaction: who left since the plan was shown stays away.
    """
    with store.write() as connection:
        # Held: who leaves at this moment has left when it is decided, or leaves afterwards.
        known = people.by_keys(connection, _keys(plan.entries), people=people.HELD)
        done = _plan(connection, known, plan.entries, plan.refused, store.mark_of)
        _add(connection, done.new)
        for change in done.changed:
            _change(connection, change, now)
    return done


def _once(rows: Iterable[Entry | Refusal]) -> tuple[tuple[Entry, ...], tuple[Refusal, ...]]:
    """Each address once; of two rows, the one that lets the person leave, else the first."""
    entries: dict[str, Entry] = {}
    refused: list[Refusal] = []
    for row in rows:
        if isinstance(row, Refusal):
            refused.append(row)
            continue
        key = row.address.key
        first = entries.setdefault(key, row)
        if first is not row:
            kept, other = (row, first) if _takes_away(row) > _takes_away(first) else (first, row)
            entries[key] = kept
            refused.append(_repeated(other, kept))
    return tuple(entries.values()), tuple(sorted(refused, key=lambda r: (r.sheet, r.row)))


def _takes_away(entry: Entry) -> int:
    if entry.suppression is not None:
        return 2
    return int(entry.status is SubscriberStatus.UNSUBSCRIBED)


def _repeated(entry: Entry, kept: Entry) -> Refusal:
    place = f"{kept.sheet} {kept.row}".strip()
    reason = tr("{address} stands in row {row}, which counts.", address=entry.address, row=place)
    return Refusal(entry.row, reason, (), entry.sheet)


def _plan(
    connection: Connection,
    known: Mapping[str, Subscriber],
    entries: tuple[Entry, ...],
    refused: tuple[Refusal, ...],
    mark_of: Mark,
) -> ImportPlan:
    keys = _keys(entries)
    suppressed = people.suppressed_keys(connection, keys)
    suppressed |= people.erased_keys(connection, keys, mark_of)
    new: list[Entry] = []
    changed: list[Change] = []
    unchanged: list[Entry] = []
    left_alone: list[Entry] = []
    for entry in entries:
        before = known.get(entry.address.key)
        if (entry.address.key in suppressed or _left(before)) and not _leaves_further(
            before, entry
        ):
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
        refused=refused,
        entries=entries,
    )


def _left(person: Subscriber | None) -> bool:
    return person is not None and person.status is SubscriberStatus.UNSUBSCRIBED


def _keys(entries: Sequence[Entry]) -> list[str]:
    return [entry.address.key for entry in entries]


def _leaves_further(before: Subscriber | None, entry: Entry) -> bool:
    """Whether a list takes somebody further away: who was suppressed left, or the other way."""
    if before is None:
        return False
    gone = SubscriberStatus.UNSUBSCRIBED
    leaves = before.status is not gone and entry.status is gone
    return leaves or (before.suppressed is None and entry.suppression is not None)


def _merged(before: Subscriber, entry: Entry) -> Subscriber:
    """What a list makes of a known person. A status only moves forward."""
    listed = entry.suppression.reason if entry.suppression else None
    reason = before.suppressed or listed
    if before.suppressed is not None or _left(before):
        gone = SubscriberStatus.UNSUBSCRIBED
        status = gone if entry.status is gone else before.status
        return replace(before, status=status, suppressed=reason)
    undecided = (None, SubscriberStatus.UNCONFIRMED)
    return replace(
        before,
        name=entry.name or before.name,
        language=entry.language or before.language,
        organisation=entry.organisation or before.organisation,
        fields={**before.fields, **entry.fields},
        tags=tuple(sorted({*before.tags, *entry.tags})),
        status=before.status if entry.status in undecided else entry.status,
        suppressed=reason,
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
        tags=entry.tags,
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

"""What a row of a list means for a person who is known, or for nobody. Pure.

Who left or is suppressed is left alone, whatever the list says, unless it takes them further away;
nobody is sent back from confirmed to unconfirmed; an empty cell erases nothing.
"""

from dataclasses import replace

from flashback.model import Entry, Subscriber, SubscriberStatus, Word, may_become
from flashback.store.waiting import Change, Fate


def decided(
    before: Subscriber | None, entry: Entry, *, erased: bool
) -> tuple[Fate, Subscriber | None]:
    """What becomes of a row, and what it makes of the person, where it changes one."""
    barred = erased or (before is not None and (before.suppressed is not None or _left(before)))
    if barred and not _leaves_further(before, entry):
        return Fate.LEFT_ALONE, None
    if before is None:
        return Fate.NEW, None
    after = _merged(before, entry)
    return (Fate.UNCHANGED, None) if after == before else (Fate.CHANGED, after)


def _left(person: Subscriber) -> bool:
    return person.status is SubscriberStatus.UNSUBSCRIBED


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
    moves = entry.status is not None and may_become(before.status, entry.status, by=Word.LIST)
    return replace(
        before,
        name=entry.name or before.name,
        language=entry.language or before.language,
        organisation=entry.organisation or before.organisation,
        fields={**before.fields, **entry.fields},
        tags=tuple(sorted({*before.tags, *entry.tags})),
        status=entry.status if moves and entry.status is not None else before.status,
        suppressed=reason,
    )


def change_of(before: Subscriber, after: Subscriber, entry: Entry) -> Change:
    """The difference, field by field."""
    found = []
    for name in ("name", "language", "organisation", "status", "suppressed", "tags"):
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            found.append((name, _words(old), _words(new)))
    names = sorted({*before.fields, *after.fields})
    found += [
        (f"field.{name}", before.fields.get(name, ""), after.fields.get(name, ""))
        for name in names
        if before.fields.get(name) != after.fields.get(name)
    ]
    return Change(entry.row, before.address.mailbox, tuple(found))


def _words(value: object) -> str:
    return ", ".join(value) if isinstance(value, tuple) else "" if value is None else str(value)

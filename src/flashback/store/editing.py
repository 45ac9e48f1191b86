"""A person's own words corrected: name, language, organisation, fields, tags, and the address.

Never the status. A new address is not a way around a no: who left, or complained, stays away, and
an address that must not be mailed is nobody's new one. Functions over a connection.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from sqlalchemy import Connection, delete
from sqlalchemy.exc import IntegrityError

from flashback.errors import StoreError
from flashback.model import Address, Consent, Subscriber, SubscriberStatus, SuppressionReason
from flashback.sentences import tr
from flashback.storable import own, own_tags
from flashback.store import people, refusals
from flashback.store.engine import Mark
from flashback.store.once import insert_once
from flashback.store.tables import erasures, suppressions

#: A dead mailbox is a fact about an address; the others are about a person.
_OF_THE_PERSON: Final = (SuppressionReason.COMPLAINT, SuppressionReason.MANUAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What is to be changed; what is None, or not named, stays as it is."""

    name: str | None = None
    language: str | None = None
    organisation: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)  #: an empty text takes one away
    tags: Sequence[str] = ()  #: to be added
    untags: Sequence[str] = ()  #: to be taken away; wins
    address: Address | None = None
    consent: Consent | None = None  #: to be mailed at the new address


class Edited(NamedTuple):
    """A person before and after; the same where there was nothing to change."""

    before: Subscriber
    after: Subscriber


def edit(
    connection: Connection, key: str, correction: Correction, now: dt.datetime, mark_of: Mark
) -> Edited:
    """Correct one person. Raises UnknownSubscriberError, and StoreError with the reason."""
    # Held: nobody lets the person leave, or changes other words, before this is written.
    before = people.by_keys(connection, [key], people=people.HELD).get(key)
    if before is None:
        raise refusals.unknown(key)
    after = people.cleaned(_corrected(before, correction))
    moves = after.address.key != before.address.key
    if moves:
        _check_person(before, after.address, correction.consent)
        _check_address(connection, after.address, mark_of)
        after = replace(after, suppressed=None)
    if after == before:
        return Edited(before, before)
    try:
        people.update_person(connection, before.id, people.values_of(after), now)
    except IntegrityError as error:  # somebody else took the address at this moment
        raise refusals.taken(after.address) from error
    if moves:
        _leave(connection, before, correction.consent, now, mark_of)
    return Edited(before, after)


def _corrected(person: Subscriber, correction: Correction) -> Subscriber:
    told = {
        name: value
        for name in ("name", "language", "organisation", "address")
        if (value := getattr(correction, name)) is not None
    }
    fields = {own(name): own(value) for name, value in correction.fields.items()}
    tags = {*person.tags, *own_tags(correction.tags)} - {*own_tags(correction.untags)}
    return replace(person, **told, fields={**person.fields, **fields}, tags=tuple(tags))


def _check_person(person: Subscriber, to: Address, consent: Consent | None) -> None:
    """Raise StoreError for who would get, at a new address, mail that they did not ask for."""
    if person.status is SubscriberStatus.UNSUBSCRIBED:
        raise StoreError(
            tr("{address} has left, and gets no mail elsewhere.", address=person.address),
            hint=tr(
                "Who comes back is added: flashback subscribers add {to} --consent “...”", to=to
            ),
        )
    if person.suppressed in _OF_THE_PERSON:
        raise refusals.forbidden(person.address, person.suppressed)
    if person.status is SubscriberStatus.CONFIRMED and consent is None:
        raise StoreError(
            tr("{address} gets mail. Who asked for it at {to}?", address=person.address, to=to),
            hint=tr("Say how the person did: --consent “asked by phone”"),
        )
    if person.status is SubscriberStatus.UNCONFIRMED and consent is not None:
        raise StoreError(
            tr(
                "{address} never confirmed, and a new address confirms nobody.",
                address=person.address,
            ),
            hint=tr(
                "Leave --consent out, then: flashback subscribers add {to} --consent “...”", to=to
            ),
        )


def _check_address(connection: Connection, to: Address, mark_of: Mark) -> None:
    """Raise StoreError for an address that is somebody's, or that must not be mailed."""
    if people.by_key(connection, to.key) is not None:
        raise refusals.taken(to)
    if fact := people.suppression_of(connection, to.key):
        raise refusals.forbidden(to, fact.reason)
    if erased := people.erased_at(connection, to.key, mark_of):
        raise StoreError(
            tr("{address} was erased on {date}.", address=to, date=f"{erased:%Y-%m-%d}"),
            hint=tr(
                "If the person wants mail there, lift it first: flashback subscribers allow {to}",
                to=to,
            ),
        )


def _leave(
    connection: Connection,
    person: Subscriber,
    consent: Consent | None,
    now: dt.datetime,
    mark_of: Mark,
) -> None:
    """Record how an address was left, and keep lists from bringing it back as somebody else.

    Otherwise a person who leaves would go on being mailed at the address of earlier days.
    """
    if consent is not None:
        told = replace(consent, evidence=f"instead of {person.address}")
        people.record_consents(connection, [(person.id, told)])
    old = person.address.key
    connection.execute(delete(suppressions).where(suppressions.c.key == old))
    connection.execute(insert_once(connection, erasures), {"mark": mark_of(old), "at": now})

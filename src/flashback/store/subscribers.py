"""The address book: people, what they agreed to, and what forbids mailing them.

Nobody becomes confirmed without a recorded consent, and who left comes back only with a new one.
Addresses arrive parsed; ``flashback.addresses`` does that.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from sqlalchemy import ColumnElement, Connection, delete

from flashback.errors import StoreError
from flashback.model import (
    Address,
    Consent,
    ConsentKind,
    Subscriber,
    SubscriberStatus,
    Suppression,
    SuppressionReason,
    Word,
    may_become,
)
from flashback.sentences import tr
from flashback.store import counting, editing, erasing, people, refusals
from flashback.store.editing import Correction, Edited
from flashback.store.engine import Store
from flashback.store.statuses import has_status
from flashback.store.tables import subscribers, suppressions

_STREAM: Final = 2_000
_NO_FIELDS: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What was agreed and withdrawn, what forbids mailing, and what was sent; each in order."""

    consents: tuple[Consent, ...]
    suppression: Suppression | None
    copies: tuple[people.Copy, ...]  #: what mailings meant for them


class Subscribers:
    """The people in a store. Each method is one transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # Changing ---------------------------------------------------------------------------------

    def add(
        self,
        address: Address,
        *,
        now: dt.datetime,
        name: str = "",
        language: str = "",
        organisation: str = "",
        fields: Mapping[str, str] = _NO_FIELDS,
        tags: Sequence[str] = (),
        status: SubscriberStatus = SubscriberStatus.UNCONFIRMED,
        consent: Consent | None = None,
    ) -> Subscriber:
        """Add a person. Raises StoreError for a known address, or confirmed without a consent."""
        granted = consent is not None and consent.kind is ConsentKind.GRANTED
        if status is SubscriberStatus.CONFIRMED and not granted:
            raise StoreError(
                tr("{address} cannot be confirmed without a consent.", address=address),
                hint=tr("Say what the person agreed to, or add the address unconfirmed."),
            )
        person = people.cleaned(
            Subscriber(
                id=0,
                address=address,
                name=name,
                language=language,
                organisation=organisation,
                status=status,
                fields=fields,
                tags=tuple(tags),
                created_at=now,
            )
        )
        with self._store.write() as connection:
            if people.by_key(connection, address.key):
                raise refusals.taken(address)
            self._welcome_back(connection, address, granted=granted)
            number = people.insert_people(connection, [(person, now)])[address.key]
            if consent is not None:
                people.record_consents(connection, [(number, consent)])
            return _there(connection, number)

    def _welcome_back(self, connection: Connection, address: Address, *, granted: bool) -> None:
        """Who was erased comes back with a new consent of their own, and only so."""
        erased = people.erased_at(connection, address.key, self._store.mark_of)
        if erased is not None and not granted:
            raise StoreError(
                tr("{address} was erased on {date}.", address=address, date=f"{erased:%Y-%m-%d}"),
                hint=tr("Only a new consent brings the person back: --consent “...”"),
            )
        people.unerase(connection, address.key, self._store.mark_of)

    def edit(
        self, keys: Sequence[str], correction: Correction, *, now: dt.datetime
    ) -> tuple[Edited, ...]:
        """Correct the words of some people, of all or of none; the status stays. In order of keys.

        Raises UnknownSubscriberError, and StoreError for an address that cannot be taken.
        """
        with self._store.write() as connection:
            return tuple(
                editing.edit(connection, key, correction, now, self._store.mark_of)
                for key in sorted({*keys})
            )

    def confirm(self, subscriber_id: int, consent: Consent) -> Subscriber:
        """Record a consent and confirm, whatever the status was. Raises UnknownSubscriberError."""
        if consent.kind is not ConsentKind.GRANTED:
            raise StoreError(tr("A withdrawn consent confirms nobody."))
        return self._set(subscriber_id, SubscriberStatus.CONFIRMED, consent)

    def unsubscribe(
        self, subscriber_id: int, *, at: dt.datetime, source: str, by: str = ""
    ) -> Subscriber:
        """Let a person leave; a second time changes nothing. Raises UnknownSubscriberError."""
        withdrawn = Consent(kind=ConsentKind.WITHDRAWN, at=at, source=source, by=by)
        return self._set(subscriber_id, SubscriberStatus.UNSUBSCRIBED, withdrawn)

    def _set(self, subscriber_id: int, status: SubscriberStatus, consent: Consent) -> Subscriber:
        with self._store.write() as connection:
            person = people.held_by_id(connection, subscriber_id)
            if person is None:
                raise refusals.unknown(str(subscriber_id))
            leaves_again = status is SubscriberStatus.UNSUBSCRIBED is person.status
            if not leaves_again:
                people.record_consents(connection, [(subscriber_id, consent)])
            if may_become(person.status, status, by=Word.PERSON):
                people.update_person(connection, subscriber_id, {"status": status}, consent.at)
            return replace(person, status=status)

    def suppress(
        self, key: str, reason: SuppressionReason, *, at: dt.datetime, note: str = ""
    ) -> None:
        """Forbid mailing an address, known or not; an older reason stays."""
        with self._store.write() as connection:
            people.insert_suppressions(
                connection, [Suppression(key=key, reason=reason, at=at, note=note)]
            )

    def unsuppress(self, key: str) -> bool:
        """Lift a suppression, or the mark of an erasure; False when there was none."""
        with self._store.write() as connection:
            gone = connection.execute(delete(suppressions).where(suppressions.c.key == key))
            unerased = people.unerase(connection, key, self._store.mark_of)
            return gone.rowcount > 0 or unerased

    def remove(self, subscriber_id: int, *, now: dt.datetime) -> None:
        """Erase a person for good. Raises UnknownSubscriberError.

        Deliveries stay counted, without address and replies; a mark stays that cannot be turned
        back into the address, so that no import brings it back.
        """
        with self._store.write() as connection:
            person = _there(connection, subscriber_id)
            erasing.erase(connection, [person], now, self._store.mark_of)
        self._store.forget_log()

    def mark_suppressed(self, key: str, *, now: dt.datetime) -> None:
        """Keep a mark instead of a forbidden address that is nobody's: still no list brings it."""
        with self._store.write() as connection:
            erasing.erase_key(connection, key, now, self._store.mark_of)
        self._store.forget_log()

    # Reading ----------------------------------------------------------------------------------

    def known(self, key: str) -> Subscriber | None:
        """The person with an address' key, or None."""
        with self._store.read() as connection:
            return people.by_key(connection, key)

    def get(self, key: str) -> Subscriber:
        """The person with an address' key. Raises UnknownSubscriberError."""
        found = self.known(key)
        if found is None:
            raise refusals.unknown(key)
        return found

    def find(self, subscriber_id: int) -> Subscriber | None:
        """The person with a number; None for one that was erased."""
        with self._store.read() as connection:
            return people.by_id(connection, subscriber_id)

    def list(
        self,
        *,
        status: SubscriberStatus | None = None,
        language: str | None = None,
        condition: ColumnElement[bool] | None = None,
        limit: int = 100,
        after: int = 0,
    ) -> Sequence[Subscriber]:
        """A page of people in the order they came, beginning after a number."""
        statement = people.PEOPLE.where(subscribers.c.id > after)
        if status is not None:
            statement = statement.where(has_status(status.value))
        if language is not None:
            statement = statement.where(subscribers.c.language == language)
        if condition is not None:
            statement = statement.where(condition)
        with self._store.read() as connection:
            rows = connection.execute(statement.order_by(subscribers.c.id).limit(limit))
            return tuple(people.subscriber_of(row) for row in rows)

    def counts(self) -> Mapping[tuple[str, SubscriberStatus], int]:
        """How many there are, by language and status."""
        with self._store.read() as connection:
            return counting.by_language(connection)

    def count(self, condition: ColumnElement[bool] | None = None) -> tuple[int, int]:
        """How many people there are, and how many of them may be mailed."""
        with self._store.read() as connection:
            return counting.count(connection, condition)

    def audience(
        self, *, languages: Sequence[str] = (), condition: ColumnElement[bool] | None = None
    ) -> Iterator[tuple[int, str]]:
        """Everybody who may be mailed at one moment, as (number, language), in order, streamed."""
        table = people.PEOPLE.with_only_columns(subscribers.c.id, subscribers.c.language)
        statement = table.where(*people.mailable()).order_by(subscribers.c.id)
        if languages:
            statement = statement.where(subscribers.c.language.in_(languages))
        if condition is not None:
            statement = statement.where(condition)
        with self._store.read() as connection:
            streamed = connection.execution_options(yield_per=_STREAM)
            for row in streamed.execute(statement):
                yield row.id, row.language

    def history(self, subscriber_id: int) -> History:
        """All that is held of a person beside the row itself. Raises UnknownSubscriberError."""
        with self._store.read() as connection:
            person = _there(connection, subscriber_id)
            return History(
                consents=people.consents_of(connection, [subscriber_id])[subscriber_id],
                suppression=people.suppression_of(connection, person.address.key),
                copies=people.copies_of(connection, subscriber_id),
            )

    def erased_at(self, key: str) -> dt.datetime | None:
        """When the person with an address was erased; None for nobody."""
        with self._store.read() as connection:
            return people.erased_at(connection, key, self._store.mark_of)

    def suppression(self, key: str) -> Suppression | None:
        """Why an address must not be mailed; None when it may."""
        with self._store.read() as connection:
            return people.suppression_of(connection, key)


def _there(connection: Connection, subscriber_id: int) -> Subscriber:
    person = people.by_id(connection, subscriber_id)
    if person is None:
        raise refusals.unknown(str(subscriber_id))
    return person

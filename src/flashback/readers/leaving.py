"""Leaving by a signed link: one call, no question, the same answer however often it is asked.

RFC 8058 section 3.2: who follows the link has no account and no cookie; the token is the proof.
A token that is forged, mangled, or whose reader was erased finds nobody, and nobody can tell
which of these it was.
"""

from dataclasses import dataclass

from flashback.errors import UnknownSubscriberError
from flashback.model import Subscriber, SubscriberStatus
from flashback.readers.ports import Book, Clock
from flashback.tokens import SigningKey, subscriber_of

#: How the consent record says where a withdrawal came from.
SOURCE = "link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """As much of a person as a page may show to whoever has the link."""

    address: str  #: masked, ``a***@example.org``: nothing here for a link scanner to collect
    language: str  #: BCP 47; empty: the newsletter's own
    has_left: bool


def who(token: str, *, book: Book, key: SigningKey) -> Reader | None:
    """The reader a link was made for, or None. Changes nothing. Raises StoreError."""
    subscriber_id = subscriber_of(key, token)
    person = None if subscriber_id is None else book.find(subscriber_id)
    return None if person is None else _shown(person)


def leave(token: str, *, book: Book, key: SigningKey, clock: Clock) -> Reader | None:
    """Let the reader of a link go, or None when there is nobody to go.

    Durable when it answers: no mail that is claimed afterwards goes there. A second time changes
    nothing. Raises StoreError; then the reader must be asked to try again.
    """
    subscriber_id = subscriber_of(key, token)
    if subscriber_id is None or book.find(subscriber_id) is None:
        return None
    try:
        return _shown(book.unsubscribe(subscriber_id, at=clock.now(), source=SOURCE))
    except UnknownSubscriberError:  # erased since we looked
        return None


def _shown(person: Subscriber) -> Reader:
    return Reader(
        address=person.address.masked,
        language=person.language,
        has_left=person.status is SubscriberStatus.UNSUBSCRIBED,
    )

"""Leaving by a link, against an address book that remembers."""

import datetime as dt
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashback import tokens
from flashback.errors import StoreError, UnknownSubscriberError
from flashback.model import Address, Subscriber, SubscriberStatus
from flashback.readers import Reader, leave, who
from flashback.sentences import tr
from flashback.tokens import SigningKey

KEY = SigningKey(b"a key of more than sixteen octets")
OTHER_KEY = SigningKey(b"somebody else's key, just as long")
NOW = dt.datetime(2011, 9, 2, 9, 0, tzinfo=dt.UTC)


class At:
    """A clock that stands still."""

    def now(self) -> dt.datetime:
        return NOW


@dataclass
class MemoryBook:
    """People by number, and every withdrawal that was written down."""

    people: dict[int, Subscriber] = field(default_factory=dict)
    withdrawn: list[tuple[int, dt.datetime, str]] = field(default_factory=list)
    #: Erase the person between the look and the leaving, as another program may.
    erases: bool = False
    broken: bool = False

    def find(self, subscriber_id: int) -> Subscriber | None:
        return self.people.get(subscriber_id)

    def unsubscribe(self, subscriber_id: int, *, at: dt.datetime, source: str) -> Subscriber:
        if self.erases:
            del self.people[subscriber_id]
        if self.broken:
            raise StoreError(tr("The disk is full."))
        if subscriber_id not in self.people:
            raise UnknownSubscriberError(tr("Nobody by that number."))
        person = self.people[subscriber_id]
        if person.status is not SubscriberStatus.UNSUBSCRIBED:
            self.withdrawn.append((subscriber_id, at, source))
        left = replace(person, status=SubscriberStatus.UNSUBSCRIBED)
        self.people[subscriber_id] = left
        return left


def book_of_one(mailbox: str = "nadia@example.org") -> MemoryBook:
    person = Subscriber(
        id=7,
        address=Address(mailbox=mailbox, key=mailbox),
        language="ar",
        status=SubscriberStatus.CONFIRMED,
    )
    return MemoryBook(people={7: person})


def token(subscriber_id: int = 7, key: SigningKey = KEY) -> str:
    return tokens.unsubscribe_token(key, subscriber_id=subscriber_id)


def test_looking_changes_nothing() -> None:
    """A scanner that follows every link in a mail takes nobody off the list."""
    book = book_of_one()
    found = who(token(), book=book, key=KEY)
    assert found == Reader(address="n***@example.org", language="ar", has_left=False)
    assert book.people[7].status is SubscriberStatus.CONFIRMED
    assert not book.withdrawn


def test_leaving_withdraws_the_consent_with_time_and_source() -> None:
    """The record says when the reader left, and that it was by a link."""
    book = book_of_one()
    left = leave(token(), book=book, key=KEY, clock=At())
    assert left == Reader(address="n***@example.org", language="ar", has_left=True)
    assert book.withdrawn == [(7, NOW, "link")]
    assert who(token(), book=book, key=KEY) == left


def test_leaving_twice_is_leaving_once() -> None:
    """Mail programs repeat a request; the answer and the record stay the same."""
    book = book_of_one()
    answers = [leave(token(), book=book, key=KEY, clock=At()) for _ in range(3)]
    assert answers == [answers[0]] * 3
    assert len(book.withdrawn) == 1


@pytest.mark.parametrize(
    "strange",
    [
        token(8),  # erased, or never there
        token(7, OTHER_KEY),
        token()[:-1],
        token() + "A",
        token().upper(),
        "",
        "é" * 32,
        "\ud800",
        tokens.bounce_tag(KEY, delivery_id=7),
    ],
    ids=["erased", "forged", "short", "long", "upper", "empty", "accents", "half", "other-purpose"],
)
def test_unknown_forged_and_erased_are_answered_alike(strange: str) -> None:
    """Nobody learns from the answer who is, or was, on the list."""
    book = book_of_one()
    assert who(strange, book=book, key=KEY) is None
    assert leave(strange, book=book, key=KEY, clock=At()) is None
    assert book.people[7].status is SubscriberStatus.CONFIRMED


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_no_text_lets_anybody_go(text: str) -> None:
    """Whatever stands in a URL, it moves nobody and raises nothing."""
    book = book_of_one()
    assert leave(text, book=book, key=KEY, clock=At()) is None
    assert not book.withdrawn


def test_erased_at_the_very_moment_is_answered_as_erased() -> None:
    """Who is erased between the look and the leaving has nothing left to leave."""
    book = replace(book_of_one(), erases=True)
    assert leave(token(), book=book, key=KEY, clock=At()) is None


def test_a_store_that_fails_is_not_hidden() -> None:
    """A reader is never told "you have left" when nothing was written."""
    book = replace(book_of_one(), broken=True)
    with pytest.raises(StoreError):
        leave(token(), book=book, key=KEY, clock=At())


@pytest.mark.parametrize(
    ("mailbox", "shown"),
    [
        ("n@example.org", "n***@example.org"),
        ("nadia.el.amrani@example.org", "n***@example.org"),
        ('"a@b"@example.org', '"***@example.org'),
    ],
)
def test_the_address_is_masked(mailbox: str, shown: str) -> None:
    """The page tells readers which of their addresses it is, and scanners nothing."""
    found = who(token(), book=book_of_one(mailbox), key=KEY)
    assert found is not None
    assert found.address == shown

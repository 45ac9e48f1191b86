"""What can be told about a mailing, on SQLite and on PostgreSQL."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

import pytest

from flashback.errors import StoreError
from flashback.model import Account, DeliveryState, Reply, Result, SubscriberStatus
from flashback.store import DomainAccount, Store, Subscribers

from fixtures.stores import (
    AGREED,
    MINUTE,
    NOW,
    address,
    ledger_of,
    mailing,
    opened,
    plan,
    settlement,
)

S = DeliveryState


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An empty store."""
    store = opened(store_url)
    yield store
    store.close()


def test_reasons_are_grouped(store: Store) -> None:
    """What servers said, else what we say, the most common first; nothing is hidden."""
    ledger, started = mailing(store, 6)
    claims = ledger.claim(started.id, owner="me", limit=6, now=NOW)
    refused = [settlement(claim, Result.PERMANENT) for claim in claims[:3]]
    other = replace(refused[0].outcome, reply=Reply(code=554, lines=("No",)))
    silent = settlement(claims[3], Result.PERMANENT, detail="given up")
    unsaid = replace(silent, outcome=replace(silent.outcome, reply=None))
    ledger.settle([replace(refused[0], outcome=other), *refused[1:], unsaid])
    assert ledger.reasons(started.id, S.REFUSED) == (
        ("550 5.1.1 No such user", 2),
        ("554 No", 1),
        ("given up", 1),
    )
    assert ledger.reasons(started.id, S.BOUNCED) == ()


def test_only_the_most_common_reasons(store: Store) -> None:
    """A server that says something else to everybody does not fill the report."""
    ledger, started = mailing(store, 60)
    claims = ledger.claim(started.id, owner="me", limit=60, now=NOW)
    ledger.settle(
        [
            replace(done, outcome=replace(done.outcome, reply=Reply(code=550, lines=(str(n),))))
            for n, done in enumerate(settlement(claim, Result.PERMANENT) for claim in claims)
        ]
    )
    assert len(ledger.reasons(started.id, S.REFUSED)) == 50


def test_domains(store: Store) -> None:
    """Per mail domain: the account, all attempts, and how long acceptance took on average."""
    book = Subscribers(store)
    people = ("a@example.org", "b@example.org", '"c@d"@example.net', "e@example.com")
    for mailbox in people:
        book.add(address(mailbox), now=NOW, status=SubscriberStatus.CONFIRMED, consent=AGREED)
    ledger = ledger_of(store)
    started = ledger.open(plan(), NOW)
    a, b, c, _ = ledger.claim(started.id, owner="me", limit=4, now=NOW)
    ledger.settle(
        [
            settlement(a, Result.ACCEPTED, at=NOW + MINUTE),
            settlement(b, Result.ACCEPTED, at=NOW + 2 * MINUTE),
            settlement(c, Result.TEMPORARY, at=NOW),
        ]
    )
    again = ledger.claim(started.id, owner="me", limit=4, now=NOW + 15 * MINUTE)
    ledger.settle([settlement(again[0], Result.PERMANENT, at=NOW)])
    book.remove(book.get("e@example.com").id, now=NOW)
    org, erased, net = ledger.domains(started.id)
    assert org.seconds == pytest.approx(90, abs=0.01)
    assert replace(org, seconds=None) == DomainAccount(
        domain="example.org", account=Account({S.ACCEPTED: 2}), attempts=2, seconds=None
    )
    assert erased == DomainAccount(
        domain="", account=Account({S.CLAIMED: 1}), attempts=1, seconds=None
    )
    assert net == DomainAccount(
        domain="example.net", account=Account({S.REFUSED: 1}), attempts=2, seconds=None
    )


def test_pace(store: Store) -> None:
    """How many were accepted, minute by minute."""
    ledger, started = mailing(store, 4)
    claims = ledger.claim(started.id, owner="me", limit=4, now=NOW)
    seconds = (0, 59, 125)
    ledger.settle(
        [
            settlement(claim, Result.ACCEPTED, at=NOW + dt.timedelta(seconds=second))
            for claim, second in zip(claims, seconds, strict=False)
        ]
        + [settlement(claims[3], Result.PERMANENT)]
    )
    assert ledger.pace(started.id) == ((NOW, 2), (NOW + 2 * MINUTE, 1))


def test_one_delivery(store: Store) -> None:
    """A single delivery by its number, or a sentence that there is none."""
    ledger, started = mailing(store, 1)
    (only,) = ledger.deliveries(started.id)
    assert ledger.delivery(only.id) == only
    assert only.address == "lecteur0@example.org"
    with pytest.raises(StoreError, match="no delivery 999"):
        ledger.delivery(999)

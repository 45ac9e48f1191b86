"""What the store says after a commit that nobody heard, two at once, a copy, an erasure."""

import datetime as dt
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from flashback.dispatch import Limits, Pace, RetryPolicy
from flashback.dispatch.verdict import decide
from flashback.errors import LeaseLostError, StoreError
from flashback.model import DeliveryState, MailingState, Reply, Result, SubscriberStatus
from flashback.store import SqlLedger, Store, Subscribers, erasing, mailings, opening, people
from flashback.testing import MemoryLedger

from fixtures.stores import (
    AGREED,
    LEASE_OVER,
    MINUTE,
    NOW,
    address,
    ledger_of,
    mailing,
    mark_of,
    opened,
    plan,
    readers,
    settlement,
)

S = DeliveryState


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """Each test on either store."""
    store = opened(store_url)
    yield store
    store.close()


def a_dead_owner() -> str:
    """The name of a sender that has ended."""
    say = "from flashback.store import new_owner; print(new_owner())"
    done = subprocess.run([sys.executable, "-c", say], capture_output=True, text=True, check=True)
    return done.stdout.strip()


# Two at once -------------------------------------------------------------------------------------


def test_two_who_send_to_latecomers(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two mailings opened at once for who has had nothing, one finds nobody left."""
    readers(store, 3)
    ledger_of(store).open(plan(), NOW)
    for n in range(5):
        Subscribers(store).add(
            address(f"new{n}@example.org"), now=NOW, language="fr",
            status=SubscriberStatus.CONFIRMED, consent=AGREED,
        )  # fmt: skip
    both, real = threading.Barrier(2), opening._plan_deliveries

    def slowly(*given: Any) -> Any:
        with suppress(threading.BrokenBarrierError):
            both.wait(1)
        return real(*given)

    monkeypatch.setattr(opening, "_plan_deliveries", slowly)
    audiences: list[int] = []

    def opens() -> None:
        ledger = SqlLedger(store, Path("/nonexistent"))
        audiences.append(ledger.open(plan(again=True, latecomers=True), NOW).audience)

    threads = [threading.Thread(target=opens) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(audiences) == [0, 5]


@pytest.mark.parametrize("what", ["resend", "evidence"])
def test_finishing_while_something_is_planned(
    store: Store, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Who plans a copy again while the mailing is being finished finds it open, or opens it."""
    ledger, begun = mailing(store, 2)
    taken, doubtful = ledger.claim(begun.id, owner="x", limit=5, now=NOW)
    ledger.note([taken, doubtful], now=NOW)
    ledger.settle([settlement(taken, Result.ACCEPTED), settlement(doubtful, Result.UNKNOWN)])
    real: Any = vars(mailings)["account"]
    threads = list[threading.Thread]()

    def counted(connection: Connection, number: int) -> Any:
        counts = real(connection, number)

        def meanwhile() -> None:
            other = SqlLedger(store, Path("/nonexistent"))
            if what == "resend":
                other.resend(begun.id, S.IN_DOUBT, NOW)
            else:
                other.record_evidence(doubtful.delivery_id, S.PLANNED, at=NOW, reason="never came")

        threads.append(threading.Thread(target=meanwhile))
        threads[-1].start()
        threads[-1].join(0.5)
        return counts

    monkeypatch.setattr(mailings, "account", counted)
    ledger.finish(begun.id, NOW)
    monkeypatch.setattr(mailings, "account", real)
    for thread in threads:
        thread.join(20)
    assert ledger.account(begun.id)[S.PLANNED] == 1
    assert ledger.mailing(begun.id).state is MailingState.OPEN
    assert len(ledger.claim(begun.id, owner="y", limit=5, now=NOW)) == 1


def test_nobody_keeps_locks_for_long(postgresql_url: str) -> None:
    """A host that falls silent within a transaction gives way before others lose patience."""
    store = opened(postgresql_url)
    with store.read() as connection:
        silent, patience = (
            connection.execute(text(f"SHOW {name}")).scalar_one()
            for name in ("idle_in_transaction_session_timeout", "lock_timeout")
        )
    store.close()
    assert (silent, patience) == ("20s", "30s")


# A commit that nobody heard ----------------------------------------------------------------------


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), StoreError.__new__(StoreError)])
def test_a_claim_that_was_committed_and_not_heard(
    store: Store, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    """Nothing of it left, and recovery knows: the journal stays as long as claims do."""
    ledger, begun = mailing(store, 50)
    real, hits = Store.write, [fault]

    @contextmanager
    def write(self: Store) -> Iterator[Connection]:
        with real(self) as connection:
            yield connection
        if hits:
            raise hits.pop()

    monkeypatch.setattr(Store, "write", write)
    with pytest.raises(type(fault)):
        ledger.claim(begun.id, owner=a_dead_owner(), limit=20, now=NOW)
    ledger.close()
    found = SqlLedger(store, ledger._journals).recover(begun.id, now=NOW + MINUTE)
    assert (found[S.PLANNED], found[S.IN_DOUBT]) == (20, 0)


def test_a_batch_that_is_settled_twice(store: Store) -> None:
    """A try leaves one attempt, however often it is written down."""
    ledger, begun = mailing(store, 2)
    claims = ledger.claim(begun.id, owner="x", limit=5, now=NOW)
    ledger.note(claims, now=NOW)
    batch = [settlement(claim, Result.ACCEPTED) for claim in claims]
    ledger.settle(batch)
    ledger.settle(batch)
    with store.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM attempts")).scalar_one() == 2


# Who comes later ---------------------------------------------------------------------------------


def test_who_is_sent_again_after_days_has_her_time(store: Store) -> None:
    """A greylisting at the first try of a resend is no end, however old the mailing."""
    ledger, begun = mailing(store, 1)
    (claim,) = ledger.claim(begun.id, owner="x", limit=5, now=NOW)
    ledger.settle([settlement(claim, Result.PERMANENT)])
    later = NOW + dt.timedelta(days=3)
    ledger.resend(begun.id, S.REFUSED, later)
    (again,) = ledger.claim(begun.id, owner="x", limit=5, now=later)
    tried = settlement(again, Result.TEMPORARY, at=later).outcome
    assert decide(tried, RetryPolicy(), lambda _: False).state is S.DEFERRED


def test_a_paused_mailing_stays_paused(store: Store) -> None:
    """Planning some copies again lets no others leave."""
    ledger, begun = mailing(store, 3)
    (claim,) = ledger.claim(begun.id, owner="x", limit=1, now=NOW)
    ledger.settle([settlement(claim, Result.PERMANENT)])
    ledger.pause(begun.id, reason="a wrong link", now=NOW)
    assert ledger.resend(begun.id, S.REFUSED, NOW) == 1
    assert ledger.mailing(begun.id).state is MailingState.PAUSED
    assert ledger.claim(begun.id, owner="x", limit=5, now=NOW) == []


def test_a_sender_that_was_buried_learns_it_soon(store: Store) -> None:
    """Not a minute later, with its next heartbeat, but when it asks what staff want."""
    ledger, begun = mailing(store, 2)
    claims = ledger.claim(begun.id, owner="x", limit=5, now=NOW)
    SqlLedger(store, Path("/nonexistent")).recover(begun.id, now=NOW + LEASE_OVER)
    ledger.beat(begun.id, owner="x", now=NOW + MINUTE / 60)
    with pytest.raises(LeaseLostError):
        ledger.note(claims, now=NOW + MINUTE / 60)


def test_a_heartbeat_from_the_future(store: Store) -> None:
    """A clock that was years ahead for a moment keeps no claims for years."""
    ledger, begun = mailing(store, 5)
    far = NOW.replace(year=2035)
    ledger.claim(begun.id, owner="otherhost:b:n:1:1:x", limit=5, now=far)
    other = SqlLedger(store, ledger._journals)
    assert other.recover(begun.id, now=NOW + dt.timedelta(days=30)).audience == 5


# Who was erased ----------------------------------------------------------------------------------


def test_words_about_an_erased_person_are_not_kept(store: Store) -> None:
    """A reply that comes after she was erased is counted, and its words are dropped."""
    ledger, begun = mailing(store, 2)
    claim = ledger.claim(begun.id, owner="x", limit=5, now=NOW)[0]
    with store.write() as connection:
        person = people.by_id(connection, claim.subscriber_id)
        assert person is not None
        erasing.erase(connection, [person], NOW, mark_of)
    refused = settlement(claim, Result.PERMANENT)
    words = Reply(code=550, enhanced="5.1.1", lines=(f"<{claim.address}>: no such user",))
    ledger.settle([replace(refused, outcome=replace(refused.outcome, reply=words), suppress=True)])
    with store.read() as connection:
        kept = [
            *connection.execute(text("SELECT reply FROM deliveries WHERE reply <> ''")),
            *connection.execute(text("SELECT reply_text FROM attempts WHERE reply_text <> ''")),
            *connection.execute(text("SELECT note FROM suppressions WHERE note LIKE '%user%'")),
        ]
    assert kept == []
    assert ledger.account(begun.id)[S.REFUSED] == 1


def test_what_is_remembered_of_an_erased_person(store: Store) -> None:
    """Recovery makes no suppression without an address."""
    ledger, begun = mailing(store, 2)
    claim = ledger.claim(begun.id, owner="h:b:n:1:1:x", limit=5, now=NOW)[0]
    ledger.remember([settlement(claim, Result.PERMANENT, suppress=True)])
    with store.write() as connection:
        person = people.by_id(connection, claim.subscriber_id)
        assert person is not None
        erasing.erase(connection, [person], NOW, mark_of)
    SqlLedger(store, ledger._journals).recover(begun.id, now=NOW + LEASE_OVER)
    with store.read() as connection:
        keys = connection.execute(text("SELECT key FROM suppressions")).scalars().all()
    assert "" not in keys


def test_an_erasure_beside_a_long_export(tmp_path: Path) -> None:
    """While somebody reads for long, and the log cannot be emptied, others go on writing."""
    url = f"sqlite:///{tmp_path}/store.db"
    store, other = opened(url), opened(url)
    (number,) = readers(store, 1)
    waited: list[float] = []
    with other.read() as connection:
        connection.execute(text("SELECT count(*) FROM subscribers")).all()
        book = Subscribers(store)
        thread = threading.Thread(target=lambda: book.remove(number, now=NOW))
        thread.start()
        while thread.is_alive():
            began = time.monotonic()
            with other.write() as writing:
                writing.execute(text("UPDATE mailings SET reason = ''"))
            waited.append(time.monotonic() - began)
            thread.join(0.05)
    assert book.find(number) is None
    assert max(waited) < 2.5
    other.close()
    store.close()
    assert all(b"lecteur0@" not in path.read_bytes() for path in tmp_path.glob("store.db*"))


# Files -------------------------------------------------------------------------------------------


def test_a_second_look_at_the_store_costs_nothing(tmp_path: Path) -> None:
    """Opened twice in one process, what is committed is there for others: no lock was dropped."""
    url = f"sqlite:///{tmp_path}/store.db"
    first, second = opened(url), opened(url)

    def others_see() -> str:
        say = (
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); "
            "print(c.execute('SELECT count(*) FROM suppressions').fetchone()[0]); c.close()"
        )
        command = [sys.executable, "-c", say, str(tmp_path / "store.db")]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    row = "INSERT INTO suppressions (key, reason, at, note) VALUES (:key, 'manual', :at, '')"
    for number, key in enumerate(("one", "two"), start=1):
        with first.write() as connection:
            connection.execute(text(row), {"key": key, "at": "2011-09-02 09:00:00.000000"})
        assert others_see() == str(number)
    first.close()
    second.close()


@pytest.mark.parametrize("is_copied", [True, False])
def test_a_journal_that_is_elsewhere(tmp_path: Path, *, is_copied: bool) -> None:
    """A moved folder takes its journal along; a copied one knows nothing of what came after."""
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    store = opened(f"sqlite:///{old}/store.db")
    readers(store, 20)
    ledger = SqlLedger(store, old / "journals")
    begun = ledger.open(plan(), NOW)
    claims = ledger.claim(begun.id, owner=a_dead_owner(), limit=20, now=NOW)
    ledger.note(claims[:1], now=NOW)
    store.engine.dispose()
    if is_copied:
        shutil.copytree(old, new)
        shutil.rmtree(old)
    else:
        old.rename(new)
    store = opened(f"sqlite:///{new}/store.db")
    found = SqlLedger(store, new / "journals").recover(begun.id, now=NOW + MINUTE)
    store.close()
    assert found[S.IN_DOUBT] == (20 if is_copied else 1)


def test_another_stores_journal_is_left_alone(tmp_path: Path) -> None:
    """Whoever tries a backup deletes nothing that the real store still needs."""
    store = opened(f"sqlite:///{tmp_path}/store.db")
    readers(store, 9)
    ledger = ledger_of(store)
    begun = ledger.open(plan(), NOW)
    backup = tmp_path / "backup.db"
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        driver: Any = connection.connection.driver_connection
        driver.execute("VACUUM INTO ?", (str(backup),))
    claims = ledger.claim(begun.id, owner=a_dead_owner(), limit=5, now=NOW)
    ledger.note(claims[:1], now=NOW)
    ledger.remember([settlement(claims[0], Result.ACCEPTED)])
    tried = opened(f"sqlite:///{backup}")
    SqlLedger(tried, ledger._journals).recover(begun.id, now=NOW + MINUTE)
    tried.close()
    found = SqlLedger(store, ledger._journals).recover(begun.id, now=NOW + MINUTE)
    store.close()
    assert (found[S.ACCEPTED], found[S.PLANNED], found[S.IN_DOUBT]) == (1, 4, 0)


# What a day allows -------------------------------------------------------------------------------


def test_tokens_that_are_given_back(store: Store) -> None:
    """What a sender did not use is the next one's, up to what the bucket holds."""
    for ledger in (ledger_of(store), MemoryLedger()):

        def draw(wanted: int, ledger: Any = ledger) -> int:
            grant = ledger.draw("day:x", per_minute=1e-6, burst=20, wanted=wanted, now=NOW)
            return int(grant.tokens)

        assert [draw(15), draw(-5), draw(20), draw(-99), draw(99)] == [15, 0, 10, 0, 20]


def test_a_day_is_not_used_up_by_many_short_runs() -> None:
    """While warming up, each run gives the rest of its handful back."""
    ledger = MemoryLedger()
    limits = Limits(warm_up=(40,), warm_up_since=NOW.date())
    left = 0
    for _ in range(60):
        pace = Pace(limits, ledger.draw)
        if pace.wait(NOW) == 0.0:
            pace.spend("example.org", NOW)
            left += 1
        pace.give_back(NOW)
    assert left == 40

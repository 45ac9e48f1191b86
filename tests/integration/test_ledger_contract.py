"""The promises of a ledger, held by the one in memory and by the one in a database alike."""

import datetime as dt
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest

from flashback.dispatch import plan
from flashback.dispatch.ports import Ledger
from flashback.errors import LeaseLostError, RepeatedIssueError, UnknownMailingError
from flashback.model import (
    Claim,
    DeliveryState,
    MailingState,
    Outcome,
    Result,
    Settlement,
    Subscriber,
    SubscriberStatus,
)
from flashback.store import SqlLedger, Subscribers, open_store
from flashback.testing import LEASE, MemoryLedger, address

from fixtures.stores import AGREED, NOW
from samples import edition

S = DeliveryState
READERS = 5


class Bench(Protocol):
    """A ledger with five readers, and the means to let one of them leave."""

    ledger: Ledger
    readers: list[int]

    def leave(self, reader: int) -> None: ...


class MemoryBench:
    def __init__(self) -> None:
        self.memory = MemoryLedger(
            readers={
                n: Subscriber(
                    id=n, address=address(f"r{n}@example.org"), status=SubscriberStatus.CONFIRMED
                )
                for n in range(1, READERS + 1)
            }
        )
        self.ledger: Ledger = self.memory
        self.readers = list(self.memory.readers)

    def leave(self, reader: int) -> None:
        person = self.memory.readers[reader]
        self.memory.readers[reader] = replace(person, status=SubscriberStatus.UNSUBSCRIBED)


class SqlBench:
    def __init__(self, url: str) -> None:
        self.store = open_store(url, folder=Path("/nonexistent"))
        self.book = Subscribers(self.store)
        self.ledger: Ledger = SqlLedger(self.store)
        self.readers = [
            self.book.add(
                address(f"r{n}@example.org"),
                now=NOW,
                status=SubscriberStatus.CONFIRMED,
                consent=AGREED,
            ).id
            for n in range(1, READERS + 1)
        ]

    def leave(self, reader: int) -> None:
        self.book.unsubscribe(reader, at=NOW, source="link")


@pytest.fixture(
    params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """The fake, and the real one on each database."""
    if request.param == "memory":
        yield MemoryBench()
        return
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/store.db"
    else:
        url = request.getfixturevalue("postgresql_url")
    made = SqlBench(url)
    yield made
    made.store.close()


def opened(bench: Bench, *, again: bool = False) -> int:
    readers = [(reader, "fr") for reader in bench.readers]
    return bench.ledger.open(plan([edition("fr")], readers, fallback="fr", again=again), NOW).id


def claimed(bench: Bench, mailing: int, limit: int = 100, owner: str = "me") -> list[Claim]:
    return list(bench.ledger.claim(mailing, owner=owner, limit=limit, now=NOW))


def settled(bench: Bench, claim: Claim, state: S, result: Result, due: dt.datetime | None) -> None:
    outcome = Outcome(claim=claim, result=result, at=NOW, stage="dot")
    bench.ledger.settle([Settlement(outcome=outcome, state=state, due_at=due)])


def test_an_issue_is_opened_once(bench: Bench) -> None:
    """The same issue is opened a second time only when it is meant."""
    opened(bench)
    with pytest.raises(RepeatedIssueError):
        opened(bench)
    assert bench.ledger.account(opened(bench, again=True)).audience == READERS


def test_an_unknown_mailing_is_an_error(bench: Bench) -> None:
    """Nothing is answered about a mailing that never was."""
    with pytest.raises(UnknownMailingError):
        bench.ledger.mailing(4711)


def test_a_claim_is_one_owners(bench: Bench) -> None:
    """What one sender holds, no other gets; the counts add up."""
    mailing = opened(bench)
    first, second = claimed(bench, mailing, 2, "a"), claimed(bench, mailing, 100, "b")
    assert len(first) == 2
    assert {c.delivery_id for c in first}.isdisjoint(c.delivery_id for c in second)
    assert claimed(bench, mailing) == []
    account = bench.ledger.account(mailing)
    assert account[S.CLAIMED] == account.audience == READERS


def test_who_left_is_skipped(bench: Bench) -> None:
    """Someone who leaves between planning and their turn is not claimed."""
    mailing = opened(bench)
    bench.leave(bench.readers[1])
    assert bench.readers[1] not in {c.subscriber_id for c in claimed(bench, mailing)}
    assert bench.ledger.account(mailing)[S.SKIPPED] == 1


def test_the_dot_is_noted_once(bench: Bench) -> None:
    """The note before the final dot is given once per claim, and never for a claim given back."""
    mailing = opened(bench)
    first, second = claimed(bench, mailing, 2)
    bench.ledger.before_final_dot(first, now=NOW)
    with pytest.raises(LeaseLostError):
        bench.ledger.before_final_dot(first, now=NOW)
    bench.ledger.release([first, second])
    with pytest.raises(LeaseLostError):
        bench.ledger.before_final_dot(second, now=NOW)
    account = bench.ledger.account(mailing)
    assert (account[S.CLAIMED], account[S.PLANNED]) == (1, READERS - 1)


def test_recovery_tells_doubt_from_untried(bench: Bench) -> None:
    """When a lease has run out: past the dot is in doubt, before it is planned again."""
    mailing = opened(bench)
    first, *_ = claimed(bench, mailing, 3)
    bench.ledger.before_final_dot(first, now=NOW)
    assert bench.ledger.recover(mailing, now=NOW + LEASE / 2).audience == 0
    moved = bench.ledger.recover(mailing, now=NOW + LEASE)
    assert (moved[S.IN_DOUBT], moved[S.PLANNED]) == (1, 2)


@pytest.mark.parametrize(("resend", "state"), [(True, S.PLANNED), (False, S.ACCEPTED)])
def test_doubt_is_decided(bench: Bench, *, resend: bool, state: S) -> None:
    """A person's decision moves what is in doubt, and nothing else."""
    mailing = opened(bench)
    (claim,) = claimed(bench, mailing, 1)
    settled(bench, claim, S.IN_DOUBT, Result.UNKNOWN, None)
    assert bench.ledger.resolve_doubt(mailing, resend=resend, now=NOW) == 1
    assert bench.ledger.account(mailing)[S.IN_DOUBT] == 0
    assert bench.ledger.account(mailing)[state] >= 1


def test_deferred_waits_until_it_is_due(bench: Bench) -> None:
    """A deferred delivery is claimed again when due, as the next attempt."""
    mailing = opened(bench)
    (claim,) = claimed(bench, mailing, 1)
    due = NOW + dt.timedelta(minutes=15)
    settled(bench, claim, S.DEFERRED, Result.TEMPORARY, due)
    assert claim.delivery_id not in {c.delivery_id for c in claimed(bench, mailing)}
    (again,) = bench.ledger.claim(mailing, owner="me", limit=9, now=due)
    assert (again.delivery_id, again.attempt) == (claim.delivery_id, 2)
    assert again.first_tried_at == NOW


def test_untried_is_as_if_it_had_not_been(bench: Bench) -> None:
    """A try of which nothing was spoken counts for nothing."""
    mailing = opened(bench)
    (claim,) = claimed(bench, mailing, 1)
    settled(bench, claim, S.PLANNED, Result.UNTRIED, None)
    (again,) = claimed(bench, mailing, 1)
    assert (again.delivery_id, again.attempt, again.first_tried_at) == (claim.delivery_id, 1, None)


def test_late_evidence_settles_a_doubt(bench: Bench) -> None:
    """A sender taken for dead that comes back with the reply is believed."""
    mailing = opened(bench)
    (claim,) = claimed(bench, mailing, 1)
    bench.ledger.before_final_dot(claim, now=NOW)
    bench.ledger.recover(mailing, now=NOW + LEASE)
    settled(bench, claim, S.ACCEPTED, Result.ACCEPTED, None)
    account = bench.ledger.account(mailing)
    assert (account[S.ACCEPTED], account[S.IN_DOUBT]) == (1, 0)


def test_a_mailing_is_finished(bench: Bench) -> None:
    """When nothing is open it can be closed, and says so."""
    mailing = opened(bench)
    for claim in claimed(bench, mailing):
        settled(bench, claim, S.ACCEPTED, Result.ACCEPTED, None)
    bench.ledger.finish(mailing, NOW)
    assert bench.ledger.mailing(mailing).state is MailingState.FINISHED


def test_two_senders_that_open_at_once(store_url: str) -> None:
    """Two programs that send the same issue at the same moment open one mailing."""
    bench = SqlBench(store_url)
    results: list[object] = []
    start = threading.Barrier(2)

    def send() -> None:
        start.wait()
        try:
            results.append(opened(bench))
        except RepeatedIssueError as error:
            results.append(error)

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    bench.store.close()
    assert sorted(type(result).__name__ for result in results) == ["RepeatedIssueError", "int"]

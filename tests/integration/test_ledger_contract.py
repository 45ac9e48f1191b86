"""The promises of a ledger, held by the one in memory and by the one in a database alike."""

import datetime as dt
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest
from sqlalchemy import text

from flashback.dispatch.planning import language_for
from flashback.dispatch.ports import Ledger
from flashback.errors import (
    LeaseLostError,
    RepeatedIssueError,
    StoreError,
    UnknownMailingError,
)
from flashback.model import (
    Claim,
    DeliveryState,
    MailingState,
    Outcome,
    Plan,
    Reply,
    Result,
    Settlement,
    Subscriber,
    SubscriberStatus,
)
from flashback.store import SqlLedger, Subscribers, open_store
from flashback.testing import LEASE, MemoryLedger, address

from fixtures.stores import AGREED, LEASE_OVER, MINUTE, NOW, journals_of
from samples import edition

S = DeliveryState
READERS = 5
#: Tags as readers' rows may hold them, whoever wrote them there.
ODD_TAGS = ("", "fr", "FR", "fr-MA", "Ar-x-fr", "ar-", "-fr", "fra", "f", "en_US", "en-fr", "%-")
RABAT = 'field.city = "Rabat"'


class Staff(Ledger, Protocol):
    """What staff's commands need beside what the worker needs."""

    def reopen(self, mailing_id: int, now: dt.datetime) -> None: ...

    def cancel(self, mailing_id: int, *, reason: str, now: dt.datetime) -> int: ...

    def resend(self, mailing_id: int, state: DeliveryState, now: dt.datetime) -> int: ...


class Bench(Protocol):
    """A ledger with five readers, and the means to let readers come, change and leave."""

    ledger: Staff
    readers: list[int]

    def join(self, name: str, *, language: str = "", city: str = "") -> int: ...

    def leave(self, reader: int) -> None: ...

    def lose_journal(self, owner: str) -> None: ...


class MemoryBench:
    def __init__(self) -> None:
        self.memory = MemoryLedger(
            segments={RABAT: lambda reader: reader.fields.get("city", "") == "Rabat"}
        )
        self.ledger: Staff = self.memory
        self.readers = [self.join(f"r{n}") for n in range(1, READERS + 1)]

    def join(self, name: str, *, language: str = "", city: str = "") -> int:
        number = len(self.memory.readers) + 1
        self.memory.readers[number] = Subscriber(
            id=number,
            address=address(f"{name}@example.org"),
            language=language,
            fields={"city": city},
            status=SubscriberStatus.CONFIRMED,
        )
        return number

    def leave(self, reader: int) -> None:
        person = self.memory.readers[reader]
        self.memory.readers[reader] = replace(person, status=SubscriberStatus.UNSUBSCRIBED)

    def lose_journal(self, owner: str) -> None:
        self.memory.lost_journals.add(owner)


class SqlBench:
    def __init__(self, url: str) -> None:
        self.store = open_store(url, folder=Path("/nonexistent"))
        self.book = Subscribers(self.store)
        self.journals = journals_of(self.store)
        self.ledger: Staff = SqlLedger(self.store, self.journals)
        self.readers = [self.join(f"r{n}") for n in range(1, READERS + 1)]

    def join(self, name: str, *, language: str = "", city: str = "") -> int:
        number = self.book.add(
            address(f"{name}@example.org"),
            now=NOW,
            fields={"city": city},
            status=SubscriberStatus.CONFIRMED,
            consent=AGREED,
        ).id
        with self.store.write() as connection:  # whatever the tag
            connection.execute(
                text("UPDATE subscribers SET language = :tag WHERE id = :number"),
                {"tag": language, "number": number},
            )
        return number

    def leave(self, reader: int) -> None:
        self.book.unsubscribe(reader, at=NOW, source="link")

    def lose_journal(self, owner: str) -> None:
        for path in self.journals.iterdir():
            path.unlink()


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


def planned(*languages: str, **changes: Any) -> Plan:
    editions = tuple(edition(language) for language in languages or ("fr",))
    return Plan(**({"editions": editions, "fallback": "fr"} | changes))


def opened(bench: Bench, **changes: Any) -> int:
    return bench.ledger.open(planned(**changes), NOW).id


def claimed(bench: Bench, mailing: int, limit: int = 100, owner: str = "me") -> list[Claim]:
    return list(bench.ledger.claim(mailing, owner=owner, limit=limit, now=NOW))


def settlement(
    claim: Claim, state: S, result: Result, due: dt.datetime | None = None, at: dt.datetime = NOW
) -> Settlement:
    reply = Reply(code=250, lines=("Ok",)) if result is Result.ACCEPTED else None
    outcome = Outcome(claim=claim, result=result, at=at, stage="dot", reply=reply)
    return Settlement(outcome=outcome, state=state, due_at=due)


def settled(
    bench: Bench, claim: Claim, state: S, result: Result, due: dt.datetime | None = None
) -> None:
    bench.ledger.settle([settlement(claim, state, result, due)])


def account(bench: Bench, mailing: int) -> dict[S, int]:
    return dict(bench.ledger.account(mailing).counts)


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


def test_only_the_holder_notes(bench: Bench) -> None:
    """What was never claimed, or was given back or settled, lets nothing leave."""
    mailing = opened(bench)
    first, second, third = claimed(bench, mailing, 3)
    bench.ledger.note([first, second], now=NOW)
    bench.ledger.release([first, third])
    settled(bench, second, S.ACCEPTED, Result.ACCEPTED)
    for gone in (second, third, replace(first, owner="other"), replace(first, attempt=2)):
        with pytest.raises(LeaseLostError):
            bench.ledger.note([gone], now=NOW)
    assert account(bench, mailing) == {S.CLAIMED: 1, S.ACCEPTED: 1, S.PLANNED: READERS - 2}


def test_recovery_tells_doubt_from_untried(bench: Bench) -> None:
    """Of a dead sender: outcomes are settled, noted is in doubt, the rest is planned again."""
    mailing = opened(bench)
    noted, known, refused, _ = claimed(bench, mailing, 4)
    bench.ledger.note([noted, known], now=NOW)
    bench.ledger.remember(
        [
            settlement(known, S.ACCEPTED, Result.ACCEPTED),
            settlement(refused, S.REFUSED, Result.PERMANENT),
        ]
    )
    assert bench.ledger.recover(mailing, now=NOW + LEASE / 2).audience == 0
    moved = bench.ledger.recover(mailing, now=NOW + LEASE)
    assert moved.counts == {S.IN_DOUBT: 1, S.ACCEPTED: 1, S.REFUSED: 1, S.PLANNED: 1}
    assert bench.ledger.recover(mailing, now=NOW + LEASE).audience == 0


def test_a_lost_journal_leaves_doubt(bench: Bench) -> None:
    """When nobody knows what a dead sender noted, all that it held is in doubt."""
    mailing = opened(bench)
    claims = claimed(bench, mailing, 3)
    bench.ledger.note(claims[:1], now=NOW)
    bench.lose_journal("me")
    moved = bench.ledger.recover(mailing, now=NOW + LEASE)
    assert moved.counts == {S.IN_DOUBT: 3}


def test_given_back_and_claimed_anew(bench: Bench) -> None:
    """A note about a claim that was given back says nothing about the next under its number."""
    mailing = opened(bench)
    (claim,) = claimed(bench, mailing, 1)
    bench.ledger.note([claim], now=NOW)
    settled(bench, claim, S.PLANNED, Result.UNTRIED)
    (again,) = claimed(bench, mailing, 1)
    assert (again.delivery_id, again.attempt) == (claim.delivery_id, claim.attempt)
    assert bench.ledger.recover(mailing, now=NOW + LEASE).counts == {S.PLANNED: 1}


def test_who_was_silent_and_not_missed_goes_on(bench: Bench) -> None:
    """A lease that ended while nobody took the claims over is renewed: the laptop woke up."""
    mailing = opened(bench)
    old = claimed(bench, mailing, 2)
    later = NOW + LEASE_OVER
    bench.ledger.note(old, now=later)
    assert bench.ledger.recover(mailing, now=later + MINUTE).audience == 0
    bench.ledger.release(old)


def test_who_was_silent_and_replaced_lets_nothing_leave(bench: Bench) -> None:
    """Once others have freed its claims, a sender notes no old one, though it may claim anew."""
    mailing = opened(bench)
    old = claimed(bench, mailing, 2)
    later = NOW + LEASE_OVER
    bench.ledger.recover(mailing, now=later)
    with pytest.raises(LeaseLostError):
        bench.ledger.note(old, now=later)
    (new,) = bench.ledger.claim(mailing, owner="me", limit=1, now=later)
    with pytest.raises(LeaseLostError):
        bench.ledger.note(old, now=later)
    bench.ledger.note([new], now=later)
    bench.ledger.release([new])


def test_whose_claims_were_freed_lets_nothing_leave(bench: Bench) -> None:
    """Whoever recovers too early, by another clock, still stops the old sender."""
    mailing = opened(bench)
    old = claimed(bench, mailing, 2)
    bench.ledger.recover(mailing, now=NOW + LEASE)
    with pytest.raises(LeaseLostError):
        bench.ledger.note(old, now=NOW + LEASE - MINUTE)


def test_a_beating_heart_keeps_the_claims(bench: Bench) -> None:
    """A sender that says it lives is left alone, and hears what staff want."""
    mailing = opened(bench)
    claims = claimed(bench, mailing, 2)
    for minutes in (10, 20, 30):
        assert bench.ledger.beat(mailing, owner="me", now=NOW + minutes * MINUTE) is (
            MailingState.OPEN
        )
    assert bench.ledger.recover(mailing, now=NOW + 40 * MINUTE).audience == 0
    bench.ledger.note(claims, now=NOW + 40 * MINUTE)
    bench.ledger.pause(mailing, reason="", now=NOW)
    assert bench.ledger.beat(mailing, owner="stranger", now=NOW) is MailingState.PAUSED
    with pytest.raises(UnknownMailingError):
        bench.ledger.beat(4711, owner="me", now=NOW + 40 * MINUTE)


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
    assert bench.ledger.next_due(mailing) is None
    settled(bench, claim, S.DEFERRED, Result.TEMPORARY, due)
    assert bench.ledger.next_due(mailing) == due
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


def test_a_slowed_domain_counts_no_attempt(bench: Bench) -> None:
    """Held back without a try: it waits for its time, and its next claim is still the first."""
    mailing = opened(bench)
    (claim,) = claimed(bench, mailing, 1)
    due = NOW + dt.timedelta(minutes=2)
    settled(bench, claim, S.DEFERRED, Result.UNTRIED, due)
    assert claim.delivery_id not in {c.delivery_id for c in claimed(bench, mailing)}
    (again,) = bench.ledger.claim(mailing, owner="me", limit=9, now=due)
    assert (again.delivery_id, again.attempt, again.first_tried_at) == (claim.delivery_id, 1, None)


def test_late_evidence_settles_a_doubt(bench: Bench) -> None:
    """A sender taken for dead that comes back with the reply is believed."""
    mailing = opened(bench)
    (claim,) = claimed(bench, mailing, 1)
    bench.ledger.note([claim], now=NOW)
    bench.ledger.recover(mailing, now=NOW + LEASE)
    settled(bench, claim, S.ACCEPTED, Result.ACCEPTED)
    assert account(bench, mailing) == {S.ACCEPTED: 1, S.PLANNED: READERS - 1}


def test_everybody_gets_the_right_edition(bench: Bench) -> None:
    """The primary subtag decides, in any case; whoever has no edition gets the fallback's."""
    for number, tag in enumerate(ODD_TAGS):
        bench.join(f"odd{number}", language=tag)
    plan = planned("fr", "ar", "en-gb", "F", "")
    typeset = {"fr", "ar", "en-gb", "F", ""}
    wanted = [language_for(tag, typeset, fallback="fr") for tag in ("",) * READERS + ODD_TAGS]
    told = dict(bench.ledger.audience(plan))
    assert told == {language: wanted.count(language) for language in typeset}
    mailing = bench.ledger.open(plan, NOW)
    assert [claim.language for claim in claimed(bench, mailing.id)] == wanted
    assert mailing.audience == len(wanted)
    odd = planned("en-gb", fallback="en-gb", again=True)
    assert dict(bench.ledger.audience(odd)) == {"en-gb": len(wanted)}


def test_a_segment_narrows(bench: Bench) -> None:
    """Only whom the segment means, and only who may be mailed."""
    city, gone = (bench.join(name, city="Rabat") for name in ("a", "b"))
    bench.join("c", city="Agadir")
    bench.leave(gone)
    assert bench.ledger.audience(planned(segment=RABAT)) == {"fr": 1}
    mailing = opened(bench, segment=RABAT)
    assert [claim.subscriber_id for claim in claimed(bench, mailing)] == [city]


def test_latecomers(bench: Bench) -> None:
    """Who joined after an issue left gets it, and nobody twice."""
    first = opened(bench)
    assert len(claimed(bench, first, 2)) == 2
    late = bench.join("late")
    assert bench.ledger.audience(planned(latecomers=True)) == {"fr": 1}
    second = opened(bench, latecomers=True)
    assert [claim.subscriber_id for claim in claimed(bench, second)] == [late]
    assert bench.ledger.mailing(opened(bench, latecomers=True)).audience == 0


def test_a_scheduled_mailing_waits(bench: Bench) -> None:
    """Before its hour nothing is claimed; from then on it is open."""
    hour = NOW + dt.timedelta(hours=1)
    mailing = opened(bench, not_before=hour, not_after=hour + dt.timedelta(days=1))
    found = bench.ledger.mailing(mailing)
    assert found.state is MailingState.SCHEDULED
    assert (found.not_before, found.not_after) == (hour, hour + dt.timedelta(days=1))
    assert claimed(bench, mailing) == []
    assert len(bench.ledger.claim(mailing, owner="me", limit=9, now=hour)) == READERS
    assert bench.ledger.mailing(mailing).state is MailingState.OPEN
    assert bench.ledger.mailing(opened(bench, again=True, not_before=NOW)).state is (
        MailingState.OPEN
    )


def test_a_paused_mailing_stands_still(bench: Bench) -> None:
    """Nothing is claimed until somebody lets it go on; the reason is kept until then."""
    mailing = opened(bench)
    (claim,) = claimed(bench, mailing, 1)
    bench.ledger.pause(mailing, reason="too many refusals", now=NOW)
    bench.ledger.pause(mailing, reason="again", now=NOW)
    found = bench.ledger.mailing(mailing)
    assert (found.state, found.reason) == (MailingState.PAUSED, "too many refusals")
    assert claimed(bench, mailing) == []
    settled(bench, claim, S.ACCEPTED, Result.ACCEPTED)
    bench.ledger.reopen(mailing, NOW)
    found = bench.ledger.mailing(mailing)
    assert (found.state, found.reason) == (MailingState.OPEN, "")
    assert len(claimed(bench, mailing)) == READERS - 1


def test_what_was_cancelled_never_leaves(bench: Bench) -> None:
    """What waits is skipped, and so is what comes back; what left is settled."""
    mailing = opened(bench)
    deferred, done, retry, untried = claimed(bench, mailing, 4)
    settled(bench, deferred, S.DEFERRED, Result.TEMPORARY, NOW + MINUTE)
    assert bench.ledger.cancel(mailing, reason="wrong picture", now=NOW) == 2
    assert bench.ledger.cancel(mailing, reason="once more", now=NOW) == 0
    assert bench.ledger.mailing(mailing).reason == "wrong picture"
    settled(bench, done, S.ACCEPTED, Result.ACCEPTED)
    settled(bench, retry, S.DEFERRED, Result.TEMPORARY, NOW + MINUTE)
    bench.ledger.release([untried])
    assert account(bench, mailing) == {S.SKIPPED: 4, S.ACCEPTED: 1}
    assert claimed(bench, mailing) == []
    bench.ledger.pause(mailing, reason="", now=NOW)
    bench.ledger.finish(mailing, NOW)
    assert bench.ledger.mailing(mailing).state is MailingState.CANCELLED
    with pytest.raises(StoreError, match="was cancelled"):
        bench.ledger.reopen(mailing, NOW)
    with pytest.raises(StoreError, match="was cancelled"):
        bench.ledger.resend(mailing, S.REFUSED, NOW)


def test_a_dead_senders_claims_of_a_cancelled_mailing(bench: Bench) -> None:
    """What it had not begun is skipped, what may have left is in doubt."""
    mailing = opened(bench)
    noted, _, deferred = claimed(bench, mailing, 3)
    bench.ledger.note([noted], now=NOW)
    bench.ledger.remember([settlement(deferred, S.DEFERRED, Result.TEMPORARY, NOW + MINUTE)])
    bench.ledger.cancel(mailing, reason="no", now=NOW)
    moved = bench.ledger.recover(mailing, now=NOW + LEASE)
    assert moved.counts == {S.IN_DOUBT: 1, S.SKIPPED: 2}


def test_a_finished_mailing_is_not_cancelled(bench: Bench) -> None:
    """What has left cannot be called back, and that is said."""
    mailing = opened(bench)
    for claim in claimed(bench, mailing):
        settled(bench, claim, S.ACCEPTED, Result.ACCEPTED)
    bench.ledger.finish(mailing, NOW)
    with pytest.raises(StoreError, match="is finished"):
        bench.ledger.cancel(mailing, reason="", now=NOW)
    bench.ledger.reopen(mailing, NOW)
    assert bench.ledger.mailing(mailing).state is MailingState.FINISHED


@pytest.mark.parametrize(
    ("state", "result"), [(S.REFUSED, Result.PERMANENT), (S.IN_DOUBT, Result.UNKNOWN)]
)
def test_another_try(bench: Bench, state: S, result: Result) -> None:
    """What was refused, or is in doubt, is planned again and the mailing opened; else nothing."""
    mailing = opened(bench)
    first, *others = claimed(bench, mailing)
    settled(bench, first, state, result)
    for claim in others:
        settled(bench, claim, S.ACCEPTED, Result.ACCEPTED)
    bench.ledger.finish(mailing, NOW)
    assert bench.ledger.resend(mailing, state, NOW) == 1
    assert bench.ledger.resend(mailing, state, NOW) == 0
    assert bench.ledger.mailing(mailing).state is MailingState.OPEN
    (again,) = claimed(bench, mailing)
    assert (again.delivery_id, again.attempt) == (first.delivery_id, 2)
    with pytest.raises(StoreError):
        bench.ledger.resend(mailing, S.ACCEPTED, NOW)


def test_a_bucket_is_drawn_from(bench: Bench) -> None:
    """Full at first sight, it gives what it has, tells how long until the next, and refills."""

    def draw(wanted: int, seconds: float) -> tuple[int, float]:
        now = NOW + dt.timedelta(seconds=seconds)
        grant = bench.ledger.draw("mx", per_minute=60, burst=10, wanted=wanted, now=now)
        return grant.tokens, grant.wait.total_seconds()

    assert draw(4, 0) == (4, 0)
    assert draw(9, 0) == (6, 0)
    tokens, wait = draw(1, 0.25)
    assert tokens == 0
    assert wait == pytest.approx(0.75, abs=0.001)
    assert draw(5, 0.25 + wait) == (1, 0)
    assert draw(50, 1_000) == (10, 0)
    assert draw(0, 1_000) == (0, 0)
    other = bench.ledger.draw("other", per_minute=1, burst=2, wanted=3, now=NOW)
    assert other.tokens == 2


@pytest.mark.parametrize("back", [5, 30, 3_600])
def test_a_clock_set_back_mints_nothing(bench: Bench, back: int) -> None:
    """Neither back nor forth gives or takes more than one burst."""
    moments = [0, 60 - back, 60 - back + 20, 60, 61]
    given = [
        bench.ledger.draw(
            "mx", per_minute=60, burst=10, wanted=1_000, now=NOW + dt.timedelta(seconds=second)
        ).tokens
        for second in moments
    ]
    honest = 10 + 10  # a full bucket, and what at most one more holds
    assert honest <= sum(given) <= honest + 2 * 10 + 1


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

"""The ledger's promises, on SQLite and on PostgreSQL."""

import datetime as dt
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select, text

from flashback.dispatch.ports import Ledger
from flashback.errors import LeaseLostError, StoreError, UnknownMailingError
from flashback.model import (
    Account,
    Claim,
    DeliveryState,
    Mailing,
    MailingState,
    Plan,
    Reply,
    Result,
    Settlement,
    SuppressionReason,
)
from flashback.store import SqlLedger, Store, Subscribers, senders
from flashback.store.tables import attempts, deliveries, metadata, suppressions

from fixtures.stores import (
    MINUTE,
    NOW,
    address,
    edition,
    ledger_of,
    mailing,
    opened,
    plan,
    readers,
    settlement,
)

S = DeliveryState
LEASE = dt.timedelta(minutes=15)
NOBODY = 'name = "nobody"'


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An empty store."""
    store = opened(store_url)
    yield store
    store.close()


@pytest.fixture
def line(store: Store) -> tuple[SqlLedger, Mailing]:
    """A mailing to six readers, and its ledger."""
    return mailing(store, 6)


def one(ledger: SqlLedger, mailing: Mailing, owner: str = "me", now: dt.datetime = NOW) -> Claim:
    """The next claim."""
    (claim,) = ledger.claim(mailing.id, owner=owner, limit=1, now=now)
    return claim


def rows(store: Store, table: str, columns: str) -> list[tuple[Any, ...]]:
    """Plain rows of a table, in order."""
    with store.read() as connection:
        found = connection.execute(text(f"SELECT {columns} FROM {table} ORDER BY id"))
        return [tuple(row) for row in found]


def test_it_is_a_ledger(store: Store) -> None:
    """The worker can be handed it: mypy checks this line."""
    ledger: Ledger = ledger_of(store)
    assert ledger is not None


class TestOpening:
    """Everything about a mailing is durable before the first connection opens."""

    def test_a_mailing_is_there_whole(self, line: tuple[SqlLedger, Mailing]) -> None:
        """Mailing, editions and all deliveries are written by one call."""
        ledger, mailing = line
        assert mailing.audience == 6
        assert mailing.state is MailingState.OPEN
        assert mailing.opened_at == NOW
        assert mailing.editions == {"fr": edition("fr").digest, "ar": edition("ar").digest}
        assert ledger.mailing(mailing.id) == mailing
        assert ledger.account(mailing.id) == Account({S.PLANNED: 6})

    def test_an_edition_comes_back_as_it_was(self, line: tuple[SqlLedger, Mailing]) -> None:
        """A mailing is resumed from the store, not from the issue's file."""
        ledger, mailing = line
        assert ledger.edition(mailing.editions["ar"]) == edition("ar")

    def test_a_changed_edition_is_refused(
        self, store: Store, line: tuple[SqlLedger, Mailing]
    ) -> None:
        """Nobody edits a running mailing behind its back."""
        ledger, mailing = line
        with store.write() as connection:
            connection.execute(text("UPDATE editions SET html = 'x'"))
        with pytest.raises(StoreError, match="was changed"):
            ledger.edition(mailing.editions["fr"])

    def test_an_unknown_edition_is_told(self, store: Store) -> None:
        """A digest nobody knows is an error with a sentence."""
        with pytest.raises(StoreError, match="no edition"):
            ledger_of(store).edition("0" * 64)

    def test_an_edition_without_pictures(self, store: Store) -> None:
        """Nothing but words is an edition too."""
        bare = replace(edition("en"), images=())
        ledger = ledger_of(store)
        mailing = ledger.open(Plan(editions=(bare,), fallback="en"), NOW)
        assert ledger.edition(mailing.editions["en"]) == bare

    def test_editions_are_shared(self, store: Store, line: tuple[SqlLedger, Mailing]) -> None:
        """A second mailing of the same edition keeps one copy of it."""
        ledger, first = line
        second = ledger.open(plan(segment=NOBODY), NOW)
        assert second.editions == first.editions
        assert second.audience == 0
        assert ledger.edition(second.editions["fr"]) == edition("fr")

    @pytest.mark.parametrize(
        ("wrong", "told"),
        [
            ({"fallback": "en"}, "(?i)foreign key"),
            ({"segment": "language ="}, "column 11"),
        ],
    )
    def test_all_or_nothing(self, store: Store, wrong: dict[str, str], told: str) -> None:
        """A plan that cannot be kept whole leaves nothing behind."""
        readers(store, 2)
        bad = Plan(**({"editions": (edition("ar"),), "fallback": "ar"} | wrong))  # type: ignore[arg-type]
        with pytest.raises(StoreError, match=told):
            ledger_of(store).open(bad, NOW)
        assert ledger_of(store).mailings() == ()
        with store.read() as connection:
            assert connection.scalar(select(func.count()).select_from(deliveries)) == 0

    def test_only_who_may_be_mailed(self, store: Store) -> None:
        """Who is unconfirmed, has left or is suppressed has no delivery."""
        numbers = readers(store, 4)
        book = Subscribers(store)
        book.unsubscribe(numbers[0], at=NOW, source="link")
        book.suppress("lecteur1@example.org", SuppressionReason.COMPLAINT, at=NOW)
        book.add(address("new@example.org"), now=NOW)
        ledger = ledger_of(store)
        assert ledger.audience(plan()) == {"fr": 1, "ar": 1}
        mailing = ledger.open(plan(), NOW)
        assert [
            c.subscriber_id for c in ledger.claim(mailing.id, owner="me", limit=9, now=NOW)
        ] == (numbers[2:])

    def test_an_unknown_mailing_is_told(self, store: Store) -> None:
        """Every method that takes a number says so when there is none."""
        ledger = ledger_of(store)
        with pytest.raises(UnknownMailingError, match="7"):
            ledger.mailing(7)
        with pytest.raises(UnknownMailingError):
            ledger.claim(7, owner="me", limit=1, now=NOW)
        with pytest.raises(UnknownMailingError):
            ledger.finish(7, NOW)

    def test_mailings_are_found(self, line: tuple[SqlLedger, Mailing]) -> None:
        """The newest first, and by issue."""
        ledger, first = line
        second = ledger.open(plan(segment=NOBODY), NOW)
        assert ledger.mailings() == (second, first)
        assert ledger.mailings(limit=1) == (second,)
        assert ledger.mailing_of("35") == second
        assert ledger.mailing_of("36") is None
        ledger.finish(second.id, NOW)
        assert ledger.mailing(second.id).state is MailingState.FINISHED


class TestClaiming:
    """One delivery, one sender."""

    def test_in_order_and_counted(self, store: Store, line: tuple[SqlLedger, Mailing]) -> None:
        """Claims come in the plan's order, each once, with what a message needs."""
        ledger, mailing = line
        first = ledger.claim(mailing.id, owner="me", limit=4, now=NOW)
        rest = ledger.claim(mailing.id, owner="me", limit=4, now=NOW)
        assert [c.subscriber_id for c in (*first, *rest)] == sorted(
            {c.subscriber_id for c in (*first, *rest)}
        )
        assert len(first) == 4
        assert len(rest) == 2
        claim = first[1]
        assert claim.address == address("lecteur1@example.org")
        assert (claim.name, claim.language, claim.attempt) == ("Lectrice 1", "ar", 1)
        assert claim.edition_digest == edition("ar").digest
        assert claim.owner == "me"
        assert claim.first_tried_at is None
        assert ledger.claim(mailing.id, owner="me", limit=4, now=NOW) == []
        assert ledger.account(mailing.id) == Account({S.CLAIMED: 6})

    @pytest.mark.parametrize("how", ["unsubscribed", "complaint", "erased", "unconfirmed"])
    def test_who_left_is_skipped(
        self, store: Store, line: tuple[SqlLedger, Mailing], how: str
    ) -> None:
        """Who leaves at 9:00 gets nothing claimed after 9:00; the reason is kept."""
        ledger, mailing = line
        book = Subscribers(store)
        reader = book.get("lecteur0@example.org")
        match how:
            case "unsubscribed":
                book.unsubscribe(reader.id, at=NOW, source="link")
            case "complaint":
                book.suppress(reader.address.key, SuppressionReason.COMPLAINT, at=NOW)
            case "erased":
                book.remove(reader.id, now=NOW)
            case _:
                with store.write() as connection:
                    connection.execute(
                        text("UPDATE subscribers SET status = 'unconfirmed' WHERE id = :n"),
                        {"n": reader.id},
                    )
        claims = ledger.claim(mailing.id, owner="me", limit=3, now=NOW)
        assert len(claims) == 3, "the window is filled with the others"
        assert reader.address not in [claim.address for claim in claims]
        (skipped,) = ledger.deliveries(mailing.id, S.SKIPPED)
        assert skipped.reason == how
        assert skipped.address == ("" if how == "erased" else "lecteur0@example.org")
        assert ledger.account(mailing.id).audience == 6

    def test_all_left(self, store: Store, line: tuple[SqlLedger, Mailing]) -> None:
        """When everybody left, the answer is empty and the mailing can end."""
        ledger, mailing = line
        book = Subscribers(store)
        for reader in book.list():
            book.unsubscribe(reader.id, at=NOW, source="link")
        assert ledger.claim(mailing.id, owner="me", limit=3, now=NOW) == []
        assert ledger.account(mailing.id) == Account({S.SKIPPED: 6})
        ledger.finish(mailing.id, NOW)

    def test_deferred_come_back_when_due(self, line: tuple[SqlLedger, Mailing]) -> None:
        """Not before their time, and then in their old place before the others."""
        ledger, mailing = line
        first = one(ledger, mailing)
        ledger.settle([settlement(first, Result.TEMPORARY)])
        (waiting,) = ledger.deliveries(mailing.id, S.DEFERRED)
        assert waiting.due_at == NOW + 15 * MINUTE
        assert one(ledger, mailing, now=NOW + 14 * MINUTE).delivery_id != first.delivery_id
        again = one(ledger, mailing, now=NOW + 15 * MINUTE)
        assert again.delivery_id == first.delivery_id
        assert again.attempt == 2
        assert again.first_tried_at == NOW

    def test_both_halves_of_the_fence(self, line: tuple[SqlLedger, Mailing]) -> None:
        """Neither another owner with the right attempt, nor an old attempt of the right owner."""
        ledger, mailing = line
        lost = one(ledger, mailing, owner="first")
        ledger.release([lost])
        held = one(ledger, mailing, owner="second")
        assert (held.delivery_id, held.attempt) == (lost.delivery_id, lost.attempt)
        old = replace(held, attempt=held.attempt + 1)
        for stranger in (lost, old):
            with pytest.raises(LeaseLostError):
                ledger.note([stranger], now=NOW)
            ledger.settle([settlement(stranger, Result.ACCEPTED)])
            ledger.release([stranger])
            assert ledger.account(mailing.id) == Account({S.CLAIMED: 1, S.PLANNED: 5})
        ledger.note([held], now=NOW)
        ledger.settle([settlement(held, Result.ACCEPTED)])
        assert ledger.account(mailing.id)[S.ACCEPTED] == 1


class TestSettling:
    """What came of each try is kept, and moves only what is still one's own."""

    def test_outcomes_are_told(self, store: Store, line: tuple[SqlLedger, Mailing]) -> None:
        """State, reply, queue number and every attempt can be read afterwards."""
        ledger, mailing = line
        a, b, c, d = ledger.claim(mailing.id, owner="me", limit=4, now=NOW)
        ledger.settle(
            [
                settlement(a, Result.ACCEPTED),
                settlement(b, Result.PERMANENT, suppress=True),
                settlement(c, Result.UNKNOWN, detail="connection lost at the final dot"),
                settlement(d, Result.UNTRIED),
            ]
        )
        ledger.settle([])
        told = {delivery.id: delivery for delivery in ledger.deliveries(mailing.id)}
        assert told[a.delivery_id].reply == "250 2.0.0 Ok: queued as 4ZQ"
        assert told[a.delivery_id].queue_id == "4ZQ"
        assert told[b.delivery_id].state is S.REFUSED
        assert told[c.delivery_id].reason == "connection lost at the final dot"
        assert told[d.delivery_id].state is S.PLANNED
        assert told[d.delivery_id].attempts == 0
        assert ledger.account(mailing.id) == Account(
            {S.ACCEPTED: 1, S.REFUSED: 1, S.IN_DOUBT: 1, S.PLANNED: 3}
        )
        tried = rows(store, "attempts", "delivery_id, number, result, reply_code, host")
        assert tried == [
            (a.delivery_id, 1, "accepted", 250, "mx.example.org"),
            (b.delivery_id, 1, "permanent", 550, "mx.example.org"),
            (c.delivery_id, 1, "unknown", None, "mx.example.org"),
        ]
        suppression = Subscribers(store).suppression(b.address.key)
        assert suppression is not None
        assert suppression.reason is SuppressionReason.HARD_BOUNCE
        assert suppression.note == "550 5.1.1 No such user"

    def test_times_of_any_zone(self, line: tuple[SqlLedger, Mailing]) -> None:
        """An outcome told in another zone is kept at the same moment."""
        ledger, mailing = line
        casablanca = dt.timezone(dt.timedelta(hours=1))
        ledger.settle(
            [settlement(one(ledger, mailing), Result.ACCEPTED, at=NOW.astimezone(casablanca))]
        )
        (accepted,) = ledger.deliveries(mailing.id, S.ACCEPTED)
        assert accepted.changed_at == NOW
        assert accepted.changed_at.utcoffset() == dt.timedelta(0)

    def test_a_hostile_reply_is_kept_as_far_as_it_goes(
        self, line: tuple[SqlLedger, Mailing]
    ) -> None:
        """NUL, half characters and endless talk stop neither database."""
        ledger, mailing = line
        claim = one(ledger, mailing)
        done = settlement(claim, Result.PERMANENT)
        evil = Reply(code=550, lines=("a\0b\udce9", "x" * 100_000))
        outcome = Settlement(
            outcome=type(done.outcome)(
                claim=claim, result=Result.PERMANENT, at=NOW, reply=evil, detail="\0"
            ),
            state=S.REFUSED,
        )
        ledger.settle([outcome])
        (refused,) = ledger.deliveries(mailing.id, S.REFUSED)
        assert refused.reply.startswith("550 a\N{REPLACEMENT CHARACTER}b? xxx")
        assert len(refused.reply) == 2_000

    def test_unlawful_moves_are_refused_whole(self, line: tuple[SqlLedger, Mailing]) -> None:
        """The one table of transitions is enforced before anything is written."""
        ledger, mailing = line
        a, b = ledger.claim(mailing.id, owner="me", limit=2, now=NOW)
        wrong = Settlement(outcome=settlement(b, Result.ACCEPTED).outcome, state=S.BOUNCED)
        with pytest.raises(StoreError, match="from claimed to bounced"):
            ledger.settle([settlement(a, Result.ACCEPTED), wrong])
        assert ledger.account(mailing.id)[S.ACCEPTED] == 0

    def test_a_lost_claim_keeps_only_its_attempt(
        self, store: Store, line: tuple[SqlLedger, Mailing]
    ) -> None:
        """Who was thought dead before the dot cannot move what another sends now."""
        ledger, mailing = line
        lost = one(ledger, mailing, owner="slow")
        later = NOW + LEASE
        assert ledger.recover(mailing.id, now=later)[S.PLANNED] == 1
        again = one(ledger, mailing, owner="fast", now=later)
        assert again.delivery_id == lost.delivery_id
        ledger.settle([settlement(lost, Result.PERMANENT, suppress=True)])
        assert ledger.account(mailing.id)[S.CLAIMED] == 1
        assert Subscribers(store).suppression(lost.address.key) is None
        assert rows(store, "attempts", "number, result") == [(1, "permanent")]
        ledger.settle([settlement(again, Result.ACCEPTED)])
        assert ledger.account(mailing.id)[S.ACCEPTED] == 1

    @pytest.mark.parametrize(
        ("result", "state"),
        [
            (Result.ACCEPTED, S.ACCEPTED),
            (Result.PERMANENT, S.REFUSED),
            (Result.UNKNOWN, S.IN_DOUBT),
            (Result.TEMPORARY, S.PLANNED),
        ],
    )
    def test_late_evidence_clears_the_doubt(
        self, line: tuple[SqlLedger, Mailing], result: Result, state: DeliveryState
    ) -> None:
        """A sender that was only slow still tells what the server said after the dot."""
        ledger, mailing = line
        claims = ledger.claim(mailing.id, owner="slow", limit=6, now=NOW)
        ledger.note([claims[0]], now=NOW)
        ledger.settle([settlement(claim, Result.ACCEPTED) for claim in claims[1:]])
        assert ledger.recover(mailing.id, now=NOW + LEASE)[S.IN_DOUBT] == 1
        ledger.finish(mailing.id, NOW + LEASE)
        ledger.settle([settlement(claims[0], result, at=NOW + LEASE)])
        assert ledger.account(mailing.id)[state] == (6 if state is S.ACCEPTED else 1)
        open_again = ledger.mailing(mailing.id).state is MailingState.OPEN
        assert open_again is (state is S.PLANNED)

    def test_two_outcomes_of_one_claim_in_one_batch(self, line: tuple[SqlLedger, Mailing]) -> None:
        """First unknown, then known: the second clears the first, also at once."""
        ledger, mailing = line
        claim = one(ledger, mailing)
        ledger.settle([settlement(claim, Result.UNKNOWN), settlement(claim, Result.ACCEPTED)])
        assert ledger.account(mailing.id)[S.ACCEPTED] == 1

    def test_an_outcome_of_nothing_is_told(self, line: tuple[SqlLedger, Mailing]) -> None:
        """A delivery that never was cannot be settled."""
        ledger, mailing = line
        claim = one(ledger, mailing)
        stranger = Claim(
            delivery_id=999,
            mailing_id=mailing.id,
            subscriber_id=claim.subscriber_id,
            address=claim.address,
            name="",
            language="fr",
            edition_digest=claim.edition_digest,
            attempt=1,
            owner="me",
        )
        with pytest.raises(StoreError, match="no delivery 999"):
            ledger.settle([settlement(stranger, Result.ACCEPTED)])

    def test_untried_leaves_no_attempt(self, store: Store, line: tuple[SqlLedger, Mailing]) -> None:
        """What was never begun is planned again, and does not count as tried."""
        ledger, mailing = line
        ledger.settle([settlement(one(ledger, mailing), Result.UNTRIED)])
        assert ledger.account(mailing.id) == Account({S.PLANNED: 6})
        assert rows(store, "attempts", "id") == []
        assert one(ledger, mailing).attempt == 1

    def test_release_gives_back(self, line: tuple[SqlLedger, Mailing]) -> None:
        """What was not begun is planned again, as if never claimed; what may have left is not."""
        ledger, mailing = line
        a, b = ledger.claim(mailing.id, owner="me", limit=2, now=NOW)
        ledger.note([b], now=NOW)
        ledger.release([b, a])
        ledger.release([a])
        assert ledger.account(mailing.id) == Account({S.PLANNED: 5, S.CLAIMED: 1})
        assert one(ledger, mailing, owner="next").attempt == 1


class TestRecovery:
    """After a crash nothing is silently repeated and nothing silently dropped."""

    def test_dead_before_and_past_the_dot(
        self, store: Store, line: tuple[SqlLedger, Mailing]
    ) -> None:
        """Before the dot: planned again. Past it: in doubt, with an attempt to show for it."""
        ledger, mailing = line
        a, b, c = ledger.claim(mailing.id, owner="dead", limit=3, now=NOW)
        ledger.note([a], now=NOW)
        ledger.settle([settlement(c, Result.ACCEPTED)])
        assert ledger.recover(mailing.id, now=NOW + 14 * MINUTE).audience == 0
        found = ledger.recover(mailing.id, now=NOW + LEASE)
        assert found == Account({S.PLANNED: 1, S.IN_DOUBT: 1})
        assert ledger.recover(mailing.id, now=NOW + LEASE).audience == 0
        (doubtful,) = ledger.deliveries(mailing.id, S.IN_DOUBT)
        assert doubtful.id == a.delivery_id
        assert doubtful.reason == "sender ended"
        assert (a.delivery_id, 1, "unknown", "dot") in rows(
            store, "attempts", "delivery_id, number, result, stage"
        )
        assert one(ledger, mailing, now=NOW + LEASE).delivery_id == b.delivery_id

    def test_a_beating_heart_keeps_the_lease(self, line: tuple[SqlLedger, Mailing]) -> None:
        """Claims, outcomes and beats renew the lease of all claims, and late notes do."""
        ledger, mailing = line
        a, b, _ = ledger.claim(mailing.id, owner="busy", limit=3, now=NOW)
        ledger.note([a], now=NOW + 14 * MINUTE)
        assert ledger.recover(mailing.id, now=NOW + 20 * MINUTE).audience == 0
        ledger.settle([settlement(b, Result.ACCEPTED, at=NOW + 20 * MINUTE)])
        assert ledger.recover(mailing.id, now=NOW + 34 * MINUTE).audience == 0
        ledger.claim(mailing.id, owner="busy", limit=1, now=NOW + 34 * MINUTE)
        assert ledger.recover(mailing.id, now=NOW + 48 * MINUTE).audience == 0
        ledger.beat(mailing.id, owner="busy", now=NOW + 48 * MINUTE)
        assert ledger.recover(mailing.id, now=NOW + 62 * MINUTE).audience == 0
        assert ledger.recover(mailing.id, now=NOW + 63 * MINUTE).audience == 3

    def test_a_failed_beat_is_none(
        self, line: tuple[SqlLedger, Mailing], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A heartbeat counts only when its transaction ended well."""
        ledger, mailing = line
        a, b = ledger.claim(mailing.id, owner="busy", limit=2, now=NOW)
        bad = Settlement(outcome=settlement(b, Result.ACCEPTED).outcome, state=S.BOUNCED)
        late = replace(bad, outcome=replace(bad.outcome, at=NOW + 10 * MINUTE))
        with pytest.raises(StoreError):
            ledger.settle([late])
        assert ledger.recover(mailing.id, now=NOW + LEASE).audience == 2
        with pytest.raises(LeaseLostError):
            ledger.note([a], now=NOW + 14 * MINUTE)

    @pytest.mark.parametrize("asleep", ["before the note", "while writing it"])
    def test_a_machine_that_slept(
        self, line: tuple[SqlLedger, Mailing], monkeypatch: pytest.MonkeyPatch, asleep: str
    ) -> None:
        """The lease is over by a clock that nobody sets, even in the middle of a note."""
        ledger, mailing = line
        (claim,) = ledger.claim(mailing.id, owner="sleepy", limit=1, now=NOW)
        # Somebody else recovered meanwhile; our own clock says it is still nine.
        ledger_of(ledger._store).recover(mailing.id, now=NOW + LEASE)
        awake = senders.elapsed()
        naps = (
            [LEASE.total_seconds()] if asleep == "before the note" else [0, LEASE.total_seconds()]
        )
        monkeypatch.setattr(
            senders, "elapsed", lambda: awake + (naps.pop(0) if len(naps) > 1 else naps[0])
        )
        with pytest.raises(LeaseLostError, match="silent for so long"):
            ledger.note([claim], now=NOW)

    def test_a_short_sleep_is_forgiven(
        self, line: tuple[SqlLedger, Mailing], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whoever asks in time, and whose claims nobody took, goes on."""
        ledger, mailing = line
        (claim,) = ledger.claim(mailing.id, owner="sleepy", limit=1, now=NOW)
        awake = senders.elapsed()
        monkeypatch.setattr(senders, "elapsed", lambda: awake + 14 * 60)
        ledger.note([claim], now=NOW + 14 * MINUTE)
        assert ledger.recover(mailing.id, now=NOW + 28 * MINUTE).audience == 0

    def test_recovered_outcomes_are_told_in_full(
        self, store: Store, line: tuple[SqlLedger, Mailing]
    ) -> None:
        """What was remembered is settled as if its sender had lived: reply, queue number, all."""
        ledger, mailing = line
        a, b, c, d = ledger.claim(mailing.id, owner="dead", limit=4, now=NOW)
        remembered = [
            settlement(a, Result.ACCEPTED),
            settlement(b, Result.PERMANENT, suppress=True),
            settlement(c, Result.TEMPORARY, detail="greylisted"),
            settlement(d, Result.UNKNOWN),
            settlement(d, Result.ACCEPTED),
        ]
        ledger.note([a, c, d], now=NOW)
        ledger.remember(remembered)
        moved = ledger.recover(mailing.id, now=NOW + LEASE)
        assert moved == Account({S.ACCEPTED: 2, S.REFUSED: 1, S.DEFERRED: 1})
        assert Subscribers(store).suppression(b.address.key) is not None
        told = {delivery.id: delivery for delivery in ledger.deliveries(mailing.id)}
        assert told[a.delivery_id].reply == "250 2.0.0 Ok: queued as 4ZQ"
        assert told[a.delivery_id].queue_id == "4ZQ"
        assert told[c.delivery_id].due_at == NOW + 15 * MINUTE
        assert told[c.delivery_id].reason == "greylisted"
        assert rows(store, "attempts", "delivery_id, number, result, reply_code, host, stage") == [
            (s.outcome.claim.delivery_id, 1, s.outcome.result, code, "mx.example.org", "dot")
            for s in remembered
            for code in [s.outcome.reply.code if s.outcome.reply else None]
        ]

    def test_two_recoveries_at_once(self, line: tuple[SqlLedger, Mailing]) -> None:
        """Whoever comes second finds nothing left to do."""
        ledger, mailing = line
        claims = ledger.claim(mailing.id, owner="dead", limit=6, now=NOW)
        ledger.note(claims[:2], now=NOW)
        ledger.remember([settlement(claims[0], Result.ACCEPTED)])
        start = threading.Barrier(2)
        found: list[Account] = []

        def recover() -> None:
            start.wait()
            found.append(ledger.recover(mailing.id, now=NOW + LEASE))

        threads = [threading.Thread(target=recover) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(account.audience for account in found) == [0, 6]
        assert ledger.account(mailing.id) == Account({S.ACCEPTED: 1, S.IN_DOUBT: 1, S.PLANNED: 4})

    @pytest.mark.parametrize("resend", [True, False])
    def test_doubt_is_decided(self, line: tuple[SqlLedger, Mailing], *, resend: bool) -> None:
        """Resend plans them again and opens the mailing; accept counts them as accepted."""
        ledger, mailing = line
        claims = ledger.claim(mailing.id, owner="me", limit=6, now=NOW)
        ledger.settle([settlement(c, Result.ACCEPTED) for c in claims[2:]])
        ledger.settle([settlement(c, Result.UNKNOWN) for c in claims[:2]])
        ledger.finish(mailing.id, NOW)
        assert ledger.resolve_doubt(mailing.id, resend=resend, now=NOW) == 2
        assert ledger.resolve_doubt(mailing.id, resend=resend, now=NOW) == 0
        if resend:
            assert ledger.account(mailing.id) == Account({S.ACCEPTED: 4, S.PLANNED: 2})
            assert ledger.mailing(mailing.id).state is MailingState.OPEN
            assert one(ledger, mailing, now=NOW).attempt == 2
        else:
            assert ledger.account(mailing.id) == Account({S.ACCEPTED: 6})
            assert ledger.mailing(mailing.id).state is MailingState.FINISHED

    def test_finish_refuses_open_work(self, line: tuple[SqlLedger, Mailing]) -> None:
        """A mailing with planned, claimed or deferred deliveries is not finished."""
        ledger, mailing = line
        with pytest.raises(StoreError, match="still has 6 open"):
            ledger.finish(mailing.id, NOW)
        claims = ledger.claim(mailing.id, owner="me", limit=6, now=NOW)
        ledger.settle([settlement(c, Result.ACCEPTED) for c in claims])
        ledger.finish(mailing.id, NOW)
        ledger.finish(mailing.id, NOW + MINUTE)
        assert ledger.mailing(mailing.id).state is MailingState.FINISHED

    def test_reports_move_single_deliveries(
        self, store: Store, line: tuple[SqlLedger, Mailing]
    ) -> None:
        """A bounce or a line of the relay's log moves what is accepted or in doubt, lawfully."""
        ledger, mailing = line
        a, b, c, d = ledger.claim(mailing.id, owner="me", limit=4, now=NOW)
        ledger.settle([settlement(a, Result.ACCEPTED), settlement(d, Result.ACCEPTED)])
        ledger.settle([settlement(b, Result.UNKNOWN)])

        def record(claim: Claim, state: DeliveryState, **more: Any) -> bool:
            number = claim.delivery_id
            return ledger.record_evidence(number, state, at=NOW, reason="5.1.1 unknown", **more)

        assert record(a, S.BOUNCED, suppress=SuppressionReason.HARD_BOUNCE)
        assert not record(a, S.BOUNCED)
        assert Subscribers(store).suppression(a.address.key) is not None
        assert record(b, S.PLANNED)
        Subscribers(store).remove(d.subscriber_id, now=NOW)
        assert record(d, S.BOUNCED, suppress=SuppressionReason.COMPLAINT)
        with pytest.raises(StoreError, match="from claimed to refused"):
            record(c, S.REFUSED)
        with pytest.raises(StoreError, match="no delivery 999"):
            ledger.record_evidence(999, S.BOUNCED, at=NOW, reason="")
        assert ledger.account(mailing.id).audience == 6


class TestSize:
    """A mailing to a million is claimed as quickly at its end as at its beginning."""

    def test_many_deliveries_are_listed_in_pages(self, store: Store) -> None:
        """Reports read on, page after page, without holding a transaction."""
        ledger, started = mailing(store, 1)
        with store.write() as connection:
            connection.execute(
                deliveries.insert(),
                [
                    {"mailing_id": started.id, "language": "fr", "state": S.SKIPPED}
                    | {"changed_at": NOW}
                    for _ in range(2_000)
                ],
            )
        listed = [delivery.id for delivery in ledger.deliveries(started.id)]
        assert len(listed) == 2_001
        assert listed == sorted(set(listed))

    def test_windows_use_the_index(self, store: Store, line: tuple[SqlLedger, Mailing]) -> None:
        """Neither claiming, nor waking, nor counting reads the whole table."""
        from flashback.store import claiming  # noqa: PLC0415

        _, mailing = line
        values = {"mailing": mailing.id, "size": 100, "now": NOW}
        with store.write() as connection:
            if store.one_machine:
                explain = "EXPLAIN QUERY PLAN "
            else:
                # On a handful of rows any planner prefers to read them all.
                connection.execute(text("SET LOCAL enable_seqscan = off"))
                connection.execute(text("SET LOCAL enable_sort = off"))
                explain = "EXPLAIN "
            told = {}
            for name, statement in {"window": claiming._WINDOW, "due": claiming._DUE}.items():
                wanted = {k: v for k, v in values.items() if k in statement.compile().params}
                compiled = statement.params(wanted).compile(
                    connection, compile_kwargs={"literal_binds": True}
                )
                steps = connection.exec_driver_sql(explain + str(compiled)).all()
                told[name] = "\n".join(str(tuple(row)) for row in steps)
        assert "ix_deliveries_mailing_id_state_id" in told["window"]
        assert "ix_deliveries_due" in told["due"]
        for words in told.values():
            assert "SCAN deliveries" not in words
            assert "Seq Scan on deliveries" not in words
            assert "B-TREE" not in words
            assert "Sort" not in words

    def test_nothing_but_known_tables(self, store: Store) -> None:
        """Suppressions stand apart from people: they outlive them."""
        assert not suppressions.foreign_keys
        assert attempts.name in metadata.tables

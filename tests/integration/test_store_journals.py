"""Journals beside a store: when they are made, made anew, and removed; and what they let leave."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flashback.errors import LeaseLostError, StoreError
from flashback.model import Account, DeliveryState, Result
from flashback.store import SqlLedger, Store, journal, new_owner

from fixtures.stores import (
    LEASE_OVER,
    NOW,
    mailing,
    opened,
    plan,
    settlement,
    small_disk,
)

__all__ = ["small_disk"]

S = DeliveryState


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An empty store."""
    store = opened(store_url)
    yield store
    store.close()


def files(ledger: SqlLedger) -> list[Path]:
    return sorted(ledger._journals.iterdir()) if ledger._journals.exists() else []


def ended_owner() -> str:
    """The name of a process of this machine that has ended."""
    done = subprocess.run(
        [sys.executable, "-c", "from flashback.store import new_owner; print(new_owner())"],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "src")},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_made_with_the_first_claim_and_removed_at_the_end(store: Store) -> None:
    """Reading makes none; a tidy end leaves none; and the next claim has one again."""
    ledger, started = mailing(store, 3)
    ledger.account(started.id)
    ledger.recover(started.id, now=NOW)
    assert files(ledger) == []
    for _ in range(2):
        (claim,) = ledger.claim(started.id, owner="me", limit=1, now=NOW)
        assert len(files(ledger)) == 1
        ledger.note([claim], now=NOW)
        ledger.settle([settlement(claim, Result.ACCEPTED)])
        ledger.close()
        assert files(ledger) == []


def test_kept_while_something_is_in_the_air(store: Store) -> None:
    """Whatever is claimed and not settled keeps the journal for whoever recovers."""
    ledger, started = mailing(store, 2)
    first, _second = ledger.claim(started.id, owner="me", limit=2, now=NOW)
    ledger.note([first], now=NOW)
    ledger.close()
    assert len(files(ledger)) == 1
    moved = ledger.recover(started.id, now=NOW + LEASE_OVER)
    assert moved == Account({S.IN_DOUBT: 1, S.PLANNED: 1})


def test_recovery_removes_what_nobody_needs(store: Store) -> None:
    """A dead sender's journal goes when it holds nothing in any mailing, and not before."""
    ledger, started = mailing(store, 3)
    other = ledger.open(plan(), NOW)
    dead = ended_owner()
    ledger.claim(started.id, owner=dead, limit=2, now=NOW)
    doubtful, _ = ledger.claim(other.id, owner=dead, limit=2, now=NOW)
    ledger.note([doubtful], now=NOW)
    living = new_owner()
    ledger.claim(started.id, owner=living, limit=2, now=NOW)
    ledger.close()
    assert len(files(ledger)) == 2
    assert ledger.recover(started.id, now=NOW) == Account({S.PLANNED: 2})
    assert len(files(ledger)) == 2
    assert ledger.recover(other.id, now=NOW) == Account({S.PLANNED: 1, S.IN_DOUBT: 1})
    assert [owner for owner, _ in journal.owners_in(ledger._journals)] == [living]


def test_a_large_journal_is_made_anew(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not grow for ever, and what is in the air is not forgotten by it."""
    monkeypatch.setattr(journal, "LARGEST", 2_000)
    ledger, started = mailing(store, 12)
    noted, known, *claims = ledger.claim(started.id, owner="me", limit=12, now=NOW)
    ledger.note([noted, known], now=NOW)
    ledger.remember([settlement(known, Result.ACCEPTED)])
    names = {path.name for path in files(ledger)}
    for claim in claims:
        done = [settlement(claim, Result.ACCEPTED)]
        ledger.note([claim], now=NOW)
        ledger.remember(done)
        ledger.settle(done)
        (path,) = files(ledger)
        assert path.stat().st_size < 3_000
        names.add(path.name)
    assert len(names) > 1
    moved = ledger.recover(started.id, now=NOW + LEASE_OVER)
    assert moved == Account({S.IN_DOUBT: 1, S.ACCEPTED: 1})


def test_a_roll_that_fails_is_no_harm(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is settled is settled; the old journal goes on."""
    monkeypatch.setattr(journal, "LARGEST", 0)
    ledger, started = mailing(store, 2)
    first, second = ledger.claim(started.id, owner="me", limit=2, now=NOW)
    before = files(ledger)
    ledger._journals.chmod(0o500)
    monkeypatch.setattr(journal, "_write_whole", _disk_full)
    ledger.settle([settlement(first, Result.ACCEPTED)])
    monkeypatch.undo()
    ledger._journals.chmod(0o700)
    assert files(ledger) == before
    ledger.note([second], now=NOW)
    assert ledger.recover(started.id, now=NOW + LEASE_OVER) == Account({S.IN_DOUBT: 1})


def _disk_full(_file: int, _content: bytes) -> None:
    raise OSError(28, "No space left on device")


def test_nothing_leaves_on_a_full_disk(store: Store, small_disk: Path) -> None:
    """The note fails in plain words; what had not left can be given back."""
    _, started = mailing(store, 2)
    ledger = SqlLedger(store, small_disk / "journals")
    first, second = ledger.claim(started.id, owner="me", limit=2, now=NOW)
    ledger.note([first], now=NOW)
    filler = small_disk / "filler"
    with pytest.raises(StoreError, match=r"No space left.*Nothing more leaves.*Make room"):
        _fill(filler, ledger, second)
    filler.unlink()
    ledger.note([second], now=NOW)
    found = ledger.recover(started.id, now=NOW + LEASE_OVER)
    assert found == Account({S.IN_DOUBT: 2})
    ledger.close()


def _fill(filler: Path, ledger: SqlLedger, claim: object) -> None:
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4_096)
        except OSError:
            pass
    for _ in range(1_000):  # what is left of the journal's last page
        ledger.note([claim], now=NOW)  # type: ignore[list-item]


def test_another_ledger_has_no_journal_of_ours(store: Store) -> None:
    """What a sender noted only its own ledger knows: another lets nothing leave for it."""
    ledger, started = mailing(store, 1)
    (claim,) = ledger.claim(started.id, owner="me", limit=1, now=NOW)
    other = SqlLedger(store, ledger._journals)
    with pytest.raises(LeaseLostError):
        other.note([claim], now=NOW)
    other.remember([settlement(claim, Result.ACCEPTED)])
    other.settle([settlement(claim, Result.ACCEPTED)])
    assert ledger.account(started.id) == Account({S.ACCEPTED: 1})
    ledger.note([], now=NOW)
    ledger.remember([])

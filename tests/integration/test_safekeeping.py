"""Backups: whole while the store is used, and put back so that nobody is mailed who left."""

import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from flashback.cli import main
from flashback.errors import StoreError
from flashback.model import MailingState, SubscriberStatus, SuppressionReason
from flashback.store import SqlLedger, Store, Subscribers, new_owner, safekeeping
from flashback.store.checking import check

from fixtures.stores import (
    AGREED,
    MINUTE,
    NOW,
    address,
    ledger_of,
    mailing,
    mark_of,
    opened,
    readers,
)

U = SubscriberStatus
LATER = NOW + 60 * MINUTE


def silent(_done: int, _of: int) -> None:
    """Nobody looks."""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where the store is."""
    return tmp_path / "store.db"


@pytest.fixture
def store(place: Path) -> Iterator[Store]:
    """An empty store in SQLite."""
    store = opened(f"sqlite:///{place}")
    yield store
    store.close()


@pytest.fixture
def back(place: Path, tmp_path: Path) -> Callable[[Path], safekeeping.Restored]:
    """Put a file in the place of the store."""

    def put(backup: Path) -> safekeeping.Restored:
        return safekeeping.restore(
            tmp_path,
            f"sqlite:///{place}",
            place,
            backup,
            mark_of=mark_of,
            now=LATER,
            told=silent,
        )

    return put


def people(store: Store) -> dict[str, SubscriberStatus]:
    """Everybody, by name."""
    return {
        person.address.mailbox.partition("@")[0]: person.status
        for person in Subscribers(store).list()
    }


def test_a_copy_is_whole_while_others_write(store: Store, tmp_path: Path) -> None:
    """Every transaction is in it or not; nothing of it is open to others."""
    stop = threading.Event()
    book = Subscribers(store)

    def write() -> None:
        for number in range(10_000):
            if stop.is_set():
                return
            book.add(address(f"w{number}@example.org"), now=NOW, status=U.CONFIRMED, consent=AGREED)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            path = tmp_path / f"copy{number}.db"
            done = safekeeping.snapshot(store, path, NOW, silent)
            assert path.stat().st_mode & 0o777 == 0o600
            copy = opened(f"sqlite:///{path}")
            assert check(copy) == ()
            assert len(people(copy)) == min(done.people, 100)
            copy.close()
    finally:
        stop.set()
        writer.join()
    assert not list(tmp_path.glob(".copy*"))


def test_a_copy_of_a_running_mailing_does_not_go_on(store: Store, tmp_path: Path) -> None:
    """Put in place by whatever means, it waits for a person; the mailing itself goes on."""
    ledger, running = mailing(store, 3)
    ledger.claim(running.id, owner="gone", limit=1, now=NOW)
    path = tmp_path / "copy.db"
    assert safekeeping.snapshot(store, path, NOW, silent).paused == 1
    assert ledger.mailing(running.id).state is MailingState.OPEN
    copy = opened(f"sqlite:///{path}")
    found = ledger_of(copy).mailing(running.id)
    assert found.state is MailingState.PAUSED
    assert found.reason.startswith("copied on 2011-09-02")
    assert check(copy) == ()
    copy.close()


def test_who_left_since_stays_away(
    store: Store, place: Path, tmp_path: Path, back: Callable[[Path], safekeeping.Restored]
) -> None:
    """Unsubscribed, suppressed or erased after the backup: so it is after the restoration."""
    book = Subscribers(store)
    readers(store, 3)
    names = {}
    for name in ("leaves", "bounces", "erased", "stays"):
        names[name] = book.add(
            address(f"{name}@example.org"), now=NOW, status=U.CONFIRMED, consent=AGREED
        )
    path = tmp_path / "copy.db"
    safekeeping.snapshot(store, path, NOW, silent)
    book.unsubscribe(names["leaves"].id, at=LATER, source="link")
    book.suppress("bounces@example.org", SuppressionReason.HARD_BOUNCE, at=LATER)
    book.remove(names["erased"].id, now=LATER)
    late = book.add(address("late@example.org"), now=LATER)
    book.suppress("nobody@example.org", SuppressionReason.COMPLAINT, at=LATER)
    done = back(path)
    assert (done.left, done.suppressed, done.erased, done.lost) == (1, 2, 1, 1)
    found = people(store)
    assert found["leaves"] is U.UNSUBSCRIBED
    assert found["stays"] is U.CONFIRMED
    assert "erased" not in found
    assert "late" not in found
    left = book.get("leaves@example.org")
    (agreed, withdrawn) = book.history(left.id).consents
    assert (agreed.source, withdrawn.source, withdrawn.at) == ("staff", "link", LATER)
    for name in ("bounces", "nobody"):
        assert book.suppression(f"{name}@example.org") is not None
    assert book.erased_at("erased@example.org") == LATER
    assert b"erased@example.org" not in place.read_bytes()
    assert check(store) == ()
    # An unsubscribe link names a number: the one of who is missing now is never given again.
    assert book.add(address("next@example.org"), now=LATER).id > late.id
    assert done.before is not None
    before = opened(f"sqlite:///{done.before}")
    assert people(before)["late"] is U.UNCONFIRMED
    before.close()


def test_a_damaged_store_is_replaced(
    place: Path, tmp_path: Path, back: Callable[[Path], safekeeping.Restored]
) -> None:
    """What cannot be read is kept aside, said, and no number of it is given again."""
    store = opened(f"sqlite:///{place}")
    readers(store, 3)
    path = tmp_path / "copy.db"
    safekeeping.snapshot(store, path, NOW, silent)
    last = Subscribers(store).add(address("late@example.org"), now=NOW)
    store.close()
    place.write_bytes(b"SQLite format 3\0" + b"garbage" * 1000)
    done = back(path)
    assert not done.readable
    assert done.before is not None
    assert done.before.read_bytes().startswith(b"SQLite format 3\0garbage")
    store = opened(f"sqlite:///{place}")
    assert len(people(store)) == 3
    assert Subscribers(store).add(address("x@example.org"), now=NOW).id > last.id
    store.close()


def test_nothing_there_yet(
    place: Path, tmp_path: Path, back: Callable[[Path], safekeeping.Restored]
) -> None:
    """On a new machine there is nothing to keep aside."""
    other = opened(f"sqlite:///{tmp_path}/other.db")
    readers(other, 2)
    safekeeping.snapshot(other, tmp_path / "copy.db", NOW, silent)
    other.close()
    done = back(tmp_path / "copy.db")
    assert (done.before, done.copied.people) == (None, 2)
    assert place.stat().st_mode & 0o777 == 0o600


def test_not_while_somebody_sends(
    store: Store, tmp_path: Path, back: Callable[[Path], safekeeping.Restored]
) -> None:
    """A store is not taken from under a sender that lives."""
    _, running = mailing(store, 2)
    path = tmp_path / "copy.db"
    safekeeping.snapshot(store, path, NOW, silent)
    ledger = SqlLedger(store, tmp_path / "journals")
    ledger.claim(running.id, owner=new_owner(), limit=1, now=NOW)
    with pytest.raises(StoreError, match="is being sent"):
        back(path)
    assert ledger.mailing(running.id).state is MailingState.OPEN


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "another program"),
        (b"no database at all, but long enough to be looked at" * 40, "cannot be copied"),
    ],
)
def test_files_that_are_no_backup(
    store: Store,
    tmp_path: Path,
    back: Callable[[Path], safekeeping.Restored],
    content: bytes,
    told: str,
) -> None:
    """They are refused before anything is touched."""
    readers(store, 1)
    path = tmp_path / "x.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=told):
        back(path)
    assert len(people(store)) == 1


def test_a_newer_backup_is_refused(
    store: Store, tmp_path: Path, back: Callable[[Path], safekeeping.Restored]
) -> None:
    """What a newer program wrote is not understood halfway."""
    path = tmp_path / "copy.db"
    safekeeping.snapshot(store, path, NOW, silent)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE flashback_schema SET version_num = '9999'")
    connection.close()
    with pytest.raises(StoreError, match="newer flashback") as refused:
        back(path)
    assert "Install the newer version" in str(refused.value.hint)


def test_killed_at_any_moment(tmp_path: Path) -> None:
    """Killed while it is put back, the store is as it was or as the backup was."""
    place = tmp_path / "store.db"
    store = opened(f"sqlite:///{place}")
    readers(store, 400)
    safekeeping.snapshot(store, tmp_path / "copy.db", NOW, silent)
    for number in range(300):
        Subscribers(store).add(address(f"late{number}@example.org"), now=NOW)
    store.close()
    program = (
        "import sys, datetime as dt; from pathlib import Path\n"
        "from flashback.store import safekeeping\n"
        "folder = Path(sys.argv[1]); print('ready', flush=True)\n"
        "safekeeping.restore(folder, f'sqlite:///{folder}/store.db', folder / 'store.db',"
        " folder / 'copy.db', mark_of=str, now=dt.datetime.now(dt.UTC), told=lambda a, b: None)\n"
    )
    found = set()
    for milliseconds in (0, 10, 20, 30, 40, 60, 80, 120, 200, 2000):
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        try:
            process.wait(milliseconds / 1000)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, 9)
        process.wait()
        process.stdout.close()
        store = opened(f"sqlite:///{place}")
        assert check(store) == ()
        with store.read() as connection:
            found.add(connection.scalar(text("SELECT count(*) FROM subscribers")))
        store.close()
    assert found == {700, 400}


def test_what_a_check_finds(store: Store) -> None:
    """Accounts that do not add up, people without a consent, rows that refer to nothing."""
    _, sent = mailing(store, 3)
    assert check(store) == ()
    with store.write() as connection:
        connection.execute(text("UPDATE mailings SET audience = 4"))
        connection.execute(text("DELETE FROM consents WHERE subscriber_id = 1"))
    with sqlite3.connect(store.place) as plain:
        plain.execute("PRAGMA foreign_keys = OFF")
        plain.execute("UPDATE deliveries SET subscriber_id = 99 WHERE id = 1")
    plain.close()
    assert [str(sentence) for sentence in check(store)] == [
        "1 rows refer to others that are not there.",
        f"Mailing {sent.id} has an audience of 4 and 3 deliveries.",
        "1 people are confirmed without a consent.",
    ]


def test_the_accounts_in_postgresql(store_url: str) -> None:
    """The same accounts and consents are checked in either database; a copy is PostgreSQL's."""
    store = opened(store_url)
    mailing(store, 2)
    assert check(store) == ()
    with store.write() as connection:
        connection.execute(text("UPDATE mailings SET audience = 4"))
    assert len(check(store)) == 1
    if not store.one_machine:
        with pytest.raises(StoreError) as refused:
            safekeeping.snapshot(store, Path("x.db"), NOW, silent)
        assert "pg_dump" in str(refused.value.hint)
    store.close()


@dataclass
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str


def test_staff(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Backup, check and restore, as staff type them."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Said:
        code = main(arguments)
        return Said(code, *capsys.readouterr())

    run("init", ".", "--name", "F", "--from", "f@example.org")
    run("subscribers", "add", "sam@example.org", "--consent", "asked")
    done = run("backup", "monday.db")
    assert "1 people and 0 mailings are in monday.db" in done.out
    again = run("backup", "monday.db")
    assert "--force" in again.err
    assert run("backup", "monday.db", "--force").code == 0
    run("subscribers", "remove", "sam@example.org")
    said = run("restore", "monday.db", "--yes")
    assert said.code == 0
    assert "1  had left since the backup, and stay away" in said.out
    assert "The store as it was: " in said.out
    assert '"status": "unsubscribed"' in run("subscribers", "list", "--json").out
    assert "The store is sound." in run("store", "check").out
    assert json.loads(run("store", "check", "--json").out) == {"sound": True, "wrong": []}
    with sqlite3.connect(tmp_path / "subscribers" / "subscribers.db") as plain:
        plain.execute("UPDATE subscribers SET status = 'confirmed'")
    plain.close()
    broken = run("store", "check")
    assert broken.code == 1
    assert "confirmed without a consent" in broken.out

"""After a kill, a copy or an old snapshot: nobody is lost, and nobody gets two."""

import json
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from flashback.errors import Exit

from fixtures.newsletters import Newsletter, RelayProcess, twice, until

SQLITE = "sqlite:///subscribers/subscribers.db"


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[RelayProcess]:
    """A relay that takes its time, and notes what it has."""
    with RelayProcess(tmp_path / "log", tmp_path / "mail", 20) as relay:
        yield relay


def killed(folder: Path, relay: RelayProcess, *, readers: int, after: int) -> Newsletter:
    """A newsletter whose sender was killed when the relay had so many messages."""
    newsletter = Newsletter.made(folder, port=relay.port, store=SQLITE, readers=readers, window=20)
    process = newsletter.start("send", "35", "--yes")
    until(lambda: len(relay.accepted()) >= after)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return newsletter


def account(newsletter: Newsletter) -> dict[str, int]:
    """The counts of the newest mailing."""
    said = newsletter.run("status", "--json").stdout.splitlines()[-1]
    counts: dict[str, int] = json.loads(said)
    return counts


def copied(source: Path, to: Path) -> None:
    """The database as a backup has it."""
    to.unlink(missing_ok=True)
    with closing(sqlite3.connect(source)) as connection:
        connection.execute("VACUUM INTO ?", (str(to),))


def test_a_mailing_called_off_hears_its_dead_sender_out(
    tmp_path: Path, relay: RelayProcess
) -> None:
    """What left before the kill is accepted or in doubt; nothing stays claimed for ever."""
    newsletter = killed(tmp_path / "n", relay, readers=30, after=5)
    assert newsletter.run("cancel", "--yes").returncode == Exit.DONE
    counts = account(newsletter)
    assert counts["claimed"] == 0
    assert counts["accepted"] + counts["in_doubt"] >= len(relay.accepted()) >= 5


def test_resend_leaves_a_paused_mailing_paused(tmp_path: Path, relay: RelayProcess) -> None:
    """Three doubtful copies are no reason to let all others leave."""
    newsletter = killed(tmp_path / "n", relay, readers=60, after=5)
    newsletter.run("resume", "1", "--limit", "1")
    newsletter.run("pause", "1", "--reason", "a wrong link")
    assert account(newsletter)["in_doubt"]
    before = len(relay.accepted())
    said = newsletter.run("resend", "1", "--in-doubt", "--yes")
    assert said.returncode == Exit.FAILED
    assert "resume 1 --in-doubt resend" in said.stderr
    assert len(relay.accepted()) == before


def test_a_copied_database_asks(tmp_path: Path, relay: RelayProcess) -> None:
    """In another folder nobody knows what the first one has sent since."""
    newsletter = killed(tmp_path / "n", relay, readers=30, after=5)
    other = Newsletter.made(tmp_path / "copy", port=relay.port, store=SQLITE)
    place = tmp_path / "copy" / "subscribers"
    for path in place.glob("subscribers.db*"):
        path.unlink()
    copied(tmp_path / "n" / "subscribers" / "subscribers.db", place / "subscribers.db")
    newsletter.run("resume")
    taken = len(relay.accepted())
    said = other.run("resume")
    assert said.returncode == Exit.UNFINISHED
    assert "--restored" in said.stderr
    assert len(relay.accepted()) == taken
    assert not twice(relay.accepted())


def test_a_snapshot_of_the_first_seconds(tmp_path: Path, relay: RelayProcess) -> None:
    """The seal lies there before the first copy leaves, and keeps step."""
    newsletter = Newsletter.made(
        tmp_path / "n", port=relay.port, store=SQLITE, readers=300, window=10
    )
    process = newsletter.start("send", "35", "--yes")
    until(lambda: len(relay.accepted()) >= 2)
    store, snapshot = tmp_path / "n" / "subscribers" / "subscribers.db", tmp_path / "snapshot.db"
    copied(store, snapshot)
    seal = store.parent / "journals" / "seal"
    assert json.loads(seal.read_text()) == {"1": 0}
    until(lambda: json.loads(seal.read_text())["1"] > 0)
    process.kill()
    process.communicate()
    for path in store.parent.glob("subscribers.db*"):
        path.unlink()
    shutil.copy(snapshot, store)
    taken = len(relay.accepted())
    said = newsletter.run("resume")
    assert said.returncode == Exit.UNFINISHED
    assert "--restored" in said.stderr
    assert len(relay.accepted()) == taken


def test_a_job_goes_on_with_all_that_may(tmp_path: Path, relay: RelayProcess) -> None:
    """A doubt on hold in the newest mailing keeps no older one waiting."""
    newsletter = killed(tmp_path / "n", relay, readers=40, after=5)
    newsletter.run("send", "35", "--yes", "--again")
    with closing(sqlite3.connect(tmp_path / "n" / "subscribers" / "subscribers.db")) as store:
        store.execute(
            "UPDATE deliveries SET state = 'in_doubt' WHERE id = (SELECT max(id) FROM deliveries)"
        )
        store.commit()
    (tmp_path / "n" / "subscribers" / "journals" / "seal").write_text('{"1": 0, "2": 0}')
    assert newsletter.run("resume").returncode in {Exit.DONE, Exit.REFUSALS}
    with closing(sqlite3.connect(tmp_path / "n" / "subscribers" / "subscribers.db")) as store:
        open_ones = store.execute(
            "SELECT count(*) FROM deliveries WHERE state IN ('planned', 'claimed', 'deferred')"
        ).fetchone()[0]
    assert open_ones == 0

"""A mailing in staff's hands while it runs: watched, paused, called off, resumed, from outside."""

import json
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.newsletters import Newsletter, RelayProcess, twice, until

DONE, REFUSALS, UNFINISHED = 0, 3, 75
READERS = 200


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[RelayProcess]:
    """A relay that takes a third of a second for each message."""
    with RelayProcess(tmp_path / "log", tmp_path / "maildir", 300) as process:
        yield process


@pytest.fixture
def newsletter(tmp_path: Path, relay: RelayProcess) -> Newsletter:
    """Enough readers for a mailing of many seconds."""
    return Newsletter.made(tmp_path / "n", port=relay.port, readers=READERS, window=50)


@pytest.fixture
def running(newsletter: Newsletter, relay: RelayProcess) -> Iterator["subprocess.Popen[str]"]:
    """A sender in the middle of its mailing."""
    with newsletter.start("send", "35", "--yes") as sender:
        until(lambda: len(relay.accepted()) >= 10)
        yield sender
        sender.kill()


def test_pause_stops_a_running_sender_within_a_second(
    newsletter: Newsletter, relay: RelayProcess, running: "subprocess.Popen[str]"
) -> None:
    """It ends what is past the dot, says why, and exits 75; resume loses and repeats nobody."""
    paused = newsletter.run("pause", "--reason", "a wrong link", expect=DONE)
    began = time.monotonic()
    assert "flashback resume 1" in paused.stdout
    out, err = running.communicate(timeout=10)
    assert time.monotonic() - began < 1.5, "a second, and the end of the process"
    assert running.returncode == UNFINISHED, out + err
    assert "a wrong link" in out
    taken = relay.accepted()
    assert len(taken) < READERS
    counts = newsletter.account("report")
    assert (counts["accepted"], counts["claimed"]) == (len(taken), 0)
    assert counts["state"] == "paused"
    assert "a wrong link" in newsletter.run("report").stdout

    hourly = newsletter.run("resume", expect=UNFINISHED)
    assert "flashback resume 1" in hourly.stdout, "a job does not undo what staff decided"
    assert len(relay.accepted()) == len(taken)
    resumed = newsletter.run("resume", "1", "--limit", "20", expect=UNFINISHED)
    assert "a wrong link" in resumed.stdout
    assert len(relay.accepted()) == len(taken) + 20
    assert twice(relay.accepted()) == set()


def test_cancel_stops_a_running_sender_for_good(
    newsletter: Newsletter, relay: RelayProcess, running: "subprocess.Popen[str]"
) -> None:
    """What left stays accepted, the rest is skipped, the sender exits 3, and resume refuses."""
    kept = newsletter.run("cancel", answer="n\n", expect=DONE)
    assert "Nothing was changed" in kept.stdout
    began = time.monotonic()
    done = newsletter.run("cancel", "--yes", "--reason", "the wrong issue", expect=DONE)
    assert "will not leave" in done.stdout
    out, err = running.communicate(timeout=10)
    assert time.monotonic() - began < 3
    assert running.returncode == REFUSALS, out + err
    assert "the wrong issue" in out
    counts = newsletter.account("report")
    assert counts["accepted"] == len(relay.accepted())
    assert counts["skipped"] == READERS - counts["accepted"]
    refused = newsletter.run("resume", "1", expect=1)
    assert "called off" in refused.stderr
    newsletter.run("resend", "1", "--in-doubt", "--yes", expect=1)
    again = newsletter.run("send", "35", "--yes", expect=1)
    assert "called off" in again.stderr
    assert "--again" in again.stderr


def test_watch_tells_how_it_goes_until_it_ends(
    newsletter: Newsletter, relay: RelayProcess, running: "subprocess.Popen[str]"
) -> None:
    """One object a look, whose counts grow and add up; it ends when the mailing is paused."""
    with newsletter.start("status", "--watch", "--every", "0.2", "--json") as watching:
        assert watching.stdout is not None
        ticks = [json.loads(watching.stdout.readline()) for _ in range(6)]
        newsletter.run("pause", expect=DONE)
        rest, _ = watching.communicate(timeout=10)
        assert watching.returncode == DONE
    ticks += [json.loads(line) for line in rest.splitlines()]
    accepted = [tick["accepted"] for tick in ticks]
    assert accepted == sorted(accepted)
    assert accepted[-1] > accepted[0]
    states = {"planned", "claimed", "accepted", "deferred", "refused", "in_doubt", "skipped",
              "bounced"}  # fmt: skip
    assert all(sum(t[s] for s in states) == t["audience"] == READERS for t in ticks)
    assert any(tick["per_minute"] and tick["seconds_left"] for tick in ticks)
    assert [t["state"] for t in ticks][-1] == "paused"
    running.communicate(timeout=10)
    plain = newsletter.run("status", "--watch", "1", expect=DONE).stdout
    assert "paused" in plain
    assert "flashback resume 1" in plain


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_sender_tidily(
    newsletter: Newsletter,
    relay: RelayProcess,
    running: "subprocess.Popen[str]",
    number: signal.Signals,
) -> None:
    """What is past the dot is settled, nothing is left in a dead hand, and the way on is told."""
    running.send_signal(number)
    out, err = running.communicate(timeout=10)
    assert running.returncode == UNFINISHED, out + err
    assert "Finishing what is on the wire" in err
    assert "flashback resume 1" in out
    counts = newsletter.account("report")
    assert (counts["claimed"], counts["in_doubt"]) == (0, 0)
    assert counts["accepted"] == len(relay.accepted())


def test_a_database_from_yesterday_is_noticed(
    newsletter: Newsletter, relay: RelayProcess, tmp_path: Path
) -> None:
    """An old copy put back would mail readers twice: resume and send ask, --restored knows."""
    database = newsletter.folder / "subscribers" / "subscribers.db"
    newsletter.run("send", "35", "--yes", "--limit", "5", expect=UNFINISHED)
    with sqlite3.connect(tmp_path / "yesterday.db") as kept, sqlite3.connect(database) as live:
        live.backup(kept)
    newsletter.run("resume", "--limit", "5", expect=UNFINISHED)
    assert len(relay.accepted()) == 10
    with sqlite3.connect(tmp_path / "yesterday.db") as kept, sqlite3.connect(database) as live:
        kept.backup(live)
    for arguments in (["resume"], ["send", "35", "--again", "--yes"], ["resume", "--json"]):
        done = newsletter.run(*arguments, expect=UNFINISHED)
        assert "older copy" in done.stderr
        assert "--restored" in done.stderr
    assert "Nothing was sent" in newsletter.run("resume", answer="n\n", expect=UNFINISHED).stderr
    assert len(relay.accepted()) == 10
    newsletter.run("resume", "--restored", "--limit", "1", expect=UNFINISHED)
    newsletter.run("resume", "--limit", "1", expect=UNFINISHED)
    assert len(relay.accepted()) == 12

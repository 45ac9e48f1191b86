"""kill -9 in the middle of a mailing, then resume: the receiving server's log is the judge."""

import signal
import time
from pathlib import Path

import pytest

from fixtures.newsletters import Newsletter, RelayProcess, twice, until
from fixtures.postgresql import PostgresqlServer

READERS = 30
#: As many as the settings come with; each may leave one message in doubt.
CONNECTIONS = 5
EVERYBODY = {f"reader{n:03}@example.org" for n in range(1, READERS + 1)}


def in_doubt(newsletter: Newsletter) -> set[str]:
    """Who is listed as in doubt."""
    rows = newsletter.run("report", "--csv", expect=0).stdout.splitlines()
    cells = [row.split(",") for row in rows[1:]]
    return {cell[1] for cell in cells if cell[3] == "in_doubt"}


@pytest.mark.slow
@pytest.mark.parametrize("accepted_before", [1, 2, 9, 17, 29])
@pytest.mark.parametrize("delay_ms", [0, 25])
def test_kill_nine_loses_nobody_and_repeats_nobody(
    tmp_path: Path, store_url: str, accepted_before: int, delay_ms: int
) -> None:
    """Killed at any point and resumed: everybody once, or listed as in doubt.

    With a delay before the relay's 250, the kill falls between its acceptance and our knowing.
    """
    with RelayProcess(tmp_path / "log", tmp_path / "maildir", delay_ms) as relay:
        newsletter = Newsletter.made(
            tmp_path / "n", port=relay.port, store=store_url, readers=READERS, window=7
        )
        sender = newsletter.start("send", "35", "--yes")
        until(lambda: len(relay.accepted()) >= accepted_before)
        sender.send_signal(signal.SIGKILL)
        sender.communicate()

        counts = newsletter.account("resume")
        taken = relay.accepted()
        doubtful = in_doubt(newsletter)
        assert not twice(taken), "somebody got it twice"
        assert set(taken) | doubtful == EVERYBODY, "somebody was lost without a word"
        assert counts["in_doubt"] == len(doubtful) <= CONNECTIONS
        assert counts["accepted"] + counts["in_doubt"] == READERS
        if delay_ms and sender.returncode == -signal.SIGKILL:
            assert doubtful, "what was on the wire is listed"


@pytest.mark.slow
def test_killed_again_and_again(tmp_path: Path, store_url: str) -> None:
    """A mailing survives a kill at every other message; each kill leaves few in doubt."""
    kills = 0
    with RelayProcess(tmp_path / "log", tmp_path / "maildir", 5) as relay:
        newsletter = Newsletter.made(
            tmp_path / "n", port=relay.port, store=store_url, readers=READERS, window=4
        )
        sender = newsletter.start("send", "35", "--yes")
        for goal in range(3, READERS, 6):
            until(lambda goal=goal: len(relay.accepted()) >= goal)  # type: ignore[misc]
            sender.kill()
            sender.communicate()
            kills += 1
            sender = newsletter.start("resume")
        sender.communicate(timeout=60)
        taken = relay.accepted()
        assert not twice(taken)
        assert set(taken) | in_doubt(newsletter) == EVERYBODY
        assert len(in_doubt(newsletter)) <= kills * CONNECTIONS


@pytest.mark.slow
def test_what_is_in_doubt_is_decided_by_a_person(tmp_path: Path) -> None:
    """Hold keeps it; resend sends the same Message-ID again; the mailing is finished then."""
    with RelayProcess(tmp_path / "log", tmp_path / "maildir", 300) as relay:
        newsletter = Newsletter.made(tmp_path / "n", port=relay.port, readers=3)
        sender = newsletter.start("send", "35", "--yes")
        until(lambda: len(relay.accepted()) >= 1)
        sender.kill()
        sender.communicate()
        held = newsletter.run("resume")
        assert held.returncode == 3
        assert "1 in doubt" in held.stdout
        assert "--in-doubt resend" in held.stdout
        (doubtful,) = in_doubt(newsletter)
        assert f"    {doubtful}" in held.stdout, "who is in doubt is listed"
        counts = newsletter.account("resume", "--in-doubt", "resend")
        assert (counts["accepted"], counts["in_doubt"]) == (3, 0)
        assert len(relay.accepted()) == 4
        names = [line.split('"message_id": "')[1] for line in relay.log.read_text().splitlines()]
        assert len(set(names)) == 3, "a message sent again is the same message"


@pytest.mark.slow
def test_two_senders_at_once_share_a_mailing(tmp_path: Path, store_url: str) -> None:
    """A second sender started while the first one works claims other deliveries."""
    with RelayProcess(tmp_path / "log", tmp_path / "maildir", 10) as relay:
        newsletter = Newsletter.made(
            tmp_path / "n", port=relay.port, store=store_url, readers=READERS, window=3
        )
        first = newsletter.start("send", "35", "--yes")
        until(lambda: len(relay.accepted()) >= 2)
        second = newsletter.start("resume", "1")
        for sender in (first, second):
            sender.communicate(timeout=60)
        assert sorted(relay.accepted()) == sorted(EVERYBODY)


@pytest.mark.slow
def test_ctrl_c_stops_politely(tmp_path: Path) -> None:
    """Ctrl-C finishes the message on the wire, leaves nothing in doubt, and says how to go on."""
    with RelayProcess(tmp_path / "log", tmp_path / "maildir", 30) as relay:
        newsletter = Newsletter.made(tmp_path / "n", port=relay.port, readers=READERS)
        sender = newsletter.start("send", "35", "--yes")
        until(lambda: len(relay.accepted()) >= 3)
        sender.send_signal(signal.SIGINT)
        said, told = sender.communicate(timeout=30)
        assert sender.returncode == 75
        assert "flashback resume 1" in said + told
        assert "Traceback" not in told
        assert in_doubt(newsletter) == set()
        counts = newsletter.account("resume")
        assert counts["accepted"] == READERS
        assert sorted(relay.accepted()) == sorted(EVERYBODY)


@pytest.mark.slow
def test_a_second_ctrl_c_breaks_off(tmp_path: Path) -> None:
    """The second Ctrl-C does not wait for the reply: the copy is in doubt, and all is told."""
    with RelayProcess(tmp_path / "log", tmp_path / "maildir", 3000) as relay:
        newsletter = Newsletter.made(tmp_path / "n", port=relay.port, readers=4)
        sender = newsletter.start("send", "35", "--yes")
        until(lambda: len(relay.accepted()) >= 1)
        sender.send_signal(signal.SIGINT)
        time.sleep(0.3)
        sender.send_signal(signal.SIGINT)
        said, told = sender.communicate(timeout=30)
        assert sender.returncode == 75, told
        assert "flashback resume 1" in said
        assert "1 in doubt" in said
        assert "Ctrl-C again" in told
        assert len(in_doubt(newsletter)) == 1


@pytest.mark.slow
def test_a_store_that_goes_away(tmp_path: Path, postgresql_server: PostgresqlServer) -> None:
    """The database goes in the middle of a mailing: one sentence, the way on, nothing lost."""
    url = postgresql_server.new_database()
    database = url.rpartition("/")[2]
    with RelayProcess(tmp_path / "log", tmp_path / "maildir", 30) as relay:
        newsletter = Newsletter.made(tmp_path / "n", port=relay.port, store=url, readers=READERS)
        sender = newsletter.start("send", "35", "--yes")
        until(lambda: len(relay.accepted()) >= 3)
        postgresql_server.sql(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS false')
        postgresql_server.sql(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
        )
        said, told = sender.communicate(timeout=90)
        assert sender.returncode == 75, told
        assert "flashback resume 1" in said
        assert told.count("✗") == 1
        assert "Traceback" not in told
        postgresql_server.sql(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS true')
        counts = newsletter.account("resume")
        assert counts["accepted"] + counts["in_doubt"] == READERS
        assert not twice(relay.accepted())
        assert set(relay.accepted()) | in_doubt(newsletter) == EVERYBODY

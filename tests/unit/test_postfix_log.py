"""What a Postfix log tells of messages in doubt, and when it had better tell nothing."""

import datetime as dt
import gzip
import shutil
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashback.errors import TransportError
from flashback.smtp import log_files
from flashback.smtp.log_files import Calendar
from flashback.smtp.postfix_log import accepted, settled

NOON = dt.datetime(2026, 3, 5, 12, 0, tzinfo=dt.UTC)
NOW = NOON + dt.timedelta(minutes=20)
MINE = "35.1@flash-back.example.org"
OTHER = "35.2@flash-back.example.org"


def line(time: str, said: str, *, program: str = "postfix/cleanup", process: int = 7) -> str:
    return f"Mar  5 {time} relay {program}[{process}]: {said}"


def connect(time: str, *, process: int = 5) -> str:
    return line(time, "connect from a[192.0.2.1]", program="postfix/smtpd", process=process)


def disconnect(time: str, *, process: int = 5) -> str:
    return line(time, "disconnect from a[192.0.2.1]", program="postfix/smtpd", process=process)


def cleanup(time: str, queue_id: str, message_id: str) -> str:
    return line(time, f"{queue_id}: message-id=<{message_id}>")


def active(time: str, queue_id: str) -> str:
    said = f"{queue_id}: from=<b@example.org>, size=290, nrcpt=1 (queue active)"
    return line(time, said, program="postfix/qmgr")


OLD = line("11:00:00", "daemon started", program="postfix/master")
TAKEN = [cleanup("12:00:01", "974A99AA0FD", MINE), active("12:00:01", "974A99AA0FD")]
ABORTED = [cleanup("12:00:01", "974A99AA0FD", MINE)]
SIBLING = [cleanup("11:59:58", "A74A99AA0FD", OTHER), active("11:59:58", "A74A99AA0FD")]


def octets(lines: Sequence[str]) -> list[bytes]:
    return [text.encode() for text in lines]


def ask(
    folder: Path,
    lines: Sequence[str],
    *wanted: str,
    noted_at: dt.datetime = NOON,
    now: dt.datetime = NOW,
) -> dict[str, str | None]:
    """What a log of these lines settles."""
    log = folder / "mail.log"
    log.write_text("".join(f"{text}\n" for text in lines), encoding="utf-8")
    asked = dict.fromkeys(wanted or (MINE,), noted_at)
    return dict(settled(log, asked, now=now, zone=dt.UTC))


class TestAccepted:
    """Cleanup, then the queue manager."""

    def test_a_message_that_was_taken(self) -> None:
        """It is told with its queue id."""
        assert accepted(octets(TAKEN), [MINE, OTHER]) == {MINE: "974A99AA0FD"}

    def test_a_message_that_was_broken_off(self) -> None:
        """A Message-ID alone is no acceptance."""
        assert accepted(octets(ABORTED), [MINE]) == {}

    def test_a_queue_id_that_comes_again(self) -> None:
        """What another message under the same id did is not ours."""
        lines = [*ABORTED, cleanup("12:00:02", "974A99AA0FD", "x@y.example"), TAKEN[1]]
        assert accepted(octets(lines), [MINE]) == {}
        lines = [line("12:00:00", "974A99AA0FD: removed", program="postfix/qmgr"), *TAKEN]
        assert accepted(octets(lines), [MINE]) == {MINE: "974A99AA0FD"}
        lines = [ABORTED[0], line("12:0:0", "974A99AA0FD: removed", program="postfix/qmgr")]
        gone = lines[1].replace("12:0:0", "12:00:02")
        assert accepted(octets([lines[0], gone, TAKEN[1]]), [MINE]) == {}

    def test_the_first_queue_id_counts(self) -> None:
        """A content filter behind the queue gives the message a second one."""
        again = [cleanup("12:00:02", "B74A99AA0FD", MINE), active("12:00:02", "B74A99AA0FD")]
        assert accepted(octets([*TAKEN, *again]), [MINE]) == {MINE: "974A99AA0FD"}

    @pytest.mark.parametrize(
        "program", ["postfix-out/cleanup", "postfix/submission/cleanup", "a/cleanup"]
    )
    def test_other_names_of_the_same(self, program: str) -> None:
        """Several instances, and services of their own names."""
        lines = [line("12:00:01", f"4ZfR2n1abcd: message-id=<{MINE}>", program=program)]
        lines.append(active("12:00:01", "4ZfR2n1abcd"))
        assert accepted(octets(lines), [MINE]) == {MINE: "4ZfR2n1abcd"}

    def test_times_of_rfc_3339(self) -> None:
        """As newer systems log."""
        lines = "\n".join(TAKEN).replace("Mar  5 ", "2026-03-05T")
        lines = lines.replace(" relay", ".123456+00:00 relay")
        assert accepted(octets(lines.split("\n")), [MINE]) == {MINE: "974A99AA0FD"}

    def test_nobody_speaks_for_the_queue_manager(self) -> None:
        """A line counts by how it begins, whatever addresses and Message-IDs hold."""
        forged = active("12:00:01", "974A99AA0FD")
        lines = [*ABORTED, line("12:00:02", f"C74A99AA0FD: message-id=<{forged}>")]
        lines.append(f"x {forged}")
        assert accepted(octets(lines), [MINE]) == {}

    @given(st.lists(st.binary(max_size=200)))
    def test_anything_may_stand_there(self, lines: list[bytes]) -> None:
        """Hostile octets tell nothing, and take nothing away."""
        assert accepted(lines, [MINE]) == {}
        hostile = [octet.replace(b"974A99AA0FD", b"") for octet in lines]
        assert accepted([*octets(TAKEN), *hostile], [MINE]) == {MINE: "974A99AA0FD"}

    @pytest.mark.parametrize("message_id", ["35.1", "é@b.example"])
    def test_odd_names(self, message_id: str) -> None:
        """A name without a domain is looked for like any other."""
        lines = [cleanup("12:00:01", "974A99AA0FD", message_id), TAKEN[1]]
        assert accepted(octets(lines), [message_id]) == {message_id: "974A99AA0FD"}

    def test_wrong_orders_are_noticed_for_a_while(self) -> None:
        """And a long log does not fill the memory."""
        lines = [active("12:00:01", f"{n:011}") for n in range(10_050)]
        assert accepted(octets([*lines, *TAKEN]), [MINE]) == {MINE: "974A99AA0FD"}

    @given(st.binary(max_size=80), st.sampled_from([b"cleanup", b"qmgr", b"smtpd"]))
    def test_anything_may_be_said(self, said: bytes, program: bytes) -> None:
        """After a lawful beginning as well."""
        lawful = b"Mar  5 12:00:01 relay postfix/" + program + b"[1]: " + said
        assert accepted([lawful, b"Mar  5 12:00:01 relay postfix/"], [MINE]) == {}


class TestNotAccepted:
    """Certain only when the log could not be silent."""

    def test_broken_off(self, tmp_path: Path) -> None:
        """The Message-ID was seen, the queue manager never was, and everybody has hung up."""
        lines = [OLD, connect("11:59:00"), *ABORTED, disconnect("12:00:02")]
        assert ask(tmp_path, lines) == {MINE: None}

    def test_never_seen(self, tmp_path: Path) -> None:
        """The log knows its siblings."""
        lines = [OLD, connect("11:59:00"), *SIBLING, disconnect("12:00:02")]
        assert ask(tmp_path, lines) == {MINE: None}

    def test_both_kinds_at_once(self, tmp_path: Path) -> None:
        """Each for itself."""
        lines = [OLD, connect("11:59:00"), *SIBLING, *ABORTED, disconnect("12:00:02")]
        assert ask(tmp_path, lines, MINE, OTHER) == {MINE: None, OTHER: "A74A99AA0FD"}

    @pytest.mark.parametrize(
        "lines",
        [
            pytest.param([], id="empty"),
            pytest.param([connect("11:59:00"), *ABORTED, disconnect("12:00:02")], id="too young"),
            pytest.param([OLD, connect("11:59:00"), disconnect("12:00:02")], id="another relay"),
            pytest.param([OLD, *SIBLING], id="nobody has hung up"),
            pytest.param([OLD, *SIBLING, disconnect("11:59:59")], id="hung up before"),
            pytest.param(
                [OLD, connect("11:59:00", process=6), *ABORTED, disconnect("12:00:02")],
                id="somebody still connected",
            ),
            pytest.param(
                [OLD, *ABORTED, line("12:00:01", "974A99AA0FD: hold: header X: x"),
                 disconnect("12:00:02")],
                id="held",
            ),
            pytest.param(
                [OLD, line("12:00:01", "974A99AA0FD: milter-discard: x"), *ABORTED,
                 disconnect("12:00:02")],
                id="thrown away",
            ),
            pytest.param([OLD, *reversed(TAKEN), disconnect("12:00:02")], id="in another order"),
        ],
    )  # fmt: skip
    def test_not_certain(self, tmp_path: Path, lines: Sequence[str]) -> None:
        """Then nothing is told."""
        assert ask(tmp_path, lines) == {}

    def test_too_early(self, tmp_path: Path) -> None:
        """A server may still be at work on it."""
        lines = [OLD, *ABORTED, disconnect("12:00:02")]
        assert ask(tmp_path, lines, now=NOON + dt.timedelta(minutes=14)) == {}
        assert ask(tmp_path, lines, now=NOON + dt.timedelta(minutes=15)) == {MINE: None}

    def test_whoever_came_later_does_not_matter(self, tmp_path: Path) -> None:
        """A connection that began after the note cannot have it."""
        lines = [OLD, *ABORTED, disconnect("12:00:02"), connect("12:10:00", process=9)]
        assert ask(tmp_path, lines) == {MINE: None}

    def test_nothing_asked(self, tmp_path: Path) -> None:
        """Then no log needs to be there."""
        assert settled(tmp_path / "mail.log", {}, now=NOW) == {}


class TestFiles:
    """The log and what was rotated away."""

    LINES = (OLD, connect("11:59:00"), *SIBLING, *ABORTED, disconnect("12:00:02"))

    def parts(self, folder: Path, *names: str) -> Path:
        """These lines, in several files, the newest lines in the first."""
        size = -(-len(self.LINES) // len(names))
        for n, name in enumerate(reversed(names)):
            part = "".join(f"{text}\n" for text in self.LINES[n * size : (n + 1) * size])
            packed = gzip.compress(part.encode()) if name.endswith(".gz") else part.encode()
            (folder / name).write_bytes(packed)
        return folder / names[0]

    @pytest.mark.parametrize(
        "names",
        [
            ["mail.log"],
            ["mail.log", "mail.log.1"],
            ["mail.log", "mail.log.1", "mail.log.2.gz"],
            ["maillog", "maillog-20260305", "maillog-20260304.gz"],
        ],
    )
    def test_rotated_files_count(self, tmp_path: Path, names: Sequence[str]) -> None:
        """Packed ones as well."""
        log = self.parts(tmp_path, *names)
        wanted = {MINE: NOON, OTHER: NOON}
        found = settled(log, wanted, now=NOW, zone=dt.UTC)
        assert found == {MINE: None, OTHER: "A74A99AA0FD"}

    def test_a_part_that_is_missing(self, tmp_path: Path) -> None:
        """What is there counts, and what is not there cannot be ruled out."""
        log = self.parts(tmp_path, "mail.log", "mail.log.1", "mail.log.2.gz")
        (tmp_path / "mail.log.1").unlink()
        assert settled(log, {MINE: NOON}, now=NOW, zone=dt.UTC) == {}

    def test_a_part_that_is_damaged(self, tmp_path: Path) -> None:
        """The same."""
        log = self.parts(tmp_path, "mail.log", "mail.log.1.gz")
        packed = (tmp_path / "mail.log.1.gz").read_bytes()
        (tmp_path / "mail.log.1.gz").write_bytes(packed[:-12])
        assert settled(log, {MINE: NOON}, now=NOW, zone=dt.UTC) == {}

    def test_a_rotation_while_we_read(self, tmp_path: Path) -> None:
        """A part may have slipped past us: nothing is ruled out."""
        log = self.parts(tmp_path, "mail.log")
        stretch = log_files.since(log, NOON, Calendar(NOW, dt.UTC))
        assert stretch.is_whole
        shutil.copy(log, tmp_path / "new")
        (tmp_path / "new").replace(log)
        assert not stretch.is_whole

    def test_a_log_that_was_emptied_while_we_read(self, tmp_path: Path) -> None:
        """As logrotate's copytruncate does."""
        log = self.parts(tmp_path, "mail.log")
        stretch = log_files.since(log, NOON, Calendar(NOW, dt.UTC))
        log.write_bytes(b"")
        assert not stretch.is_whole
        log.unlink()
        assert not stretch.is_whole

    def test_a_log_that_cannot_be_read(self, tmp_path: Path) -> None:
        """It is named, with the way out."""
        with pytest.raises(TransportError, match=r"mail\.log cannot be read") as caught:
            settled(tmp_path / "mail.log", {MINE: NOON}, now=NOW)
        assert "group adm" in str(caught.value.hint)

    def test_only_the_end_of_a_long_log_is_read(self, tmp_path: Path) -> None:
        """From a little before the first doubt."""
        log = tmp_path / "mail.log"
        hours = [f"Mar  5 {n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}" for n in range(43_200)]
        noise = "relay dovecot: imap(reader): Logged out in=1 out=1 deleted=0 expunged=0"
        text = "".join(f"{hour} {noise}\n" for hour in hours)
        rest = "".join(f"{text}\n" for text in self.LINES[2:])
        log.write_text(text + rest, encoding="ascii")
        stretch = log_files.since(log, NOON - dt.timedelta(minutes=10), Calendar(NOW, dt.UTC))
        lines = list(stretch.lines)
        assert stretch.is_whole
        assert 600 < len(lines) < 3_000
        assert settled(log, {MINE: NOON}, now=NOW, zone=dt.UTC) == {MINE: None}

    def test_half_a_line_is_no_line(self, tmp_path: Path) -> None:
        """It is being written just now; and the rest of one too long is none either."""
        log = tmp_path / "mail.log"
        long = b"x" * 70_000 + TAKEN[0].encode()
        log.write_bytes(long + b"\n" + TAKEN[1].encode() + b"\n" + OLD.encode())
        stretch = log_files.since(log, NOON, Calendar(NOW, dt.UTC))
        assert list(stretch.lines) == [TAKEN[1].encode()]


class TestTimes:
    """Times without a year, without a zone, and twice in autumn."""

    def test_the_year_is_the_last_that_fits(self) -> None:
        """A log of December is read in January, and one of a leap day in its year."""
        new_year = Calendar(dt.datetime(2028, 1, 1, 0, 5, tzinfo=dt.UTC), dt.UTC)
        at = new_year.earliest(b"Dec 31 23:59:58 relay x")
        assert at == dt.datetime(2027, 12, 31, 23, 59, 58, tzinfo=dt.UTC)
        march = Calendar(dt.datetime(2028, 3, 1, tzinfo=dt.UTC), dt.UTC)
        assert march.earliest(b"Feb 29 12:00:00 x") == dt.datetime(2028, 2, 29, 12, tzinfo=dt.UTC)
        assert new_year.earliest(b"Feb 29 12:00:00 x") is None

    def test_the_hour_that_comes_twice(self) -> None:
        """Both are told: whoever must be careful takes the one that proves less."""
        calendar = Calendar(dt.datetime(2026, 10, 25, 12, tzinfo=dt.UTC), ZoneInfo("Europe/Paris"))
        stamp = b"Oct 25 02:30:00 relay x"
        assert calendar.earliest(stamp) == dt.datetime(2026, 10, 25, 0, 30, tzinfo=dt.UTC)
        assert calendar.latest(stamp) == dt.datetime(2026, 10, 25, 1, 30, tzinfo=dt.UTC)

    @pytest.mark.parametrize(
        "stamp",
        [b"", b"Xyz  5 12:00:00", b"Mar 45 12:00:00", b"Mar  5 25:00:00", b"2026-13-05T12:00:00Z",
         b"0000-01-01T00:00:00Z", b"2026-03-05T12:00:00"],
    )  # fmt: skip
    def test_what_is_no_time(self, stamp: bytes) -> None:
        """Nothing is told."""
        assert Calendar(NOW, dt.UTC).earliest(stamp) is None

    @given(st.binary(max_size=40))
    def test_anything_may_stand_there(self, octets: bytes) -> None:
        """Hostile octets have a time or none."""
        at = Calendar(NOW, dt.UTC).latest(octets)
        assert at is None or at.tzinfo is not None

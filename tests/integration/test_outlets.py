"""A program, a folder and a file that take mail: each outcome told, nothing left unnoted."""

import contextlib
import datetime as dt
import email
import errno
import fcntl
import itertools
import mailbox
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from flashback.dispatch.ports import Transport, Wait
from flashback.errors import FlashbackError, LeaseLostError, TransportError
from flashback.model import Address, Claim, Envelope, Message, Outcome, Result
from flashback.outlets import Maildir, Mbox, Sendmail
from flashback.outlets.maildir import name_of
from flashback.outlets.mbox import entry
from flashback.sentences import tr

AT = dt.datetime(2011, 9, 2, 9, 0, tzinfo=dt.UTC)
BODY = b"Bonjour\r\n.\r\nFrom the editors\r\n>From us\r\n..\r\n"


def message(number: int, *, body: bytes = BODY, recipient: str = "") -> Message:
    """One reader's copy."""
    mailbox_ = recipient or f"reader-{number}@example.org"
    claim = Claim(
        delivery_id=number,
        mailing_id=1,
        subscriber_id=number,
        address=Address(mailbox_, mailbox_),
        name="",
        language="fr",
        edition_digest="d",
        attempt=1,
        owner="test",
    )
    return Message(
        claim=claim,
        envelope=Envelope(sender="bounce+1@example.org", recipient=mailbox_),
        message_id=f"{number}@example.org",
        content=b"Message-ID: <%d@example.org>\r\nSubject: 35\r\n\r\n" % number + body,
    )


@dataclass
class Notes:
    """``before_final_dot``: remembers, and what there was to see when it was called."""

    look: Path | None = None
    seen: list[int] = field(default_factory=list)
    there: list[int] = field(default_factory=list)

    def __call__(self, claims: Sequence[Claim]) -> None:
        self.seen += [claim.delivery_id for claim in claims]
        if self.look is not None:
            is_folder = self.look.is_dir()
            size = len(list(self.look.iterdir())) if is_folder else self.look.stat().st_size
            self.there.append(size)


def refusing(_claims: Sequence[Claim]) -> None:
    """A note that must not be made."""
    raise LeaseLostError(tr("Another sender has it."))


def send(
    transport: Transport, messages: Iterator[Message | Wait], notes: Notes | None = None
) -> tuple[list[Outcome], FlashbackError | None]:
    """Every outcome, and the error that ended it, if one did."""
    outcomes: list[Outcome] = []
    try:
        with transport.connected():
            for some in transport.send(messages, notes or Notes()):
                outcomes.extend(some)
    except FlashbackError as error:
        return outcomes, error
    return outcomes, None


def results(outcomes: Sequence[Outcome]) -> list[Result]:
    """What came of each."""
    return [outcome.result for outcome in outcomes]


def clock() -> dt.datetime:
    """A clock that stands still."""
    return AT


def read_back(file: Path) -> list[str | None]:
    """The Message-IDs that a mail program finds."""
    with contextlib.closing(mailbox.mbox(file, create=False)) as found:
        return [mail["Message-ID"] for mail in found]


class TestMaildir:
    """A folder."""

    def test_messages_lie_in_new(self, tmp_path: Path) -> None:
        """Whole, with their envelope, readable by mail programs, and ours alone."""
        folder = tmp_path / "out" / "mail"
        outcomes, error = send(Maildir(folder, clock=clock), iter([message(1), message(2)]))
        assert error is None
        assert results(outcomes) == [Result.ACCEPTED] * 2
        assert [outcome.queue_id for outcome in outcomes] == [
            name_of("1@example.org"),
            name_of("2@example.org"),
        ]
        found = {mail["Message-ID"]: mail for mail in mailbox.Maildir(folder, create=False)}
        assert sorted(found) == ["<1@example.org>", "<2@example.org>"]
        first = found["<1@example.org>"]
        assert first["Delivered-To"] == "reader-1@example.org"
        assert first["Return-Path"] == "<bounce+1@example.org>"
        assert first.get_payload() == BODY.decode().replace("\r\n", "\n")
        assert list((folder / "tmp").iterdir()) == []
        assert (folder / "new" / name_of("1@example.org")).stat().st_mode & 0o777 == 0o600

    def test_nothing_is_there_before_the_note(self, tmp_path: Path) -> None:
        """The move into new comes after it."""
        notes = Notes(look=tmp_path / "new")
        send(Maildir(tmp_path), iter([message(1), message(2)]), notes)
        assert notes.seen == [1, 2]
        assert notes.there == [0, 1]

    @pytest.mark.parametrize("moved", [False, True])
    def test_a_repeat_is_recognised(self, tmp_path: Path, *, moved: bool) -> None:
        """Also when somebody has read the message in between: it is there once."""
        send(Maildir(tmp_path), iter([message(1)]))
        if moved:
            name = name_of("1@example.org")
            (tmp_path / "new" / name).rename(tmp_path / "cur" / f"{name}:2,S")
        notes = Notes()
        outcomes, error = send(Maildir(tmp_path), iter([message(1)]), notes)
        assert error is None
        assert results(outcomes) == [Result.ACCEPTED]
        assert notes.seen == []
        assert len(mailbox.Maildir(tmp_path, create=False)) == 1

    def test_a_note_that_is_refused(self, tmp_path: Path) -> None:
        """Then nothing is there, and nothing is left over."""
        maildir = Maildir(tmp_path)
        with maildir.connected(), pytest.raises(LeaseLostError):
            list(maildir.send(iter([message(1)]), refusing))
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []

    @pytest.mark.parametrize("part", ["tmp", "new"])
    def test_a_folder_that_is_gone(self, tmp_path: Path, part: str) -> None:
        """The message is given back, and all stops with a reason."""
        maildir = Maildir(tmp_path)

        def messages() -> Iterator[Message]:
            (tmp_path / part).rmdir()
            yield message(1)

        outcomes, error = send(maildir, messages())
        assert results(outcomes) == [Result.UNTRIED]
        assert isinstance(error, TransportError)
        assert "cannot be written" in str(error)

    def test_a_file_in_its_place(self, tmp_path: Path) -> None:
        """Told before any message is taken."""
        (tmp_path / "mail").write_text("")
        outcomes, error = send(Maildir(tmp_path / "mail"), iter([message(1)]))
        assert outcomes == []
        assert isinstance(error, TransportError)

    def test_a_folder_that_cannot_be_read(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whether a message is there already cannot be known then: told before any is taken."""

        def fail(path: Path) -> None:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))

        with monkeypatch.context() as patch:
            patch.setattr(os, "scandir", fail)
            outcomes, error = send(Maildir(tmp_path), iter([message(1)]))
        assert outcomes == []
        assert isinstance(error, TransportError)
        assert "Permission denied" in str(error)

    def test_a_name_that_a_power_cut_may_undo(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """In new, but not surely for ever: in doubt."""

        def fail(handle: int) -> None:
            if os.path.isdir(f"/proc/self/fd/{handle}"):  # noqa: PTH112 - a link to the folder
                raise OSError(errno.EIO, "Input/output error")

        maildir = Maildir(tmp_path)
        with maildir.connected():
            monkeypatch.setattr(os, "fsync", fail)
            outcomes = [o for some in maildir.send(iter([message(1)]), Notes()) for o in some]
        assert results(outcomes) == [Result.UNKNOWN]
        assert len(mailbox.Maildir(tmp_path, create=False)) == 1


class TestMbox:
    """A file."""

    def test_messages_are_told_apart(self, tmp_path: Path) -> None:
        """Lines that look like separators are quoted once more, and all is read back."""
        file = tmp_path / "out" / "mail.mbox"
        outcomes, error = send(Mbox(file, clock=clock), iter([message(1), message(2)]))
        assert error is None
        assert results(outcomes) == [Result.ACCEPTED] * 2
        text = file.read_bytes()
        assert text.startswith(b"From bounce+1@example.org Fri Sep  2 09:00:00 2011\n")
        assert b"\n>From the editors\n>>From us\n" in text
        assert b"\r" not in text
        assert read_back(file) == ["<1@example.org>", "<2@example.org>"]
        assert file.stat().st_mode & 0o777 == 0o600

    def test_what_was_there_stays(self, tmp_path: Path) -> None:
        """Messages are appended."""
        file = tmp_path / "mail.mbox"
        send(Mbox(file), iter([message(1)]))
        before = file.read_bytes()
        send(Mbox(file), iter([message(2)]))
        assert file.read_bytes().startswith(before)

    def test_nothing_is_there_before_the_note(self, tmp_path: Path) -> None:
        """The file grows after it."""
        notes = Notes(look=tmp_path / "mail.mbox")
        mbox = Mbox(tmp_path / "mail.mbox", clock=clock)
        send(mbox, iter([message(1), message(2)]), notes)
        assert notes.seen == [1, 2]
        assert notes.there == [0, len(entry(message(1), AT))]

    def test_half_a_message_swallows_no_other(self, tmp_path: Path) -> None:
        """After somebody died while writing, the next message begins on a line of its own."""
        file = tmp_path / "mail.mbox"
        for end in (b"half a li", b"a line\n"):
            file.write_bytes(b"From x Fri Sep  2 09:00:00 2011\nSubject: 34\n\n" + end)
            send(Mbox(file), iter([message(1)]))
            assert read_back(file) == [None, "<1@example.org>"]
            assert b"\n\nFrom bounce" in file.read_bytes()

    @pytest.mark.parametrize("truncates", [True, False])
    def test_a_full_disk(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, truncates: bool
    ) -> None:
        """What was half written is cut off again; where that fails too, there is a doubt."""
        file = tmp_path / "mail.mbox"
        send(Mbox(file), iter([message(1)]))
        before = file.read_bytes()
        write = os.write
        left = [100]

        def full(handle: int, octets: memoryview) -> int:
            if not left[0]:
                raise OSError(errno.ENOSPC, "No space left on device")
            count = write(handle, octets[: left[0]])
            left[0] -= count
            return count

        def fail(_handle: int, _size: int) -> None:
            raise OSError(errno.EIO, "Input/output error")

        mbox = Mbox(file)
        with mbox.connected(), monkeypatch.context() as patch:
            patch.setattr(os, "write", full)
            if not truncates:
                patch.setattr(os, "ftruncate", fail)
            sending = mbox.send(iter([message(2), message(3)]), Notes())
            outcomes = [*next(sending)]
            with pytest.raises(TransportError, match="No space left"):
                next(sending)
        assert results(outcomes) == [Result.UNTRIED if truncates else Result.UNKNOWN]
        assert (file.read_bytes() == before) is truncates

    def test_a_lock_is_respected(self, tmp_path: Path) -> None:
        """While another program reads, the message waits; then it is appended."""
        file = tmp_path / "mail.mbox"
        file.touch()
        with locked_elsewhere(file) as other:
            mbox = Mbox(file)
            with mbox.connected():
                sending = mbox.send(iter([message(1)]), Notes())
                assert next(sending) == ()
                assert file.read_bytes() == b""
                other.kill()
                other.wait()
                assert results([o for some in sending for o in some]) == [Result.ACCEPTED]
            with file.open("r+b") as handle:
                fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def test_a_lock_that_stays(self, tmp_path: Path) -> None:
        """Nothing is noted or written, and the message may be tried again."""
        file = tmp_path / "mail.mbox"
        file.touch()
        notes = Notes()
        with locked_elsewhere(file) as other:
            outcomes, error = send(Mbox(file, seconds=0.1), iter([message(1)]), notes)
            other.kill()
        assert error is None
        assert results(outcomes) == [Result.TEMPORARY]
        assert "has locked" in outcomes[0].detail
        assert notes.seen == []
        assert file.read_bytes() == b""

    def test_a_note_that_is_refused(self, tmp_path: Path) -> None:
        """Nothing is written, and the lock is let go."""
        mbox = Mbox(tmp_path / "mail.mbox")
        with mbox.connected():
            with pytest.raises(LeaseLostError):
                list(mbox.send(iter([message(1)]), refusing))
            with locked_elsewhere(tmp_path / "mail.mbox") as other:
                other.kill()
        assert (tmp_path / "mail.mbox").read_bytes() == b""

    @pytest.mark.parametrize("name", ["", "file/mail.mbox"])
    def test_a_file_that_cannot_be(self, tmp_path: Path, name: str) -> None:
        """Told before any message is taken."""
        (tmp_path / "file").touch()
        outcomes, error = send(Mbox(tmp_path / name), iter([message(1)]))
        assert outcomes == []
        assert isinstance(error, TransportError)


_LOCK = """
import fcntl, sys, time
file = open(sys.argv[1], "r+b")
fcntl.lockf(file, fcntl.LOCK_EX)
print("locked", flush=True)
time.sleep(30)
"""


class locked_elsewhere:  # noqa: N801 - reads like a function
    """Another program that holds the lock of a file while this is entered."""

    def __init__(self, file: Path) -> None:
        self._command = [sys.executable, "-S", "-c", _LOCK, str(file)]

    def __enter__(self) -> "subprocess.Popen[str]":
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "locked\n"
        return self._process

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A sendmail that keeps what it is given, and ends as the recipient's name says."""
    path = tmp_path / "sendmail"
    path.write_text(
        f"""#!/bin/sh
n=$(ls {tmp_path} | grep -c '^taken')
cat > {tmp_path}/taken.$n
printf '%s\\n' "$@" > {tmp_path}/arguments.$n
last=$(tail -n 1 {tmp_path}/arguments.$n)
case "$last" in
  hang@*) sleep 20 & exec sleep 20 ;;
  kill@*) kill -9 $$ ;;
  slow@*) sleep 0.6 ;;
  exit-*) echo "  said
 $last" >&2; code=${{last#exit-}}; exit ${{code%%@*}} ;;
esac
""",
        encoding="ascii",
    )
    path.chmod(0o755)
    return path


class TestSendmail:
    """A program."""

    def test_messages_are_handed_over(self, program: Path, tmp_path: Path) -> None:
        """With LF line ends, lines with a dot untouched, and nothing taken for an option."""
        readers = [message(1), message(2, recipient="-odd@example.org")]
        outcomes, error = send(Sendmail(program, clock=clock), iter(readers))
        assert error is None
        assert results(outcomes) == [Result.ACCEPTED] * 2
        assert (tmp_path / "taken.0").read_bytes() == readers[0].content.replace(b"\r\n", b"\n")
        assert (tmp_path / "arguments.1").read_text(encoding="ascii").splitlines() == [
            "-i",
            "-f",
            "bounce+1@example.org",
            "--",
            "-odd@example.org",
        ]

    def test_the_note_comes_before_the_program(self, program: Path, tmp_path: Path) -> None:
        """A program that reads a pipe would take half a message when we die: it never does."""
        notes = Notes(look=tmp_path)
        send(Sendmail(program), iter([message(1), message(2)]), notes)
        assert notes.seen == [1, 2]
        assert notes.there == [1, 3]

    def test_a_note_that_is_refused(self, program: Path, tmp_path: Path) -> None:
        """The program is not run."""
        sendmail = Sendmail(program)
        with sendmail.connected(), pytest.raises(LeaseLostError):
            list(sendmail.send(iter([message(1)]), refusing))
        assert not (tmp_path / "taken.0").exists()

    @pytest.mark.parametrize(
        ("status", "result"),
        [
            (75, Result.TEMPORARY),
            (69, Result.TEMPORARY),
            (1, Result.TEMPORARY),
            (67, Result.PERMANENT),
            (68, Result.TEMPORARY),  # the reader's host, or the relay's own name
            (74, Result.UNKNOWN),
            (76, Result.UNKNOWN),
            (137, Result.UNKNOWN),
        ],
    )
    def test_how_it_ends(self, program: Path, status: int, result: Result) -> None:
        """By its status; the next message is tried all the same."""
        reader = message(1, recipient=f"exit-{status}@example.org")
        outcomes, error = send(Sendmail(program), iter([reader, message(2)]))
        assert error is None
        assert results(outcomes) == [result, Result.ACCEPTED]
        if status < 128:
            words = f"status {status}: said exit-{status}@example.org"
            assert words in outcomes[0].detail

    @pytest.mark.parametrize("status", [64, 77, 78, 126, 127])
    def test_what_is_about_us(self, program: Path, status: int) -> None:
        """Nobody is refused: the message is given back, and all stops."""
        reader = message(1, recipient=f"exit-{status}@example.org")
        outcomes, error = send(Sendmail(program), iter([reader, message(2)]))
        assert results(outcomes) == [Result.UNTRIED]
        assert isinstance(error, TransportError)
        assert "said exit" in str(error)
        assert "No reader was refused" in str(error.hint)

    def test_killed(self, program: Path) -> None:
        """Nobody knows whether it had taken the message."""
        reader = message(1, recipient="kill@example.org")
        outcomes, error = send(Sendmail(program), iter([reader]))
        assert error is None
        assert results(outcomes) == [Result.UNKNOWN]

    def test_out_of_patience(self, program: Path) -> None:
        """It is killed, and nobody knows."""
        reader = message(1, recipient="hang@example.org")
        outcomes, error = send(Sendmail(program, seconds=0.3), iter([reader]))
        assert error is None
        assert results(outcomes) == [Result.UNKNOWN]
        assert "did not end in time" in outcomes[0].detail

    def test_a_slow_program(self, program: Path) -> None:
        """The caller hears from us while it runs."""
        sendmail = Sendmail(program)
        with sendmail.connected():
            reader = message(1, recipient="slow@example.org")
            heard = list(sendmail.send(iter([reader]), Notes()))
        assert heard[0] == ()
        assert results(heard[-1]) == [Result.ACCEPTED]

    def test_closed_early(self, program: Path) -> None:
        """The run is ended with us, and nothing more is told."""
        sendmail = Sendmail(program)
        with sendmail.connected():
            sending = sendmail.send(iter([message(1, recipient="hang@example.org")]), Notes())
            assert next(sending) == ()
            begun = time.monotonic()
            sending.close()
            assert time.monotonic() - begun < 2
            assert next(sending, None) is None

    @pytest.mark.parametrize("mode", [None, 0o644])
    def test_no_program(self, tmp_path: Path, mode: int | None) -> None:
        """Told before any message is taken."""
        path = tmp_path / "sendmail"
        if mode is not None:
            path.touch(mode)
        outcomes, error = send(Sendmail(path), iter([message(1)]))
        assert outcomes == []
        assert isinstance(error, TransportError)
        assert "/usr/sbin/sendmail" in str(error.hint)

    def test_a_program_that_cannot_be_run(self, tmp_path: Path) -> None:
        """The message is given back, and all stops."""
        path = tmp_path / "sendmail"
        path.write_text("#!/no/such/shell\n", encoding="ascii")
        path.chmod(0o755)
        outcomes, error = send(Sendmail(path), iter([message(1), message(2)]))
        assert results(outcomes) == [Result.UNTRIED]
        assert isinstance(error, TransportError)
        assert "cannot take mail: No such file" in str(error)


class TestTurns:
    """What all of them do."""

    def test_a_wait_is_waited_for(self, tmp_path: Path) -> None:
        """In slices: the caller hears from us twice a second at least."""
        maildir = Maildir(tmp_path)
        items: Iterator[Message | Wait] = iter([message(1), Wait(0.7), message(2)])
        with maildir.connected():
            begun = time.monotonic()
            heard = [(time.monotonic(), some) for some in maildir.send(items, Notes())]
        times = [begun, *(at for at, _ in heard)]
        assert max(b - a for a, b in itertools.pairwise(times)) < 0.5 + 0.3
        assert times[-1] - begun >= 0.7
        assert results([o for _, some in heard for o in some]) == [Result.ACCEPTED] * 2

    @pytest.mark.parametrize("kind", ["maildir", "mbox", "sendmail"])
    def test_what_the_iterator_raises_passes_through(
        self, kind: str, tmp_path: Path, program: Path
    ) -> None:
        """After the outcomes of the messages before."""
        transports: dict[str, Transport] = {
            "maildir": Maildir(tmp_path / "mail"),
            "mbox": Mbox(tmp_path / "mail.mbox"),
            "sendmail": Sendmail(program),
        }

        def messages() -> Iterator[Message]:
            yield message(1)
            raise LookupError

        transport = transports[kind]
        with transport.connected():
            sending = transport.send(messages(), Notes())
            assert results(next(sending)) == [Result.ACCEPTED]
            with pytest.raises(LookupError):
                next(sending)


def test_the_samples_have_what_is_hard() -> None:
    """A line with a dot alone, and lines that look like separators."""
    content = email.message_from_bytes(message(1).content)
    assert "\n.\n" in str(content.get_payload()).replace("\r\n", "\n")

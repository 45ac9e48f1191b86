"""The transport into one file, mbox in its "rd" form: every message appended whole, or not at all.

Lines that begin like a separator get one more ``>``, which readers of this form take away again
(RFC 4155 tells of the kinds). The file is locked for each message as mail programs lock it, by
fcntl; what a failed write left behind is cut off again.
"""

import datetime as dt
import fcntl
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from flashback import files
from flashback.errors import FlashbackError
from flashback.model import Message, Outcome, Result
from flashback.outlets.turns import TICK, BeforeFinalDot, Outcomes, Wait, in_turn, now, stopping
from flashback.sentences import Sentence, tr

_SEPARATOR: Final = re.compile(rb"^(>*From )", re.MULTILINE)


class Mbox:
    """A file of messages. Not for two threads at once."""

    def __init__(
        self,
        file: Path,
        *,
        clock: Callable[[], dt.datetime] = now,
        seconds: float = 60.0,
    ) -> None:
        """``seconds``: the patience with others who hold the lock."""
        self._path = file
        self._clock = clock
        self._seconds = seconds
        self._handle = -1

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Open the file, and make it if need be. Raises TransportError."""
        try:
            files.make_folder(self._path.parent)
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except FlashbackError as error:
            raise stopping(error) from error
        except OSError as error:
            raise stopping(files.cannot_write(self._path, error)) from error
        try:
            yield
        finally:
            os.close(self._handle)
            self._handle = -1

    def send(
        self, messages: Iterator[Message | Wait], before_final_dot: BeforeFinalDot
    ) -> Outcomes:
        """Yield outcomes as ``dispatch.ports.Transport.send`` promises."""
        return in_turn(messages, lambda message: self._hand_over(message, before_final_dot))

    def _hand_over(self, message: Message, before_final_dot: BeforeFinalDot) -> Outcomes:
        deadline = time.monotonic() + self._seconds
        while not self._is_locked():
            if time.monotonic() >= deadline:
                detail = tr("another program has locked {path}", path=self._path)
                yield (self._outcome(message, Result.TEMPORARY, detail),)
                return
            time.sleep(min(TICK, self._seconds))
            yield ()
        try:
            before_final_dot([message.claim])
            outcome, error = self._append(message)
        finally:
            fcntl.lockf(self._handle, fcntl.LOCK_UN)
        yield (outcome,)
        if error is not None:
            raise stopping(files.cannot_write(self._path, error)) from error

    def _is_locked(self) -> bool:
        """Whether the lock is ours now."""
        try:
            fcntl.lockf(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _append(self, message: Message) -> tuple[Outcome, OSError | None]:
        end = os.lseek(self._handle, 0, os.SEEK_END)
        try:
            octets = _gap(self._handle, end) + entry(message, self._clock())
            _write_all(self._handle, octets)
            os.fsync(self._handle)
        except OSError as error:
            return self._outcome(message, self._taken_back(end)), error
        return self._outcome(message, Result.ACCEPTED), None

    def _taken_back(self, end: int) -> Result:
        """What is left of a message that could not be written: nothing, or nobody knows what."""
        try:
            os.ftruncate(self._handle, end)
            os.fsync(self._handle)
        except OSError:
            return Result.UNKNOWN
        return Result.UNTRIED

    def _outcome(self, message: Message, result: Result, detail: Sentence | str = "") -> Outcome:
        return Outcome(
            claim=message.claim,
            result=result,
            at=self._clock(),
            host=self._path.name,
            stage="dot",
            detail=str(detail),
        )


def entry(message: Message, at: dt.datetime) -> bytes:
    """A message as it stands in the file, from its separator to the empty line after it."""
    envelope = message.envelope
    sender = envelope.sender or "MAILER-DAEMON"
    head = f"From {sender} {at.astimezone(dt.UTC).ctime()}\nDelivered-To: {envelope.recipient}\n"
    content = message.content.replace(b"\r\n", b"\n")
    return head.encode() + _SEPARATOR.sub(rb">\1", content).rstrip(b"\n") + b"\n\n"


def _gap(handle: int, end: int) -> bytes:
    """The line ends that a writer who died left out before the next separator."""
    last = os.pread(handle, 2, max(end - 2, 0))
    if not last or last == b"\n\n":
        return b""
    return b"\n" if last.endswith(b"\n") else b"\n\n"


def _write_all(handle: int, octets: bytes) -> None:
    view = memoryview(octets)
    while view:
        view = view[os.write(handle, view) :]

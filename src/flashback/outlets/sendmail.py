"""The transport over a program: ``sendmail -i -f SENDER -- RECIPIENT``, one run for each message.

To such a program the end of its input is what the final dot is to a server, and a sender that dies
ends it as well: half a message would be taken for a whole one. So the program reads from a file
that is complete before it starts, and its start is the point of no return. How it ends is told by
its exit status (sysexits.h); one that was killed, or that lost a server of its own, leaves a doubt.
"""

import datetime as dt
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from flashback.errors import TransportError
from flashback.model import Message, Outcome, Result
from flashback.outlets.turns import TICK, BeforeFinalDot, Outcomes, Wait, in_turn, now
from flashback.sentences import Sentence, tr

_LONGEST_WORDS: Final = 500
#: A shell adds the number of the signal that has ended what it ran.
_KILLED: Final = 128

#: What ends without an entry here was not accepted, and may be tried again.
_RESULTS: Final[Mapping[int, Result]] = {
    os.EX_OK: Result.ACCEPTED,
    os.EX_NOUSER: Result.PERMANENT,
    # The reader's host, or the relay's own name when names cannot be looked up.
    os.EX_NOHOST: Result.TEMPORARY,
    # Programs that are SMTP clients end so when their line breaks, be it after the final dot.
    os.EX_IOERR: Result.UNKNOWN,
    os.EX_PROTOCOL: Result.UNKNOWN,
}
#: About the program and not about any reader; the last two are a shell's.
_OURS: Final = frozenset({os.EX_USAGE, os.EX_NOPERM, os.EX_CONFIG, 126, 127})


class Sendmail:
    """A program that takes mail as sendmail does. Not for two threads at once."""

    def __init__(
        self,
        program: Path,
        *,
        clock: Callable[[], dt.datetime] = now,
        seconds: float = 600.0,
    ) -> None:
        """``seconds``: the patience with one run."""
        self._program = program
        self._clock = clock
        self._seconds = seconds

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Look whether the program is there. Raises TransportError."""
        if not (self._program.is_file() and os.access(self._program, os.X_OK)):
            raise TransportError(
                tr("There is no program {path} that can be run.", path=self._program),
                hint=tr("Check path under [relay]; on most machines it is /usr/sbin/sendmail."),
            )
        yield

    def send(
        self, messages: Iterator[Message | Wait], before_final_dot: BeforeFinalDot
    ) -> Outcomes:
        """Yield outcomes as ``dispatch.ports.Transport.send`` promises.

        A run that goes on when this is closed is killed.
        """
        return in_turn(messages, lambda message: self._hand_over(message, before_final_dot))

    def _hand_over(self, message: Message, before_final_dot: BeforeFinalDot) -> Outcomes:
        with tempfile.TemporaryFile() as content, tempfile.TemporaryFile() as words:
            content.write(message.content.replace(b"\r\n", b"\n"))
            content.seek(0)
            before_final_dot([message.claim])
            try:
                process = self._start(message, content, words)
            except OSError as error:
                yield (self._outcome(message, Result.UNTRIED),)
                raise self._useless(error.strerror or str(error)) from error
            try:
                yield from self._until_it_ends(process)
            finally:
                process.kill()  # does nothing to one that has ended
                process.wait()
            yield from self._told(message, process.returncode, _read(words))

    def _start(
        self, message: Message, content: IO[bytes], words: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        sender = message.envelope.sender or "<>"
        return subprocess.Popen(  # noqa: S603 - no shell, and "--" before what readers chose
            [self._program, "-i", "-f", sender, "--", message.envelope.recipient],
            stdin=content,
            stdout=words,
            stderr=words,
            # Whoever interrupts us does not mean a message that is being taken.
            start_new_session=True,
        )

    def _until_it_ends(self, process: subprocess.Popen[bytes]) -> Outcomes:
        deadline = time.monotonic() + self._seconds
        while time.monotonic() < deadline:
            try:
                process.wait(timeout=min(TICK, self._seconds))
            except subprocess.TimeoutExpired:
                yield ()
            else:
                return

    def _told(self, message: Message, status: int, words: str) -> Outcomes:
        if status in _OURS:
            yield (self._outcome(message, Result.UNTRIED, words),)
            raise self._useless(words or str(status))
        if status < 0 or status > _KILLED:
            detail = tr("the program was killed, or did not end in time")
            yield (self._outcome(message, Result.UNKNOWN, detail),)
            return
        result = _RESULTS.get(status, Result.TEMPORARY)
        if result is Result.ACCEPTED:
            yield (self._outcome(message, result, words),)
            return
        detail = tr("the program ended with status {status}: {words}", status=status, words=words)
        yield (self._outcome(message, result, detail),)

    def _outcome(self, message: Message, result: Result, detail: Sentence | str = "") -> Outcome:
        return Outcome(
            claim=message.claim,
            result=result,
            at=self._clock(),
            host=self._program.name,
            stage="rcpt" if result is Result.PERMANENT else "dot",
            detail=str(detail),
        )

    def _useless(self, reason: str) -> TransportError:
        return TransportError(
            tr("{path} cannot take mail: {reason}.", path=self._program, reason=reason.rstrip(".")),
            hint=tr("No reader was refused. Check path under [relay], then run it again."),
        )


def _read(words: IO[bytes]) -> str:
    """What a program has said, as one line; the end of it, when it said much."""
    words.seek(0, os.SEEK_END)
    words.seek(max(words.tell() - 4 * _LONGEST_WORDS, 0))
    text = " ".join(words.read().decode(errors="replace").split())
    return "".join(c for c in text if c.isprintable())[-_LONGEST_WORDS:]

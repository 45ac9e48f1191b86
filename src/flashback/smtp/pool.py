"""The lines to all relays, and which of them have something to say."""

import selectors
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from flashback.smtp.connection import Connection
from flashback.smtp.opener import Opener
from flashback.smtp.session import Session

if TYPE_CHECKING:
    from flashback.smtp.host import Host

_READ = selectors.EVENT_READ
_BOTH = selectors.EVENT_READ | selectors.EVENT_WRITE


class Pool:
    """Open connections, at work or parting."""

    def __init__(self) -> None:
        self.lines: list[Connection] = []  #: at work
        self._parting: list[Connection] = []
        self._selector = selectors.DefaultSelector()
        self._watched: dict[Connection, int] = {}

    def watch(self, opener: Opener) -> None:
        """Be woken when a connection was opened."""
        self._selector.register(opener, _READ)

    @property
    def is_idle(self) -> bool:
        """Whether no message is on its way."""
        return all(line.is_idle for line in self.lines)

    def add(self, host: "Host", line: Connection) -> None:
        """Count a line in."""
        line.host = host
        host.lines += 1
        self.lines.append(line)
        self._selector.register(line, _READ)
        self._watched[line] = _READ

    def wait(self, seconds: float) -> tuple[Sequence[Connection], bool]:
        """Which lines may be read, and whether a connection was opened."""
        spoken: list[Connection] = []
        is_opened = False
        for key, mask in self._selector.select(max(seconds, 0.0)):
            if isinstance(key.fileobj, Connection):
                if mask & _READ:
                    spoken.append(key.fileobj)
            else:
                is_opened = True
        return spoken, is_opened

    def tend(self, line: Connection, now: float) -> None:
        """Part from a line that has done its work, and watch one that cannot write."""
        if line.is_worn:
            self.retire(line, now)
        wanted = _BOTH if line.wants_to_write else _READ
        if self._watched[line] != wanted:
            self._watched[line] = wanted
            self._selector.modify(line, wanted)

    def retire(self, line: Connection, now: float) -> None:
        """Say goodbye to an idle line; its answer is waited for among the others."""
        if not line.is_idle or line.is_parting:
            return
        line.part(now)
        line.host.lines -= 1
        self.lines.remove(line)
        self._parting.append(line)

    def ended(self, now: float) -> Sequence[Connection]:
        """The lines that have ended, or have kept us waiting for too long."""
        both = [*self.lines, *self._parting]
        for line in both:
            line.check_time(now)
        return [line for line in both if line.is_ended]

    def remove(self, line: Connection) -> Session:
        """Hang up one line; its session knows whom that concerns."""
        self._selector.unregister(line)
        del self._watched[line]
        if line in self._parting:
            self._parting.remove(line)
        else:
            line.host.lines -= 1
            self.lines.remove(line)
        return line.close()

    def part(self, *, seconds: float) -> None:
        """Part politely from all lines that are idle, and hang up the others."""
        until = time.monotonic() + seconds
        for line in [line for line in self.lines if line.is_idle]:
            self.retire(line, time.monotonic())
        while self._parting and time.monotonic() < until:
            for line in self.wait(until - time.monotonic())[0]:
                line.read(time.monotonic())
            for line in [line for line in self._parting if line.is_ended]:
                self.remove(line)
        self.hang_up()
        self._selector.close()

    def hang_up(self) -> None:
        """Close every line as it is: no further octet leaves."""
        for line in [*self.lines, *self._parting]:
            self.remove(line)

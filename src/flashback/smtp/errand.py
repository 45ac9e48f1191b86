"""One ``send``: messages are taken, put on lines, and their outcomes collected.

One thread; a selector wakes it when a server has spoken. Lines come and go underneath: one more as
long as a relay keeps pace, a new one after so many messages or refusals, and when an old one broke.
A message on which a line ended before anything was said of its reader goes again on another, and a
relay that is of no use any more leaves its messages to the others.
"""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Final, Protocol

from flashback.errors import TransportError
from flashback.model import Claim, Message, Outcome, Result
from flashback.smtp.connection import Connection
from flashback.smtp.dialogue import Dialogue
from flashback.smtp.host import Host
from flashback.smtp.judgement import Ending
from flashback.smtp.opener import Opener
from flashback.smtp.pool import Pool

#: Messages by which a relay may be ahead of its share.
_LEAD: Final = 4
#: Seconds after which the caller hears from us, if only to do other work.
_TICK: Final = 0.4

BeforeFinalDot = Callable[[Sequence[Claim]], None]


class Wait(Protocol):
    """No message may leave now; ask again after so many seconds."""

    @property
    def seconds(self) -> float:
        """How long."""
        ...


class Errand:
    """Messages on their way to relays."""

    def __init__(
        self,
        hosts: Sequence[Host],
        messages: Iterator[Message | Wait],
        before_final_dot: BeforeFinalDot,
        pool: Pool,
        opener: Opener,
    ) -> None:
        self._hosts = hosts
        self._messages = messages
        self._before_final_dot = before_final_dot
        self._pool = pool
        self._opener = opener
        self._again: deque[Message] = deque()
        self._outcomes: list[Outcome] = []
        self._is_over = False  #: no more messages come
        self._wait_until = 0.0
        self._error: TransportError | None = None
        self._now = self._told_at = time.monotonic()

    def run(self) -> Generator[Sequence[Outcome], None, None]:
        """Yield outcomes at least twice a second; raise TransportError when no relay is left."""
        while True:
            self._now = time.monotonic()
            self._fill()
            if self._outcomes or self._now - self._told_at >= _TICK:
                told, self._outcomes = self._outcomes, []
                self._told_at = self._now
                yield told
            if self._is_done():
                break
            self._listen()
        self._conclude()
        if self._outcomes:
            yield self._outcomes
        if self._error is not None:
            raise self._error

    def _is_done(self) -> bool:
        if self._error is None and (not self._is_over or self._again):
            return False
        return all(line.is_idle for line in self._pool.lines)

    def _conclude(self) -> None:
        """Nothing is on its way any more: what was held back is told."""
        for host in self._hosts:
            verdict = host.doubts.verdict
            self._outcomes += host.doubts.about_us()
            self._error = self._error or verdict
        if self._error is not None:
            judge = self._hosts[0].judge
            self._outcomes += [judge.untried(message, self._error) for message in self._again]
            self._again.clear()

    # Messages to lines ---------------------------------------------------------------------------

    def _fill(self) -> None:
        """Give every line that is ready a message, as long as there are any."""
        busy = self._error is None
        while busy:
            busy = False
            for line in self._lines():
                host = line.host
                if line.is_ready and host.is_free(self._now):
                    message = self._next(line)
                    if message is None:
                        continue
                    host.gave(self._now)
                    line.submit(message, self._now)
                    busy = True
        leaving = [claim for line in self._pool.lines for claim in line.take_leaving()]
        if leaving:
            # One note for all lines: it is written to a file.
            self._before_final_dot(leaving)
        for line in self._pool.lines:
            line.write(self._now)
        self._pool.sort_out(self._now)
        if self._error is None:
            for host in self._hosts:
                self._open_more(host)

    def _lines(self) -> Sequence[Connection]:
        """All lines; with several relays, those first whose relay has had the least."""
        if len(self._hosts) == 1:
            return self._pool.lines
        least = min((line.host.load for line in self._pool.lines), default=0.0)
        return sorted(
            (
                line
                for line in self._pool.lines
                if line.is_ready and line.host.load < least + _LEAD / line.host.config.weight
            ),
            key=lambda line: line.host.load,
        )[:1]

    def _next(self, line: Connection) -> Message | None:
        """The next message that this line can take."""
        while (message := self._pull()) is not None:
            ending = line.host.judge.unfit(message, line.offered)
            if ending is None:
                return message
            self._end(line.host, ending)
        return None

    def _pull(self) -> Message | None:
        if self._error is not None:
            return None
        if self._again:
            return self._again.popleft()
        if self._is_over or self._now < self._wait_until:
            return None
        found = next(self._messages, None)
        if found is None:
            self._is_over = True
        elif not isinstance(found, Message):
            self._wait_until = self._now + found.seconds
        else:
            return found
        return None

    def _open_more(self, host: Host) -> None:
        """One more line when there is none for the next message, or the relay keeps pace."""
        lines = [line for line in self._pool.lines if line.host is host]
        count = len(lines) + host.pending
        if host.error is not None or count >= host.config.connections:
            return
        if count == 0:
            if self._pool.lines and not host.pause and self._is_over and not self._again:
                return
            if (message := self._pull()) is not None:
                self._again.appendleft(message)
                self._opener.begin(host, after=host.pause)
            return
        # A relay that has taken nothing yet is asked on one line only.
        if count > host.finished or any(line.is_ready for line in lines):
            return
        if not self._again and (message := self._pull()) is not None:
            self._again.append(message)
        if self._again:
            self._opener.begin(host, after=host.pause)

    # What comes back ---------------------------------------------------------------------------

    def _listen(self) -> None:
        until = self._told_at + _TICK - self._now
        if self._now < self._wait_until:
            until = min(until, self._wait_until - self._now)
        for host in self._hosts:
            if wait := host.wait(self._now):
                until = min(until, wait)
        spoken, is_opened = self._pool.wait(until)
        self._now = time.monotonic()
        for line in spoken:
            self._hear(line)
        for line in self._pool.ended(self._now):
            self._bury(line)
        if is_opened:
            for host, opened in self._opener.take():
                self._take_in(host, opened)

    def _take_in(self, host: Host, opened: Dialogue | Exception) -> None:
        if isinstance(opened, Dialogue):
            if (line := host.connection(opened)) is not None:
                self._pool.add(host, line)
            return
        if not isinstance(opened, TransportError):
            raise opened
        has_lines = any(line.host is host for line in self._pool.lines)
        host.could_not_open(opened, has_lines=has_lines)
        self._look_for_others()

    def _hear(self, line: Connection) -> None:
        host, endings = line.host, list[Ending]()
        for told in line.read(self._now):
            is_known = host.is_known or line.has_welcomed
            endings.append(host.judge.of_answer(told, is_known=is_known))
            host.saw(line, endings[-1])
        if line.is_ended:
            self._bury(line, endings)
            return
        left = [ending for ending in endings if ending.again]
        if left:
            # It says "not now" to MAIL, and listens: another line may fare better.
            host.count_break(line, left)
            self._pool.retire(line, self._now)
        for ending in endings:
            self._end(host, ending)

    def _bury(self, line: Connection, told: Sequence[Ending] = ()) -> None:
        """A line has ended: every message on it is judged."""
        host = line.host
        lost = self._pool.remove(line).connection_lost()
        endings = [host.judge.of_loss(one, line.fault) for one in lost]
        cost = [ending for ending in told if ending.outcome.result is not Result.ACCEPTED]
        # Whoever stood behind the first was never the server's business.
        cost += [
            ending
            for ending, one in zip(endings, lost, strict=True)
            if one.is_first or not ending.again
        ]
        if cost or line.submitted == 0:
            host.count_break(line, cost)
        for ending in (*told, *endings):
            self._end(host, ending)
        if host.is_given_up and not (cost and all(ending.again for ending in cost)):
            host.give_up()
        self._look_for_others()

    def _end(self, host: Host, ending: Ending) -> None:
        host.finished += 1
        if ending.again and host.error is None and not host.is_given_up:
            self._again.append(ending.message)
            return
        if ending.blame is not None:
            host.doubts.hold(ending)
            if host.doubts.are_enough:
                host.error = host.error or host.doubts.verdict
                self._look_for_others()
            return
        if ending.error is not None:
            host.error = host.error or ending.error
            if self._are_others_left():
                self._again.append(ending.message)
                return
        self._outcomes.append(ending.outcome)
        if ending.is_welcome:
            self._outcomes += host.doubts.about_readers()
        self._look_for_others()

    def _are_others_left(self) -> bool:
        return any(host.error is None for host in self._hosts)

    def _look_for_others(self) -> None:
        """The errand has failed when the last relay has."""
        if self._error is None and not self._are_others_left():
            self._error = next(host.error for host in self._hosts if host.error is not None)

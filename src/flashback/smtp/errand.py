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
from flashback.smtp import faults
from flashback.smtp.connection import Connection
from flashback.smtp.dialogue import Dialogue
from flashback.smtp.host import Host
from flashback.smtp.judgement import Ending
from flashback.smtp.opener import Opener
from flashback.smtp.pool import Pool

#: Messages by which a relay may be ahead of its share.
_LEAD: Final = 4
#: Seconds of silence after which a relay's share is no longer waited for.
_SLOW: Final = 1.0
#: Seconds after which the caller hears from us, if only to do other work.
_TICK: Final = 0.4
#: Seconds after which deadlines are looked at, however much is being said.
_LOOK: Final = 0.1

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
        self._eager = list(pool.lines)  #: lines that may be ready for a message
        self._stirred: dict[Connection, None] = {}  #: lines on which something has changed
        #: Messages that go once more; at any relay but the one named, when there is another.
        self._again: deque[tuple[Message, Host | None]] = deque()
        self._outcomes: list[Outcome] = []
        self._is_over = False  #: no more messages come
        self._wait_until = 0.0
        self._error: TransportError | None = None
        self._now = self._told_at = self._looked_at = time.monotonic()

    def run(self) -> Generator[Sequence[Outcome], None, None]:
        """Yield outcomes at least twice a second; raise TransportError when no relay is left."""
        self._look_at_clock()
        while True:
            # Before any further dot leaves: whoever is told writes down what is known by now.
            if self._outcomes or self._now - self._told_at >= _TICK:
                told, self._outcomes = self._outcomes, []
                self._told_at = self._now
                yield told
                # The caller may have taken its time; that is not the servers' fault.
                self._look_at_clock()
            self._fill()
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
            if host.is_known and host.error is None and host.doubts.are_losses:
                # It has taken others; at whom it still breaks off, she was meant herself.
                self._outcomes += host.doubts.about_readers()
                continue
            verdict = host.doubts.verdict
            self._outcomes += host.doubts.about_us()
            self._error = self._error or verdict
        if self._error is not None:
            judge = self._hosts[0].judge
            self._outcomes += [judge.untried(message, self._error) for message, _ in self._again]
            self._again.clear()

    # Messages to lines ---------------------------------------------------------------------------

    def _fill(self) -> None:
        """Give every line that is ready a message, as long as there are any, and let them go."""
        if self._error is None:
            self._give()
        stirred, self._stirred = self._stirred, {}
        leaving = [claim for line in stirred for claim in line.take_leaving()]
        if leaving:
            # One note for all lines: it is written to a file.
            self._before_final_dot(leaving)
            self._look_at_clock()
        for line in stirred:
            line.write(self._now)
            self._pool.tend(line, self._now)
            if line.wants_to_write:
                self._stirred[line] = None
        if self._error is None:
            for host in self._hosts:
                self._open_more(host)

    def _give(self) -> None:
        while self._round():
            pass

    def _round(self) -> bool:
        """One message for each that may take one; with several relays, one in all."""
        is_given = False
        for line in self._takers():
            # What one relay cannot take, the next one may.
            if line.host.is_free and (message := self._next(line)) is not None:
                line.host.gave()
                line.submit(message, self._now)
                self._stirred[line] = None
                is_given = True
                if len(self._hosts) > 1:
                    break
        return is_given

    def _takers(self) -> Sequence[Connection]:
        """Lines that may take a message; of several relays, first that which has had the least."""
        self._eager = [line for line in self._eager if line.is_ready]
        free = [line for line in self._eager if line.host.is_free]
        if len(self._hosts) == 1 or not free:
            return free
        least = min(line.host.load for line in self._pool.lines if self._counts(line))
        for host in {line.host for line in self._pool.lines if not self._counts(line)}:
            host.keep_up(least)
        return sorted(
            (line for line in free if line.host.load < least + _LEAD / line.host.config.weight),
            key=lambda line: line.host.load,
        )

    def _counts(self, line: Connection) -> bool:
        """Whether its relay has its share to claim: one that is slow is not waited for."""
        return line.host.is_free and (line.is_ready or not line.is_silent(self._now, since=_SLOW))

    def _next(self, line: Connection) -> Message | None:
        """The next message that this line can take."""
        host = line.host
        while host.error is None and (message := self._pull(host)) is not None:
            ending = host.judge.unfit(message, line.offered)
            if ending is None:
                return message
            if ending.error is None and self._may_take_letters(host):
                self._again.append((message, host))
            else:
                self._end(host, ending)
        return None

    def _may_take_letters(self, host: Host) -> bool:
        """Whether another relay may take what this one does not: an address beyond ASCII."""
        others = (other for other in self._hosts if other is not host and other.error is None)
        return any(other.takes_all_letters is not False for other in others)

    def _pull(self, host: Host) -> Message | None:
        """The next message that may go there."""
        if self._error is not None:
            return None
        for position, (message, elsewhere) in enumerate(self._again):
            if elsewhere is not host or not self._may_take_letters(host):
                del self._again[position]
                return message
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
        count = host.lines + host.pending
        if count >= host.config.connections or not host.is_free:
            return
        if host.lines and self._now < host.asks_again_at:
            return
        if host.pause and host.pending:
            return  # it is in trouble, and one line will tell
        if count and (
            # A relay that has taken nothing yet is asked on one line only.
            count > host.finished or any(line.host is host for line in self._eager)
        ):
            return
        if not count and self._pool.lines and not host.pause and self._is_over and not self._again:
            return
        if (message := self._pull(host)) is not None:
            self._again.appendleft((message, None))
            self._opener.begin(host, after=host.pause)

    # What comes back ---------------------------------------------------------------------------

    def _listen(self) -> None:
        until = self._told_at + _TICK - self._now
        if self._now < self._wait_until:
            until = min(until, self._wait_until - self._now)
        for host in self._hosts:
            if wait := host.wait:
                until = min(until, wait)
        spoken, is_opened = self._pool.wait(until)
        self._look_at_clock()
        for line in spoken:
            self._hear(line)
        if not spoken or self._now - self._looked_at >= _LOOK:
            self._looked_at = self._now
            for line in self._pool.ended(self._now):
                self._bury(line)
        if is_opened:
            for host, opened, begun in self._opener.take():
                self._take_in(host, opened, begun)

    def _look_at_clock(self) -> None:
        self._now = time.monotonic()
        for host in self._hosts:
            host.look_at_clock()

    def _take_in(self, host: Host, opened: Dialogue | Exception, begun: float) -> None:
        if isinstance(opened, Dialogue):
            if (line := host.connection(opened)) is not None:
                self._pool.add(host, line)
                self._eager.append(line)
                return
            # It said more than it was asked, such as a 421 behind its greeting.
            opened = faults.breaks_off(host.config)
        if not isinstance(opened, TransportError):
            raise opened
        host.could_not_open(opened, begun=begun)
        self._look_for_others()

    def _hear(self, line: Connection) -> None:
        host, endings = line.host, list[Ending]()
        for told in line.read(self._now):
            is_known = host.is_known or line.has_welcomed
            is_worn = line.done > 0
            endings.append(host.judge.of_answer(told, is_known=is_known, is_worn=is_worn))
            host.saw(line, endings[-1])
        if line.is_ended:
            self._bury(line, endings)
            return
        self._stirred[line] = None
        if line not in self._eager:
            self._eager.append(line)
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
        self._stirred.pop(line, None)
        lost = self._pool.remove(line).connection_lost()
        endings = [host.judge.of_loss(one, line.fault) for one in lost]
        cost = [ending for ending in told if ending.outcome.result is not Result.ACCEPTED]
        # Whoever stood behind the first was never the server's business.
        cost += [
            ending
            for ending, one in zip(endings, lost, strict=True)
            if one.is_first or not ending.again
        ]
        # A line that had nothing to do may be ended by the server; that is no fault.
        is_idle = host.wait > 0 or self._now < self._wait_until
        if cost or (line.submitted == 0 and not is_idle):
            host.count_break(line, cost)
        for ending in (*told, *endings):
            self._end(host, ending)
        if host.is_given_up and not (cost and all(ending.again for ending in cost)):
            host.give_up()
        self._look_for_others()

    def _end(self, host: Host, ending: Ending) -> None:
        host.finished += 1
        if ending.again and host.error is None and not host.is_given_up:
            self._again.append((ending.message, None))
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
                self._again.append((ending.message, None))
                return
            self._look_for_others()
        self._outcomes.append(ending.outcome)
        if ending.is_welcome and host.doubts:
            self._outcomes += host.doubts.about_readers()

    def _are_others_left(self) -> bool:
        return any(host.error is None for host in self._hosts)

    def _look_for_others(self) -> None:
        """The errand has failed when the last relay has."""
        if self._error is None and not self._are_others_left():
            self._error = next(host.error for host in self._hosts if host.error is not None)

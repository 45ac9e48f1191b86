"""One relay as far as a mailing has come to know it.

How lines to it are opened, how its answers are judged, and whether it is of any use: a relay that
breaks line after line without taking anything is given up, so that a fault of its own cannot put a
whole audience in doubt.
"""

import datetime as dt
import ssl
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final, Protocol

from flashback.config import RelayConfig
from flashback.errors import RelayUnreachableError, TransportError
from flashback.model import Result
from flashback.smtp import faults, trust
from flashback.smtp.channel import BrokenLineError
from flashback.smtp.commands import Commands
from flashback.smtp.connection import Connection
from flashback.smtp.dialogue import Dialogue
from flashback.smtp.doubt import Doubts
from flashback.smtp.judgement import Ending, Judge
from flashback.smtp.login import Tokens
from flashback.smtp.opening import open_dialogue
from flashback.smtp.session import Session

#: Lines broken, or connections failed, in a row without a word about any reader.
_PATIENCE: Final = 3
#: Seconds before a relay is asked for one more line than it has given, doubled each time.
_SELDOM: Final = 5.0
_MOST_SELDOM: Final = 300.0
#: Seconds before a new connection, by how many have broken in a row.
_PAUSES: Final = (0.0, 1.0, 5.0)


class Gate(Protocol):
    """What limits how much one relay gets; of several senders together, where it is shared."""

    def wait(self, now: dt.datetime) -> float:
        """Seconds until a message may leave; 0.0: now. Never raises."""
        ...

    def spend(self, now: dt.datetime) -> None:
        """One message leaves; ``wait`` has just said 0.0."""
        ...


class Host:
    """A relay and what has happened with it."""

    def __init__(
        self,
        config: RelayConfig,
        password: Callable[[], str] | None,
        clock: Callable[[], dt.datetime],
        ca_file: Path | None,
        *,
        tokens: Tokens | None = None,
        gate: Gate | None = None,
    ) -> None:
        self.config = config
        self.judge = Judge(config, clock())
        self.doubts = Doubts()
        self.lines = 0  #: at work
        self.pending = 0  #: lines that are being opened
        self.finished = 0  #: messages that ended here, since it was opened
        self.error: TransportError | None = None  #: why it is of no use any more
        self._clock = clock
        self._password = password
        self._ca_file = ca_file
        self._tokens = tokens
        self._submitted = 0
        self._gate = gate  #: None: as much as it takes
        self.asks_again_at = 0.0  #: for one more line than it has given
        self.takes_all_letters: bool | None = None  #: SMTPUTF8; None: not known yet
        self._denials = 0
        self._broken = 0  #: lines and connections in a row
        self._broken_at = 0.0  #: when the last of them was counted
        self._has_taken = False
        self._takes_chunks = config.chunking  #: as far as we have seen
        self._takes_groups = config.pipelining

    def open(self) -> Dialogue:
        """Open a line, blocking. Raises TransportError."""
        return open_dialogue(
            self.config, context=self._context, password=self._password, tokens=self._tokens
        )

    def begin(self) -> None:
        """Forget what went wrong before: a new try."""
        self.error, self._broken, self.finished, self.pending, self.lines = None, 0, 0, 0, 0
        self.doubts, self.asks_again_at, self._denials = Doubts(), 0.0, 0

    def connection(self, dialogue: Dialogue) -> Connection | None:
        """The line that was opened; None when the server has already said too much."""
        try:
            socket = dialogue.handed_over()
        except BrokenLineError:
            dialogue.close()
            return None
        offered, config = dialogue.capabilities, self.config
        self.takes_all_letters = offered.smtputf8
        pipelining = self._takes_groups and offered.pipelining
        session = Session(
            Commands(
                offered=offered,
                delivery_reports=config.delivery_reports,
                require_tls=config.require_tls,
            ),
            pipelining=pipelining,
            ahead=config.ahead if self._takes_chunks and pipelining and offered.chunking else 0,
        )
        return Connection(socket, session, offered, config, time.monotonic())

    def look_at_clock(self) -> None:
        """What is judged from now on has happened now."""
        self.judge = Judge(self.config, self._clock())

    # How much it gets -------------------------------------------------------------------------

    @property
    def load(self) -> float:
        """Messages given to it, by its weight: the smallest is next."""
        return self._submitted / self.config.weight

    @property
    def is_free(self) -> bool:
        """Whether its pace lets one more message go."""
        return self.error is None and (self._gate is None or not self.wait)

    @property
    def wait(self) -> float:
        """Seconds until its pace lets one more message go."""
        return self._gate.wait(self.judge.at) if self._gate is not None else 0.0

    def gave(self) -> None:
        """Count a message that was given to it."""
        self._submitted += 1
        if self._gate is not None:
            self._gate.spend(self.judge.at)

    # What is learnt ---------------------------------------------------------------------------

    @property
    def is_known(self) -> bool:
        """Whether it has taken a recipient from us."""
        return self._has_taken

    @property
    def is_given_up(self) -> bool:
        """Whether so many lines have broken in a row that there is no use."""
        return self._broken >= _PATIENCE

    @property
    def pause(self) -> float:
        """Seconds before the next line is opened."""
        return _PAUSES[min(self._broken, len(_PAUSES) - 1)]

    def saw(self, line: Connection, ending: Ending) -> None:
        """Learn from how a message ended."""
        line.refusals = 0 if ending.outcome.result is Result.ACCEPTED else line.refusals + 1
        self._has_taken |= ending.is_welcome
        if not ending.again:
            line.done += 1
            if not line.is_ended:
                self._broken = 0

    def count_break(self, line: Connection, endings: Sequence[Ending]) -> None:
        """A line broke, or was left for what the relay said; ``endings`` are what it cost."""
        if line.is_misled:
            # An offer may be a lie of a box in between: from now on it is spoken to more slowly.
            self._takes_groups = self._takes_groups and self._takes_chunks
            self._takes_chunks = False
        is_worn = line.done > 0 and all(ending.again for ending in endings)
        # Lines that were open together break together, and that is one event.
        if not is_worn and line.opened_at >= self._broken_at:
            self._broken += 1
            self._broken_at = time.monotonic()

    def give_up(self) -> None:
        """It breaks off one message after the other."""
        self.error = self.error or faults.breaks_off(self.config)

    def could_not_open(self, error: TransportError, *, begun: float) -> None:
        """Learn from a line that could not be opened; ``begun``: when that was tried."""
        now = time.monotonic()
        if self.lines:
            # It allows no more lines than it has given: it is asked again ever more seldom, or
            # never when it was the login that failed.
            is_away = isinstance(error, RelayUnreachableError)
            self._denials += 1
            wait = min(_SELDOM * 2**self._denials, _MOST_SELDOM) if is_away else float("inf")
            self.asks_again_at = now + wait
            return
        if isinstance(error, RelayUnreachableError):
            # Lines that are opened together fail together, and that is one event.
            if begun >= self._broken_at:
                self._broken += 1
                self._broken_at = now
            if not self.is_given_up:
                return
        self.error = error

    def keep_up(self, load: float) -> None:
        """While it was slow others had more; it is not made up for at their cost."""
        self._submitted = max(self._submitted, int(load * self.config.weight))

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return trust.context(self._ca_file)

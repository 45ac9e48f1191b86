"""A relay and a clock in memory."""

import datetime as dt
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from flashback.dispatch.ports import BeforeFinalDot, Wait
from flashback.model import (
    Message,
    Outcome,
    Reply,
    Result,
)


@dataclass
class FrozenClock:
    """A clock that moves only when told."""

    at: dt.datetime = dt.datetime(2011, 9, 2, 9, 0, tzinfo=dt.UTC)

    def now(self) -> dt.datetime:
        """The time it was set to."""
        return self.at

    def forward(self, by: dt.timedelta) -> None:
        """Let time pass."""
        self.at += by


@dataclass
class MemoryTransport:
    """A relay in memory. ``script`` answers for a message; accepted messages are kept."""

    clock: FrozenClock = field(default_factory=FrozenClock)
    script: Callable[[Message], Result | Exception] = lambda _message: Result.ACCEPTED
    accepted: list[Message] = field(default_factory=list)
    is_connected: bool = False

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Connect and part."""
        self.is_connected = True
        try:
            yield
        finally:
            self.is_connected = False

    def send(
        self, messages: Iterator[Message | Wait], before_final_dot: BeforeFinalDot
    ) -> Generator[Sequence[Outcome], None, None]:
        """Answer as scripted, one message after the other; a wait lets time pass."""
        assert self.is_connected
        for message in messages:
            if isinstance(message, Wait):
                yield ()
                self.clock.forward(dt.timedelta(seconds=message.seconds))
                continue
            answer = self.script(message)
            if isinstance(answer, Exception):
                raise answer
            yield (self._outcome(message, answer, before_final_dot),)

    def _outcome(self, message: Message, result: Result, note: BeforeFinalDot) -> Outcome:
        outcome = Outcome(claim=message.claim, result=result, at=self.clock.now(), host="memory")
        match result:
            case Result.ACCEPTED | Result.UNKNOWN:
                note([message.claim])
                self.accepted.append(message)
                reply = (
                    Reply(code=250, enhanced="2.0.0", lines=("Ok",))
                    if result is Result.ACCEPTED
                    else None
                )
                return replace(outcome, stage="dot", reply=reply)
            case Result.PERMANENT:
                return replace(
                    outcome,
                    stage="rcpt",
                    reply=Reply(code=550, enhanced="5.1.1", lines=("No such user",)),
                )
            case Result.TEMPORARY:
                return replace(
                    outcome,
                    stage="rcpt",
                    reply=Reply(code=450, enhanced="4.2.0", lines=("Greylisted",)),
                )
            case Result.UNTRIED:
                return outcome

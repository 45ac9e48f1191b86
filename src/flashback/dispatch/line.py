"""The line: the parts that the loop works with, handed over by the workspace."""

import datetime as dt
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from flashback.dispatch.breaker import BreakerRule
from flashback.dispatch.pace import Pace
from flashback.dispatch.ports import Clock, Ledger, Transport
from flashback.dispatch.retry import RetryPolicy
from flashback.dispatch.verdict import IsDeadAddress
from flashback.errors import StoreError
from flashback.model import Claim, Message, Settlement
from flashback.sentences import Sentence

_Answer = TypeVar("_Answer")

#: Seconds to wait before the store is asked once more.
PATIENCE: Final = (0.5, 2.0, 8.0)


def _never() -> bool:
    return False


def _nobody(_settlements: Sequence[Settlement]) -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class Line:
    """All that a mailing needs to leave."""

    ledger: Ledger
    transport: Transport
    build: Callable[[Claim], Message]
    clock: Clock
    owner: str  #: names this process in claims
    is_dead_address: IsDeadAddress
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    pace: Pace | None = None  #: None: as fast as the relay takes them
    breaker: BreakerRule = field(default_factory=BreakerRule)
    window: int = 500  #: deliveries claimed at a time
    batch: int = 500  #: outcomes settled at a time, or every half second
    patience: dt.timedelta = dt.timedelta()  #: how long deferred deliveries are waited for
    stop: Callable[[], bool] = _never  #: asked before each message
    tell: Callable[[Sequence[Settlement]], None] = _nobody  #: told of outcomes that are durable
    word: Callable[[Sentence], str] = str  #: puts why a mailing was paused in words for staff
    pause: Callable[[float], None] = time.sleep  #: waits so many seconds
    seconds: Callable[[], float] = time.monotonic  #: a clock that nobody sets

    def steadily(
        self, ask: Callable[[], _Answer], *, patience: Sequence[float] = PATIENCE
    ) -> _Answer:
        """What the store answers; one that stumbles is given some seconds to come back.

        Raises StoreError when it does not.
        """
        for wait in patience:
            try:
                return ask()
            except StoreError:
                self.pause(wait)
        return ask()

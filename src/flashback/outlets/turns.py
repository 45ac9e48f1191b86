"""One message after the other, and never a silence of more than half a second."""

import datetime as dt
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Final, Protocol

from flashback.errors import FlashbackError, TransportError
from flashback.model import Claim, Message, Outcome

#: Seconds after which the caller hears from us, if only to do other work.
TICK: Final = 0.4

BeforeFinalDot = Callable[[Sequence[Claim]], None]
Outcomes = Generator[Sequence[Outcome], None, None]


class Wait(Protocol):
    """No message may leave now; ask again after so many seconds."""

    @property
    def seconds(self) -> float:
        """How long."""
        ...


def now() -> dt.datetime:
    """The machine's own time, in UTC."""
    return dt.datetime.now(dt.UTC)


def in_turn(
    messages: Iterator[Message | Wait], hand_over: Callable[[Message], Outcomes]
) -> Outcomes:
    """What comes of each message, as ``hand_over`` yields it; a wait is waited for."""
    for item in messages:
        if isinstance(item, Message):
            yield from hand_over(item)
        else:
            yield from waiting(item.seconds)


def waiting(seconds: float) -> Outcomes:
    """Nothing, over and over, until the time is up."""
    ends = time.monotonic() + seconds
    yield ()
    while (left := ends - time.monotonic()) > 0:
        time.sleep(min(left, TICK))
        yield ()


def stopping(error: FlashbackError) -> TransportError:
    """An error that every other message would meet as well."""
    return TransportError(error.sentence, hint=error.hint)

"""One limit a minute: tokens are drawn from the store by the handful and spent here.

The store's bucket is shared by all senders. A minute that has been spent here is remembered here,
so that this sender alone never passes the limit in any minute, wherever that minute begins.
"""

import datetime as dt
from collections import deque
from typing import Final, Protocol

from flashback.dispatch.limits import Limits
from flashback.model import Grant

_MINUTE: Final = dt.timedelta(minutes=1)
#: A handful is what may leave in so many seconds: the store is asked seldom, and little is left
#: lying about when a sender ends.
_HANDFUL_SECONDS: Final = 10.0
#: The store is not asked more often than this, unless a token takes less long and is all there is.
_PAUSE: Final = dt.timedelta(seconds=0.5)
#: A day's allowance does not grow again. Buckets that gain nothing at all would divide by zero.
_HARDLY: Final = 1e-6
#: A sender that ends leaves at most so small a part of a day's allowance unused.
_HANDFULS_A_DAY: Final = 20


class Draw(Protocol):
    """``Ledger.draw``."""

    def __call__(
        self, key: str, *, per_minute: float, burst: int, wanted: int, now: dt.datetime
    ) -> Grant:
        """Take up to ``wanted`` tokens; a negative number gives some back."""
        ...


class Bucket:
    """What may leave under one key, at most ``per_minute``."""

    def __init__(self, key: str, per_minute: float, draw: Draw) -> None:
        self._key = key
        self._per_minute = per_minute
        self._draw = draw
        self._most = max(1, int(per_minute))
        self._spacing = _MINUTE / per_minute
        self._handful = max(1, int(per_minute * _HANDFUL_SECONDS / 60))
        self._stock = 0
        self._spent: deque[dt.datetime] = deque()  #: within the last minute
        self._ask_at: dt.datetime | None = None  #: None: at once
        self._asked_at: dt.datetime | None = None
        self._booked: dt.datetime | None = None  #: the last turn that was given out

    def wait(self, now: dt.datetime) -> float:
        """Seconds until a message may leave; 0.0: now."""
        if self._asked_at is not None and now < self._asked_at:
            # The clock was set back: what was noted lies in its future.
            self._ask_at, self._booked = None, None
            self._spent = deque(now for _ in self._spent)
        while self._spent and self._spent[0] <= now - _MINUTE:
            self._spent.popleft()
        if len(self._spent) >= self._most:
            return (self._spent[0] + _MINUTE - now).total_seconds()
        if self._stock == 0:
            self._refill(now)
        if self._stock == 0:
            assert self._ask_at is not None
            return max((self._ask_at - now).total_seconds(), 0.001)
        return 0.0

    def spend(self, now: dt.datetime) -> None:
        """One message leaves; ``wait`` has just said 0.0."""
        self._stock -= 1
        self._spent.append(now)

    def turn(self, now: dt.datetime, ahead: int) -> dt.datetime:
        """When a message may come back that finds so many ahead of it here.

        One message's time later than the last one told. Half of those ahead are still there then,
        so that the line never runs dry in between.
        """
        first = now + self._spacing * (ahead / 2)
        booked = self._booked + self._spacing if self._booked is not None else first
        self._booked = max(first, booked)
        return self._booked

    def _refill(self, now: dt.datetime) -> None:
        if self._ask_at is not None and now < self._ask_at:
            return
        grant = self._draw(
            self._key,
            per_minute=self._per_minute,
            burst=self._handful,
            wanted=self._handful,
            now=now,
        )
        self._stock = grant.tokens
        self._asked_at = now
        pause = min(_PAUSE, self._spacing * self._handful)
        self._ask_at = now + (pause if grant.tokens else max(grant.wait, pause))


class Allowance:
    """What may leave on one day, while a sender is new to the world."""

    def __init__(self, limits: Limits, draw: Draw) -> None:
        self._limits = limits
        self._draw = draw
        self._day: dt.date | None = None
        self._most: int | None = None
        self._stock = 0
        self._is_spent = False

    def is_spent(self, now: dt.datetime) -> bool:
        """Whether today's was found to be spent; the store is not asked."""
        return self._is_spent and self._day == self._today(now)

    def wait(self, now: dt.datetime) -> float:
        """Seconds until a message may leave: 0.0, or until tomorrow."""
        today = self._today(now)
        if today != self._day:
            self._day, self._stock, self._is_spent = today, 0, False
            self._most = self._limits.on(today)
        if self._most is None:
            return 0.0
        if self._stock == 0 and not self._is_spent:
            self._stock = self._draw(
                f"day:{today.isoformat()}",
                per_minute=_HARDLY,
                burst=self._most,
                wanted=max(1, self._most // _HANDFULS_A_DAY),
                now=now,
            ).tokens
            self._is_spent = self._stock == 0
        return (self._limits.next_day(now) - now).total_seconds() if self._is_spent else 0.0

    def spend(self) -> None:
        """One message leaves; ``wait`` has just said 0.0."""
        if self._most is not None:
            self._stock -= 1

    def give_back(self, now: dt.datetime) -> None:
        """Nothing more leaves here: what was drawn for today and not spent is others'."""
        if self._stock and self._most is not None and self._day == self._today(now):
            self._draw(
                f"day:{self._day.isoformat()}",
                per_minute=_HARDLY,
                burst=self._most,
                wanted=-self._stock,
                now=now,
            )
        self._stock = 0

    def _today(self, now: dt.datetime) -> dt.date:
        return now.astimezone(self._limits.zone).date()

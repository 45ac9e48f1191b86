"""The supply of messages: claims a window when it runs dry, asks the pace, builds one at a time.

It is pulled by the transport, from inside ``send``. So it never raises there, which would leave
messages past the dot without their replies: an error ends the supply, and is kept in ``error``.
"""

import datetime as dt
from collections import deque
from collections.abc import Iterator
from typing import Final

from flashback.dispatch.hand import Hand
from flashback.dispatch.line import Line
from flashback.dispatch.pace import Pace
from flashback.dispatch.ports import Wait
from flashback.model import Claim, DeliveryState, Message, Outcome, Result, Settlement

#: Windows that may wait for a token of their domain while others go first.
_WINDOWS_ASIDE: Final = 2
#: Seconds after which the transport asks again, at the latest.
_TICK: Final = 0.5
#: Seconds after which it asks again when others may go at once.
_AT_ONCE: Final = 0.001
#: For so long the relay is kept waiting with us, when the next delivery is due soon.
_SOON: Final = dt.timedelta(minutes=1)


class Supply:
    """The deliveries of one mailing, as messages, in an order that suits the limits."""

    def __init__(
        self, line: Line, pace: Pace, hand: Hand, mailing_id: int, *, limit: int | None
    ) -> None:
        self.error: Exception | None = None  #: why it ended before its time
        self.is_stopped = False  #: set from outside: no further message is taken
        self._line = line
        self._pace = pace
        self._hand = hand
        self._mailing_id = mailing_id
        self._left = limit  #: deliveries that may still be tried
        self._queue: deque[Claim] = deque()
        self._aside: dict[str, deque[Claim]] = {}  #: waiting for a token, by domain
        self._aside_count = 0
        self._claim_at = 0.0  #: when the store, found empty, is asked again

    @property
    def is_over(self) -> bool:
        """Whether no further message is to be taken in this run."""
        if not self.is_stopped and self._line.stop():
            self.is_stopped = True
        return self.is_stopped or self.error is not None or self._left == 0

    def messages(self) -> Iterator[Message | Wait]:
        """What may leave now, one after the other, until nothing is planned or due."""
        line = self._line
        try:
            while not self.is_over:
                found = self._next()
                if found is None:
                    return
                if isinstance(found, Wait):
                    yield found
                    continue
                if self._left is not None:
                    self._left -= 1
                yield line.build(found)
        except Exception as error:  # noqa: BLE001 - the loop raises it, once the transport is done
            self.error = error

    def refill(self) -> bool:
        """Claim a window; whether there is something to send now."""
        size = self._line.window
        if self._left is not None:
            size = min(size, self._left - self._aside_count)
        now = self._line.clock.now()
        if size <= 0 or self._pace.closed_until(now) is not None:
            return False
        claims = self._line.steadily(
            lambda: self._line.ledger.claim(
                self._mailing_id, owner=self._line.owner, limit=size, now=now
            )
        )
        self._hand.take(claims)
        self._queue.extend(claims)
        self._claim_at = 0.0 if claims else self._line.seconds() + _TICK
        return bool(claims)

    def forget(self) -> None:
        """Everything in hand was given back."""
        self._queue.clear()
        self._aside.clear()
        self._aside_count = 0

    def untried(self) -> None:
        """A message that was taken came back untried: it does not count against the limit."""
        if self._left is not None:
            self._left += 1

    def _next(self) -> Claim | Wait | None:
        if self._pace.is_free and not self._aside:
            if self._queue or self._refill_in_time():
                return self._queue.popleft()
            return self._later()
        return self._next_in_pace()

    def _next_in_pace(self) -> Claim | Wait | None:
        now = self._line.clock.now()
        if self._pace.closed_until(now) is not None:
            return None
        seconds = self._line.steadily(lambda: self._pace.wait(now))
        if seconds:
            closed = self._pace.closed_until(now) is not None
            return None if closed else Wait(min(seconds, _TICK))
        claim = self._from_aside(now)
        if claim is None and (self._queue or self._refill_in_time()):
            claim = self._from_queue(now)
            if claim is None:
                # A whole window may have to wait: the transport has other work meanwhile.
                return Wait(_AT_ONCE)
        if claim is None:
            return self._later()
        self._pace.spend(claim.address.domain, now)
        return claim

    def _refill_in_time(self) -> bool:
        return self._line.seconds() >= self._claim_at and self.refill()

    def _from_aside(self, now: dt.datetime) -> Claim | None:
        for domain, claims in list(self._aside.items()):
            while claims and (until := self._pace.held_until(claims[0], now)) is not None:
                self._aside_count -= 1
                self._put_off(claims.popleft(), until, now)
            if claims and not self._wait_for(domain, now):
                self._aside_count -= 1
                claim = claims.popleft()
                if not claims:
                    del self._aside[domain]
                return claim
            if not claims:
                del self._aside[domain]
        return None

    def _from_queue(self, now: dt.datetime) -> Claim | None:
        """The first claim of the window that may leave now; those before it are put aside."""
        while self._queue:
            claim = self._queue.popleft()
            domain = claim.address.domain
            until = self._pace.held_until(claim, now)
            if until is not None:
                self._put_off(claim, until, now)
            elif not self._wait_for(domain, now):
                return claim
            elif self._aside_count < _WINDOWS_ASIDE * self._line.window:
                self._aside.setdefault(domain, deque()).append(claim)
                self._aside_count += 1
            else:
                ahead = len(self._aside.get(domain, ()))
                self._put_off(claim, self._pace.turn_of(domain, now, ahead=ahead), now)
        return None

    def _wait_for(self, domain: str, now: dt.datetime) -> float:
        return self._line.steadily(lambda: self._pace.wait_for(domain, now))

    def _put_off(self, claim: Claim, until: dt.datetime, now: dt.datetime) -> None:
        """Give a claim back for later, as never tried."""
        outcome = Outcome(
            claim=claim,
            result=Result.UNTRIED,
            at=now,
            detail=f"{claim.address.domain} takes no more for now",
        )
        self._hand.put_off(Settlement(outcome=outcome, state=DeliveryState.DEFERRED, due_at=until))

    def _later(self) -> Wait | None:
        """How long to wait for those aside, or for what is due soon; None: nothing is left."""
        now = self._line.clock.now()
        if self._aside:
            seconds = min(self._wait_for(domain, now) for domain in self._aside)
            return Wait(min(max(seconds, _AT_ONCE), _TICK))
        patience = min(self._line.patience, _SOON)
        if not patience:
            return None
        due = self._line.steadily(lambda: self._line.ledger.next_due(self._mailing_id))
        return Wait(_TICK) if due is not None and due - now <= patience else None

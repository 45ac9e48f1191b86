"""The loop: claim, build, send, decide, settle, until nothing is planned or due.

What must be durable, and when, is the ledger's promise; this loop only keeps the order: a claim
before any octet, a note before the final dot, an outcome remembered as soon as it is known and
settled soon after, and nobody told before. It ends tidily on ``stop``, when staff pause the mailing
and when the breaker does: what is on its way is settled, the rest is given back.
"""

import contextlib
import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from flashback.dispatch.breaker import Breaker
from flashback.dispatch.hand import Hand
from flashback.dispatch.limits import Limits
from flashback.dispatch.line import Line
from flashback.dispatch.pace import Pace
from flashback.dispatch.supply import Supply
from flashback.dispatch.verdict import decide
from flashback.errors import StoreError
from flashback.model import Account, DeliveryState, MailingState, Outcome, Result, Settlement
from flashback.sentences import Sentence

__all__ = ["Line", "dispatch"]

#: Seconds between two beats, and the longest sleep.
_BEAT: Final = 0.5
#: The longest wait without asking the store, should somebody have planned anything meanwhile.
_NAP: Final = dt.timedelta(minutes=1)
#: A delivery that comes back untried so often in one run waits like one that was deferred.
_UNTRIED_MOST: Final = 3


def dispatch(line: Line, mailing_id: int, *, limit: int | None = None) -> Account:
    """Send what is planned or due of a mailing, at most ``limit`` deliveries; answer the account.

    The relay is only called when there is something to send. The mailing's state tells whether
    staff or the breaker paused it meanwhile; ``Pace.closed_until`` whether the hour ended the run.
    Raises TransportError when the relay cannot be used (any more), StoreError when the ledger
    cannot be written, and what ``line.build`` raises; what did not leave has been given back, as
    far as the store still allows.
    """
    run = _Run(line, mailing_id, limit)
    while run.has_something_to_send():
        run.send()
    return run.account()


class _Run:
    """One mailing, from the first claim to the last settlement."""

    def __init__(self, line: Line, mailing_id: int, limit: int | None) -> None:
        self._line = line
        self._mailing_id = mailing_id
        self._pace = line.pace or Pace(Limits(), line.ledger.draw)
        self._breaker = Breaker(line.breaker)
        self._hand = Hand(line)
        self._supply = Supply(line, self._pace, self._hand, mailing_id, limit=limit)
        self._untried: Counter[int] = Counter()
        self._reason: Sentence | None = None  #: why the breaker stops the mailing
        self._is_paused = False  #: by the breaker
        self._trouble: StoreError | None = None  #: why the store can be used no more
        self._beaten_at = line.seconds()

    def has_something_to_send(self) -> bool:
        """Whether a window was claimed; deferred deliveries are waited for within patience."""
        while not self._supply.is_over:
            if self._supply.refill():
                return True
            now = self._line.clock.now()
            until = self._next_chance(now)
            if until is None or until - now > self._line.patience:
                return False
            self._sleep(min(until, now + _NAP))
        return False

    def send(self) -> None:
        """Send until the supply ends; then every claim has its answer, whatever is raised."""
        line, hand, supply = self._line, self._hand, self._supply
        # Twice: what is known is settled before the relay is parted from, and also when it cannot
        # be connected. The generator is closed first: no dot leaves behind the ledger's back.
        with (
            self._giving_back(),
            line.transport.connected(),
            self._giving_back(),
            contextlib.closing(line.transport.send(supply.messages(), hand.note)) as heard,
        ):
            for outcomes in heard:
                if outcomes:
                    self._hear(outcomes)
                self._keep_step()
            if self._trouble is not None:
                raise self._trouble
            hand.give_back()
            supply.forget()
        if supply.error is not None:
            raise supply.error

    def account(self) -> Account:
        """The counts; an open mailing of which nothing is open is finished."""
        ledger = self._line.ledger
        account = ledger.account(self._mailing_id)
        if account.open == 0 and ledger.mailing(self._mailing_id).state is MailingState.OPEN:
            ledger.finish(self._mailing_id, self._line.clock.now())
        return account

    @contextlib.contextmanager
    def _giving_back(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            # When the store itself has failed, recovery does this work.
            with contextlib.suppress(StoreError):
                self._hand.give_back(patience=())
            raise

    def _hear(self, outcomes: Sequence[Outcome]) -> None:
        self._hand.put([self._judged(outcome) for outcome in outcomes])
        if self._reason is not None and not self._is_paused:
            self._is_paused = self._supply.is_stopped = True
            self._hand.settle()
            reason = self._line.word(self._reason)
            self._line.steadily(
                lambda: self._line.ledger.pause(
                    self._mailing_id, reason=reason, now=self._line.clock.now()
                )
            )

    def _judged(self, outcome: Outcome) -> Settlement:
        settlement = decide(outcome, self._line.policy, self._line.is_dead_address)
        is_echo = False
        match outcome.result:
            case Result.ACCEPTED:
                if self._pace.holds:
                    self._pace.holds.hear_acceptance(outcome)
            case Result.UNTRIED:
                settlement = self._again(settlement)
            case _:
                is_echo = self._pace.holds.hear_refusal(outcome)
        # One slow domain is no reason to stop; many are.
        if not is_echo:
            self._reason = self._breaker.count(settlement) or self._reason
        return settlement

    def _again(self, settlement: Settlement) -> Settlement:
        """What is untried is planned again, but not without end."""
        self._supply.untried()
        delivery = settlement.outcome.claim.delivery_id
        self._untried[delivery] += 1
        if self._untried[delivery] < _UNTRIED_MOST:
            return settlement
        due_at = settlement.outcome.at + self._line.policy.first_wait
        return replace(settlement, state=DeliveryState.DEFERRED, due_at=due_at)

    def _keep_step(self) -> None:
        """Settle, and show that we live.

        When the store stays away, nothing more is taken; what is past its dot is still waited for,
        and remembered: a reply that came is no doubt.
        """
        if self._trouble is not None:
            return
        try:
            self._hand.settle_in_time()
            self._beat()
        except StoreError as error:
            self._trouble, self._supply.is_stopped = error, True

    def _beat(self) -> None:
        """Show that we live, and hear whether staff have paused the mailing."""
        now = self._line.seconds()
        if now - self._beaten_at < _BEAT:
            return
        self._beaten_at = now
        state = self._line.steadily(
            lambda: self._line.ledger.beat(
                self._mailing_id, owner=self._line.owner, now=self._line.clock.now()
            )
        )
        if state is not MailingState.OPEN:
            self._supply.is_stopped = True

    def _next_chance(self, now: dt.datetime) -> dt.datetime | None:
        """When there may be something to send; None: never."""
        if not self._line.patience:
            return None
        closed = self._pace.closed_until(now)
        if closed is not None:
            return closed if self._line.ledger.account(self._mailing_id).open else None
        due = self._line.steadily(lambda: self._line.ledger.next_due(self._mailing_id))
        return None if due is None else max(due, now + dt.timedelta(seconds=_BEAT))

    def _sleep(self, until: dt.datetime) -> None:
        while not self._supply.is_over:
            left = (until - self._line.clock.now()).total_seconds()
            if left <= 0:
                return
            self._line.pause(min(left, _BEAT))
            self._beat()

"""The loop: claim a window, build, send, settle, until nothing is planned or due.

What must be durable, and when, is the ledger's promise; this loop only keeps the order: a claim
before any octet, a note before the final dot, an outcome before the next message. It ends tidily
on ``stop``: what is past the dot is settled, the rest of the window is given back.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from flashback.dispatch.ports import Clock, Ledger, Transport
from flashback.dispatch.retry import RetryPolicy
from flashback.dispatch.verdict import IsDeadAddress, decide
from flashback.errors import StoreError
from flashback.model import Account, Claim, Message, Outcome, Result, Settlement

#: Seconds to wait before an outcome is written once more.
_PATIENCE: Final = (0.5, 2.0, 8.0)


def _never() -> bool:
    return False


def _nobody(_settlement: Settlement) -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class Line:
    """The parts of the line, handed over by the workspace."""

    ledger: Ledger
    transport: Transport
    build: Callable[[Claim], Message]
    clock: Clock
    owner: str  #: names this process in claims
    is_dead_address: IsDeadAddress
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    window: int = 100  #: deliveries claimed at a time
    stop: Callable[[], bool] = _never  #: asked before each message
    tell: Callable[[Settlement], None] = _nobody  #: told of each outcome once it is durable
    pause: Callable[[float], None] = time.sleep  #: waits so many seconds


def dispatch(line: Line, mailing_id: int, *, limit: int | None = None) -> Account:
    """Send what is planned or due of a mailing, at most ``limit`` deliveries; answer the account.

    The relay is only called when there is something to send. Raises TransportError when it cannot
    be used (any more) and StoreError when the ledger cannot be written; in both cases what did
    not leave has been given back, as far as the store still allows.
    """
    left = limit
    claims = _claim(line, mailing_id, left)
    if claims:
        with _connected(line, claims):
            while claims:
                _send(line, claims)
                left = None if left is None else left - len(claims)
                claims = _claim(line, mailing_id, left)
    account = line.ledger.account(mailing_id)
    if account.open == 0:
        line.ledger.finish(mailing_id, line.clock.now())
    return account


def _claim(line: Line, mailing_id: int, left: int | None) -> Sequence[Claim]:
    if left == 0 or line.stop():
        return ()
    size = line.window if left is None else min(line.window, left)
    return line.ledger.claim(mailing_id, owner=line.owner, limit=size, now=line.clock.now())


@contextlib.contextmanager
def _connected(line: Line, claims: Sequence[Claim]) -> Iterator[None]:
    """Hold the line to the relay; a relay that does not answer costs nobody a try."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(line.transport.connected())
        except BaseException:
            line.ledger.release(claims)
            raise
        yield


@dataclass(slots=True)
class _Window:
    """What is not yet durable of the window in hand."""

    waiting: dict[int, Claim]  #: claims without an outcome, by delivery
    past_dot: Claim | None = None  #: its final dot may have left, and no reply has come
    unsettled: Settlement | None = None  #: its outcome is known, and not yet written


def _send(line: Line, claims: Sequence[Claim]) -> None:
    """Send one window. On return or raise, no claim of it is left without an answer."""
    window = _Window({claim.delivery_id: claim for claim in claims})

    def before_final_dot(claim: Claim) -> None:
        line.ledger.before_final_dot(claim, now=line.clock.now())
        window.past_dot = claim

    try:
        # Closed on every way out: no dot leaves once an outcome cannot be written down.
        with contextlib.closing(
            line.transport.send(_messages(line, claims), before_final_dot)
        ) as outcomes:
            for outcome in outcomes:
                window.unsettled = decide(outcome, line.policy, line.is_dead_address)
                _settle(line, window)
    finally:
        # When the store itself has failed, recovery at the next start does this work.
        with contextlib.suppress(StoreError):
            _give_back(line, window)


def _settle(line: Line, window: _Window, patience: Sequence[float] = _PATIENCE) -> None:
    """Write the known outcome down; a store that stumbles is given some seconds to come back."""
    settlement = window.unsettled
    assert settlement is not None
    for wait in (*patience, None):
        try:
            line.ledger.settle([settlement])
            break
        except StoreError:
            if wait is None:
                raise
            line.pause(wait)
    claim = settlement.outcome.claim
    window.unsettled = None
    window.waiting.pop(claim.delivery_id, None)
    if window.past_dot == claim:
        window.past_dot = None
    line.tell(settlement)


def _messages(line: Line, claims: Sequence[Claim]) -> Iterator[Message]:
    for claim in claims:
        if line.stop():
            return
        yield line.build(claim)


def _give_back(line: Line, window: _Window) -> None:
    """Settle what is known, name what is in doubt, and free the rest."""
    if window.unsettled is None and window.past_dot is not None:
        lost = Outcome(
            claim=window.past_dot,
            result=Result.UNKNOWN,
            at=line.clock.now(),
            stage="dot",
            detail="interrupted while waiting for the reply to the final dot",
        )
        window.unsettled = decide(lost, line.policy, line.is_dead_address)
    if window.unsettled is not None:
        _settle(line, window, patience=())
    if window.waiting:
        line.ledger.release(window.waiting.values())

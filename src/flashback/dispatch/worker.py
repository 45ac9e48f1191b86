"""The loop: claim a window, build, send, settle, until nothing is planned or due.

What must be durable, and when, is the ledger's promise; this loop only keeps the order: a claim
before any octet, a note before the final dot, an outcome before the next message. It ends tidily
on ``stop``: what is past the dot is settled, the rest of the window is given back.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from flashback.dispatch.ports import Clock, Ledger, Transport
from flashback.dispatch.retry import RetryPolicy
from flashback.dispatch.verdict import IsDeadAddress, decide
from flashback.errors import StoreError
from flashback.model import Account, Claim, Message, Outcome, Result, Settlement


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


def dispatch(line: Line, mailing_id: int, *, limit: int | None = None) -> Account:
    """Send what is planned or due of a mailing, at most ``limit`` deliveries; answer the account.

    Raises TransportError when the relay cannot be used (any more) and StoreError when the ledger
    cannot be written; in both cases what did not leave has been given back, as far as the store
    still allows.
    """
    left = limit
    with line.transport.connected():
        while not line.stop() and (left is None or left > 0):
            size = line.window if left is None else min(line.window, left)
            claims = line.ledger.claim(
                mailing_id, owner=line.owner, limit=size, now=line.clock.now()
            )
            if not claims:
                break
            _send(line, claims)
            left = None if left is None else left - len(claims)
    account = line.ledger.account(mailing_id)
    if account.open == 0:
        line.ledger.finish(mailing_id, line.clock.now())
    return account


def _send(line: Line, claims: Sequence[Claim]) -> None:
    """Send one window. On return or raise, no claim of it is left without an answer."""
    waiting = {claim.delivery_id: claim for claim in claims}
    past_dot: Claim | None = None

    def before_final_dot(claim: Claim) -> None:
        nonlocal past_dot
        line.ledger.before_final_dot(claim, now=line.clock.now())
        past_dot = claim

    try:
        # Closed on every way out: no dot leaves once an outcome cannot be written down.
        with contextlib.closing(
            line.transport.send(_messages(line, claims), before_final_dot)
        ) as outcomes:
            for outcome in outcomes:
                settlement = decide(outcome, line.policy, line.is_dead_address)
                line.ledger.settle([settlement])
                past_dot = None
                del waiting[outcome.claim.delivery_id]
                line.tell(settlement)
    finally:
        # When the store itself has failed, recovery at the next start does this work.
        with contextlib.suppress(StoreError):
            _give_back(line, waiting, past_dot)


def _messages(line: Line, claims: Sequence[Claim]) -> Iterator[Message]:
    for claim in claims:
        if line.stop():
            return
        yield line.build(claim)


def _give_back(line: Line, waiting: dict[int, Claim], past_dot: Claim | None) -> None:
    if past_dot is not None and waiting.pop(past_dot.delivery_id, None) is not None:
        lost = Outcome(
            claim=past_dot,
            result=Result.UNKNOWN,
            at=line.clock.now(),
            stage="dot",
            detail="interrupted while waiting for the reply to the final dot",
        )
        line.ledger.settle([decide(lost, line.policy, line.is_dead_address)])
    if waiting:
        line.ledger.release(waiting.values())

"""What an outcome means for its delivery. Pure.

Only what the relay said at the recipient or at the final dot is about the reader; everything else
is about us, and the transport reports it as untried.
"""

from collections.abc import Callable

from flashback.dispatch import retry
from flashback.dispatch.retry import RetryPolicy
from flashback.model import DeliveryState, Outcome, Reply, Result, Settlement

#: Whether a reply to RCPT says that the address is dead (RFC 3463).
IsDeadAddress = Callable[[Reply], bool]


def decide(outcome: Outcome, policy: RetryPolicy, is_dead_address: IsDeadAddress) -> Settlement:
    """The state an outcome leads to."""
    match outcome.result:
        case Result.ACCEPTED:
            return Settlement(outcome=outcome, state=DeliveryState.ACCEPTED)
        case Result.UNKNOWN:
            # RFC 1047: between the final dot and the reply, nobody knows.
            return Settlement(outcome=outcome, state=DeliveryState.IN_DOUBT)
        case Result.UNTRIED:
            return Settlement(outcome=outcome, state=DeliveryState.PLANNED)
        case Result.PERMANENT:
            dead = (
                outcome.stage == "rcpt"
                and outcome.reply is not None
                and is_dead_address(outcome.reply)
            )
            return Settlement(outcome=outcome, state=DeliveryState.REFUSED, suppress=dead)
        case Result.TEMPORARY:
            return _again(outcome, policy)


def _again(outcome: Outcome, policy: RetryPolicy) -> Settlement:
    due_at = retry.after(
        policy,
        delivery_id=outcome.claim.delivery_id,
        attempt=outcome.claim.attempt,
        at=outcome.at,
        first_tried_at=outcome.claim.first_tried_at,
    )
    if due_at is None:
        return Settlement(outcome=outcome, state=DeliveryState.REFUSED)
    return Settlement(outcome=outcome, state=DeliveryState.DEFERRED, due_at=due_at)

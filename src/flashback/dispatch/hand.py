"""The claims in hand: each is answered once, and what is known is written down in time.

Outcomes are remembered at once and settled by the batch; whoever is told of one is told after it
is durable in the store. ``give_back`` leaves no claim without an answer.
"""

from collections.abc import Sequence
from typing import Final

from flashback.dispatch.line import PATIENCE, Line
from flashback.model import Claim, DeliveryState, Outcome, Result, Settlement

_FLUSH_SECONDS: Final = 0.5


class Hand:
    """What this sender holds of a mailing."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._waiting: dict[int, Claim] = {}  #: claims without an outcome, by delivery
        self._noted: set[int] = set()  #: of these, whose final dots may have left
        self._unsettled: list[Settlement] = []  #: known, and not yet in the store
        self._settled_at = line.seconds()

    def take(self, claims: Sequence[Claim]) -> None:
        """Take claims in hand."""
        self._waiting.update([(claim.delivery_id, claim) for claim in claims])

    def note(self, claims: Sequence[Claim]) -> None:
        """Note that these final dots are about to leave; the transport's ``before_final_dot``."""
        self._line.ledger.note(claims, now=self._line.clock.now())
        self._noted.update([claim.delivery_id for claim in claims])

    def put(self, settlements: list[Settlement]) -> None:
        """Outcomes are known: they are remembered now, and settled soon."""
        self._unsettled += settlements
        self._line.ledger.remember(settlements)
        for settlement in settlements:
            delivery = settlement.outcome.claim.delivery_id
            self._waiting.pop(delivery, None)
            self._noted.discard(delivery)

    def put_off(self, settlement: Settlement) -> None:
        """A claim of which nothing left is to wait; forgotten in a crash, it is planned again."""
        self._unsettled.append(settlement)
        self._waiting.pop(settlement.outcome.claim.delivery_id, None)
        if len(self._unsettled) >= self._line.batch:
            self.settle()

    def settle_in_time(self) -> None:
        """Settle when the batch is full, or half a second has passed."""
        if not self._unsettled:
            return
        is_late = self._line.seconds() - self._settled_at >= _FLUSH_SECONDS
        if is_late or len(self._unsettled) >= self._line.batch:
            self.settle()

    def settle(self, *, patience: Sequence[float] = PATIENCE) -> None:
        """Write down what is known, then tell. Raises StoreError when the store stays away."""
        batch = self._unsettled
        if batch:
            self._line.steadily(lambda: self._line.ledger.settle(batch), patience=patience)
            self._unsettled = []
            self._line.tell(batch)
        self._settled_at = self._line.seconds()

    def give_back(self, *, patience: Sequence[float] = PATIENCE) -> None:
        """Settle what is known, name what is in doubt, and free the rest.

        Only when the transport has ended: no further dot leaves. Raises StoreError.
        """
        for settlement in self._unsettled:  # of an interrupted ``put``
            self._waiting.pop(settlement.outcome.claim.delivery_id, None)
        for delivery in self._noted & self._waiting.keys():
            self._unsettled.append(self._in_doubt(self._waiting.pop(delivery)))
        self._noted.clear()
        try:
            self.settle(patience=patience)
        finally:
            if self._waiting:
                self._line.ledger.release(self._waiting.values())
                self._waiting.clear()

    def _in_doubt(self, claim: Claim) -> Settlement:
        # RFC 1047: between the final dot and the reply, nobody knows.
        outcome = Outcome(
            claim=claim,
            result=Result.UNKNOWN,
            at=self._line.clock.now(),
            stage="dot",
            detail="interrupted while waiting for the reply to the final dot",
        )
        return Settlement(outcome=outcome, state=DeliveryState.IN_DOUBT)

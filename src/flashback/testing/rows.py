"""What a ledger in memory is made of: a row a delivery, and token buckets."""

import datetime as dt
from dataclasses import dataclass, field

from flashback.model import TRANSITIONS, Claim, DeliveryState, Grant, Settlement


@dataclass
class Row:
    """One delivery."""

    id: int
    subscriber_id: int
    language: str
    digest: str
    state: DeliveryState = DeliveryState.PLANNED
    attempts: int = 0
    owner: str = ""
    reason: str = ""
    noted: bool = False
    remembered: list[Settlement] = field(default_factory=list)
    first_tried_at: dt.datetime | None = None
    due_at: dt.datetime | None = None

    def move(self, state: DeliveryState, reason: str = "") -> None:
        """Go where the one table allows."""
        assert state in TRANSITIONS[self.state], f"{self.state} -> {state}"
        self.state, self.reason = state, reason

    def is_held_by(self, claim: Claim) -> bool:
        """Whether the claim is the one this delivery was last given to."""
        return (self.owner, self.attempts) == (claim.owner, claim.attempt)


@dataclass
class Bucket:
    """Tokens, and since when they are counted."""

    tokens: float
    at: dt.datetime

    def draw(self, wanted: int, *, per_second: float, burst: int, now: dt.datetime) -> Grant:
        """Fill it for the time that passed, then take from it."""
        passed = (now - self.at).total_seconds()
        self.tokens = min(burst, self.tokens + max(0.0, passed) * per_second)
        if passed >= 0 or -passed * per_second > burst:  # further back than a burst: it was set
            self.at = now
        if wanted < 0:
            self.tokens -= wanted
            return Grant(tokens=0, wait=dt.timedelta())
        tokens = max(0, min(wanted, int(self.tokens + 1e-6)))
        self.tokens = max(0.0, self.tokens - tokens)
        seconds = 0.0 if tokens or wanted <= 0 else (1 - self.tokens) / per_second + 1e-6
        return Grant(tokens=tokens, wait=dt.timedelta(seconds=seconds))

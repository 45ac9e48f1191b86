"""Domains that asked us to slow down, and until when nothing goes to them. Pure.

A 421 or a 4.7.x is said of us, not of the reader: the reader's own try is deferred like any other,
and the domain is left alone for a while, longer each time, until it takes a message again.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Final

from flashback.dispatch import retry
from flashback.model import Claim, Outcome, Result

#: Minutes, by how many holds there have been in a row.
_LENGTHS: Final = (1, 2, 4, 8, 16, 30)
#: The end of a hold is spread over so much of its length, lest all come back in one second.
_JITTER: Final = 0.25
_SERVICE_NOT_AVAILABLE: Final = 421  # RFC 5321 section 3.8


@dataclass(frozen=True, slots=True)
class _Hold:
    until: dt.datetime
    step: int

    @property
    def length(self) -> dt.timedelta:
        return dt.timedelta(minutes=_LENGTHS[self.step])


class Holds:
    """Which domains are left alone."""

    def __init__(self) -> None:
        self._holds: dict[str, _Hold] = {}

    def __bool__(self) -> bool:
        return bool(self._holds)

    def until(self, claim: Claim, now: dt.datetime) -> dt.datetime | None:
        """When this claim may be tried again, a little after its domain's hold; None: now."""
        hold = self._holds.get(claim.address.domain)
        if hold is None or now >= hold.until:
            return None
        share = retry.share(claim.delivery_id, claim.attempt)
        return hold.until + hold.length * (_JITTER * share)

    def hear_acceptance(self, outcome: Outcome) -> None:
        """A message was taken: once a hold is over, the next one is a short one again."""
        domain = outcome.claim.address.domain
        hold = self._holds.get(domain)
        if hold is not None and outcome.at >= hold.until:
            del self._holds[domain]

    def hear_refusal(self, outcome: Outcome) -> bool:
        """A message was not taken; whether that is but an echo of a hold that has begun."""
        if not _is_about_us(outcome):
            return False
        domain = outcome.claim.address.domain
        hold = self._holds.get(domain)
        if hold is not None and outcome.at < hold.until:
            return True
        step = 0 if hold is None else min(hold.step + 1, len(_LENGTHS) - 1)
        length = dt.timedelta(minutes=_LENGTHS[step])
        self._holds[domain] = _Hold(until=outcome.at + length, step=step)
        return False


def _is_about_us(outcome: Outcome) -> bool:
    """Whether a domain said "slower" (RFC 3463 section 3.8: 4.7.x is policy, not the mailbox)."""
    reply = outcome.reply
    return (
        outcome.result is Result.TEMPORARY
        and reply is not None
        and outcome.stage in {"rcpt", "dot"}
        and (reply.code == _SERVICE_NOT_AVAILABLE or reply.enhanced.startswith("4.7."))
    )

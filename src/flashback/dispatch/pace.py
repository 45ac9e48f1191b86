"""How fast: which message may leave now, and how long the others wait.

Pure but for ``draw``, which takes tokens from buckets that all senders share. A claim is asked
about in this order: ``closed_until``, ``wait``, ``held_until``, ``wait_for``; then ``spend``.
"""

import datetime as dt
from typing import Final

from flashback.dispatch.bucket import Allowance, Bucket, Draw
from flashback.dispatch.holds import Holds
from flashback.dispatch.limits import Limits
from flashback.model import Claim

#: How long "it is not closed" is believed before the wall clock is asked again.
_BELIEVED: Final = dt.timedelta(seconds=1)


class Pace:
    """The limits of one sender, and the domains that it leaves alone."""

    def __init__(self, limits: Limits, draw: Draw) -> None:
        self.holds = Holds()
        self._limits = limits
        self._allowance = Allowance(limits, draw) if limits.warm_up else None
        self._buckets: list[Bucket] = []  #: what every message passes
        if limits.per_minute is not None:
            self._buckets.append(Bucket("all", limits.per_minute, draw))
        if limits.relay_per_minute is not None:
            self._buckets.append(Bucket(f"relay:{limits.relay}", limits.relay_per_minute, draw))
        self._domains = {
            domain: Bucket(f"domain:{domain}", per_minute, draw)
            for domain, per_minute in limits.per_domain.items()
        }
        self._is_limited = bool(
            self._buckets or self._domains or self._allowance or limits.quiet is not None
        )
        self._open_at: dt.datetime | None = None  #: when it was last seen not to be closed

    @property
    def is_free(self) -> bool:
        """Whether whatever is asked, any message may leave now."""
        return not self._is_limited and not self.holds

    def closed_until(self, now: dt.datetime) -> dt.datetime | None:
        """The time before which nothing leaves (quiet hours; a spent day), or None."""
        if self._open_at is not None and self._open_at <= now < self._open_at + _BELIEVED:
            return None
        until = self._limits.quiet.until(now, self._limits.zone) if self._limits.quiet else None
        if until is None and self._allowance is not None and self._allowance.is_spent(now):
            until = self._limits.next_day(now)
        self._open_at = now if until is None else None
        return until

    def wait(self, now: dt.datetime) -> float:
        """Seconds until any message may leave; 0.0: now."""
        seconds = 0.0
        for bucket in self._buckets:
            seconds = max(seconds, bucket.wait(now))
        if not seconds and self._allowance is not None:
            seconds = self._allowance.wait(now)
            if seconds:
                self._open_at = None
        return seconds

    def wait_for(self, domain: str, now: dt.datetime) -> float:
        """Seconds until a message to that domain may leave, as far as the domain goes."""
        bucket = self._domains.get(domain)
        return bucket.wait(now) if bucket is not None else 0.0

    def held_until(self, claim: Claim, now: dt.datetime) -> dt.datetime | None:
        """When to try this claim, whose domain asked us to slow down; None: now."""
        return self.holds.until(claim, now) if self.holds else None

    def turn_of(self, domain: str, now: dt.datetime, *, ahead: int) -> dt.datetime:
        """When a message to a limited domain may come back that finds so many ahead of it."""
        return self._domains[domain].turn(now, ahead)

    def spend(self, domain: str, now: dt.datetime) -> None:
        """A message to that domain leaves; all waits have just been 0.0."""
        for bucket in self._buckets:
            bucket.spend(now)
        if self._allowance is not None:
            self._allowance.spend()
        if domain in self._domains:
            self._domains[domain].spend(now)

    def give_back(self, now: dt.datetime) -> None:
        """This sender has ended: the rest of the day's allowance is for the next one."""
        if self._allowance is not None:
            self._allowance.give_back(now)

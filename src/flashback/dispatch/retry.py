"""When to try again: an attempt goes in, the next due time comes out, or None to give up.

Pure: the clock is an argument and the ledger keeps the answer. RFC 5321 section 4.5.4.1.
"""

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Final

#: A wait is lengthened by up to this share, so that a relay that said "not now" to a thousand
#: deliveries does not see all of them again in the same second.
_JITTER: Final = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How patient a mailing is."""

    first_wait: dt.timedelta = dt.timedelta(minutes=15)
    longest_wait: dt.timedelta = dt.timedelta(hours=6)
    give_up_after: dt.timedelta = dt.timedelta(days=2)  #: since the first try


def after(
    policy: RetryPolicy,
    *,
    delivery_id: int,
    attempt: int,
    at: dt.datetime,
    first_tried_at: dt.datetime | None,
) -> dt.datetime | None:
    """The time from which the next attempt is due, or None when patience has ended.

    The wait doubles with each attempt, from ``first_wait`` to ``longest_wait``. Its jitter is
    derived from delivery and attempt, so that the answer is the same whenever it is asked.
    """
    doubled = policy.first_wait * 2 ** min(attempt - 1, 30)
    wait = min(doubled, policy.longest_wait)
    due = at + wait * (1 + _JITTER * share(delivery_id, attempt))
    last = (first_tried_at or at) + policy.give_up_after
    return due if due <= last else None


def share(delivery_id: int, attempt: int) -> float:
    """A number in [0, 1) that two tries seldom have in common, the same whenever it is asked."""
    digest = hashlib.blake2b(f"{delivery_id}/{attempt}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") / 2**32

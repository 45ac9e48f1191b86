"""What a report is made of: one frozen value, read from the ledger by whoever asks for a report."""

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from flashback.model import Account, DeliveryState, Mailing

#: Relays repeat the address in what they say; a report that goes round an office should not.
_ADDRESS: Final = re.compile(r"<?[^\s<>:;,()\"']+@([^\s<>:;,()\"']+)>?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why copies are where they are."""

    text: str  #: what the relay or the ledger said; no reader's address stands in it
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """How the copies to one domain of readers fared."""

    name: str
    copies: int
    accepted: int
    open: int  #: still to come
    seconds: float | None = None  #: on average from opening to the 250; None: none accepted


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Everything a report shows."""

    mailing: Mailing
    account: Account
    reasons: Mapping[DeliveryState, Sequence[Reason]] = field(default_factory=dict)
    domains: Sequence[Domain] = ()  #: slowest first
    pace: Sequence[tuple[dt.datetime, int]] = ()  #: accepted in each minute, in order of time
    newsletter: str = ""
    made_at: dt.datetime
    zone: dt.tzinfo | None = None  #: None: the machine's

    def local(self, time: dt.datetime) -> dt.datetime:
        """A time as the staff's clock shows it."""
        return time.astimezone(self.zone)


def reasons_of(told: Iterable[tuple[str, int]]) -> tuple[Reason, ...]:
    """Reasons, most frequent first; those that differ by the reader's address only are one."""
    counts: Counter[str] = Counter()
    for text, count in told:
        counts[_ADDRESS.sub(r"…@\1", " ".join(text.split()))] += count
    return tuple(Reason(text=text, count=count) for text, count in counts.most_common())

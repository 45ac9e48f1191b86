"""What became of a link when its server was asked."""

from dataclasses import dataclass
from enum import StrEnum

from flashback.sentences import NOTHING, Sentence


class Fate(StrEnum):
    """How a link answered."""

    FINE = "fine"
    MOVED = "moved"  #: for good, to another address (301, 308)
    DEAD = "dead"  #: the site does not exist, or the page is gone (404, 410)
    UNTRUSTED = "untrusted"  #: a browser would warn of its certificate
    SILENT = "silent"  #: no answer in time, or a broken one
    CLOSED = "closed"  #: not to programs: 401, 403, 429, 5xx; a browser may see it
    UNASKED = "unasked"  #: not on the public web


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One link, asked."""

    fate: Fate
    seconds: float
    status: int = 0  #: 0: there was no answer
    url: str = ""  #: where it led in the end
    reason: Sentence = NOTHING  #: why there was no answer

"""What follows from a notice: only what is certain is called dead.

Of permanent failures that real hosts report, about one in three means a dead address. The others
are full boxes, filters, blocked senders and wrong settings; who takes a 5 for dead loses living
readers. So an address is dead only by a code that says so (RFC 3463, RFC 7505), and only when
nothing in the same notice says otherwise.
"""

import re
from enum import StrEnum
from typing import Final

from flashback.bounces.report import Action, Notice


class Verdict(StrEnum):
    """What a notice means for its address."""

    DEAD = "dead"  #: there is no such mailbox: mail must stop
    FULL = "full"  #: the mailbox takes nothing now; it may tomorrow
    LATER = "later"  #: a passing trouble, given up
    BLOCKED = "blocked"  #: about who sends or what was sent, never about the reader
    UNCERTAIN = "uncertain"  #: it failed, and nobody can tell why
    NO_FAILURE = "no failure"  #: still on its way, or arrived


#: Bad mailbox, bad address syntax, mailbox has moved, and a domain that takes no mail.
_DEAD: Final = frozenset({"5.1.1", "5.1.3", "5.1.6", "5.1.10"})
_FULL: Final = frozenset({"5.2.2", "4.2.2"})
#: A disabled account or a new owner (RFC 7293) is neither the sender's fault nor surely for ever.
_NO_BLOCK: Final = frozenset({"5.7.13", "5.7.17", "5.7.18"})
#: Some hosts answer 5.1.1 to whom they do not like. These words can only save an address.
_NOT_DEAD: Final = re.compile(
    r"too many|spam|block|blacklist|denylist|policy|reputation|rate limit|relay|quota|full"
    r"|temporar|try again|greylist|suspended|inactive",
    re.IGNORECASE,
)


def verdict(notice: Notice) -> Verdict:
    """What a notice means. Two codes that disagree make it uncertain."""
    if notice.action is not Action.FAILED:
        return Verdict.NO_FAILURE
    codes = {notice.status, notice.reply_status} - {""}
    # "5.0.0" says nothing that a second code does not say better.
    telling = {code for code in codes if not code.endswith(".0.0")} or codes
    verdicts = {_verdict_on(code) for code in telling}
    found = verdicts.pop() if len(verdicts) == 1 else Verdict.UNCERTAIN
    if found is Verdict.DEAD and _NOT_DEAD.search(notice.diagnostic):
        return Verdict.UNCERTAIN
    return found


def _verdict_on(code: str) -> Verdict:
    if code in _DEAD:
        return Verdict.DEAD
    if code in _FULL:
        return Verdict.FULL
    if code.startswith("4."):
        return Verdict.LATER
    if code == "5.1.8" or (code.startswith("5.7.") and code not in _NO_BLOCK):
        return Verdict.BLOCKED
    return Verdict.UNCERTAIN

"""What a refusal is about: a dead address, or ourselves. Pure.

Of all permanent refusals seen in practice only about a third mean a dead address; the others are
full mailboxes, policies and our own faults. So the list is short, and a bare 550 is not on it.
"""

import re
from typing import Final

from flashback.model import Reply

#: RFC 3463 section 3.2: bad mailbox, bad mailbox syntax, mailbox has moved without a trace.
_DEAD: Final = frozenset({"5.1.1", "5.1.3", "5.1.6"})
#: RFC 3463 section 3.4: the message is too big for the system.
_TOO_BIG: Final = "5.3.4"
#: RFC 3463: the sender's address or system (x.1.7, x.1.8), congestion (x.4.5, which Gmail uses for
#: a quota that is spent), a message too big for the system.
_OURS: Final = frozenset({"1.7", "1.8", "4.5", "3.4"})
#: How Postfix and its like say at RCPT, or at the dot, what they think of client, HELO and sender.
_OF_US: Final = re.compile(
    r"\b(sender address|client host|helo command|sender) rejected\b|\bnot owned by user\b"
    r"|\bblocked using\b|\brcpthosts\b|\bsend\s?as\s?denied\b"
    r"|\b(sending|message|daily|hourly|rate) (quota|limit)s?\b.{0,20}\bexceeded\b"
    r"|\bexceeded.{0,40}\b(sending|daily|hourly) (quota|limit)|\bmessage (is )?too (big|large)\b",
    re.IGNORECASE,
)
_RELAYING: Final = re.compile(
    r"\brelay(ing)?\b.{0,40}\b(denied|not permitted|not allowed|prohibited)"
    r"|\b(not permitted|not allowed|unable|refuse\w*) to relay\b",
    re.IGNORECASE,
)


def is_dead_address(reply: Reply) -> bool:
    """Whether a refusal of RCPT says that nobody is there and never will be.

    A server that relays nothing there knows nothing of the mailbox, whatever enhanced code it adds.
    """
    is_refusal = reply.code // 100 == 5  # noqa: PLR2004 - RFC 5321's 5yz
    return is_refusal and reply.enhanced in _DEAD and not is_no_relay(reply)


def is_too_big(reply: Reply) -> bool:
    """Whether a refusal of MAIL is about the message's size (RFC 1870 section 6.1)."""
    return reply.code == 552 or reply.enhanced == _TOO_BIG  # noqa: PLR2004 - RFC 1870's code


def wants_login(reply: Reply) -> bool:
    """Whether a refusal says that we have not shown who we are (RFC 4954, RFC 3207)."""
    return reply.code in {530, 538}


def is_no_relay(reply: Reply) -> bool:
    """Whether a refusal of RCPT says that the server takes no mail for others from us."""
    return _RELAYING.search(" ".join(reply.lines)) is not None


def is_about_us(reply: Reply) -> bool:
    """Whether a refusal, at RCPT or later, is such as every other reader would meet as well."""
    return reply.enhanced[2:] in _OURS or _OF_US.search(" ".join(reply.lines)) is not None

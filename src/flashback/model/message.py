"""A message ready for the wire: RFC 5322 octets and an RFC 5321 envelope."""

from typing import NamedTuple

from flashback.model.mailing import Claim


class FitOctets(bytes):
    """Octets that were put together from pieces known to be fit for the wire.

    No bare CR or LF, no line over 998 octets or beginning with a dot, a line end at the end: the
    wire need not look at them again.
    """

    __slots__ = ()


class Envelope(NamedTuple):
    """Reverse-path and forward-path, without angle brackets."""

    sender: str
    recipient: str


class Message(NamedTuple):
    """One message for one recipient.

    A tuple and not a dataclass: one is made for every reader, at half the cost.

    ``content`` has CRLF line ends, no bare CR or LF, no line over 998 octets, and is not
    dot-stuffed: that is the wire's work.
    """

    claim: Claim
    envelope: Envelope
    message_id: str  #: without angle brackets
    content: bytes

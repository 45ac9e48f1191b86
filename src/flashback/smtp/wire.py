"""The form of a message between DATA and the final dot (RFC 5321 section 4.5.2). Pure."""

from typing import Final

from flashback.errors import TransportError
from flashback.model import FitOctets
from flashback.sentences import tr

#: What ends a message; ``octets`` leaves the line end before it.
FINAL_DOT: Final = b".\r\n"


def check(content: bytes) -> None:
    """Raise TransportError on a bare CR or LF.

    Some servers take ``LF . CR LF`` for the end, and what follows for a message of its own (SMTP
    smuggling). RFC 5321 section 2.3.8: CR and LF only occur together.
    """
    if type(content) is FitOctets:
        return
    pairs = content.count(b"\r\n")
    if content.count(b"\r") != pairs or content.count(b"\n") != pairs:
        raise TransportError(
            tr("A message has a line end that is not CRLF; it was not sent."),
            hint=tr("This is a fault in flashback; please report it."),
        )


def octets(content: bytes) -> bytes:
    """Content with its dots stuffed and a line end at its end; the final dot is not in it.

    Raises TransportError on a bare CR or LF.
    """
    if type(content) is FitOctets:
        return content
    check(content)
    # Only copied when there is something to stuff: the search runs at the speed of memory.
    stuffed = content.replace(b"\n.", b"\n..") if b"\n." in content else content
    if stuffed.startswith(b"."):
        stuffed = b"." + stuffed
    return stuffed if stuffed.endswith(b"\r\n") or not stuffed else stuffed + b"\r\n"

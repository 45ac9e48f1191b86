"""The form of a message between DATA and the final dot (RFC 5321 section 4.5.2). Pure."""

import re
from typing import Final

from flashback.errors import TransportError
from flashback.sentences import tr

#: Sent after the body, and only when it is durable that the message is about to leave.
FINAL_DOT: Final = b".\r\n"
_BARE: Final = re.compile(rb"\r(?!\n)|(?<!\r)\n")


def octets(content: bytes) -> bytes:
    """Content with its dots stuffed and a line end at its end; the final dot is not in it.

    Raises TransportError on a bare CR or LF: some servers take ``LF . CR LF`` for the end, and
    what follows for a message of its own (SMTP smuggling).
    """
    if _BARE.search(content):
        raise TransportError(
            tr("A message has a line end that is not CRLF; it was not sent."),
            hint=tr("This is a fault in flashback; please report it."),
        )
    stuffed = content.replace(b"\r\n.", b"\r\n..")
    if stuffed.startswith(b"."):
        stuffed = b"." + stuffed
    return stuffed if stuffed.endswith(b"\r\n") or not stuffed else stuffed + b"\r\n"

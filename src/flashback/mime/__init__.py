"""Edition and claim to message: the octets one reader gets, and the envelope they travel in.

Pure. What leaves this room is fit for the wire: ``check_wire`` has looked at every octet. Dot
stuffing is the wire's work, sending the relay's.
"""

from flashback.mime.reference import build, builder, filled
from flashback.mime.sender import Sender
from flashback.mime.slots import fill_html, fill_text
from flashback.mime.wire_check import UnfitMessageError, check_wire

__all__ = [
    "Sender",
    "UnfitMessageError",
    "build",
    "builder",
    "check_wire",
    "fill_html",
    "fill_text",
    "filled",
]

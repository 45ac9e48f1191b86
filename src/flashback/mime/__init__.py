"""Edition and claim to message: the octets one reader gets, and the envelope they travel in.

Pure. ``builder`` is the way of mailings (a stencil, signed when there are signers); ``build`` makes
single messages and is the standard for the other. What leaves this room is fit for the wire:
``check_wire`` has looked at it, and no line begins with a dot.
"""

from flashback.mime.ahead import ahead
from flashback.mime.dkim import Signer, load_signers
from flashback.mime.reference import build, filled
from flashback.mime.sender import Sender
from flashback.mime.slots import fill_html, fill_text
from flashback.mime.stencil import builder
from flashback.mime.wire_check import UnfitMessageError, check_wire

__all__ = [
    "Sender",
    "Signer",
    "UnfitMessageError",
    "ahead",
    "build",
    "builder",
    "check_wire",
    "fill_html",
    "fill_text",
    "filled",
    "load_signers",
]

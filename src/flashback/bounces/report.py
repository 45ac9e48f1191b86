"""A delivery status notification (RFC 3464), as values.

What a report says of each recipient is kept as it was said; what follows from it is left to
``verdict``. A mail that is no such report is None, and never an error.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from flashback.bounces import octets
from flashback.bounces.octets import Fields

#: RFC 3464 section 2.1, and RFC 6533 for addresses beyond ASCII.
_STATUS_PARTS: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})
#: Where the address stands that the report was sent to, the surest first.
_CAME_TO: Final = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "to")
_STATUS: Final = re.compile(r"\s*([245]\.[0-9]{1,3}\.[0-9]{1,3})(?![0-9.])")
#: "smtp; 550 5.1.1 ..." and "550-5.1.1"; the reply code is what makes sure that it is one.
_REPLY: Final = re.compile(
    r"(?<![0-9.])[245][0-9]{2}[ -]#?([245]\.[0-9]{1,3}\.[0-9]{1,3})(?![0-9.])"
)


class Action(StrEnum):
    """What became of the message for one recipient (RFC 3464 section 2.3.3)."""

    FAILED = "failed"
    DELAYED = "delayed"  #: it is still tried
    DELIVERED = "delivered"
    RELAYED = "relayed"  #: to a host that sends no reports
    EXPANDED = "expanded"  #: to the members of a list


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a report says of one recipient. The texts are a stranger's."""

    action: Action
    recipient: str  #: Final-Recipient, the address that was tried last; may be empty
    original: str = ""  #: Original-Recipient, as the sender had written it (RFC 3461)
    status: str = ""  #: RFC 3463, "5.1.1"; empty where there was none
    reply_status: str = ""  #: the same, as the other host said it in its own reply
    diagnostic: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One delivery status notification."""

    notices: tuple[Notice, ...]  #: at least one
    came_to: tuple[str, ...]  #: what stands in the fields that name its recipient


def read(content: bytes, *, envelope: str = "") -> Report | None:
    """Read a mail as a report; None when it is none. Never raises.

    ``envelope`` is the recipient in SMTP, where it is known.
    """
    fields, body = octets.split(octets.lines_of(content))
    # Some hosts (OpenSMTPD, McAfee) send the status part in a multipart/mixed.
    if not octets.media_type(fields).startswith("multipart/"):
        return None
    for own, lines in octets.parts(fields, body):
        if octets.media_type(own) in _STATUS_PARTS:
            notices = _notices(lines)
            came_to = [value for name in _CAME_TO for value in octets.values(fields, name)]
            came_to = [text for text in (envelope, *came_to) if text]
            return Report(notices=notices, came_to=tuple(came_to)) if notices else None
    return None


def _notices(lines: list[bytes]) -> tuple[Notice, ...]:
    """The notices among the groups of fields; the group about the whole message has no Action."""
    found = (_notice(fields) for fields in octets.groups(lines))
    return tuple(notice for notice in found if notice)


def _notice(fields: Fields) -> Notice | None:
    try:
        action = Action(octets.value(fields, "action").partition(" ")[0].lower())
    except ValueError:
        return None
    diagnostic = octets.value(fields, "diagnostic-code")
    status = _STATUS.match(octets.value(fields, "status"))
    reply = _REPLY.search(diagnostic)
    return Notice(
        action=action,
        recipient=_address(octets.value(fields, "final-recipient")),
        original=_address(octets.value(fields, "original-recipient")),
        status=status[1] if status else "",
        reply_status=reply[1] if reply else "",
        diagnostic=diagnostic,
    )


def _address(typed: str) -> str:
    """``rfc822; <nadia@example.org>`` without its type and brackets."""
    kind, semicolon, rest = typed.partition(";")
    return (rest if semicolon else kind).strip().strip("<>").strip()

"""The head of a message: every header field in its order, with its reasons in docs/messages.md.

What differs from reader to reader is made apart and handed in: To, Message-ID, List-Unsubscribe.
"""

import datetime as dt
import re
from email.utils import format_datetime
from typing import Final

from flashback.mime import headers
from flashback.mime.sender import Sender
from flashback.mime.wire_check import UnfitMessageError
from flashback.model import Claim, Edition
from flashback.sentences import tr

#: What would end an address or a field early. Addresses are parsed at the border; this is the
#: second lock.
_UNFIT_FOR_ADDRESS: Final = re.compile(
    '[\\x00-\\x20\\x7f-\\x9f<>()\\[\\]\\\\",:;\\u2028\\u2029\\ud800-\\udfff]'
)
#: Nearly every reader: a mailbox, and a name if there is one, in which nothing is to be quoted,
#: encoded, escaped in HTML or refused. No line that begins with one of them begins with a dot or
#: with "From ".
_PLAIN_MAILBOX: Final = r"[A-Za-z0-9_+-][A-Za-z0-9._+-]*@[A-Za-z0-9.-]+"
_PLAIN_TO: Final = re.compile(rf"To: {_PLAIN_MAILBOX}\r\n")
_PLAIN_NAMED_TO: Final = re.compile(rf"To: (?!From )(?:[A-Za-z0-9-]+ )+<{_PLAIN_MAILBOX}>\r\n")
#: RFC 5321 section 4.5.3.1.3: a path has 256 octets, of which two are angle brackets.
_LONGEST_ADDRESS: Final = 254


def fit_mailbox(claim: Claim) -> str:
    """The reader's mailbox. Raises UnfitMessageError when it may not stand in a message."""
    mailbox = claim.address.mailbox
    if (
        _UNFIT_FOR_ADDRESS.search(mailbox)
        or mailbox.count("@") != 1
        or len(mailbox.encode()) > _LONGEST_ADDRESS
    ):
        raise UnfitMessageError(
            tr("“{text}” cannot be mailed to.", text=headers.clean(mailbox)[:80])
        )
    return mailbox


def to_field(claim: Claim, fit: str) -> str:
    """Exactly the one reader, by name when we know it; ``fit`` is what ``fit_mailbox`` gave."""
    return headers.mailbox_field("To", claim.name, fit)


def plain_to_field(mailbox: str, name: str) -> str:
    """What ``to_field`` gives for most readers; empty for the others.

    Not empty, it says that mailbox and name can stand in either text as they are, each on a line,
    and that the mailbox is fit.
    """
    # Of two angle brackets that match one is ours, so neither value can pass for the other.
    field = f"To: {name} <{mailbox}>\r\n" if name else f"To: {mailbox}\r\n"
    is_plain = (_PLAIN_NAMED_TO if name else _PLAIN_TO).fullmatch(field)
    return field if is_plain and len(field) <= headers.LINE + len("\r\n") else ""


def message_id_field(message_id: str) -> str:
    """Message-ID, given without its angle brackets."""
    return headers.field("Message-ID", [f"<{message_id}>"])


def list_unsubscribe(url: str, mailto: str) -> str:
    """The value of List-Unsubscribe (RFC 2369): https first, then the mailbox if there is one."""
    return ", ".join(f"<{way}>" for way in (url, mailto) if way)


def list_unsubscribe_field(value: str) -> str:
    """List-Unsubscribe, folded between its ways and nowhere else."""
    return headers.field("List-Unsubscribe", value.split(" "))


def head(
    edition: Edition,
    sender: Sender,
    *,
    to: str,
    message_id: str,
    content_type: str,
    list_unsubscribe: str,
) -> str:
    """All fields of a message in their order; the named ones are whole fields already."""
    return "".join(
        (
            headers.mailbox_field("From", sender.name, sender.address),
            headers.mailbox_field("Reply-To", "", sender.reply_to) if sender.reply_to else "",
            to,
            headers.text_field("Subject", edition.subject),
            headers.field("Date", [format_datetime(sender.date.astimezone(dt.UTC))]),
            message_id,
            headers.field("MIME-Version", ["1.0"]),
            content_type,
            headers.field("Content-Language", [edition.language]),
            headers.list_id_field(sender.name, sender.list_id),
            list_unsubscribe,
            *_list_fields(edition, sender),
        )
    )


def _list_fields(edition: Edition, sender: Sender) -> tuple[str, ...]:
    """What makes it a newsletter that one can leave, and that answers no robot."""
    issue = re.sub(r"[^A-Za-z0-9.-]+", "-", f"{edition.issue_number}-{edition.language}")
    archive, archived_at = sender.archive, edition.archive_url
    feedback_id = f"{issue}:{sender.list_id}:newsletter:{sender.feedback_id}"
    return (
        headers.field("List-Unsubscribe-Post", ["List-Unsubscribe=One-Click"]),
        headers.field("List-Post", ["NO"]),
        headers.field("List-Archive", [f"<{archive}>"]) if archive else "",
        headers.field("Archived-At", [f"<{archived_at}>"]) if archived_at else "",
        headers.field("Feedback-ID", [feedback_id]),
        headers.field("Precedence", ["bulk"]),
        headers.field("X-Auto-Response-Suppress", ["OOF,", "AutoReply"]),
    )

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
#: Nearly every mailbox and every name of a reader: nothing in them to quote, encode or refuse.
_USUAL_MAILBOX: Final = re.compile(
    r"(?=.{1,254}\Z)[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~.]+@[A-Za-z0-9.-]+"
)
_USUAL_NAME: Final = re.compile(
    r"(?!.*=\?)[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+( [A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*"
)
#: RFC 5321 section 4.5.3.1.3: a path has 256 octets, of which two are angle brackets.
_LONGEST_ADDRESS: Final = 254
#: With quotes round it, it would still fit beside the field's name.
_LONGEST_NAME: Final = headers.LINE - len("To: ") - 2


def fit_mailbox(claim: Claim) -> str:
    """The reader's mailbox. Raises UnfitMessageError when it may not stand in a message."""
    mailbox = claim.address.mailbox
    if _USUAL_MAILBOX.fullmatch(mailbox):
        return mailbox
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
    name = claim.name
    if len(name) > _LONGEST_NAME or not _USUAL_NAME.fullmatch(name):
        return headers.mailbox_field("To", name, fit)
    is_long = len(name) + len(fit) + len("To:  <>") > headers.LINE
    return f"To: {name}\r\n <{fit}>\r\n" if is_long else f"To: {name} <{fit}>\r\n"


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

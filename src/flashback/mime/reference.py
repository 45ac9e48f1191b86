"""One message, slowly and obviously right: the standard that any faster way is measured by.

The same edition, claim and sender give the same octets, today and in two years: boundaries,
Message-ID and Date are derived, nothing is drawn from a clock or a die. ``docs/messages.md``
explains every header field.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from email.utils import format_datetime
from functools import lru_cache
from typing import Final

from flashback.errors import TemplateError
from flashback.mime import headers
from flashback.mime.parts import image_part, multipart, text_part
from flashback.mime.sender import Sender
from flashback.mime.slots import fill_html, fill_text
from flashback.mime.wire_check import UnfitMessageError, check_wire
from flashback.model import Claim, Edition, Envelope, Message, Slot
from flashback.sentences import tr

_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)
#: What would end an address or a field early. Addresses are parsed at the border; this is the
#: second lock.
_UNFIT_FOR_ADDRESS: Final = re.compile(r'[\x00-\x20\x7f-\x9f<>()\[\]\\",:;\u2028\u2029]')


def builder(editions: Mapping[str, Edition], sender: Sender) -> Callable[[Claim], Message]:
    """The build function of a mailing: ``editions`` by digest, as they were when it opened."""
    return lambda claim: build(editions[claim.edition_digest], claim, sending=sender)


def build(edition: Edition, claim: Claim, *, sending: Sender) -> Message:
    """The message for one reader.

    Raises TemplateError when a part shows no unsubscribe link or has an unknown slot, and
    UnfitMessageError when the result may not stand on the wire.
    """
    _demand_way_out(edition)
    mailbox = claim.address.mailbox
    if _UNFIT_FOR_ADDRESS.search(mailbox) or mailbox.count("@") != 1:
        raise UnfitMessageError(tr("“{text}” cannot be mailed to.", text=headers.clean(mailbox)))
    message_id = sending.message_id(claim)
    url, mailto = sending.ways_out(subscriber_id=claim.subscriber_id)
    ways_out = [f"<{way}>" for way in (url, mailto) if way]
    list_unsubscribe = ", ".join(ways_out)
    body = _body(edition, _values(claim, url), seed=message_id)
    # The body opens with its own Content-Type, which belongs between the two halves of the head.
    content_type, _, payload = body.partition(b"\r\n\r\n")
    content = b"".join(
        (
            _origin(edition, claim, sending, message_id).encode(),
            content_type,
            b"\r\n",
            _list(edition, sending, list_unsubscribe).encode(),
            b"\r\n",
            payload,
        )
    )
    check_wire(content, list_unsubscribe=list_unsubscribe)
    return Message(
        claim=claim,
        envelope=Envelope(
            sender=sending.envelope_sender(delivery_id=claim.delivery_id), recipient=mailbox
        ),
        message_id=message_id,
        content=content,
    )


def _origin(edition: Edition, claim: Claim, sending: Sender, message_id: str) -> str:
    """Whose message it is, for whom, and about what."""
    reply_to = sending.reply_to
    return "".join(
        (
            headers.mailbox_field("From", sending.name, sending.address),
            headers.mailbox_field("Reply-To", "", reply_to) if reply_to else "",
            headers.mailbox_field("To", claim.name, claim.address.mailbox),
            headers.text_field("Subject", edition.subject),
            headers.field("Date", [format_datetime(sending.date.astimezone(dt.UTC))]),
            headers.field("Message-ID", [f"<{message_id}>"]),
            headers.field("MIME-Version", ["1.0"]),
        )
    )


def _list(edition: Edition, sending: Sender, list_unsubscribe: str) -> str:
    """What makes it a newsletter that one can leave, and that answers no robot."""
    issue = re.sub(r"[^A-Za-z0-9.-]+", "-", f"{edition.issue_number}-{edition.language}")
    archive, archived_at = sending.archive, edition.archive_url
    return "".join(
        (
            headers.field("Content-Language", [edition.language]),
            headers.list_id_field(sending.name, sending.list_id),
            headers.field("List-Unsubscribe", list_unsubscribe.split(" ")),
            headers.field("List-Unsubscribe-Post", ["List-Unsubscribe=One-Click"]),
            headers.field("List-Post", ["NO"]),
            headers.field("List-Archive", [f"<{archive}>"]) if archive else "",
            headers.field("Archived-At", [f"<{archived_at}>"]) if archived_at else "",
            headers.field(
                "Feedback-ID", [f"{issue}:{sending.list_id}:newsletter:{sending.feedback_id}"]
            ),
            headers.field("Precedence", ["bulk"]),
            headers.field("X-Auto-Response-Suppress", ["OOF,", "AutoReply"]),
        )
    )


def _body(edition: Edition, values: Mapping[Slot, str], *, seed: str) -> bytes:
    """Plain text first: RFC 2046 section 5.1.4 puts the richest form last."""
    rich = text_part("text/html", fill_html(edition.html, values))
    if edition.images:
        pictures = [image_part(image) for image in edition.images]
        rich = multipart('related; type="text/html"', [rich, *pictures], seed=seed)
    plain = text_part("text/plain", fill_text(edition.text, values))
    return multipart("alternative", [plain, rich], seed=seed)


def filled(edition: Edition, claim: Claim, *, sending: Sender) -> tuple[str, str]:
    """HTML and text as one reader will see them."""
    url, _ = sending.ways_out(subscriber_id=claim.subscriber_id)
    values = _values(claim, url)
    return fill_html(edition.html, values), fill_text(edition.text, values)


def _values(claim: Claim, unsubscribe_url: str) -> Mapping[Slot, str]:
    return {
        Slot.UNSUBSCRIBE_URL: unsubscribe_url,
        Slot.READER_ADDRESS: claim.address.mailbox,
        Slot.READER_NAME: headers.clean(claim.name),
    }


@lru_cache(maxsize=8)
def _demand_way_out(edition: Edition) -> None:
    """Raise TemplateError unless both parts show the unsubscribe link."""
    mark = Slot.UNSUBSCRIBE_URL.mark
    # Outlook's conditional comments are read by Outlook alone.
    for part, shown in (("HTML", _COMMENT.sub("", edition.html)), ("text", edition.text)):
        if mark not in shown:
            raise TemplateError(
                tr(
                    "The {part} part of issue {number} ({language}) has no unsubscribe link.",
                    part=part,
                    number=edition.issue_number,
                    language=edition.language,
                ),
                hint=tr("Its template must show {mark}.", mark=mark),
            )

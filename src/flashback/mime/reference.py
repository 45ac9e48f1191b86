"""One message, slowly and obviously right: the standard that the stencil is measured by.

The same edition, claim and sender give the same octets, today and in two years: boundaries,
Message-ID and Date are derived, nothing is drawn from a clock or a die. ``docs/messages.md``
explains every header field.
"""

from collections.abc import Callable, Mapping, Sequence

from flashback.mime import dkim, encoding, headers
from flashback.mime.head import (
    fit_mailbox,
    head,
    list_unsubscribe,
    list_unsubscribe_field,
    message_id_field,
    to_field,
)
from flashback.mime.parts import text_part, tree
from flashback.mime.sender import Sender
from flashback.mime.slots import demand_way_out, fill_html, fill_text
from flashback.mime.wire_check import check_wire
from flashback.model import Claim, Edition, Envelope, Message, Slot

_Fill = Callable[[str, Mapping[Slot, str]], str]


def build(
    edition: Edition, claim: Claim, *, sending: Sender, signers: Sequence[dkim.Signer] = ()
) -> Message:
    """The message for one reader.

    Raises TemplateError when a part shows no unsubscribe link or has an unknown slot,
    UnfitMessageError when the result may not stand on the wire, and ConfigError when a signer's
    domain is not the sender's.
    """
    demand_way_out(edition)
    mailbox = fit_mailbox(claim)
    message_id = sending.message_id(claim)
    url, mailto = sending.ways_out(subscriber_id=claim.subscriber_id)
    way_out = list_unsubscribe(url, mailto)
    values = reader_values(claim, url)
    content_type, body = tree(
        edition,
        plain=_text_part("text/plain", edition.text, values, fill_text),
        rich=_text_part("text/html", edition.html, values, fill_html),
    )
    fields = head(
        edition,
        sending,
        to=to_field(claim, mailbox),
        message_id=message_id_field(message_id),
        content_type=content_type.decode(),
        list_unsubscribe=list_unsubscribe_field(way_out),
    )
    content = dkim.signed(
        fields.encode() + b"\r\n" + body,
        dkim.aligned(signers, sending.domain),
        at=sending.date,
    )
    check_wire(content, list_unsubscribe=way_out)
    return Message(
        claim=claim,
        envelope=Envelope(
            sender=sending.envelope_sender(delivery_id=claim.delivery_id), recipient=mailbox
        ),
        message_id=message_id,
        content=content,
    )


def filled(edition: Edition, claim: Claim, *, sending: Sender) -> tuple[str, str]:
    """HTML and text as one reader will see them."""
    url, _ = sending.ways_out(subscriber_id=claim.subscriber_id)
    values = reader_values(claim, url)
    return fill_html(edition.html, values), fill_text(edition.text, values)


def reader_values(claim: Claim, unsubscribe_url: str) -> Mapping[Slot, str]:
    """What stands in the slots of one reader's copy."""
    return {
        Slot.UNSUBSCRIBE_URL: unsubscribe_url,
        Slot.READER_ADDRESS: claim.address.mailbox,
        Slot.READER_NAME: headers.clean(claim.name),
    }


def _text_part(media_type: str, template: str, values: Mapping[Slot, str], fill: _Fill) -> bytes:
    """A text part in the encoding that suits the edition, whoever reads it."""
    lines = encoding.whole_lines(template)
    suited = encoding.suited(lines)
    return text_part(
        media_type, suited, encoding.encoded(encoding.octets_of(fill(lines, values)), suited)
    )

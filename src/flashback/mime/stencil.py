"""An edition made ready once, so that a reader's message is little more than joining octets.

Texts are transfer-encoded, header fields folded and signatures begun ahead; for each reader only
the slots are filled, and To, Message-ID, List-Unsubscribe and the envelope made. The result reads
as ``reference.build`` would have made it; the first message of each edition is looked at octet for
octet, the values of every later one by themselves.
"""

import hashlib
import html
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from flashback import tokens
from flashback.mime import dkim
from flashback.mime.head import (
    fit_mailbox,
    head,
    list_unsubscribe,
    list_unsubscribe_field,
    to_field,
)
from flashback.mime.parts import text_part, tree
from flashback.mime.reference import reader_values
from flashback.mime.sender import Sender
from flashback.mime.slots import demand_way_out
from flashback.mime.texts import prepared
from flashback.mime.wire_check import check_wire
from flashback.model import Claim, Edition, Envelope, FitOctets, Message

#: Stands for what is filled in later. No message holds a NUL (RFC 5321 section 4.5.2).
_HOLE: Final = "\0"
#: The last subscriber that a token can name. Nobody else's token reads like hers.
_NOBODY: Final = 2**48 - 1


def builder(
    editions: Mapping[str, Edition], sender: Sender, signers: Sequence[dkim.Signer] = ()
) -> Callable[[Claim], Message]:
    """The build function of a mailing: ``editions`` by digest, as they were when it opened.

    Raises ConfigError when a signer's domain is not the sender's. The function raises
    TemplateError and UnfitMessageError as ``build`` does.
    """
    ready: dict[str, Stencil] = {}
    keys = dkim.aligned(signers, sender.domain)

    def built(claim: Claim) -> Message:
        if stencil := ready.get(claim.edition_digest):
            return stencil.message(claim)
        stencil = Stencil(editions[claim.edition_digest], sender, keys)
        message = stencil.message(claim)
        url, mailto = sender.ways_out(subscriber_id=claim.subscriber_id)
        check_wire(message.content, list_unsubscribe=list_unsubscribe(url, mailto))
        ready[claim.edition_digest] = stencil
        return message

    return built


class Stencil:
    """One edition from one sender, but for what differs from reader to reader."""

    def __init__(
        self, edition: Edition, sender: Sender, signers: Sequence[dkim.Signer] = ()
    ) -> None:
        demand_way_out(edition)
        self._sender = sender
        self._prepare_ways_out()
        content_type = self._prepare_body(edition)
        fields = head(
            edition,
            sender,
            to=_HOLE,
            message_id=_HOLE,
            content_type=content_type,
            list_unsubscribe=_HOLE,
        )
        self._head = [piece.encode() for piece in fields.split(_HOLE)]
        constant = fields.replace(_HOLE, "").encode()
        self._seal = dkim.Seal(signers, constant, at=sender.date) if signers else None

    def _prepare_ways_out(self) -> None:
        sender = self._sender
        token = tokens.unsubscribe_token(sender.key, subscriber_id=_NOBODY)
        url, mailto = sender.ways_out_by(token)
        field = list_unsubscribe_field(list_unsubscribe(url, mailto))
        self._url = url.split(token)
        self._way_out = [piece.encode() for piece in field.split(token)]

    def _prepare_body(self, edition: Edition) -> str:
        """Make the body ready and give the Content-Type field of the message."""
        plain_encoding, self._plain = prepared(edition.text, str)
        rich_encoding, self._rich = prepared(edition.html, html.escape)
        hole = _HOLE.encode()
        content_type, body = tree(
            edition,
            plain=text_part("text/plain", plain_encoding, hole),
            rich=text_part("text/html", rich_encoding, hole),
        )
        before, between, self._closing = body.split(hole)
        self._opening = before + self._plain.opening
        self._between = between + self._rich.opening
        self._opening_hash = hashlib.sha256(self._opening)
        return content_type.decode()

    def message(self, claim: Claim) -> Message:
        """The message for one reader. Raises UnfitMessageError when a value may not stand in it."""
        sender = self._sender
        mailbox = fit_mailbox(claim)
        token = tokens.unsubscribe_token(sender.key, subscriber_id=claim.subscriber_id)
        message_id = sender.message_id(claim)
        values = reader_values(claim, token.join(self._url))
        fields = (
            to_field(claim, mailbox).encode(),
            b"Message-ID: <%b>\r\n" % message_id.encode("ascii"),
            token.encode().join(self._way_out),
        )
        following = [
            *self._plain.filled(values),
            self._between,
            *self._rich.filled(values),
            self._closing,
        ]
        signatures = b""
        if self._seal:
            body = self._opening_hash.copy()
            body.update(b"".join(following))
            signatures = self._seal.fields(fields, body.digest())
        start, to_date, to_list, rest = self._head
        to, identifier, way_out = fields
        return Message(
            claim=claim,
            envelope=Envelope(
                sender=sender.envelope_sender(delivery_id=claim.delivery_id), recipient=mailbox
            ),
            message_id=message_id,
            content=FitOctets(
                b"".join(
                    (
                        signatures, start, to, to_date, identifier, to_list, way_out, rest,
                        b"\r\n", self._opening, *following,
                    )
                )
            ),
        )  # fmt: skip

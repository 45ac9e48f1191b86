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
from flashback.mime import dkim, headers
from flashback.mime.encoding import suited
from flashback.mime.head import (
    fit_mailbox,
    head,
    list_unsubscribe,
    list_unsubscribe_field,
    plain_to_field,
    to_field,
)
from flashback.mime.parts import text_part, tree
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
        self._token_of = tokens.unsubscribe_tokens(sender.key)
        self._envelope_sender_of = sender.envelope_senders()
        self._message_ids: dict[int, Callable[[int], str]] = {}
        url = self._prepare_way_out()
        content_type, opening = self._prepare_body(edition, url)
        fields = head(
            edition,
            sender,
            to=_HOLE,
            message_id=_HOLE,
            content_type=content_type,
            list_unsubscribe=_HOLE,
        )
        self._head = [piece.encode() for piece in fields.split(_HOLE)]
        self._head[-1] += b"\r\n" + opening
        self._opening_hash = hashlib.sha256(opening)
        constant = fields.replace(_HOLE, "").encode()
        self._seal = dkim.Seal(signers, constant, at=sender.date) if signers else None

    def _prepare_way_out(self) -> Sequence[str]:
        """Make the header field ready and give the URL, parted where the token stands."""
        sender = self._sender
        token = tokens.unsubscribe_token(sender.key, subscriber_id=_NOBODY)
        url, mailto = sender.ways_out_by(token)
        field = list_unsubscribe_field(list_unsubscribe(url, mailto))
        self._way_out = [piece.encode() for piece in field.split(token)]
        return url.split(token)

    def _prepare_body(self, edition: Edition, url: Sequence[str]) -> tuple[str, bytes]:
        """Make the body ready; give the message's Content-Type and what the body begins with."""
        plain_encoding, rich_encoding = suited(edition.text), suited(edition.html)
        hole = _HOLE.encode()
        content_type, body = tree(
            edition,
            plain=text_part("text/plain", plain_encoding, hole),
            rich=text_part("text/html", rich_encoding, hole),
        )
        before, between, closing = body.split(hole)
        self._rich = prepared(
            edition.html, rich_encoding, url=url, escape=html.escape, closing=closing
        )
        self._plain = prepared(
            edition.text, plain_encoding, url=url, escape=str, closing=between + self._rich.opening
        )
        return content_type.decode(), before + self._plain.opening

    def message(self, claim: Claim) -> Message:
        """The message for one reader. Raises UnfitMessageError when a value may not stand in it."""
        subscriber_id, mailbox, name = claim.subscriber_id, claim.address.mailbox, claim.name
        token = self._token_of(subscriber_id)
        message_id = self._message_id_of(claim)(subscriber_id)
        if to := plain_to_field(mailbox, name):
            octets = mailbox.encode(), name.encode()
            following = self._plain.filled_plainly(token, *octets)
            following += self._rich.filled_plainly(token, *octets)
        else:
            to, name = to_field(claim, fit_mailbox(claim)), headers.clean(name)
            following = self._plain.filled(token, mailbox, name)
            following += self._rich.filled(token, mailbox, name)
        fields = (
            to.encode(),
            f"Message-ID: <{message_id}>\r\n".encode(),
            token.join(self._way_out),
        )
        start, to_date, to_list, rest = self._head
        content = b"".join(
            (
                self._signatures(self._seal, fields, following) if self._seal else b"",
                start, fields[0], to_date, fields[1], to_list, fields[2], rest, *following,
            )
        )  # fmt: skip
        envelope = Envelope(self._envelope_sender_of(claim.delivery_id), mailbox)
        return Message(claim, envelope, message_id, FitOctets(content))

    def _message_id_of(self, claim: Claim) -> Callable[[int], str]:
        """What makes the Message-IDs of a mailing. Its claims are all for this edition."""
        number = claim.mailing_id
        if number not in self._message_ids:
            self._message_ids[number] = self._sender.message_ids(number, claim.edition_digest)
        return self._message_ids[number]

    def _signatures(
        self, seal: dkim.Seal, fields: Sequence[bytes], following: Sequence[bytes]
    ) -> bytes:
        body = self._opening_hash.copy()
        body.update(b"".join(following))
        return seal.fields(fields, body.digest())

"""Who sends a mailing: all that messages need beyond the edition and the reader."""

import datetime as dt
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Final, Self
from urllib.parse import quote

from flashback import addresses, tokens
from flashback.config import Config
from flashback.errors import ConfigError
from flashback.model import Claim
from flashback.sentences import tr
from flashback.tokens import SigningKey

#: RFC 2919 section 2: a list identifier is a dot-atom, like a domain.
_LIST_ID: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+")
#: RFC 5321 section 4.5.3.1.1, less "+" and the longest tag: 18 digits, "-" and 10 more.
_BOUNCE_LOCAL_PART: Final = 64 - 1 - 29


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """The publisher's side of a message, the same for every reader of a mailing.

    ``date`` is when the mailing was opened: with it, a message that is tried again two days later
    is the same message to the octet, as its Message-ID says (RFC 5322 section 3.6.1: Date is when
    the author was done, not when a relay took the message).
    """

    name: str  #: the newsletter's
    address: str  #: of From, a mailbox in ASCII
    list_id: str
    unsubscribe: str  #: URL with ``{token}``
    key: SigningKey
    date: dt.datetime  #: aware
    reply_to: str = ""  #: empty: replies go to From
    unsubscribe_mail: str = ""  #: empty: nobody can leave by mail
    archive: str = ""  #: URL where all issues are listed; empty: nowhere
    bounce_address: str = ""  #: bounces come back to local+TAG@domain; empty: to ``address``

    def __post_init__(self) -> None:
        if not _LIST_ID.fullmatch(self.list_id):
            raise ConfigError(
                tr("“{text}” is not a list identifier.", text=self.list_id),
                hint=tr("Write it like a domain: flash-back.example.org"),
            )
        if len(self._bounce_parts[0]) > _BOUNCE_LOCAL_PART:
            raise ConfigError(
                tr(
                    "The bounce address {address} leaves no room for a delivery's tag.",
                    address=self._bounce_box,
                ),
                hint=tr(
                    "Take one with at most {number} characters before the @.",
                    number=_BOUNCE_LOCAL_PART,
                ),
            )

    @classmethod
    def of(cls, config: Config, *, key: SigningKey, date: dt.datetime) -> Self:
        """The sender that a workspace's settings describe. Raises ConfigError or AddressError."""
        newsletter, links = config.newsletter, config.links
        return cls(
            name=newsletter.name,
            address=_ascii_mailbox(newsletter.sender),
            list_id=newsletter.list_id,
            unsubscribe=links.unsubscribe,
            key=key,
            date=date,
            reply_to=_ascii_mailbox(newsletter.reply_to),
            unsubscribe_mail=_ascii_mailbox(links.unsubscribe_mail),
            archive=_folder_of(links.archive),
            bounce_address=_ascii_mailbox(config.relay.bounce_address),
        )

    @classmethod
    def frozen(cls, public: Mapping[str, str], *, key: SigningKey, date: dt.datetime) -> Self:
        """The sender that ``public`` was taken from: what a mailing keeps when it opens."""
        return cls(**public, key=key, date=date)

    @property
    def public(self) -> dict[str, str]:
        """Everything about the sender but the key and the time, as texts."""
        private = {"key", "date"}
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in private}

    @property
    def domain(self) -> str:
        """The domain of From; Message-IDs are ours under it."""
        return self.address.rpartition("@")[2]

    @property
    def feedback_id(self) -> str:
        """The last field of Feedback-ID: the same for every message of the newsletter, opaque."""
        return hashlib.sha256(self.list_id.encode()).hexdigest()[:12]

    @property
    def _bounce_box(self) -> str:
        return self.bounce_address or self.address

    @property
    def _bounce_parts(self) -> tuple[str, str]:
        local, _, domain = self._bounce_box.rpartition("@")
        return local, domain

    def envelope_senders(self) -> Callable[[int], str]:
        """What makes the address to which a bounce of any delivery comes back (VERP)."""
        local, domain = self._bounce_parts
        tag_of = tokens.bounce_tags(self.key)
        return lambda delivery_id: f"{local}+{tag_of(delivery_id)}@{domain}"

    def envelope_sender(self, *, delivery_id: int) -> str:
        """Where a bounce of this delivery comes back to."""
        return self.envelope_senders()(delivery_id)

    def message_ids(self, mailing_id: int, edition_digest: str) -> Callable[[int], str]:
        """What makes the Message-ID for any subscriber, without angle brackets.

        It follows from what was frozen when the mailing opened, and from the subscriber: it is the
        same for every try at a delivery.
        """
        mailing = f"{mailing_id}/{self.date.isoformat()}/{edition_digest}"
        tag_of, domain = tokens.message_tags(self.key, mailing=mailing), self.domain
        return lambda subscriber_id: f"{tag_of(subscriber_id)}@{domain}"

    def message_id(self, claim: Claim) -> str:
        """The Message-ID of one delivery."""
        return self.message_ids(claim.mailing_id, claim.edition_digest)(claim.subscriber_id)

    def ways_out(self, *, subscriber_id: int) -> tuple[str, str]:
        """The URL and the mailto URL by which a reader leaves; the second may be empty."""
        return self.ways_out_by(tokens.unsubscribe_token(self.key, subscriber_id=subscriber_id))

    def ways_out_by(self, token: str) -> tuple[str, str]:
        """The two ways out that a token opens."""
        url = self.unsubscribe.replace("{token}", token)
        if not self.unsubscribe_mail:
            return url, ""
        box = quote(self.unsubscribe_mail, safe="@+!$*-._~")
        return url, f"mailto:{box}?subject=unsubscribe-{token}"


def _ascii_mailbox(text: str) -> str:
    """A mailbox of ours. It must be one that every server on the way can take."""
    if not text:
        return ""
    address = addresses.parse(text)
    if not address.is_ascii:
        raise ConfigError(
            tr("Not every server can take the address {address}.", address=address),
            hint=tr("Use an address of plain letters for your own mailboxes."),
        )
    return address.mailbox


def _folder_of(url: str) -> str:
    """The page above the editions: what stands before the first field of the URL."""
    before, field, _ = url.partition("{")
    return before[: before.rfind("/") + 1] if field else url

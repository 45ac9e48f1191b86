"""Signed tags: who may leave by a link, and whose bounce came back. Pure; the key is passed in.

An unsubscribe token is ``key id (1) subscriber (6) purpose (1) mac (16)`` in base64url: 32
letters, no address inside, valid for ever (old mails live for years). A VERP tag is readable and
short: ``<delivery>-<mac10>``; its MAC does the work of BATV: a forged bounce is dropped unread.

The MAC is keyed BLAKE2b (RFC 7693 section 2.9), a hash of its own for each purpose and length. The
key id stands for both the key and the way of signing; 1 was HMAC with SHA-256.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

_KEY_ID = b"\x02"
_PURPOSE_UNSUBSCRIBE = b"u"
_MAC_OCTETS = 16
_TAG_MAC_OCTETS = 5
_TO_URL = bytes.maketrans(b"+/", b"-_")


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """Secret octets; at least 16. Never printed."""

    octets: bytes

    def __post_init__(self) -> None:
        if len(self.octets) < 16:  # noqa: PLR2004
            raise ValueError("a signing key has at least 16 octets")

    def __repr__(self) -> str:
        return "SigningKey(…)"

    def mac(self, purpose: str, *, octets: int) -> "hashlib.blake2b":
        """A MAC that is begun: ``update`` it with the content, and take its digest.

        ``purpose`` has 16 ASCII letters at most; for another one, or for another number of octets,
        it is another hash altogether (RFC 7693 section 2.5).
        """
        # As HMAC does it (RFC 2104 section 2): a key that is too long is hashed first.
        fits = len(self.octets) <= blake2b.MAX_KEY_SIZE
        key = self.octets if fits else blake2b(self.octets).digest()
        return blake2b(key=key, person=purpose.encode("ascii"), digest_size=octets)


@lru_cache(maxsize=4)
def unsubscribe_tokens(key: SigningKey) -> Callable[[int], bytes]:
    """What makes the token of any subscriber; begun once, for it is made for every message."""
    begun = key.mac("unsubscribe", octets=_MAC_OCTETS)

    def token_of(subscriber_id: int) -> bytes:
        content = _KEY_ID + subscriber_id.to_bytes(6, "big") + _PURPOSE_UNSUBSCRIBE
        mac = begun.copy()
        mac.update(content)
        # 24 octets make 32 letters; there is nothing to fill up.
        return binascii.b2a_base64(content + mac.digest(), newline=False).translate(_TO_URL)

    return token_of


def unsubscribe_token(key: SigningKey, *, subscriber_id: int) -> str:
    """The token that lets one subscriber leave in one click (RFC 8058): 32 characters."""
    return unsubscribe_tokens(key)(subscriber_id).decode()


def subscriber_of(key: SigningKey, token: str) -> int | None:
    """The subscriber a token was made for, or None for anything else."""
    try:
        octets = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    subscriber_id = int.from_bytes(octets[1:7], "big")
    # Made again and compared as text: base64 has more than one spelling of the same octets.
    expected = unsubscribe_token(key, subscriber_id=subscriber_id)
    return subscriber_id if hmac.compare_digest(token, expected) else None


@lru_cache(maxsize=4)
def bounce_tags(key: SigningKey) -> Callable[[int], str]:
    """What makes the tag of any delivery; begun once, for it is made for every message."""
    begun = key.mac("bounce", octets=_TAG_MAC_OCTETS)

    def tag_of(delivery_id: int) -> str:
        mac = begun.copy()
        mac.update(b"%d" % delivery_id)
        return f"{delivery_id}-{mac.hexdigest()}"

    return tag_of


def bounce_tag(key: SigningKey, *, delivery_id: int) -> str:
    """The tag a bounce brings back in its envelope recipient: ``1742-8f0c2d91ab``."""
    return bounce_tags(key)(delivery_id)


def delivery_of(key: SigningKey, tag: str) -> int | None:
    """The delivery a bounce tag was made for, or None for a forgery."""
    number, _, _ = tag.partition("-")
    # Eighteen digits are what the store can count to; envelopes may hold any octets.
    if not tag.isascii() or not number.isdigit() or len(number) > 18:  # noqa: PLR2004
        return None
    expected = bounce_tag(key, delivery_id=int(number))
    return int(number) if hmac.compare_digest(tag.lower().encode(), expected.encode()) else None


def message_tags(key: SigningKey, *, mailing: str) -> Callable[[int], str]:
    """What makes the left side of a Message-ID for any subscriber: the same at every try.

    ``mailing`` names the mailing beyond this store: its number alone would come again in a store
    that is begun anew, and mail programs hide a second message of the same name.
    """
    begun = key.mac("message-id", octets=_MAC_OCTETS)
    begun.update(f"{mailing}/".encode())

    def tag_of(subscriber_id: int) -> str:
        mac = begun.copy()
        mac.update(b"%d" % subscriber_id)
        return mac.hexdigest()

    return tag_of


def erasure_mark(key: SigningKey, address_key: str) -> str:
    """What recognises the address of an erased person, and cannot be turned back: 32 hex digits.

    A plain hash could be: whoever has a list of addresses hashes them all.
    """
    mac = key.mac("erasure", octets=_MAC_OCTETS)
    mac.update(address_key.encode("utf-8"))
    return mac.hexdigest()

"""Signed tags: who may leave by a link, and whose bounce came back. Pure; the key is passed in.

An unsubscribe token is ``key id (1) subscriber (6) purpose (1) mac (16)`` in base64url: 32
letters, no address inside, valid for ever (old mails live for years). A VERP tag is readable and
short: ``<delivery>-<mac10>``; its MAC does the work of BATV: a forged bounce is dropped unread.
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from functools import lru_cache

_KEY_ID = b"\x01"
_PURPOSE_UNSUBSCRIBE = b"u"
_MAC_OCTETS = 16
_TAG_MAC_DIGITS = 10
_BLOCK = 64  # octets that SHA-256 works on at a time
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

    def mac(self, purpose: str, content: bytes) -> bytes:
        """HMAC-SHA-256 (RFC 2104), separated by purpose."""
        inside, outside = _begun(self.octets, purpose)
        inner, outer = inside.copy(), outside.copy()
        inner.update(content)
        outer.update(inner.digest())
        return outer.digest()


@lru_cache(maxsize=16)
def _begun(key: bytes, purpose: str) -> "tuple[hashlib._Hash, hashlib._Hash]":
    """Both hashes of HMAC, with the key and the purpose in them already.

    RFC 2104 section 4: what is the same for every message need be computed once.
    """
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    inner = hashlib.sha256(bytes(octet ^ 0x36 for octet in block))
    inner.update(purpose.encode() + b"\0")
    return inner, hashlib.sha256(bytes(octet ^ 0x5C for octet in block))


def unsubscribe_token(key: SigningKey, *, subscriber_id: int) -> str:
    """The token that lets one subscriber leave in one click (RFC 8058): 32 characters."""
    content = _KEY_ID + subscriber_id.to_bytes(6, "big") + _PURPOSE_UNSUBSCRIBE
    mac = key.mac("unsubscribe", content)[:_MAC_OCTETS]
    # 24 octets make 32 letters; there is nothing to fill up.
    return binascii.b2a_base64(content + mac, newline=False).translate(_TO_URL).decode()


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


def bounce_tag(key: SigningKey, *, delivery_id: int) -> str:
    """The tag a bounce brings back in its envelope recipient: ``1742-8f0c2d91ab``."""
    mac = key.mac("bounce", str(delivery_id).encode()).hex()[:_TAG_MAC_DIGITS]
    return f"{delivery_id}-{mac}"


def delivery_of(key: SigningKey, tag: str) -> int | None:
    """The delivery a bounce tag was made for, or None for a forgery."""
    number, _, _ = tag.partition("-")
    # Eighteen digits are what the store can count to; envelopes may hold any octets.
    if not tag.isascii() or not number.isdigit() or len(number) > 18:  # noqa: PLR2004
        return None
    expected = bounce_tag(key, delivery_id=int(number))
    return int(number) if hmac.compare_digest(tag.lower().encode(), expected.encode()) else None


def message_tag(key: SigningKey, *, mailing: str, subscriber_id: int) -> str:
    """The left side of a Message-ID: the same for every try at the same delivery.

    ``mailing`` names the mailing beyond this store: its number alone would come again in a store
    that is begun anew, and mail programs hide a second message of the same name.
    """
    return key.mac("message-id", f"{mailing}/{subscriber_id}".encode()).hex()[:32]

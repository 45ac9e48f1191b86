"""Signatures (RFC 6376): rsa-sha256, and ed25519-sha256 (RFC 8463), relaxed in head and body.

Signing changes nothing but the top of the message. The moment a signature bears is given, not
taken from a clock: a message that is tried again is the same message. There is no ``l=``: what
somebody appends breaks the signature.
"""

import base64
import datetime as dt
import hashlib
import importlib.util
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from flashback import resources
from flashback.errors import ConfigError
from flashback.mime.canonical import relaxed_body, relaxed_field
from flashback.sentences import tr

if TYPE_CHECKING:
    from hashlib import _Hash

Algorithm = Literal["rsa-sha256", "ed25519-sha256"]

#: The fields that differ from reader to reader.
READERS: Final = ("to", "message-id", "list-unsubscribe")
#: The signed fields in the order they are hashed: those of the edition, then those of the reader.
SIGNED: Final = (
    "from",
    "reply-to",
    "subject",
    "date",
    "mime-version",
    "content-type",
    "content-language",
    "list-id",
    "list-unsubscribe-post",
    "list-post",
    "list-archive",
    "archived-at",
    "feedback-id",
    *READERS,
)
#: Named once more than they occur: who adds a second one breaks the signature (section 8.15).
OVERSIGNED: Final = frozenset(
    {"from", "reply-to", "subject", "list-unsubscribe", "list-unsubscribe-post"}
)
_LINE: Final = 72
_NEXT_FIELD: Final = re.compile(rb"\r\n(?![ \t])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """One key and the name its public half is found under: ``selector._domainkey.domain``."""

    selector: str
    algorithm: Algorithm
    sign: Callable[[bytes], bytes] = field(repr=False)  #: SHA-256 digest to signature
    domain: str = ""  #: empty: that of From


def load_signers(domain: str, keys: Mapping[str, bytes]) -> tuple[Signer, ...]:
    """A signer for each private key: PEM texts by selector, RSA or Ed25519.

    ``domain`` is what they sign for; empty: the domain of From. Raises ConfigError.
    """
    if not keys:
        return ()
    demand_cryptography()
    from flashback.mime import dkim_keys  # noqa: PLC0415  # heavy, and few need it

    return tuple(dkim_keys.signer(name, pem, domain=domain) for name, pem in keys.items())


def demand_cryptography() -> None:
    """Raise ConfigError unless the package that signs is installed."""
    if importlib.util.find_spec("cryptography") is None:
        raise ConfigError(
            tr("Signing with DKIM needs the Python package cryptography."),
            hint=tr("Install it: {command}", command=resources.installs("dkim")),
        )


def aligned(signers: Iterable[Signer], sender_domain: str) -> tuple[Signer, ...]:
    """Signers that sign for the domain of From or one above it (RFC 7489 section 3.1.1).

    Raises ConfigError: a signature of any other domain says nothing about the sender.
    """
    found = tuple(replace(s, domain=s.domain or sender_domain) for s in signers)
    for signer in found:
        if not f".{sender_domain}".endswith(f".{signer.domain}"):
            raise ConfigError(
                tr(
                    "DKIM cannot sign for {domain}: the newsletter comes from {sender}.",
                    domain=signer.domain,
                    sender=sender_domain,
                ),
                hint=tr(
                    "Leave domain under [dkim] empty, or write {sender}.", sender=sender_domain
                ),
            )
    return found


def signed(content: bytes, signers: Sequence[Signer], *, at: dt.datetime) -> bytes:
    """A message with a signature of each signer at its top. Each signed field occurs once."""
    if not signers:
        return content
    head, _, body = content.partition(b"\r\n\r\n")
    fields = canonical_fields(head)
    names = signed_names(fields)
    digest = hashlib.sha256(relaxed_body(body)).digest()
    hashed = hashlib.sha256(b"".join(fields[name] for name in SIGNED if name in fields))
    drafts = [_draft(signer, names, at=at) for signer in signers]
    return _signature_fields(drafts, hashed, digest) + content


class Seal:
    """The signatures of one edition: begun once, ended for each reader."""

    def __init__(self, signers: Sequence[Signer], head: bytes, *, at: dt.datetime) -> None:
        """Begin with the fields of the edition, in a head without those of the reader."""
        fields = canonical_fields(head)
        names = signed_names({*fields, *READERS})
        self._drafts = [_draft(signer, names, at=at) for signer in signers]
        self._hashed = hashlib.sha256(b"".join(fields[name] for name in SIGNED if name in fields))

    def fields(self, readers: Sequence[bytes], body_digest: bytes) -> bytes:
        """The DKIM-Signature fields over a reader's own fields, given in the order of READERS."""
        hashed = self._hashed.copy()
        hashed.update(b"".join([relaxed_field(field) for field in readers]))
        return _signature_fields(self._drafts, hashed, body_digest)


def canonical_fields(head: bytes) -> dict[str, bytes]:
    """The fields of a head by name, in their relaxed form."""
    found = (relaxed_field(part) for part in _NEXT_FIELD.split(head) if part)
    return {part.partition(b":")[0].decode(): part for part in found}


def signed_names(present: Collection[str]) -> str:
    """The value of ``h=`` for a message with these fields, folded between names."""
    names = []
    for name in SIGNED:
        names += [name] * ((name in present) + (name in OVERSIGNED))
    lines = [""]
    for number, name in enumerate(names, start=1):
        piece = name + ":" * (number < len(names))
        if len(lines[-1]) + len(piece) > _LINE:
            lines.append("")
        lines[-1] += piece
    return "\r\n ".join(lines)


class _Draft(NamedTuple):
    """A DKIM-Signature field but for its two digests, ``bh=`` and ``b=``."""

    signer: Signer
    draft: list[bytes]  #: what stands before the body's digest, and after it
    relaxed: list[bytes]  #: the same in relaxed form


def _draft(signer: Signer, names: str, *, at: dt.datetime) -> _Draft:
    """``names`` is the value of ``h=`` that fits the fields that will be hashed."""
    field = (
        f"DKIM-Signature: v=1; a={signer.algorithm}; c=relaxed/relaxed;\r\n"
        f" d={signer.domain}; s={signer.selector};\r\n"
        f" t={int(at.timestamp())};\r\n h={names};\r\n"
        " bh=\0;\r\n b="
    ).encode()
    # Section 3.7: the field itself comes last, its b= empty, without a line end.
    return _Draft(signer, field.split(b"\0"), relaxed_field(field)[:-2].split(b"\0"))


def _signature_fields(drafts: Iterable[_Draft], hashed: "_Hash", body_digest: bytes) -> bytes:
    """DKIM-Signature fields over fields that were hashed and a body that was digested.

    ``hashed`` stays as it is.
    """
    body_hash = base64.b64encode(body_digest)
    found = []
    for signer, draft, relaxed in drafts:
        total = hashed.copy()
        total.update(body_hash.join(relaxed))
        signature = base64.b64encode(signer.sign(total.digest()))
        lines = [signature[n : n + _LINE] for n in range(0, len(signature), _LINE)]
        found += [body_hash.join(draft), b"\r\n ".join(lines), b"\r\n"]
    return b"".join(found)

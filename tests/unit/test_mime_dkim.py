"""Signing: the published example, who may sign for whom, and keys that are refused."""

import base64
import hashlib
import importlib.util
from collections.abc import Sequence

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from flashback.errors import ConfigError
from flashback.mime import build, builder, dkim, dkim_keys, load_signers
from flashback.mime.canonical import relaxed_body, relaxed_field

from fixtures import letters, signing

#: RFC 8463 appendix A: keys, message and signature, as published.
SECRET = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
RECORD = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
FIELDS = [
    b"From: Joe SixPack <joe@football.example.com>",
    b"To: Suzie Q <suzie@shopping.example.net>",
    b"Subject: Is dinner ready?",
    b"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)",
    b"Message-ID: <20030712040037.46341.5F8J@football.example.com>",
]
BODY = b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"
BODY_HASH = "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="
UNSIGNED = (
    "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
    " d=football.example.com; i=@football.example.com;\r\n"
    " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
    " subject : date : message-id : from : subject : date;\r\n"
    f" bh={BODY_HASH};\r\n"
    " b="
)
SIGNATURE = (
    "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="
)


def pem(key: PrivateKeyTypes, password: bytes = b"") -> bytes:
    """A private key as text."""
    lock = (
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption()
    )
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)


def test_the_published_example() -> None:
    """RFC 8463 appendix A, to the octet: record, body hash and signature."""
    secret = pem(ed25519.Ed25519PrivateKey.from_private_bytes(base64.b64decode(SECRET)))
    assert dkim_keys.dns_record("brisbane", secret) == RECORD
    body_digest = hashlib.sha256(relaxed_body(BODY)).digest()
    assert base64.b64encode(body_digest).decode() == BODY_HASH
    hashed = b"".join(relaxed_field(field) for field in FIELDS)
    hashed += relaxed_field(UNSIGNED.encode())[:-2]
    (signer,) = load_signers("football.example.com", {"brisbane": secret})
    signature = signer.sign(hashlib.sha256(hashed).digest())
    assert base64.b64encode(signature).decode() == SIGNATURE


def test_without_signers_nothing_changes() -> None:
    """And nothing is loaded that signs."""
    assert load_signers("example.org", {}) == ()
    assert b"DKIM-Signature" not in letters.message().content


def test_signatures_stand_at_the_top_in_short_lines() -> None:
    """In the order of the keys; what they say is the mailing's date, never today's."""
    message = build(
        letters.edition(), letters.claim(), sending=letters.sender(), signers=signing.signers()
    )
    head = message.content.partition(b"From: ")[0].decode()
    assert head.count("DKIM-Signature: v=1; ") == 2
    assert head.index("a=rsa-sha256") < head.index("a=ed25519-sha256")
    assert head.count(f"t={int(letters.OPENED_AT.timestamp())};") == 2
    assert " d=example.org; s=one;" in head
    assert "l=" not in head.replace("list-", "").replace("bl=", "")
    assert all(len(line) <= 78 for line in head.split("\r\n"))


def names_signed(content: bytes) -> Sequence[str]:
    """The names in h= of the first signature."""
    value = content.partition(b" h=")[2].partition(b";")[0]
    return value.decode().replace("\r\n ", "").split(":")


def test_what_is_signed_and_what_cannot_be_added() -> None:
    """RFC 8058 wants both list fields signed; those that steer the reader are named once more."""
    make = builder(
        {letters.edition().digest: letters.edition()}, letters.sender(), signing.signers()
    )
    names = names_signed(make(letters.claim()).content)
    twice = {name for name in names if names.count(name) == 2}
    assert twice == {"from", "reply-to", "subject", "list-unsubscribe", "list-unsubscribe-post"}
    assert set(names) - twice == {
        "to", "date", "message-id", "mime-version", "content-type", "content-language", "list-id",
        "list-post", "list-archive", "archived-at", "feedback-id",
    }  # fmt: skip


def test_a_field_that_is_not_there_is_named_once_or_not_at_all() -> None:
    """Reply-To cannot be added; of List-Archive nothing is said."""
    message = build(
        letters.edition(),
        letters.claim(),
        sending=letters.sender(reply_to="", archive=""),
        signers=signing.signers(),
    )
    names = names_signed(message.content)
    assert names.count("reply-to") == 1
    assert "list-archive" not in names


@pytest.mark.parametrize(
    ("domain", "sender", "signs_for"),
    [
        ("", "news.example.org", "news.example.org"),
        ("news.example.org", "news.example.org", "news.example.org"),
        ("example.org", "news.example.org", "example.org"),
    ],
)
def test_who_may_sign(domain: str, sender: str, signs_for: str) -> None:
    """The domain of From, or one above it."""
    (signer,) = dkim.aligned(load_signers(domain, {"one": signing.key("ed25519")}), sender)
    assert signer.domain == signs_for


@pytest.mark.parametrize("domain", ["example.com", "a.example.org", "ple.org"])
def test_who_may_not_sign(domain: str) -> None:
    """Any other domain says nothing about the sender; that is said before anything is claimed."""
    signers = load_signers(domain, {"one": signing.key("ed25519")})
    with pytest.raises(ConfigError, match=f"sign for {domain}"):
        builder({}, letters.sender(), signers)
    with pytest.raises(ConfigError, match=f"sign for {domain}"):
        build(letters.edition(), letters.claim(), sending=letters.sender(), signers=signers)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "no private key"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no private key"),
        (pem(ed25519.Ed25519PrivateKey.generate(), b"word"), "locked"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "neither RSA nor Ed25519"),
        (pem(rsa.generate_private_key(65537, 1024)), "only 1024 bits"),
    ],
    ids=["empty", "garbled", "locked", "another kind", "short"],
)
def test_unfit_keys_are_refused(text: bytes, reason: str) -> None:
    """With the selector's name, the reason and a way out."""
    with pytest.raises(ConfigError, match=f"“one” .*{reason}") as raised:
        load_signers("", {"one": text})
    assert str(raised.value.hint)


def test_without_the_package_that_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said what to install."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(ConfigError, match="pip install"):
        load_signers("", {"one": b""})


def test_a_signer_never_shows_its_key() -> None:
    """Neither a traceback nor a log shows the secret."""
    assert "sign=" not in repr(signing.signers())


def test_records_fit_into_the_dns() -> None:
    """Strings of at most 255 octets, which put together are the record on one line."""
    record = dkim_keys.dns_record("one", signing.key("rsa"))
    line = dkim_keys.zone_line("one", "example.org", record)
    opening, *strings = line.replace(" )", "").split("\n    ")
    assert opening == "one._domainkey.example.org. IN TXT ("
    assert len(strings) == 2
    assert all(len(string) <= 257 for string in strings)
    assert "".join(string.strip('"') for string in strings) == record

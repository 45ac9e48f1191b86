"""Private keys for signing, and what the DNS must say about them (RFC 6376 section 3.6, RFC 8463).

Loads ``cryptography``: import it where ``dkim.demand_cryptography`` has found that it is there.
"""

import base64
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa, utils

from flashback.errors import ConfigError
from flashback.mime.dkim import Signer
from flashback.sentences import tr

Private = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

#: RFC 8301 section 3.2 demands 1024 and advises 2048; large providers distrust less.
RSA_BITS: Final = 2048
#: RFC 1035 section 3.3.14: a TXT record is made of strings of so many octets at most.
_TXT_STRING: Final = 255


def signer(selector: str, pem: bytes, *, domain: str) -> Signer:
    """Who signs with a private key, given as PEM. Raises ConfigError."""
    key = _private(selector, pem)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return Signer(selector=selector, algorithm="ed25519-sha256", sign=key.sign, domain=domain)
    scheme, digested = padding.PKCS1v15(), utils.Prehashed(hashes.SHA256())
    return Signer(
        selector=selector,
        algorithm="rsa-sha256",
        sign=lambda digest: key.sign(digest, scheme, digested),
        domain=domain,
    )


def new_private_key(algorithm: str) -> bytes:
    """A new private key, ``rsa`` or ``ed25519``, as PEM (PKCS #8)."""
    key: Private
    if algorithm == "rsa":
        key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    else:
        key = ed25519.Ed25519PrivateKey.generate()
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def dns_record(selector: str, pem: bytes) -> str:
    """What the DNS must say at ``selector._domainkey``, on one line. Raises ConfigError."""
    public = _private(selector, pem).public_key()
    if isinstance(public, rsa.RSAPublicKey):
        kind, octets = (
            "rsa",
            public.public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            ),
        )
    else:
        # RFC 8463 section 4: the bare key, without any structure round it.
        kind, octets = "ed25519", public.public_bytes_raw()
    return f"v=DKIM1; k={kind}; p={base64.b64encode(octets).decode()}"


def zone_line(selector: str, domain: str, record: str) -> str:
    """A record in the form of a zone file (RFC 1035 section 5.1), its strings short enough."""
    strings = [record[n : n + _TXT_STRING] for n in range(0, len(record), _TXT_STRING)]
    quoted = "\n    ".join(f'"{string}"' for string in strings)
    return f"{selector}._domainkey.{domain}. IN TXT (\n    {quoted} )"


def _private(selector: str, pem: bytes) -> Private:
    """The key in a PEM text that is fit for signing. Raises ConfigError."""
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except TypeError as error:
        raise ConfigError(
            tr("The DKIM key “{name}” is locked with a password.", name=selector),
            hint=tr("Unlock it into a new file: openssl pkey -in OLD -out NEW"),
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError(
            tr("The DKIM key “{name}” is no private key in PEM.", name=selector),
            hint=tr("It begins with -----BEGIN PRIVATE KEY-----. Make one: flashback dkim new"),
        ) from error
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ConfigError(
            tr("The DKIM key “{name}” is neither RSA nor Ed25519.", name=selector),
            hint=tr("No receiver knows another kind. Make one: flashback dkim new"),
        )
    if key.key_size < RSA_BITS:
        raise ConfigError(
            tr("The DKIM key “{name}” has only {bits} bits.", name=selector, bits=key.key_size),
            hint=tr(
                "Receivers want {bits}. Make a new one under another selector: flashback dkim new",
                bits=RSA_BITS,
            ),
        )
    return key

"""Text to ``Address``, once, at the border; afterwards nobody handles a bare string.

The grammar is email-validator's (RFC 5321, 5322, 6531, IDNA 2008); what is ours is the normal
form: domain as lower-case A-labels, local part as given, and a case-folded key. A list of a
million has few domains: each is validated once. Plain ASCII letters, digits and single signs need
no second look, in a local part or a domain. A test holds the short way against the long one.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from flashback.errors import AddressError
from flashback.model import Address
from flashback.sentences import tr

_USUAL: Final = re.compile(r"([A-Za-z0-9]+(?:[._+-][A-Za-z0-9]+)*)@([A-Za-z0-9.-]+)")
#: Names of hosts under top-level domains of letters, but for those that are nobody's.
_USUAL_DOMAIN: Final = re.compile(
    r"(?:(?=[^.]{1,63}\.)[a-z0-9]+(?:-[a-z0-9]+)*\.)+"
    r"(?!(?:arpa|invalid|local|localhost|onion|test)\Z)[a-z]{2,63}"
)
# RFC 5321 section 4.5.3.1: octets of the local part, and of the whole without its brackets.
_LONGEST_LOCAL: Final = 64
_LONGEST: Final = 254
_LONGEST_DOMAIN: Final = 253  # RFC 1035 section 2.3.4, without the root's octets


def parse(text: str) -> Address:
    """Parse one address. Raises AddressError naming the text and the reason; never asks the DNS."""
    stripped = text.strip()
    usual = _USUAL.fullmatch(stripped)
    if usual is not None:
        local, written = usual.groups()
        domain = _domain(written)
        mailbox = f"{local}@{domain}"
        if domain and len(local) <= _LONGEST_LOCAL and len(mailbox) <= _LONGEST:
            return Address(mailbox=mailbox, key=mailbox.lower())
    return thoroughly(stripped)


@lru_cache(maxsize=16_384)
def _domain(written: str) -> str:
    """A domain in lower-case A-labels; empty for what is none."""
    lower = written.lower()
    if len(lower) <= _LONGEST_DOMAIN and _USUAL_DOMAIN.fullmatch(lower):
        return lower
    try:
        return thoroughly(f"a@{written}").domain
    except AddressError:
        return ""


def thoroughly(stripped: str) -> Address:
    """The same by the whole grammar. Raises AddressError."""
    # email-validator costs a tenth of a second at start-up; most commands never need it.
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415

    try:
        found = validate_email(
            stripped,
            check_deliverability=False,
            # example.org and a team's own .internal host are nobody's typing errors.
            test_environment=True,
            globally_deliverable=False,
        )
    except EmailNotValidError as error:
        raise AddressError(
            tr("“{text}” is not an e-mail address: {reason}", text=_shown(stripped), reason=error),
            hint=tr("Write it like name@example.org."),
        ) from error
    domain = found.ascii_domain.lower()
    key = unicodedata.normalize("NFC", f"{found.local_part.casefold()}@{domain}")
    return Address(mailbox=f"{found.local_part}@{domain}", key=key)


def _shown(text: str) -> str:
    """The beginning of a text as a terminal may print it: no controls, no half characters."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:80])

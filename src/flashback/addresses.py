"""Text to ``Address``, once, at the border; afterwards nobody handles a bare string.

The grammar is email-validator's (RFC 5321, 5322, 6531, IDNA 2008); what is ours is the normal
form: domain as lower-case A-labels, local part as given, and a case-folded key.
"""

import unicodedata

from flashback.errors import AddressError
from flashback.model import Address
from flashback.sentences import tr


def parse(text: str) -> Address:
    """Parse one address. Raises AddressError naming the text and the reason; never asks the DNS."""
    # email-validator costs a tenth of a second at start-up; most commands never need it.
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415

    stripped = text.strip()
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

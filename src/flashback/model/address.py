"""An e-mail address that has been parsed once; ``flashback.addresses`` does the parsing."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox that mail can be sent to.

    Two addresses are the same person when their keys are equal (RFC 5321 section 2.4 leaves the
    local part's case to its host; no host in use tells two readers apart by it).
    """

    mailbox: str  #: as it goes on the wire: local part as given, domain as A-labels, lower case
    key: str  #: NFC, case-folded: what uniqueness and suppression compare

    def __str__(self) -> str:
        return self.mailbox

    @property
    def domain(self) -> str:
        """The domain in A-labels."""
        return self.mailbox.rpartition("@")[2]

    @property
    def masked(self) -> str:
        """The provider but not the person, for logs and pages: ``a***@example.org``."""
        return f"{self.mailbox[:1]}***@{self.domain}"

    @property
    def is_ascii(self) -> bool:
        """Whether it can be sent without SMTPUTF8 (RFC 6531)."""
        return self.mailbox.isascii()

"""The commands of a transaction, with the parameters that a server offers. Pure."""

from dataclasses import dataclass, field

from flashback.model import Message
from flashback.smtp.capabilities import Capabilities


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """How MAIL, RCPT and DATA are said on one connection."""

    offered: Capabilities = field(default_factory=Capabilities)
    delivery_reports: bool = False  #: ask for reports of failure and delay, where offered
    require_tls: bool = False  #: RFC 8689: pass it on under TLS or not at all

    def mail(self, message: Message) -> bytes:
        """MAIL, with its line end. Raises ValueError when an address holds one."""
        sender, recipient = message.envelope.sender, message.envelope.recipient
        # RFC 1870 section 6.1: the octets of the message, CRLF counted, dot-stuffing not.
        size = f" SIZE={len(message.content)}" if self.offered.takes_size else ""
        # RFC 6531 section 3.6: the header is UTF-8 as well, so the content is 8-bit.
        wide = "" if recipient.isascii() else " BODY=8BITMIME SMTPUTF8"
        tls = " REQUIRETLS" if self.require_tls else ""
        report = self._report_of(sender) if self.delivery_reports and self.offered.dsn else ""
        return _line(f"MAIL FROM:<{sender}>{size}{wide}{tls}{report}")

    def rcpt(self, message: Message) -> bytes:
        """RCPT, with its line end. Raises ValueError when the address holds one."""
        recipient = message.envelope.recipient
        if not (self.delivery_reports and self.offered.dsn):
            return _line(f"RCPT TO:<{recipient}>")
        # RFC 6533 section 3: an address beyond ASCII has another type.
        original = f" ORCPT=rfc822;{xtext(recipient)}" if recipient.isascii() else ""
        return _line(f"RCPT TO:<{recipient}> NOTIFY=FAILURE,DELAY{original}")

    def _report_of(self, sender: str) -> str:
        """RFC 3461 sections 4.3 and 4.4: the tag that signs the delivery names its report too."""
        tag = sender.rpartition("@")[0].rpartition("+")[2]
        return f" RET=HDRS ENVID={xtext(tag)}" if tag else " RET=HDRS"


def _line(said: str) -> bytes:
    if not said.isprintable():
        raise ValueError("a command is one line")
    return said.encode() + b"\r\n"


def xtext(text: str) -> str:
    """ASCII text as a parameter's value (RFC 3461 section 4)."""
    return "".join(c if "!" <= c <= "~" and c not in "+=" else f"+{ord(c):02X}" for c in text)

"""What a server offers in its answer to EHLO (RFC 5321 section 4.1.1.1). Pure."""

from dataclasses import dataclass

from flashback.model import Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """The extensions that matter to a sender of newsletters."""

    starttls: bool = False  #: RFC 3207
    pipelining: bool = False  #: RFC 2920
    chunking: bool = False  #: RFC 3030
    eight_bit: bool = False  #: RFC 6152
    smtputf8: bool = False  #: RFC 6531
    dsn: bool = False  #: RFC 3461
    require_tls: bool = False  #: RFC 8689
    takes_size: bool = False  #: RFC 1870
    largest: int = 0  #: octets; 0: no limit told
    logins: frozenset[str] = frozenset()  #: RFC 4954


def capabilities_of(reply: Reply) -> Capabilities:
    """Read an answer to EHLO; keywords in any case, unknown ones passed over."""
    # The first line is the server's name.
    offered: dict[str, list[str]] = {}
    for line in reply.lines[1:]:
        # Old clients want "AUTH=", so that some servers say it twice, with other mechanisms.
        if words := line.upper().replace("AUTH=", "AUTH ", 1).split():
            offered.setdefault(words[0], []).extend(words[1:])
    size = offered.get("SIZE", [])
    return Capabilities(
        starttls="STARTTLS" in offered,
        pipelining="PIPELINING" in offered,
        chunking="CHUNKING" in offered,
        eight_bit="8BITMIME" in offered,
        smtputf8="SMTPUTF8" in offered,
        dsn="DSN" in offered,
        require_tls="REQUIRETLS" in offered,
        takes_size="SIZE" in offered,
        largest=int(size[0]) if size and size[0].isascii() and size[0].isdigit() else 0,
        logins=frozenset(offered.get("AUTH", [])),
    )

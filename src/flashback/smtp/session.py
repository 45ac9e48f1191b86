"""A line to the relay, what the relay offers on it, and what has happened on it so far."""

import ipaddress
import re
import socket
import ssl
from dataclasses import dataclass
from typing import Final

from flashback.config import RelayConfig
from flashback.model import Reply
from flashback.smtp.channel import BrokenLineError, Channel

_HOSTNAME: Final = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_PARTING_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a server offers in its answer to EHLO (RFC 5321 section 4.1.1.1)."""

    starttls: bool = False
    smtputf8: bool = False
    takes_size: bool = False
    largest: int = 0  #: octets; 0: no limit told (RFC 1870)
    logins: frozenset[str] = frozenset()


def capabilities_of(reply: Reply) -> Capabilities:
    """Read an answer to EHLO; keywords in any case, unknown ones passed over."""
    # The first line is the server's name.
    offered = {
        words[0].upper(): [word.upper() for word in words[1:]]
        for line in reply.lines[1:]
        if (words := line.replace("AUTH=", "AUTH ", 1).split())
    }
    size = offered.get("SIZE", [])
    return Capabilities(
        starttls="STARTTLS" in offered,
        smtputf8="SMTPUTF8" in offered,
        takes_size="SIZE" in offered,
        largest=int(size[0]) if size and size[0].isascii() and size[0].isdigit() else 0,
        logins=frozenset(offered.get("AUTH", [])),
    )


class Session:
    """A line that is ready for MAIL, and what is known about it."""

    def __init__(self, channel: Channel, config: RelayConfig) -> None:
        self.capabilities = Capabilities()
        self.messages = 0  #: begun on this line
        self.refusals = 0  #: since the last message that was taken
        self.needs_reset = False  #: a transaction was begun and not ended
        self._channel = channel
        self._config = config

    def command(self, line: str) -> Reply:
        """Say one line and wait for the answer. Raises BrokenLineError."""
        if "\r" in line or "\n" in line:
            raise ValueError("a command is one line")
        self.write(f"{line}\r\n".encode())
        return self.reply(seconds=self._config.command_seconds)

    def write(self, octets: bytes) -> None:
        """Write octets as they are. Raises BrokenLineError."""
        self._channel.send(octets, seconds=self._config.command_seconds)

    def reply(self, *, seconds: float) -> Reply:
        """Wait for an answer. Raises BrokenLineError."""
        return self._channel.reply(seconds=seconds)

    def unasked(self) -> Reply | None:
        """What the server says without being asked; None is the rule. Raises BrokenLineError."""
        return self._channel.unasked()

    def quit(self) -> None:
        """Part politely, without waiting long for it."""
        try:
            self.write(b"QUIT\r\n")
            self._channel.reply(seconds=min(self._config.command_seconds, _PARTING_SECONDS))
        except BrokenLineError:
            pass  # it parts one way or the other
        finally:
            self.close()

    def close(self) -> None:
        """Hang up. A message whose final dot was not sent is not accepted (RFC 5321 4.1.1.4)."""
        self._channel.close()

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Go on under TLS. Raises OSError or BrokenLineError."""
        self._channel.start_tls(context, self._config.host, seconds=self._config.connect_seconds)

    @property
    def helo_name(self) -> str:
        """Our name: as set, else this machine's if it is a full one, else our IP address."""
        if self._config.helo_name:
            return self._config.helo_name
        if _HOSTNAME.fullmatch(name := socket.gethostname()):
            return name
        return literal_of(self._channel.local_address)


def literal_of(address: str) -> str:
    """An IP address as it stands in EHLO (RFC 5321 section 4.1.3)."""
    own = ipaddress.ip_address(address.partition("%")[0])
    return f"[IPv6:{own}]" if isinstance(own, ipaddress.IPv6Address) else f"[{own}]"

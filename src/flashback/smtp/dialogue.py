"""The blocking dialogue that makes a new connection fit for mail: one command, one answer."""

import ipaddress
import re
import socket
import ssl
from typing import Final

from flashback.config import RelayConfig
from flashback.model import Reply
from flashback.smtp.capabilities import Capabilities
from flashback.smtp.channel import Channel

_HOSTNAME: Final = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


class Dialogue:
    """A connection while it is opened, and what the server offers on it."""

    def __init__(self, channel: Channel, config: RelayConfig) -> None:
        self.capabilities = Capabilities()
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

    def close(self) -> None:
        """Hang up."""
        self._channel.close()

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Go on under TLS. Raises OSError or BrokenLineError."""
        self._channel.start_tls(context, self._config.host, seconds=self._config.connect_seconds)

    def handed_over(self) -> socket.socket:
        """The socket, for whoever goes on from here. Raises BrokenLineError on unread words."""
        return self._channel.handed_over()

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

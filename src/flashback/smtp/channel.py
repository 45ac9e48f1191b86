"""A line to a server: octets out, replies in, each with a deadline by the wall clock.

A server that drips one octet per second cannot hold us: a deadline is for the whole reply, not
for one read. All that can go wrong on the line is one exception, ``BrokenLineError``, after which
the line is good for nothing but closing.
"""

import socket
import ssl
import time
from collections.abc import Sequence
from typing import Final, Self

from flashback.errors import FlashbackError
from flashback.model import Reply
from flashback.sentences import tr
from flashback.smtp.reply import ReplyBuffer, parse

_READ: Final = 65_536


class BrokenLineError(FlashbackError):
    """The line was closed, fell silent, or carries something that is not SMTP."""


class Channel:
    """One TCP connection, in the clear or under TLS."""

    def __init__(self, connection: socket.socket) -> None:
        # Without this, a small write waits for the acknowledgement of the one before it.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connection
        self._buffer = ReplyBuffer()

    @classmethod
    def open(cls, host: str, port: int, *, seconds: float) -> Self:
        """Connect to the first address that answers. Raises OSError."""
        return cls(socket.create_connection((host, port), timeout=seconds))

    @property
    def local_address(self) -> str:
        """Our own IP address on this line."""
        return str(self._socket.getsockname()[0])

    def start_tls(self, context: ssl.SSLContext, host: str, *, seconds: float) -> None:
        """Go on under TLS, the server's name checked. Raises OSError, of which SSLError is one.

        What came before the handshake is thrown away with an error: it was said by nobody knows
        whom (CVE-2011-0411).
        """
        if not self._buffer.is_empty:
            raise BrokenLineError(tr("the server spoke out of turn"))
        self._socket.settimeout(seconds)
        self._socket = context.wrap_socket(self._socket, server_hostname=host)

    def send(self, octets: bytes, *, seconds: float) -> None:
        """Write everything within so many seconds.

        Nothing is written while an answer lies unread: it would be taken for the next one's.
        """
        if not self._buffer.is_empty:
            raise BrokenLineError(tr("the server spoke out of turn"))
        try:
            self._socket.settimeout(seconds)
            self._socket.sendall(octets)
        except TimeoutError as error:
            raise BrokenLineError(tr("the server stopped reading")) from error
        except OSError as error:
            raise BrokenLineError(tr("the connection was lost")) from error

    def reply(self, *, seconds: float) -> Reply:
        """Wait for one reply, ``seconds`` in all."""
        deadline = time.monotonic() + seconds
        while (lines := self._buffer.take()) is None:
            self._read(deadline - time.monotonic())
        return self._parsed(lines)

    def handed_over(self) -> socket.socket:
        """The socket itself; this channel is done. Raises BrokenLineError on unread words."""
        if not self._buffer.is_empty:
            raise BrokenLineError(tr("the server spoke out of turn"))
        return self._socket

    def close(self) -> None:
        """Let go of the line. What was not written stays unwritten."""
        self._socket.close()

    def _read(self, seconds: float) -> None:
        try:
            # A timeout of zero would mean "do not wait", and a negative one is an error.
            self._socket.settimeout(max(seconds, 0.001))
            octets = self._socket.recv(_READ)
        except TimeoutError as error:
            raise BrokenLineError(tr("the server did not answer in time")) from error
        except OSError as error:
            raise BrokenLineError(tr("the connection was lost")) from error
        if not octets:
            raise BrokenLineError(tr("the server closed the connection"))
        self._buffer.feed(octets)

    @staticmethod
    def _parsed(lines: Sequence[bytes]) -> Reply:
        if (found := parse(lines)) is None:
            raise BrokenLineError(tr("the server's answer is not SMTP"))
        return found

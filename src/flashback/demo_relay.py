"""A real SMTP server on loopback for the demonstration: what it accepts goes into a Maildir."""

import asyncio
import mailbox
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class _IntoMaildir:
    """Keep each message with its envelope, the way a local delivery agent would."""

    def __init__(self, maildir: mailbox.Maildir) -> None:
        self.maildir = maildir

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's name
        """Accept a message once it is in the Maildir."""
        content: Any = envelope.content
        head = f"Return-Path: <{envelope.mail_from}>\r\nDelivered-To: {envelope.rcpt_tos[0]}\r\n"
        key = self.maildir.add(head.encode() + content)
        return f"250 2.0.0 Ok: queued as {key.partition('.')[2][:20]}"


class _OnAnyPort(Controller):
    """A controller that listens on port 0, a port the system chooses, and then knows which."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd leaves it untyped


class DemoRelay:
    """Start, then stop; in between, ``port`` is where it listens."""

    def __init__(self, maildir: Path) -> None:
        maildir.parent.mkdir(parents=True, exist_ok=True)
        self._maildir = mailbox.Maildir(maildir)
        self._controller = _OnAnyPort(
            _IntoMaildir(self._maildir), hostname="127.0.0.1", port=0, ready_timeout=10
        )

    def start(self) -> None:
        """Listen on loopback."""
        self._controller.start()

    @property
    def port(self) -> int:
        """The port that was free."""
        port: int = self._controller.port
        return port

    def received(self) -> int:
        """How many messages are in the Maildir."""
        return len(self._maildir)

    def stop(self) -> None:
        """Stop listening; the Maildir stays."""
        self._controller.stop()

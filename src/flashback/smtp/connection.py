"""A session on its socket: octets are moved and deadlines kept, nothing is decided.

The socket never blocks. A deadline is for a whole reply, not for one read: a server that drips one
octet a second cannot hold us. RFC 5321 section 4.5.3.2 says how long each answer may take.
"""

import socket
import ssl
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from flashback.config import RelayConfig
from flashback.model import Claim, Message
from flashback.sentences import NOTHING, Sentence, tr
from flashback.smtp.capabilities import Capabilities
from flashback.smtp.session import Session
from flashback.smtp.steps import Answered, Step

if TYPE_CHECKING:
    from flashback.smtp.host import Host

_READ: Final = 65_536
_RECORD: Final = 16_384
_ANY: Final = 2**31
_PARTING_SECONDS: Final = 5.0
_NOT_YET: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Connection:
    """One line to a relay, ready for MAIL."""

    def __init__(
        self,
        connection: socket.socket,
        session: Session,
        offered: Capabilities,
        config: RelayConfig,
        now: float,
    ) -> None:
        connection.setblocking(False)
        self.host: Host  #: whose line it is; set when it joins the others
        self.offered = offered
        self.opened_at = now
        self.submitted = 0
        self.done = 0  #: messages of which all has been said here
        self.refusals = 0  #: since the last message that was taken
        self.is_parting = False
        self.is_misled = False  #: speaking ahead has not worked here
        self.fault: Sentence = NOTHING  #: why it ended
        self._socket = connection
        self._session = session
        self._config = config
        self._out = b""
        self._gone = 0  #: octets of them that were written
        # Of several records of TLS, OpenSSL counts none as written until all are.
        self._most = _RECORD if isinstance(connection, ssl.SSLSocket) else _ANY
        self._since = now  #: of the last sign of life while something was awaited
        self._replies = 0
        self._is_deaf = False  #: the server no longer reads

    def fileno(self) -> int:
        """For a selector."""
        return self._socket.fileno()

    @property
    def is_ended(self) -> bool:
        """Whether nothing more can come of this line."""
        return self._session.is_finished or bool(self.fault.source)

    @property
    def is_idle(self) -> bool:
        """Whether every message submitted was answered."""
        return self._session.is_idle

    @property
    def is_ready(self) -> bool:
        """Whether it can take a message."""
        return self._session.is_ready and not (
            self.is_parting or self._is_deaf or self.is_worn or self.fault.source
        )

    @property
    def is_worn(self) -> bool:
        """Whether it has done its work: so many messages, or refusals in a row.

        Postfix slows down at ten errors and hangs up at twenty; when speaking ahead, a refused
        recipient makes two.
        """
        return self.submitted >= self._config.messages_per_connection or self.refusals >= (
            4 if self.offered.pipelining else 8
        )

    def is_silent(self, now: float, *, since: float) -> bool:
        """Whether the server has been at something for so many seconds."""
        return self._session.awaited is not None and now - self._since > since

    @property
    def has_welcomed(self) -> bool:
        """Whether the server has taken a recipient on this line."""
        return self._session.has_welcomed

    @property
    def wants_to_write(self) -> bool:
        """Whether octets wait for the server to read on."""
        return self._gone < len(self._out)

    def submit(self, message: Message, now: float) -> None:
        """Take a message; ``write`` sends it on its way."""
        if self._session.awaited is None:
            self._since = now
        self.submitted += 1
        self._session.submit(message)

    def part(self, now: float) -> None:
        """Say goodbye; the line ends when the server has answered."""
        self.is_parting = True
        self._since = now
        self._session.part()
        self.write(now)

    def take_leaving(self) -> Sequence[Claim]:
        """Whose final dots the next ``write`` may let leave, once."""
        return self._session.take_leaving()

    def write(self, now: float) -> None:
        """Write what there is, as far as the server reads."""
        more = self._session.data_to_send()
        if more:
            self._out = self._out[self._gone :] + more if self.wants_to_write else more
            self._gone = 0
        if not self.wants_to_write or self._is_deaf:
            return
        octets = memoryview(self._out)
        try:
            while self._gone < len(octets):
                count = self._socket.send(octets[self._gone : self._gone + self._most])
                self._session.handed_over(count)
                self._gone += count
                self._since = now
        except _NOT_YET:
            return
        except OSError:
            # What the server said before it hung up may still be read.
            self._is_deaf = True
            self._gone = len(octets)

    def read(self, now: float) -> Sequence[Answered]:
        """What the server has said of messages."""
        octets = self._received()
        if octets is None:
            return ()
        if not octets:
            lost = tr("the connection was lost")
            self._end(lost if self._is_deaf else tr("the server closed the connection"))
            return ()
        answers = self._session.receive_data(octets)
        if self._session.replies != self._replies:
            self._replies, self._since = self._session.replies, now
        if self._session.is_finished:
            self.is_misled |= bool(self._session.fault.source)
            self._end(self._session.fault)
            self._end(tr("the server closed the connection"))
        return answers

    def _received(self) -> bytes | None:
        try:
            octets = self._socket.recv(_READ)
            # What OpenSSL has already taken apart, no selector will tell of.
            while octets and isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
                octets += self._socket.recv(_READ)
        except _NOT_YET:
            return None
        except OSError:
            self._end(tr("the connection was lost"))
            return None
        return octets

    def check_time(self, now: float) -> None:
        """End the line when the server has kept us waiting for too long."""
        awaited = self._session.awaited
        if awaited is None and not self.wants_to_write:
            return
        if now - self._since <= self._patience(awaited):
            return
        # Who drops what was sent ahead never answers it.
        self.is_misled |= awaited in {Step.RSET, Step.MAIL, Step.RCPT, Step.DATA}
        stuck = self.wants_to_write or self._is_deaf
        self._end(
            tr("the server stopped reading") if stuck else tr("the server did not answer in time")
        )

    def _end(self, fault: Sentence) -> None:
        """The first reason is the one that counts."""
        if not self.fault.source:
            self.fault = fault

    def _patience(self, awaited: Step | None) -> float:
        if self.is_parting:
            return min(self._config.command_seconds, _PARTING_SECONDS)
        if awaited is Step.END and not self.wants_to_write:
            return self._config.final_dot_seconds
        return self._config.command_seconds

    def close(self) -> Session:
        """Hang up, and hand out the session: it knows whom that concerns."""
        self._socket.close()
        return self._session

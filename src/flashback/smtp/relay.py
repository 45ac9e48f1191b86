"""The transport over SMTP: one message at a time, exactly one outcome per message.

Lines come and go underneath: a new one after so many messages, after a run of refusals (Postfix
slows down at ten errors and hangs up at twenty), and when the old one broke. A message on which a
line ended before anything was said of its reader goes again at once on the next. A relay that
breaks line after line without taking anything is given up, so that a fault of its own cannot put a
whole audience in doubt. Sender and reader are never confused: what is about us raises
TransportError, and what may be either waits in ``doubt`` until the next readers have told.
"""

import datetime as dt
import ssl
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Final

from flashback.config import RelayConfig
from flashback.errors import RelayUnreachableError, TransportError
from flashback.model import Claim, Message, Outcome, Result
from flashback.smtp import faults, trust
from flashback.smtp.channel import BrokenLineError
from flashback.smtp.doubt import Doubts
from flashback.smtp.opening import open_session
from flashback.smtp.session import Session
from flashback.smtp.transaction import Ending, Line, Transaction

#: Lines broken, or connections failed, in a row without a word about any reader.
_PATIENCE: Final = 3
#: Seconds before a new connection, by how many have broken in a row.
_PAUSES: Final = (0.0, 1.0, 5.0)
_DONE: Final = 250
#: Below Postfix's smtpd_soft_error_limit of 10.
_REFUSALS_PER_LINE: Final = 8


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Relay:
    """An SMTP server that takes our mail. Not for two threads at once."""

    def __init__(
        self,
        config: RelayConfig,
        password: Callable[[], str] | None = None,
        clock: Callable[[], dt.datetime] = _now,
        ca_file: Path | None = None,
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._config = config
        self._password = password
        self._clock = clock
        self._ca_file = ca_file
        self._pause = pause
        self._session: Session | None = None
        self._broken = 0  #: lines and connections in a row
        self._has_taken = False  #: whether it has ever taken a recipient from us

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Open (and log in) on entry, part politely on exit. Raises TransportError."""
        self._broken = 0
        self._session = self._open()
        try:
            yield
        finally:
            self._part()

    def send(
        self, messages: Iterable[Message], before_final_dot: Callable[[Claim], None]
    ) -> Generator[Outcome, None, None]:
        """Yield one outcome per message: in order, but for those held back in doubt.

        The outcome of a message past its final dot always comes before anything else. Raises
        TransportError when no more can be sent, after the outcomes of all messages begun.
        Whatever else is raised here, and closing the generator, hangs up without a final dot.
        Use within ``connected``.
        """
        try:
            yield from self._outcomes(messages, before_final_dot)
        except BaseException:
            self._hang_up()
            raise

    def _outcomes(
        self, messages: Iterable[Message], before_final_dot: Callable[[Claim], None]
    ) -> Iterator[Outcome]:
        doubts = Doubts()
        for message in messages:
            ending, is_welcome = self._hand_over(message, before_final_dot)
            if ending.blame is not None:
                doubts.hold(ending)
                if doubts.are_enough:
                    break
                continue
            yield ending.outcome
            if is_welcome:
                yield from doubts.about_readers()
            error = ending.error
            if error is None and self._broken >= _PATIENCE:
                error = faults.breaks_off(self._config)
            if error is not None:
                yield from doubts.about_us()
                raise error
        if (verdict := doubts.verdict) is not None:
            yield from doubts.about_us()
            raise verdict

    def _hand_over(
        self, message: Message, before_final_dot: Callable[[Claim], None]
    ) -> tuple[Ending, bool]:
        """One message, on as many lines as it takes; and whether its recipient was taken."""
        while True:
            ready = self._ready()
            if isinstance(ready, TransportError):
                outcome = self._untried(message, ready)
                return Ending(outcome=outcome, line=Line.BROKEN, error=ready), False
            transaction = Transaction(
                ready, self._config, message, self._clock, is_known=self._has_taken
            )
            ready.messages += 1
            ending = transaction.run(before_final_dot)
            self._has_taken |= transaction.is_welcome
            self._settle_line(ready, ending)
            if not ending.again or self._broken >= _PATIENCE:
                return ending, transaction.is_welcome

    def _settle_line(self, session: Session, ending: Ending) -> None:
        """Keep or leave a line, and count it if it broke."""
        result = ending.outcome.result
        session.needs_reset = ending.line is Line.UNFINISHED
        session.refusals = 0 if result is Result.ACCEPTED else session.refusals + 1
        if ending.again:
            # A line that had done its work before was worn out, not broken.
            self._broken += session.messages == 1
        elif ending.line is not Line.BROKEN:
            self._broken = 0
        elif result is not Result.UNTRIED:
            # A lease that was lost says nothing about the relay.
            self._broken += 1
        if ending.line is Line.BROKEN:
            self._hang_up()
        elif ending.again:
            self._part()

    def _ready(self) -> Session | TransportError:
        """A line on which MAIL may be said, or why there is none."""
        if self._session is not None and not self._is_fit(self._session):
            self._hang_up()
        try:
            while self._session is None:
                self._session = self._reopen()
        except TransportError as error:
            return error
        return self._session

    def _is_fit(self, session: Session) -> bool:
        """Whether a line can take one more message; parts from one that has done its work."""
        limit = self._config.messages_per_connection
        if session.messages >= limit or session.refusals >= _REFUSALS_PER_LINE:
            session.quit()
            return False
        try:
            # A server that hung up while the line was idle has harmed nobody.
            if session.unasked() is not None:
                return False
            if session.needs_reset:
                # After a refused RCPT, Postfix answers the next MAIL with 503.
                session.needs_reset = False
                return session.command("RSET").code == _DONE
        except BrokenLineError:
            return False
        return True

    def _reopen(self) -> Session | None:
        """Try once; None to try again. Raises TransportError when there is no use."""
        self._pause(_PAUSES[min(self._broken, len(_PAUSES) - 1)])
        try:
            return self._open()
        except RelayUnreachableError:
            self._broken += 1
            if self._broken >= _PATIENCE:
                raise
            return None

    def _open(self) -> Session:
        return open_session(self._config, context=self._context, password=self._password)

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return trust.context(self._ca_file)

    def _part(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.quit()

    def _hang_up(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _untried(self, message: Message, error: TransportError) -> Outcome:
        return Outcome(
            claim=message.claim,
            result=Result.UNTRIED,
            at=self._clock(),
            host=self._config.host,
            stage="connect",
            detail=str(error.sentence),
        )

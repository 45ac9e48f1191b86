"""One message over one line: MAIL, RCPT, DATA, body, final dot (RFC 5321 section 3.3).

Before the final dot the server has not accepted anything, whatever happens (section 4.1.1.4). At
the dot or after it only a well-formed reply tells; without one nobody knows (RFC 1047). Nothing
that comes before the answer to RCPT is about the reader: a "never" to MAIL is about us, a "not now"
or a line that breaks is about the line, and the same message may go again on a new one. The body
travels first, the dot only after the caller has made it durable that it will.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from flashback.config import RelayConfig
from flashback.errors import LeaseLostError, TransportError
from flashback.model import Claim, Message, Outcome, Reply, Result
from flashback.sentences import NOTHING, Sentence, tr
from flashback.smtp import codes, faults, wire
from flashback.smtp.channel import BrokenLineError
from flashback.smtp.reply import queue_id_of
from flashback.smtp.session import Session

_CLOSING: Final = 421  #: RFC 5321 section 3.8: the server hangs up
_OUT_OF_SEQUENCE: Final = 503
_START_BODY: Final = 354


class Line(Enum):
    """What a transaction leaves behind."""

    CLEAN = auto()
    UNFINISHED = auto()  #: RSET before the next MAIL, or the next reader pays for it
    BROKEN = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a transaction ended."""

    outcome: Outcome
    line: Line
    error: TransportError | None = None  #: to be raised once the outcome is told
    again: bool = (
        False  #: the same message may go on a new line; ``error`` is for when it is no use
    )
    blame: Outcome | None = None  #: what it is instead, should ``error`` be about this reader only


class Transaction:
    """One message's way over one line. Use once."""

    def __init__(
        self,
        session: Session,
        config: RelayConfig,
        message: Message,
        clock: Callable[[], dt.datetime],
        *,
        is_known: bool,
    ) -> None:
        self._session = session
        self._config = config
        self._message = message
        self._clock = clock
        self._is_known = is_known  #: the relay has taken a recipient from us before
        self.is_welcome = False  #: the relay has taken this recipient
        self._stage = "mail"
        self._octets = wire.octets(message.content)

    def run(self, before_final_dot: Callable[[Claim], None]) -> Ending:
        """Hand the message over. Raises what ``before_final_dot`` raises, but LeaseLostError."""
        try:
            for step in (self._mail, self._rcpt, self._data):
                if ending := step():
                    return ending
            self._body()
        except BrokenLineError as error:
            return self._broke_off(error.sentence)
        try:
            before_final_dot(self._message.claim)
        except LeaseLostError:
            # Without the dot, closing the line takes the message back.
            detail = tr("another sender has taken over this delivery")
            return self._end(Result.UNTRIED, Line.BROKEN, detail=detail)
        return self._last_look() or self._dot()

    def _mail(self) -> Ending | None:
        offered, recipient = self._session.capabilities, self._message.envelope.recipient
        if not recipient.isascii() and not offered.smtputf8:
            self._stage = "rcpt"
            detail = tr("the relay takes no addresses with letters beyond ASCII")
            return self._end(Result.PERMANENT, Line.CLEAN, detail=detail)
        if 0 < offered.largest < len(self._octets):
            return self._ours(None, faults.too_big(self._config, octets=len(self._octets)))
        words = [f"MAIL FROM:<{self._message.envelope.sender}>"]
        words += [f"SIZE={len(self._octets)}"] if offered.takes_size else []
        # RFC 6531 section 3.6: the header is UTF-8 as well, so the body is 8-bit.
        words += [] if recipient.isascii() else ["BODY=8BITMIME", "SMTPUTF8"]
        reply = self._session.command(" ".join(words))
        if _is_refusal(reply):
            error = faults.sender_refused(
                self._config, self._message.envelope, reply, octets=len(self._octets)
            )
            return self._ours(reply, error)
        return None if _is_good(reply) else self._not_now_to_us(reply)

    def _rcpt(self) -> Ending | None:
        self._stage = "rcpt"
        reply = self._session.command(f"RCPT TO:<{self._message.envelope.recipient}>")
        if codes.wants_login(reply):
            return self._ours(reply, faults.login_wanted(self._config, reply))
        # To a relay that has taken others, "relay denied" is about this one reader.
        if _is_refusal(reply) and codes.is_no_relay(reply) and not self._is_known:
            error = faults.no_relay(self._config, self._message.envelope, reply)
            blame = self._outcome(Result.PERMANENT, reply=reply)
            return self._ours(reply, error, blame=blame)
        self.is_welcome = _is_good(reply)
        return None if self.is_welcome else self._refused(reply)

    def _data(self) -> Ending | None:
        self._stage = "data"
        reply = self._session.command("DATA")
        return None if reply.code == _START_BODY else self._refused(reply)

    def _body(self) -> None:
        self._stage = "body"
        self._session.write(self._octets)

    def _last_look(self) -> Ending | None:
        """Whoever hung up during the body has not got the message: as long as that is certain."""
        try:
            reply = self._session.unasked()
        except BrokenLineError as error:
            return self._end(Result.TEMPORARY, Line.BROKEN, detail=error.sentence)
        if reply is None:
            return None
        detail = tr("the server spoke before the message had ended")
        return self._end(Result.TEMPORARY, Line.BROKEN, reply=reply, detail=detail)

    def _dot(self) -> Ending:
        self._stage = "dot"
        try:
            self._session.write(wire.FINAL_DOT)
            reply = self._session.reply(seconds=self._config.final_dot_seconds)
        except BrokenLineError as error:
            return self._end(Result.UNKNOWN, Line.BROKEN, detail=error.sentence)
        if _is_good(reply):
            return self._end(Result.ACCEPTED, Line.CLEAN, reply=reply)
        if reply.code // 100 == 3:  # noqa: PLR2004 - RFC 5321's 3yz
            detail = tr("the server's answer makes no sense here")
            return self._end(Result.UNKNOWN, Line.BROKEN, reply=reply, detail=detail)
        if _is_refusal(reply):
            return self._end(Result.PERMANENT, Line.CLEAN, reply=reply)
        return self._not_now(reply)

    def _refused(self, reply: Reply) -> Ending:
        """An answer to RCPT or DATA that is not the one hoped for."""
        if _is_refusal(reply) and reply.code != _OUT_OF_SEQUENCE:
            return self._end(Result.PERMANENT, Line.UNFINISHED, reply=reply)
        return self._not_now(reply)

    def _not_now(self, reply: Reply) -> Ending:
        """4yz, or an answer that shows that we and the server have lost each other."""
        if reply.code // 100 == 4 and reply.code != _CLOSING:  # noqa: PLR2004 - RFC 5321's 4yz
            return self._end(Result.TEMPORARY, Line.UNFINISHED, reply=reply)
        hung_up = reply.code == _CLOSING
        detail = NOTHING if hung_up else tr("the server's answer makes no sense here")
        return self._end(Result.TEMPORARY, Line.BROKEN, reply=reply, detail=detail)

    def _not_now_to_us(self, reply: Reply) -> Ending:
        """An answer to MAIL that is neither yes nor never: the line, or the hour, is not right."""
        if reply.code // 100 == 4:  # noqa: PLR2004 - RFC 5321's 4yz
            error = faults.not_now(self._config, reply)
        else:
            error = faults.breaks_off(self._config)
        # Whoever says 4yz goes on listening; after anything else the line is good for nothing.
        is_sound = reply.code // 100 == 4 and reply.code != _CLOSING  # noqa: PLR2004 - 4yz
        line = Line.UNFINISHED if is_sound else Line.BROKEN
        outcome = self._outcome(Result.UNTRIED, reply=reply, detail=error.sentence)
        return Ending(outcome=outcome, line=line, error=error, again=True)

    def _broke_off(self, detail: Sentence) -> Ending:
        """The line broke before the final dot: nothing was accepted."""
        if self._stage not in {"mail", "rcpt"}:
            return self._end(Result.TEMPORARY, Line.BROKEN, detail=detail)
        # A reader at whose address every line breaks must not hold up all others for ever.
        is_doubtful = self._stage == "rcpt"
        return Ending(
            outcome=self._outcome(Result.UNTRIED, detail=detail),
            line=Line.BROKEN,
            error=faults.breaks_off(self._config),
            again=True,
            blame=self._outcome(Result.TEMPORARY, detail=detail) if is_doubtful else None,
        )

    def _ours(
        self, reply: Reply | None, error: TransportError, *, blame: Outcome | None = None
    ) -> Ending:
        """A refusal that every other message would meet as well: nobody is refused, all stops."""
        outcome = self._outcome(Result.UNTRIED, reply=reply, detail=error.sentence)
        return Ending(outcome=outcome, line=Line.UNFINISHED, error=error, blame=blame)

    def _end(
        self,
        result: Result,
        line: Line,
        *,
        reply: Reply | None = None,
        detail: Sentence = NOTHING,
    ) -> Ending:
        return Ending(outcome=self._outcome(result, reply=reply, detail=detail), line=line)

    def _outcome(
        self, result: Result, *, reply: Reply | None = None, detail: Sentence = NOTHING
    ) -> Outcome:
        return Outcome(
            claim=self._message.claim,
            result=result,
            at=self._clock(),
            host=self._config.host,
            stage=self._stage,
            reply=reply,
            detail=str(detail),
            queue_id=queue_id_of(reply) if reply and result is Result.ACCEPTED else "",
        )


def _is_good(reply: Reply) -> bool:
    return reply.code // 100 == 2  # noqa: PLR2004 - RFC 5321's 2yz


def _is_refusal(reply: Reply) -> bool:
    return reply.code // 100 == 5  # noqa: PLR2004 - RFC 5321's 5yz

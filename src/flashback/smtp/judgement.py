"""What an answer, or a line that ended without one, means for a message. Pure.

Before the final dot the server has not accepted anything, whatever happens (RFC 5321 section
4.1.1.4). At the dot or after it only a well-formed reply tells; without one nobody knows (RFC
1047). Nothing that comes before the answer to RCPT is about the reader: a "never" to MAIL is about
us, a "not now" or a line that breaks is about the line, and the same message may go again on a new
one.
"""

import datetime as dt
from dataclasses import dataclass
from typing import NamedTuple

from flashback.config import RelayConfig
from flashback.errors import TransportError
from flashback.model import Message, Outcome, Reply, Result
from flashback.sentences import NOTHING, Sentence, tr
from flashback.smtp import codes, faults
from flashback.smtp.capabilities import Capabilities
from flashback.smtp.reply import queue_id_of
from flashback.smtp.steps import CLOSING, Answered, Lost


class Ending(NamedTuple):
    """How a try at a message ended. One is made for every message, so it is a plain tuple."""

    message: Message
    outcome: Outcome
    error: TransportError | None = None  #: about us: nothing more can be sent
    again: bool = False  #: may go on another line; ``error`` is for when that is no use
    blame: Outcome | None = None  #: what it is instead, should ``error`` be about this reader only
    is_welcome: bool = False  #: the relay has taken the recipient


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges what happens with one relay at one moment."""

    config: RelayConfig
    at: dt.datetime

    def unfit(self, message: Message, offered: Capabilities) -> Ending | None:
        """Why a message need not be begun with this server; None: it may."""
        if 0 < offered.largest < len(message.content):
            error = faults.too_big(self.config, octets=len(message.content))
            return self._ours(message, "mail", None, error)
        if not message.envelope.recipient.isascii() and not offered.smtputf8:
            detail = tr("the relay takes no addresses with letters beyond ASCII")
            return self._end(message, Result.PERMANENT, "rcpt", detail=detail)
        return None

    def of_answer(self, told: Answered, *, is_known: bool, is_worn: bool) -> Ending:
        """``is_known``: this relay has taken a recipient from us before; ``is_worn``: this line."""
        if told.stage == "dot" and told.reply.code // 100 == 2:  # noqa: PLR2004 - RFC 5321's 2yz
            outcome = self._outcome(told.message, Result.ACCEPTED, "dot", told.reply)
            return Ending(told.message, outcome, is_welcome=True)
        ending = self._of_answer(told, is_known=is_known, is_worn=is_worn)
        return ending._replace(is_welcome=True) if told.is_welcome else ending

    def _of_answer(self, told: Answered, *, is_known: bool, is_worn: bool) -> Ending:
        message, stage, reply = told.message, told.stage, told.reply
        if stage == "mail":
            return self._at_mail(told)
        if is_worn and reply.code == CLOSING and stage in {"rcpt", "data"}:
            # RFC 5321 section 3.8: so many messages on one line, and no more. A silent end there
            # costs nobody; neither does a polite one.
            return self._again(message, stage, reply, faults.breaks_off(self.config))
        if told.is_mad:
            return self._mad(message, stage, reply)
        if ours := self._about_us(told, is_known=is_known):
            return ours
        if stage == "body":
            detail = tr("the server spoke before the message had ended")
            return self._end(message, Result.TEMPORARY, stage, reply, detail)
        return self._end(
            message, Result.PERMANENT if _is_never(reply) else Result.TEMPORARY, stage, reply
        )

    def _mad(self, message: Message, stage: str, reply: Reply) -> Ending:
        """Server and we have lost each other."""
        detail = tr("the server's answer makes no sense here")
        if stage == "dot":
            return self._end(message, Result.UNKNOWN, stage, reply, detail)
        return self._broken(message, stage, reply, detail, is_first=True)

    def of_loss(self, lost: Lost, fault: Sentence) -> Ending:
        """The line ended before an answer; ``fault`` says how."""
        message, stage = lost.message, lost.stage
        if lost.is_in_doubt:
            return self._end(message, Result.UNKNOWN, stage, detail=fault)
        return self._broken(message, stage, None, fault, is_first=lost.is_first)

    def _broken(
        self, message: Message, stage: str, reply: Reply | None, fault: Sentence, *, is_first: bool
    ) -> Ending:
        """The line was lost before the message had been spoken to its end."""
        if stage in {"data", "body"} and is_first:
            return self._end(message, Result.TEMPORARY, stage, reply, fault)
        # A reader at whose address every line breaks must not hold up all others for ever.
        is_doubtful = stage == "rcpt" and is_first
        return Ending(
            message=message,
            outcome=self._outcome(message, Result.UNTRIED, stage, reply, fault),
            error=faults.breaks_off(self.config),
            again=True,
            blame=self._outcome(message, Result.TEMPORARY, stage, reply, fault)
            if is_doubtful
            else None,
        )

    def untried(self, message: Message, error: TransportError) -> Outcome:
        """There was no line for it."""
        return self._outcome(message, Result.UNTRIED, "connect", detail=error.sentence)

    def _at_mail(self, told: Answered) -> Ending:
        """Nothing has been said of the reader yet."""
        reply = told.reply
        if _is_never(reply) and not told.is_mad:
            message = told.message
            error = faults.sender_refused(
                self.config, message.envelope, reply, octets=len(message.content)
            )
            blame = None
            if not message.envelope.recipient.isascii():
                # RFC 6531: this MAIL alone said SMTPUTF8, and others may fare better.
                blame = self._outcome(message, Result.PERMANENT, "mail", reply)
            return self._ours(message, "mail", reply, error, blame)
        later = (
            faults.breaks_off(self.config) if told.is_mad else faults.not_now(self.config, reply)
        )
        return self._again(told.message, "mail", reply, later)

    def _again(self, message: Message, stage: str, reply: Reply, later: TransportError) -> Ending:
        outcome = self._outcome(message, Result.UNTRIED, stage, reply, later.sentence)
        return Ending(message=message, outcome=outcome, error=later, again=True)

    def _about_us(self, told: Answered, *, is_known: bool) -> Ending | None:
        """An answer that every other reader would get as well."""
        reply, message, stage = told.reply, told.message, told.stage
        result = Result.PERMANENT if _is_never(reply) else Result.TEMPORARY
        if stage == "rcpt" and codes.wants_login(reply):
            return self._ours(message, stage, reply, faults.login_wanted(self.config, reply))
        if stage == "rcpt" and codes.is_no_relay(reply):
            if is_known:
                return None  # to a relay that has taken others, it is about this one reader
            error = faults.no_relay(self.config, message.envelope, reply)
            blame = self._outcome(message, result, stage, reply)
            return self._ours(message, stage, reply, error, blame)
        if _is_never(reply) and codes.is_about_us(reply):
            if stage == "dot" and codes.is_too_big(reply):
                error = faults.too_big(self.config, octets=len(message.content))
            else:
                error = faults.refuses_us(self.config, reply)
            # Should the next reader be taken after all, this one is tried again later.
            blame = self._outcome(message, Result.TEMPORARY, stage, reply)
            return self._ours(message, stage, reply, error, blame)
        return None

    def _ours(
        self,
        message: Message,
        stage: str,
        reply: Reply | None,
        error: TransportError,
        blame: Outcome | None = None,
    ) -> Ending:
        outcome = self._outcome(message, Result.UNTRIED, stage, reply, error.sentence)
        return Ending(message=message, outcome=outcome, error=error, blame=blame)

    def _end(
        self,
        message: Message,
        result: Result,
        stage: str,
        reply: Reply | None = None,
        detail: Sentence = NOTHING,
    ) -> Ending:
        return Ending(message=message, outcome=self._outcome(message, result, stage, reply, detail))

    def _outcome(
        self,
        message: Message,
        result: Result,
        stage: str,
        reply: Reply | None = None,
        detail: Sentence = NOTHING,
    ) -> Outcome:
        return Outcome(
            claim=message.claim,
            result=result,
            at=self.at,
            host=self.config.host,
            stage=stage,
            reply=reply,
            detail=str(detail) if detail is not NOTHING else "",
            queue_id=queue_id_of(reply) if reply and result is Result.ACCEPTED else "",
        )


def _is_never(reply: Reply) -> bool:
    return reply.code // 100 == 5  # noqa: PLR2004 - RFC 5321's 5yz

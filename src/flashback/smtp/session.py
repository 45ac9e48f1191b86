"""The SMTP session without I/O: messages and octets go in, octets and answers come out.

``submit`` a message when ``is_ready``; see whose final dots are in ``data_to_send``
(``take_leaving``) before writing it; tell ``handed_over`` how much was written; feed what comes to
``receive_data``. Each message gets exactly one ``Answered``, or is named once by
``connection_lost``.

Three ways of speaking differ only in how far they speak before they listen: one command at a time;
with PIPELINING (RFC 2920) the body of one message together with MAIL, RCPT and
DATA of the next; with CHUNKING (RFC 3030) whole transactions ahead, up to a window.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from flashback.model import Claim, Message, Reply
from flashback.sentences import NOTHING, Sentence, tr
from flashback.smtp import wire
from flashback.smtp.commands import Commands
from flashback.smtp.reply import ReplyBuffer, parse
from flashback.smtp.steps import (
    CLOSING,
    NOT_UNDERSTOOD,
    TRANSITIONS,
    Answered,
    Kind,
    Lost,
    Move,
    Step,
    kind_of,
)

#: RFC 2920: the message in hand, and the one whose MAIL travels with its body.
_PIPELINED: Final = 2
_DATA: Final = b"DATA\r\n"


@dataclass(slots=True)
class _Transaction:
    message: Message
    octets: bytes  #: as they travel: dot-stuffed, or as a chunk
    end: int | None = None  #: position in the stream behind the last octet, once it was spoken
    is_over: bool = False  #: what there is to know has been told
    is_welcome: bool = False


class Session:
    """One connection on which MAIL may be said."""

    def __init__(self, commands: Commands, *, pipelining: bool = False, ahead: int = 0) -> None:
        """``ahead``: with CHUNKING, how many messages may be written before the first answer."""
        self._commands = commands
        self._is_pipelined = pipelining
        self._ahead = ahead
        self._most = ahead or (_PIPELINED if pipelining else 1)
        self._waiting: deque[Message] = deque()
        self._current: _Transaction | None = None  #: begun; its body is not yet spoken
        self._expected: deque[tuple[Step, _Transaction | None]] = deque()
        self._open = 0  #: submitted, and not answered
        self._out: list[bytes] = []
        self._spoken = 0  #: octets ever put into ``_out``
        self._handed = 0  #: octets of them that have left our hands
        self._leaving: list[Claim] = []
        self._buffer = ReplyBuffer()
        self._is_dirty = False
        self._is_closing = False  #: a 421 was read in its turn
        self.replies = 0  #: complete ones so far
        self.has_welcomed = False  #: the server has taken a recipient on this line
        self.is_finished = False  #: nothing more can be said here: broken, or parted
        self.fault: Sentence = NOTHING  #: why, when the server broke the rules

    # What goes in ----------------------------------------------------------------------------

    @property
    def is_ready(self) -> bool:
        """Whether a message may be submitted."""
        return self._open < self._most and not self.is_finished

    @property
    def is_idle(self) -> bool:
        """Whether nothing submitted waits for an answer."""
        return not self._open

    def submit(self, message: Message) -> None:
        """Take a message. Raises ValueError unless ``is_ready``."""
        if not self.is_ready:
            raise ValueError("the session is not ready")
        self._open += 1
        self._waiting.append(message)
        self._speak()

    def part(self) -> None:
        """Say QUIT; only when idle."""
        self._say(b"QUIT\r\n", Step.QUIT)

    # What comes out --------------------------------------------------------------------------

    def take_leaving(self) -> Sequence[Claim]:
        """Whose final dots are in ``data_to_send`` and were not asked for before."""
        leaving, self._leaving = self._leaving, []
        return leaving

    def data_to_send(self) -> bytes:
        """Everything to be written now, once."""
        out, self._out = self._out, []
        return b"".join(out)

    def handed_over(self, count: int) -> None:
        """So many more octets have been written."""
        self._handed += count

    @property
    def awaited(self) -> Step | None:
        """What the next reply is to; None: nothing is expected."""
        return self._expected[0][0] if self._expected else None

    # What the server says ----------------------------------------------------------------------

    def receive_data(self, octets: bytes) -> Sequence[Answered]:
        """Take what came, cut anywhere; answer what it means for messages."""
        events: list[Answered] = []
        # Once finished, ``connection_lost`` names what is left.
        heard = () if self.is_finished else self._buffer.replies(octets)
        # What has come is no answer to what is said next.
        askable = len(self._expected)
        for lines in heard:
            if not askable:
                self._out_of_turn(lines)
                break
            askable -= 1
            self.replies += 1
            step, transaction = self._expected.popleft()
            self._answer(step, transaction, lines, events)
            if self.is_finished:
                break
        # Whoever answers what was not yet asked cannot be trusted with the next reader.
        if not self.is_finished and not askable and not self._buffer.is_empty:
            self._break(tr("the server spoke out of turn"))
        if not self.is_finished:
            self._speak()
        return events

    def connection_lost(self) -> Sequence[Lost]:
        """Name every message without an answer, in order. The session is finished."""
        self.is_finished = True
        lost: list[Lost] = []
        seen: set[int] = set()
        for position, (step, transaction) in enumerate(self._expected):
            if transaction is None or transaction.is_over or id(transaction) in seen:
                continue
            seen.add(id(transaction))
            is_first = position == 0 and not self._is_closing
            lost.append(self._lost(step, transaction, is_first=is_first))
        if self._current and not self._current.is_over and id(self._current) not in seen:
            lost.append(self._lost(Step.DATA, self._current, is_first=not lost))
        lost += [
            Lost(message=message, stage="mail", is_first=False, is_welcome=False)
            for message in self._waiting
        ]
        self._expected.clear()
        self._waiting.clear()
        self._current, self._open = None, 0
        return lost

    def _lost(self, step: Step, transaction: _Transaction, *, is_first: bool) -> Lost:
        stage = step.word
        # RFC 5321 section 3.8: after a 421 the server carries out nothing more.
        if transaction.end is not None and not self._is_closing:
            is_gone = self._handed >= transaction.end
            # With chunks, the end may have left while nothing was answered yet.
            stage = Step.END.word if is_gone else "body" if step is Step.END else stage
        message, is_welcome = transaction.message, transaction.is_welcome
        return Lost(message=message, stage=stage, is_first=is_first, is_welcome=is_welcome)

    # One reply -----------------------------------------------------------------------------------

    def _answer(  # noqa: C901 - one reply, looked at from the likely to the mad
        self,
        step: Step,
        transaction: _Transaction | None,
        lines: Sequence[bytes],
        events: list[Answered],
    ) -> None:
        if len(lines) == 1 and step.plain and lines[0].startswith(step.plain):
            self._go_on(step, transaction)
            return
        if step is Step.QUIT:
            self.is_finished = True
            return
        reply = parse(lines)
        if reply is None:
            # The transaction stays without an answer: ``connection_lost`` names it.
            self._expected.appendleft((step, transaction))
            self._break(tr("the server's answer is not SMTP"))
            return
        self._is_closing |= reply.code == CLOSING
        if transaction is not None and transaction.is_over:
            self._swallow(step, reply)
            return
        if step is Step.END and self._ahead and reply.code in NOT_UNDERSTOOD:
            self._mislead(transaction)
            return
        kind = kind_of(step, reply.code)
        move = TRANSITIONS[step].get(kind, Move.BROKEN)
        is_early = False
        if step is Step.END and transaction is not None and self._handed < (transaction.end or 0):
            # It cannot mean the end of what it has not got.
            is_early, move = True, Move.BROKEN
        if move is Move.ON:
            self._go_on(step, transaction)
            return
        if transaction is not None:
            self._tell(step, transaction, reply, events, kind=kind, is_early=is_early)
        self._is_dirty |= move is Move.DIRTY
        if move is Move.BROKEN:
            sound = kind is Kind.CLOSING or is_early
            self._break(NOTHING if sound else tr("the server's answer makes no sense here"))
        elif transaction is self._current and not self._is_pipelined:
            self._current = None

    def _tell(
        self,
        step: Step,
        transaction: _Transaction,
        reply: Reply,
        events: list[Answered],
        *,
        kind: Kind,
        is_early: bool,
    ) -> None:
        transaction.is_over = True
        self._open -= 1
        if transaction is self._current and step is Step.DATA:
            self._current = None
        events.append(
            Answered(
                message=transaction.message,
                stage="body" if is_early else step.word,
                reply=reply,
                is_mad=kind not in TRANSITIONS[step] and kind is not Kind.CLOSING,
                is_welcome=transaction.is_welcome,
            )
        )

    def _go_on(self, step: Step, transaction: _Transaction | None) -> None:
        """A good answer to anything but the end."""
        if transaction is None:
            return
        if step is Step.RCPT and not transaction.is_over:
            transaction.is_welcome = self.has_welcomed = True
        if step is Step.DATA:
            self._say_body(transaction)
        elif not self._is_pipelined:
            if step is Step.MAIL:
                self._say(self._commands.rcpt(transaction.message), Step.RCPT, transaction)
            else:
                self._say(_DATA, Step.DATA, transaction)

    def _mislead(self, transaction: _Transaction | None) -> None:
        """Chunks were offered and are not understood: nothing was said of the reader.

        What else was written ahead may have been taken for anything; ``connection_lost`` names it.
        """
        if transaction is not None:
            transaction.end = None
        self._expected.appendleft((Step.MAIL, transaction))
        self._break(tr("the server offers chunks and does not take them"))

    def _swallow(self, step: Step, reply: Reply) -> None:
        """Answers to commands that were on their way when the transaction ended."""
        self._is_dirty = True
        if step is Step.DATA:
            self._current = None
        if reply.code == CLOSING:
            self._break(NOTHING)

    def _out_of_turn(self, lines: Sequence[bytes]) -> None:
        reply = parse(lines)
        is_goodbye = reply is not None and reply.code == CLOSING
        self._break(NOTHING if is_goodbye else tr("the server spoke out of turn"))

    def _break(self, fault: Sentence) -> None:
        self.is_finished = True
        self.fault = fault

    # What we say ---------------------------------------------------------------------------------

    def _speak(self) -> None:
        """Begin transactions, as far as we may speak ahead."""
        while self._waiting and self._may_begin():
            self._begin(self._waiting.popleft())

    def _may_begin(self) -> bool:
        if self._ahead:
            return True
        # RFC 2920 section 3.1: DATA ends a group; until it is answered nothing follows.
        return self._current is None and (self._is_pipelined or not self._expected)

    def _begin(self, message: Message) -> None:
        if self._ahead:
            self._say_all(_Transaction(message, message.content))
            return
        if self._is_dirty and not self._is_pipelined:
            self._is_dirty = False
            self._waiting.appendleft(message)
            self._say(b"RSET\r\n", Step.RSET)
            return
        transaction = self._current = _Transaction(message, wire.octets(message.content))
        if self._is_dirty:
            self._is_dirty = False
            self._say(b"RSET\r\n", Step.RSET)
        self._say(self._commands.mail(message), Step.MAIL, transaction)
        if self._is_pipelined:
            # RFC 2920 section 3.1: one group, ended by DATA.
            self._say(self._commands.rcpt(message), Step.RCPT, transaction)
            self._say(_DATA, Step.DATA, transaction)

    def _say_all(self, transaction: _Transaction) -> None:
        """RFC 3030: a message with all its commands."""
        # A transaction before this one may yet be refused, and then not be over for the server.
        if self._expected or self._is_dirty:
            self._is_dirty = False
            self._say(b"RSET\r\n", Step.RSET)
        self._say(self._commands.mail(transaction.message), Step.MAIL, transaction)
        self._say(self._commands.rcpt(transaction.message), Step.RCPT, transaction)
        wire.check(transaction.octets)
        chunk = b"BDAT %d LAST\r\n" % len(transaction.octets) + transaction.octets
        self._say(chunk, Step.END, transaction)
        transaction.end = self._spoken
        self._leaving.append(transaction.message.claim)

    def _say_body(self, transaction: _Transaction) -> None:
        self._current = None
        if transaction.is_over:
            # RFC 2920 section 3.1: DATA was taken although no recipient was.
            self._say(wire.FINAL_DOT, Step.END, transaction)
            return
        self._out.append(transaction.octets)
        self._spoken += len(transaction.octets)
        self._say(wire.FINAL_DOT, Step.END, transaction)
        transaction.end = self._spoken
        self._leaving.append(transaction.message.claim)

    def _say(self, octets: bytes, step: Step, transaction: _Transaction | None = None) -> None:
        self._out.append(octets)
        self._spoken += len(octets)
        self._expected.append((step, transaction))

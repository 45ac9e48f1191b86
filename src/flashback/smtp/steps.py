"""The steps of an SMTP transaction, and what a reply to each means for its message. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, NamedTuple

from flashback.model import Message, Reply

CLOSING: Final = 421  #: RFC 5321 section 3.8: the server hangs up
#: RFC 5321 section 4.2.2: the command itself is unknown, or out of place.
NOT_UNDERSTOOD: Final = frozenset({500, 502, 503, 504})
_START_BODY: Final = 354
_OUT_OF_SEQUENCE: Final = 503


class Step(Enum):
    """What a reply is expected to."""

    RSET = "rset", b"250 "
    MAIL = "mail", b"250 "
    RCPT = "rcpt", b"250 "
    DATA = "data", b"354 "
    END = "dot", b""  #: the final dot, or the last chunk
    QUIT = "quit", b""

    #: Members are what they are; their name need not be hashed for every reply.
    __hash__ = object.__hash__

    def __init__(self, word: str, plain: bytes) -> None:
        self.word = word  #: for people
        self.plain = plain  #: how an answer without news begins; empty: every answer is news


class Kind(Enum):
    """What a reply says, whatever it was asked."""

    GOOD = auto()
    GO_AHEAD = auto()
    NOT_NOW = auto()
    NEVER = auto()
    CLOSING = auto()
    MAD = auto()  #: no answer that makes sense here

    __hash__ = object.__hash__


class Move(Enum):
    """What follows from a reply."""

    ON = auto()  #: the next step
    OVER = auto()  #: the transaction has ended, and the server knows it
    DIRTY = auto()  #: it has ended for us: RSET before the next MAIL, or the next reader pays
    BROKEN = auto()  #: it has ended, and the line with it


_K, _M = Kind, Move
_IN_SEQUENCE: Final = frozenset({Step.MAIL, Step.RCPT, Step.DATA})
_BY_FIRST_DIGIT: Final = {2: _K.GOOD, 4: _K.NOT_NOW, 5: _K.NEVER}
_REFUSALS: Final = {_K.NOT_NOW: _M.DIRTY, _K.NEVER: _M.DIRTY}
#: What a reply to a step leads to; whatever is not here breaks the line.
TRANSITIONS: Final[Mapping[Step, Mapping[Kind, Move]]] = {
    Step.RSET: {_K.GOOD: _M.ON},
    Step.MAIL: {_K.GOOD: _M.ON, **_REFUSALS},
    Step.RCPT: {_K.GOOD: _M.ON, **_REFUSALS},
    Step.DATA: {_K.GO_AHEAD: _M.ON, **_REFUSALS},
    # RFC 5321 section 4.1.1.4: whatever the answer to the end of mail data, the transaction is
    # over. Some servers keep it when they refuse, and answer the next MAIL with 503.
    Step.END: {_K.GOOD: _M.OVER, **_REFUSALS},
    Step.QUIT: {},
}


class Answered(NamedTuple):
    """What the server says of a message; its transaction is over."""

    message: Message
    stage: str  #: mail, rcpt, data, body, dot
    reply: Reply
    is_mad: bool  #: the answer makes no sense at this stage
    is_welcome: bool  #: the server has taken the recipient


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A message whose connection ended before an answer."""

    message: Message
    stage: str  #: the first step without an answer; "dot": in doubt
    is_first: bool  #: the server was busy with this one, or it was the next
    is_welcome: bool

    @property
    def is_in_doubt(self) -> bool:
        """Whether its end may have reached the server (RFC 1047)."""
        return self.stage == Step.END.word


def kind_of(step: Step, code: int) -> Kind:
    """What a reply says in answer to a step."""
    if code == CLOSING:
        return _K.CLOSING
    if code == _OUT_OF_SEQUENCE and step in _IN_SEQUENCE:
        return _K.MAD  # the server and we have lost each other
    if code == _START_BODY:
        return _K.GO_AHEAD
    return _BY_FIRST_DIGIT.get(code // 100, _K.MAD)

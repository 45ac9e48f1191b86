"""A mailing and its deliveries: states, the one table of lawful transitions, and the account.

Never "sent" or "delivered": a 250 means *accepted*, nothing more.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from flashback.model.address import Address
from flashback.model.edition import Edition


class DeliveryState(StrEnum):
    """Where one subscriber's copy stands."""

    PLANNED = "planned"
    CLAIMED = "claimed"  #: a sender holds it; durable before its MAIL command
    ACCEPTED = "accepted"  #: the relay answered 250 to the final dot
    DEFERRED = "deferred"  #: "not now" (4xx, or the line broke before the final dot)
    REFUSED = "refused"  #: "never" (5xx), or given up
    IN_DOUBT = "in_doubt"  #: past the final dot without a reply (RFC 1047)
    SKIPPED = "skipped"  #: left or was suppressed before its turn
    BOUNCED = "bounced"  #: accepted, and a report came back


_S = DeliveryState

#: The one table of lawful transitions; the drawing in docs/guarantees.md is generated from it.
TRANSITIONS: Final[Mapping[DeliveryState, frozenset[DeliveryState]]] = {
    _S.PLANNED: frozenset({_S.CLAIMED, _S.SKIPPED}),
    _S.CLAIMED: frozenset({_S.ACCEPTED, _S.DEFERRED, _S.REFUSED, _S.IN_DOUBT, _S.PLANNED}),
    _S.DEFERRED: frozenset({_S.PLANNED, _S.SKIPPED, _S.REFUSED}),
    # A person decides, or late evidence does.
    _S.IN_DOUBT: frozenset({_S.ACCEPTED, _S.PLANNED, _S.REFUSED, _S.BOUNCED}),
    _S.ACCEPTED: frozenset({_S.BOUNCED}),
    _S.REFUSED: frozenset({_S.PLANNED}),  # a person asks for another try
    _S.SKIPPED: frozenset(),
    _S.BOUNCED: frozenset(),
}


class MailingState(StrEnum):
    """Where a mailing as a whole stands."""

    SCHEDULED = "scheduled"  #: opened, and not to be sent before its hour
    OPEN = "open"
    PAUSED = "paused"  #: staff or the circuit breaker stopped it; resume goes on
    FINISHED = "finished"
    CANCELLED = "cancelled"  #: what had not left never will


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Which editions go to whom: everything ``Ledger.open`` needs, made without I/O.

    The audience is everybody who may be mailed in the moment when the mailing opens, narrowed by
    ``segment`` and ``latecomers``; the ledger takes the snapshot in its opening transaction.
    """

    editions: tuple[Edition, ...]
    fallback: str  #: language of the edition for readers whose own language has none
    segment: str = ""  #: an expression; empty: everybody
    latecomers: bool = False  #: only who is in no earlier mailing of the issue
    forced: tuple[str, ...] = ()  #: codes of findings that ``--force`` overrode
    sender: Mapping[str, str] = field(default_factory=dict)  #: who sends, frozen with the editions
    again: bool = False  #: whether the issue may have been mailed before
    not_before: dt.datetime | None = None  #: aware; None: at once
    not_after: dt.datetime | None = None  #: aware; a later start asks instead of sending


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailing:
    """Editions on their way to a snapshot of an audience."""

    id: int
    issue_number: str
    title: str
    state: MailingState
    opened_at: dt.datetime
    audience: int
    editions: Mapping[str, str]  #: language -> edition digest
    sender: Mapping[str, str] = field(default_factory=dict)  #: as it was when the mailing opened
    reason: str = ""  #: why it is paused or cancelled
    not_before: dt.datetime | None = None
    not_after: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A delivery that this sender, and no other, may now try."""

    delivery_id: int
    mailing_id: int
    subscriber_id: int
    address: Address
    name: str
    language: str  #: of the edition
    edition_digest: str
    attempt: int  #: from 1
    owner: str
    first_tried_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a server answered (RFC 5321 section 4.2)."""

    code: int
    enhanced: str = ""  #: RFC 3463, "5.1.1"; empty when there was none
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join(filter(None, [str(self.code), self.enhanced, " ".join(self.lines)]))


class Result(StrEnum):
    """What came of a try, as far as the transport can tell."""

    ACCEPTED = "accepted"
    TEMPORARY = "temporary"  #: definitely not accepted; may be tried again
    PERMANENT = "permanent"  #: definitely not accepted; do not try again
    UNKNOWN = "unknown"  #: past the final dot, no well-formed reply
    UNTRIED = "untried"  #: nothing of it was spoken; gives the claim back


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a try."""

    claim: Claim
    result: Result
    at: dt.datetime
    host: str = ""
    stage: str = ""  #: connect, mail, rcpt, data, dot
    reply: Reply | None = None  #: None when nothing well-formed came
    detail: str = ""  #: for people: "connection lost at the final dot"
    queue_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """An outcome and the state it leads to: what ``Ledger.settle`` writes down."""

    outcome: Outcome
    state: DeliveryState
    due_at: dt.datetime | None = None  #: when deferred
    suppress: bool = False  #: the address is dead (a hard bounce at RCPT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a token bucket gave."""

    tokens: int  #: how many messages may leave now
    wait: dt.timedelta  #: until the next token; zero when some were given


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One subscriber's copy, as reports show it."""

    id: int
    mailing_id: int
    address: str
    language: str
    state: DeliveryState
    attempts: int
    changed_at: dt.datetime
    due_at: dt.datetime | None = None
    reply: str = ""
    queue_id: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """How many deliveries stand where. The counts add up to the audience, at every moment."""

    counts: Mapping[DeliveryState, int] = field(default_factory=dict)

    def __getitem__(self, state: DeliveryState) -> int:
        return self.counts.get(state, 0)

    @property
    def audience(self) -> int:
        """The sum of all counts."""
        return sum(self.counts.values())

    @property
    def open(self) -> int:
        """Deliveries that still wait for their turn, or for a sender to end."""
        return self[_S.PLANNED] + self[_S.CLAIMED] + self[_S.DEFERRED]

"""A person's address and fields, what they agreed to, and what forbids mailing them."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from flashback.model.address import Address


class SubscriberStatus(StrEnum):
    """Where a subscription stands. Suppression is a separate fact."""

    UNCONFIRMED = "unconfirmed"
    CONFIRMED = "confirmed"
    UNSUBSCRIBED = "unsubscribed"


class Word(StrEnum):
    """Whose word changes a subscription."""

    PERSON = "person"  #: their own, by a link or told to staff; recorded as a consent
    LIST = "list"  #: that of a list which is brought in


_U = SubscriberStatus
_ANYBODY = frozenset(Word)
#: The one table of lawful transitions: what a status may become, and by whose word.
LIFE: Mapping[SubscriberStatus, Mapping[SubscriberStatus, frozenset[Word]]] = {
    _U.UNCONFIRMED: {_U.CONFIRMED: _ANYBODY, _U.UNSUBSCRIBED: _ANYBODY},
    _U.CONFIRMED: {_U.UNSUBSCRIBED: _ANYBODY},
    _U.UNSUBSCRIBED: {_U.CONFIRMED: frozenset({Word.PERSON})},
}


def may_become(before: SubscriberStatus, after: SubscriberStatus, *, by: Word) -> bool:
    """Whether a subscription may change so; one that stays does not change."""
    return by in LIFE[before].get(after, frozenset())


class FieldKind(StrEnum):
    """What a field of a team's own holds, where the settings say it."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"


class ConsentKind(StrEnum):
    """What a consent record says."""

    GRANTED = "granted"
    WITHDRAWN = "withdrawn"


class SuppressionReason(StrEnum):
    """Why an address must not be mailed, whatever its status says."""

    HARD_BOUNCE = "hard_bounce"
    COMPLAINT = "complaint"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """One entry of the append-only record of what was agreed."""

    kind: ConsentKind
    at: dt.datetime  #: aware, UTC
    source: str  #: how: "staff", "import:acteurs.csv", "link"
    wording: str = ""  #: the sentence that was agreed to
    by: str = ""  #: who recorded it
    version: str = ""  #: of the wording
    network_address: str = ""  #: from where it was given, where that is known
    evidence: str = ""  #: what it can be checked against: a file's digest, another system's words


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """A fact that forbids mailing and outlives the subscriber."""

    key: str  #: the address' key
    reason: SuppressionReason
    at: dt.datetime
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """A person who may be mailed once confirmed, and unless suppressed."""

    id: int
    address: Address
    name: str = ""
    language: str = ""  #: BCP 47; empty: the newsletter's own
    organisation: str = ""
    status: SubscriberStatus = SubscriberStatus.UNCONFIRMED
    fields: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()  #: in lower case, in order, none twice
    suppressed: SuppressionReason | None = None
    created_at: dt.datetime | None = None

    @property
    def mailable(self) -> bool:
        """Whether mail may be sent to this person now."""
        return self.status is SubscriberStatus.CONFIRMED and self.suppressed is None

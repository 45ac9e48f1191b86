"""A file of people, as another program or a spreadsheet writes it: what each row says."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from flashback.model.address import Address
from flashback.model.subscriber import Consent, FieldKind, SubscriberStatus, Suppression
from flashback.sentences import Sentence


class Entry(NamedTuple):
    """One person of a roster, in words that a store can keep."""

    row: int  #: from 1, the header counted, as a spreadsheet shows it
    address: Address
    name: str
    language: str
    organisation: str
    fields: Mapping[str, str]
    tags: tuple[str, ...]
    status: SubscriberStatus | None  #: None: nobody, only a suppressed address
    consents: tuple[Consent, ...]
    suppression: Suppression | None
    created_at: dt.datetime
    changed_at: dt.datetime
    sheet: str = ""  #: the file within an archive
    number: int = 0  #: that the person had in the store that was exported; 0 where none is told


class Erasure(NamedTuple):
    """Somebody who was erased: no address, only what the workspace's key made of it."""

    row: int
    mark: str
    at: dt.datetime
    sheet: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that cannot be taken, and why."""

    row: int
    reason: Sentence
    cells: tuple[str, ...] = ()  #: the row as it was read
    sheet: str = ""


Row = Entry | Erasure | Refusal  #: what a row of a roster comes to


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a roster itself does not say."""

    source: str  #: how these people came: "import:acteurs.csv"
    now: dt.datetime
    consent: str = ""  #: what everybody agreed to whom the file does not call away
    #: What those are of whom the file does not say it: unconfirmed, unsubscribed.
    status: SubscriberStatus | None = None
    evidence: str = ""  #: what the consents of this file can be checked against
    #: What fields of the team's own hold, by name; others hold any text.
    kinds: Mapping[str, FieldKind] = field(default_factory=dict, hash=False, compare=False)

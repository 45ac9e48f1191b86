"""What the archive is made of: one sheet for each edition, with its articles."""

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Any

from flashback.model import Direction, direction_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One article, as the indexes and the search show it; all words are typeset."""

    number: int  #: in its issue; ``#a3`` is its place on the page
    headline: str
    language: str
    section: str  #: empty in an issue without sections
    outlet: str  #: "L'Économiste"; empty when the issue names none
    source: str  #: the outlet with what follows it: "L'Économiste, 2 septembre 2011"
    excerpt: str  #: what is quoted and said, without markup

    @property
    def direction(self) -> Direction:
        """How it is written."""
        return direction_of(self.language)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture that lies beside its page."""

    name: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One edition of one issue."""

    number: str
    language: str
    date: dt.date
    date_words: str
    title: str  #: the newsletter's name
    label: str  #: "N° 35"
    count: str  #: "11 articles"
    subject: str
    summary: str  #: the line beside the subject
    updated: dt.datetime  #: aware; when the mailing was opened, or the day of the issue
    entries: tuple[Entry, ...]
    pictures: tuple[Picture, ...] = ()
    view: Any = None  #: the typeset parts, which only templates look into
    words: Any = None  #: the theme's words in this language, for templates alone

    @property
    def direction(self) -> Direction:
        """How the edition is written."""
        return direction_of(self.language)

    @property
    def headlines(self) -> tuple[str, ...]:
        """What it is about."""
        return tuple(entry.headline for entry in self.entries)


def digest_of(content: bytes) -> str:
    """A short name for exactly this content."""
    return hashlib.sha256(content).hexdigest()[:12]

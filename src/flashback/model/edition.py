"""An issue typeset once in one language, named by a digest of its content."""

import datetime as dt
import hashlib
import json
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

from flashback.model.language import Direction, direction_of

#: How a slot stands in HTML and text until a reader's own value replaces it. This form passes
#: through Jinja2, MJML, lxml and premailer unchanged, in href, alt, text and CSS.
SLOT_PATTERN: Final = re.compile(r"__FB_([A-Z0-9]+(?:_[A-Z0-9]+)*)__")


class Slot(StrEnum):
    """A place in an edition that differs from reader to reader."""

    UNSUBSCRIBE_URL = "UNSUBSCRIBE_URL"
    READER_ADDRESS = "READER_ADDRESS"
    READER_NAME = "READER_NAME"

    @property
    def mark(self) -> str:
        """How it is written in a template."""
        return f"__FB_{self.value}__"


@dataclass(frozen=True, slots=True, kw_only=True)
class InlineImage:
    """A picture that travels with the message, shown by ``cid:``."""

    content_id: str  #: without angle brackets
    media_type: str  #: ``image/png``, ``image/jpeg`` or ``image/gif``
    filename: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Edition:
    """All that readers of one language will get, but for the slots."""

    issue_number: str
    issue_date: dt.date
    language: str
    title: str
    subject: str
    preheader: str
    html: str
    text: str
    publisher: str = ""
    archive_url: str = ""  #: where this very edition can be read on the web; empty when nowhere
    images: tuple[InlineImage, ...] = ()

    @property
    def direction(self) -> Direction:
        """How the edition as a whole is written."""
        return direction_of(self.language)

    @cached_property
    def slots(self) -> frozenset[Slot]:
        """The slots that occur in HTML or text. Raises ValueError on a slot nobody knows."""
        return frozenset(Slot(name) for name in SLOT_PATTERN.findall(self.html + self.text))

    @cached_property
    def digest(self) -> str:
        """SHA-256 over everything a reader could see, as 64 hexadecimal digits."""
        content = [
            self.issue_number,
            self.issue_date.isoformat(),
            self.language,
            self.title,
            self.subject,
            self.preheader,
            self.html,
            self.text,
            self.publisher,
            self.archive_url,
            [
                [i.content_id, i.media_type, i.filename, hashlib.sha256(i.content).hexdigest()]
                for i in self.images
            ],
        ]
        return hashlib.sha256(json.dumps(content, ensure_ascii=True).encode()).hexdigest()

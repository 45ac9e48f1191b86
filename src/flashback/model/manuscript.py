"""What a word processor wrote: lines with their looks, of which rules make an issue."""

from dataclasses import dataclass

from flashback.model.prose import Inline, plain
from flashback.sentences import Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A paragraph, or a part of one between line breaks."""

    children: tuple[Inline, ...]  #: bold and italics of the whole line are flags, not children
    level: int | None = None  #: of a heading style, from 1; 0 is the title of the document
    bold: bool = False
    quoted: bool = False  #: in a style for quotations, in italics, or indented
    item: bool = False  #: of a list

    @property
    def text(self) -> str:
        """Its words."""
        return plain(self.children)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manuscript:
    """A document's text in reading order."""

    lines: tuple[Line, ...]
    left_out: tuple[Sentence, ...] = ()  #: what it has beside text

"""The editor's own text: a small closed tree, so that HTML and plain text are two readings of it.

Nothing here is markup. Text is exactly what stands in the file (NFC, without trailing spaces);
typography happens when it is typeset.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, assert_never


@dataclass(frozen=True, slots=True)
class Text:
    """Characters. A line end in the file is one space."""

    text: str


@dataclass(frozen=True, slots=True)
class Code:
    """Characters that typography must leave alone."""

    text: str


@dataclass(frozen=True, slots=True)
class Break:
    """A line end the editor insisted on."""


@dataclass(frozen=True, slots=True)
class Emphasis:
    """Light stress."""

    children: tuple["Inline", ...]


@dataclass(frozen=True, slots=True)
class Strong:
    """Heavy stress."""

    children: tuple["Inline", ...]


@dataclass(frozen=True, slots=True)
class Hyperlink:
    """Words that lead somewhere. ``target`` is an absolute http(s) URL or mailto."""

    children: tuple["Inline", ...]
    target: str


@dataclass(frozen=True, slots=True)
class Picture:
    """An image. ``source`` is an https URL, or a path beside the issue file."""

    source: str
    alt: str


Inline = Text | Code | Break | Emphasis | Strong | Hyperlink | Picture


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A run of inlines."""

    children: tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Subheading:
    """A heading below the article's headline (``###`` and deeper)."""

    children: tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Items:
    """A list. ``start`` is the first number, or None for bullets."""

    items: tuple[tuple["Block", ...], ...]
    start: int | None = None


@dataclass(frozen=True, slots=True)
class Quotation:
    """An excerpt: words of the source, quoted."""

    children: tuple["Block", ...]


@dataclass(frozen=True, slots=True)
class Preformatted:
    """Lines to be kept as they are."""

    text: str


Cell = tuple[Inline, ...]
Align = Literal["", "left", "center", "right"]  #: "": where a line begins


@dataclass(frozen=True, slots=True)
class Table:
    """Figures in columns. Every row has as many cells as there are ``aligns``."""

    head: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    aligns: tuple[Align, ...]

    @property
    def cells(self) -> Iterator[Cell]:
        """All cells, row by row, the head first."""
        return (cell for row in (self.head, *self.rows) for cell in row)


Block = Paragraph | Subheading | Items | Quotation | Preformatted | Table


def links_in(nodes: Iterable[Inline | Block]) -> Iterator[Hyperlink]:
    """Every link of a tree, in reading order."""
    for node in nodes:
        match node:
            case Hyperlink():
                yield node
            case Items(items):
                for item in items:
                    yield from links_in(item)
            case Table():
                for cell in node.cells:
                    yield from links_in(cell)
            case Text() | Code() | Break() | Picture() | Preformatted():
                pass
            case _:
                yield from links_in(node.children)


def plain(nodes: Iterable[Inline | Block]) -> str:
    """The characters of a tree without any markup; blocks are parted by one space."""
    return "".join(_pieces(nodes)).strip()


def _pieces(nodes: Iterable[Inline | Block]) -> Iterator[str]:
    for node in nodes:
        match node:
            case Text(text) | Code(text):
                yield text
            case Preformatted(text):
                yield f"{text} "
            case Break():
                yield " "
            case Picture(alt=alt):
                yield alt
            case Emphasis(children) | Strong(children) | Hyperlink(children=children):
                yield from _pieces(children)
            case Paragraph() | Subheading() | Quotation():
                yield f"{plain(node.children)} "
            case Items(items):
                yield from (f"{plain(item)} " for item in items)
            case Table():
                yield from (f"{plain(cell)} " for cell in node.cells)
            case _:
                assert_never(node)

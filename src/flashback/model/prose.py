"""The editor's own text: a small closed tree, so that HTML and plain text are two readings of it.

Nothing here is markup. Text is exactly what stands in the file (NFC, without trailing spaces);
typography happens when it is typeset.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import assert_never


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


Block = Paragraph | Subheading | Items | Quotation | Preformatted


def links_in(nodes: Iterable[Inline | Block]) -> Iterator[Hyperlink]:
    """Every link of a tree, in reading order."""
    for node in nodes:
        match node:
            case Hyperlink():
                yield node
            case Items(items):
                for item in items:
                    yield from links_in(item)
            case Emphasis(children) | Strong(children):
                yield from links_in(children)
            case Paragraph(children) | Subheading(children):
                yield from links_in(children)
            case Quotation(children):
                yield from links_in(children)
            case _:
                pass


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
            case Paragraph(children) | Subheading(children):
                yield f"{plain(children)} "
            case Quotation(children):
                yield f"{plain(children)} "
            case Items(items):
                yield from (f"{plain(item)} " for item in items)
            case _:
                assert_never(node)

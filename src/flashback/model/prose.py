"""The editor's own text: a small closed tree, so that HTML and plain text are two readings of it.

Nothing here is markup. Text is exactly what stands in the file (NFC, without trailing spaces);
typography happens when it is typeset.
"""

from collections.abc import Iterable
from dataclasses import dataclass


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


def plain(nodes: Iterable[Inline | Block]) -> str:
    """The characters of a tree without any markup; blocks are parted by one space."""
    parts: list[str] = []
    for node in nodes:
        match node:
            case Text(text) | Code(text) | Preformatted(text):
                parts.append(text)
            case Break():
                parts.append(" ")
            case Picture(alt=alt):
                parts.append(alt)
            case Emphasis(children) | Strong(children) | Hyperlink(children=children):
                parts.append(plain(children))
            case Paragraph(children) | Subheading(children):
                parts.append(plain(children) + " ")
            case Quotation(children):
                parts.append(plain(children) + " ")
            case Items(items):
                parts.append("".join(plain(item) + " " for item in items))
    return "".join(parts).strip() if parts and parts[-1].endswith(" ") else "".join(parts)

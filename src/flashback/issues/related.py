"""« Lire aussi » : related links, one behind the other or as a list, each with its note.

Promises that words between the links are kept as notes, and that words which cannot be kept are
remarked upon. What announces a list is told by ``announced``; the caller knows what follows.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from flashback.issues.inlines import Line, sound, unstressed
from flashback.issues.remarks import Desk, short
from flashback.issues.tree import Node
from flashback.issues.words import AND, READ_ALSO, THEN, is_read_also
from flashback.model import Break, Hyperlink, Inline, Link, Text, plain
from flashback.sentences import tr

_JOINT: Final = re.compile(
    rf"(?:[&,;|/·•،؛–—-]|(?<![^\s,،;؛&])(?:{'|'.join(AND)})|(?:\A|(?<=[,،;؛]\s))(?:{'|'.join(THEN)}))\Z"
)
_CLOSING: Final = re.compile(r"\s*[»”]")  # what was opened before the link
_OPENED: Final = re.compile(r"[«“]\s*\Z")  # what is closed behind the next one
_OPENING: Final = re.compile(r"[—–:,،-]+(?:\s+|\Z)")


def announced(line: Line) -> str | None:
    """None unless the line announces related links; else its words that are no link's."""
    lead = _lead(line.children)
    if is_read_also(lead):
        return ""
    head, colon, others = lead.partition(":")
    if not colon or not is_read_also(head):
        return None
    return others.strip() if any(map(str.isalnum, others)) else ""


def links_in(lines: Sequence[Line], desk: Desk) -> tuple[Link, ...]:
    """The related links of a run of lines, with what follows each as its note."""
    links: list[Link] = []
    notes: list[str] = []

    def finish_note(*, last: bool) -> None:
        if links:
            note = _note("".join(notes), last=last)
            links[-1] = Link(
                words=links[-1].words, url=links[-1].url, note=note, line=links[-1].line
            )
        elif lost := _note("".join(notes), last=last):
            _warn_of_lost(lost, lines[0].number, desk)
        notes.clear()

    for number, child in _numbered(lines):
        if isinstance(child, Hyperlink):
            finish_note(last=False)
            links.append(Link(words=plain(child.children).strip(), url=child.target, line=number))
        else:
            notes.append(_characters(child))
    finish_note(last=True)
    return tuple(link for link in links if link.url and link.words)


def announced_links(paragraph: Node, desk: Desk) -> tuple[Link, ...]:
    """The links that stand in the very paragraph that announces them."""
    lost = announced(paragraph.lines[0])
    first, *others = paragraph.lines
    lines = [Line(first.number, tuple(_from_first_link(first.children))), *others]
    if not has_link(paragraph):
        lines = []
    elif lost:
        _warn_of_lost(lost, paragraph.line, desk)
    return links_in(lines, desk) if lines else ()


def listed_links(node: Node, desk: Desk) -> tuple[Link, ...]:
    """The links of a list that a line announced."""
    links: list[Link] = []
    for item in node.items:
        lines = tuple(line for part in item for line in all_lines(part))
        if any(isinstance(child, Hyperlink) for _, child in _numbered(lines)):
            links += links_in(lines, desk)
        else:
            missing(item[0].line if item else node.line, desk)
    return tuple(links)


def has_link(paragraph: Node) -> bool:
    """Whether a paragraph holds a link, sound or refused."""
    return any(isinstance(child, Hyperlink) for _, child in _numbered(paragraph.lines))


def missing(line: int, desk: Desk) -> None:
    """Remark that related links are announced and do not come."""
    phrase = READ_ALSO[desk.language][0]
    desk.remarks.error(
        line,
        "related-without-link",
        tr("“{phrase}” has no link.", phrase=phrase),
        tr("Write: {example}", example=f"{phrase} : […](https://…)"),
    )


def without_opening(text: str) -> str:
    """A comment without the dash or colon that joins it to the link before."""
    stripped = text.lstrip()
    match = _OPENING.match(stripped)
    return stripped[match.end() :] if match else stripped


def _warn_of_lost(words: str, line: int, desk: Desk) -> None:
    desk.remarks.warning(
        line,
        "related-words-lost",
        tr("“{words}” stands before a related link and will not be shown.", words=short(words)),
        tr("Put it between the brackets of the link, or behind the link."),
    )


def all_lines(node: Node) -> Iterator[Line]:
    """The lines of a block and of all that lies in it."""
    yield from node.lines
    for child in node.children:
        yield from all_lines(child)
    for item in node.items:
        for child in item:
            yield from all_lines(child)


def _numbered(lines: Iterable[Line]) -> Iterator[tuple[int, Inline]]:
    for index, line in enumerate(lines):
        if index:
            yield line.number, Break()
        for child in unstressed(line.children):
            yield line.number, child


def _lead(children: Iterable[Inline]) -> str:
    parts: list[Inline] = []
    for child in unstressed(children):
        if isinstance(child, Hyperlink):
            break
        parts.append(child)
    return plain(sound(parts))


def _from_first_link(children: Iterable[Inline]) -> Iterator[Inline]:
    begun = False
    for child in unstressed(children):
        begun = begun or isinstance(child, Hyperlink)
        if begun:
            yield child


def _characters(inline: Inline) -> str:
    # ``plain`` takes the blanks off the ends of what it is given; here they part words.
    match inline:
        case Text(text):
            return text
        case Break():
            return " "
        case _:
            return plain([inline])


def _note(text: str, *, last: bool) -> str:
    note = _CLOSING.sub("", text, count=1) if _CLOSING.match(text) else text
    note = note.strip()
    if not last:
        note = _OPENED.sub("", note).rstrip()
        while (shorter := _JOINT.sub("", note).rstrip()) != note:
            note = shorter
    note = without_opening(note)
    return note if any(character.isalnum() for character in note) else ""

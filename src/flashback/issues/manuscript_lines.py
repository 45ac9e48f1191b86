"""What one line of a manuscript is: a title, a link to read on, related links, or text."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from flashback.issues import dates
from flashback.issues.words import is_read_also
from flashback.model import (
    Block,
    Hyperlink,
    Inline,
    Items,
    Line,
    Link,
    Paragraph,
    Quotation,
    Text,
    plain,
)

_LONGEST_TITLE: Final = 200  #: characters of a headline; longer bold text is text
NUMBER: Final = re.compile(
    r"(?:\bn\s?[°ºo]\.?|\bnuméro|\bno\.|\bissue|\bnumber|#|العدد|عدد)\s*:?\s*"
    r"([0-9]+(?:[-–][0-9]+(?![/.][0-9]))?)",
    re.IGNORECASE,
)
DATE: Final = re.compile(
    r"[0-9]{1,2}(?:er)?[\s/.-]+(?:[^\W\d_]+|[0-9]{1,2})[\s/.-]+[0-9]{4}|[0-9]{4}-[0-9]{2}-[0-9]{2}"
)
_CALL: Final = re.compile(
    r"\b(?:lire|lisez|savoir|voir|suite|consulter?|télécharger|article|read|more|full|see|continue)\b"
    r"|اقرأ|المزيد|المقال|للمزيد|لمعرفة|تتمة",
    re.IGNORECASE,
)
_LONGEST_CALL: Final = 60  #: characters
ENDS: Final = " \u00a0.…:;,–—-→←»›>()[]"
LETTER: Final = re.compile(r"[^\W\d_]")
_OPENING, _CLOSING = ("«", "“", "„", '"'), ("»", "”", "“", '"')


def is_header(line: Line) -> bool:
    """Whether a line says number or date, and little else."""
    words = dates.western(line.text)
    rest = DATE.sub("", NUMBER.sub("", words))
    return rest != words and len(LETTER.findall(rest)) <= 60  # noqa: PLR2004  # "Semaine du"


def is_title(line: Line) -> bool:
    """Whether a line can be a headline or a section."""
    text = line.text
    if line.level is not None:
        return True
    if not line.bold or line.item or len(text) > _LONGEST_TITLE or is_read_also(text):
        return False
    only_link = len(line.children) == 1 and isinstance(line.children[0], Hyperlink)
    return bool(LETTER.search(text)) and not (only_link and is_call(text))


def is_call(words: str) -> bool:
    """Whether words ask to read on: "Lire l'article"."""
    return len(words) <= _LONGEST_CALL and bool(_CALL.search(words))


def plainly(line: Line) -> str:
    """The words of a line with single spaces."""
    return " ".join(line.text.split())


def links_of(line: Line) -> list[Hyperlink]:
    """The links of a line."""
    return [child for child in line.children if isinstance(child, Hyperlink)]


def announces(line: Line) -> bool:
    """Whether a line begins the related links: "Lire aussi : ..."."""
    if is_read_also(line.text):
        return True
    first = line.children[0]
    if not isinstance(first, Text) or not links_of(line):
        return False
    words, colon, rest = first.text.partition(":")
    return bool(colon) and not rest.strip(ENDS) and is_read_also(words)


def related_of(line: Line) -> Iterator[Link]:
    """Each link of a line, with the words behind it as its note."""
    found: list[Link] = []
    for child in line.children:
        if isinstance(child, Hyperlink):
            found.append(Link(words=words_of(child), url=child.target))
        elif found:
            note = " ".join(f"{found[-1].note} {plain([child])}".split())
            found[-1] = replace(found[-1], note=note if note.strip(ENDS) else "")
    yield from found


def words_of(link: Hyperlink) -> str:
    """The words of a link with single spaces."""
    return " ".join(plain(link.children).split())


def ends_with_link(line: Line) -> Hyperlink | None:
    """The link that a line ends with, arrows and points behind it aside."""
    children = list(line.children)
    while children and isinstance(children[-1], Text) and not children[-1].text.strip(ENDS):
        children.pop()
    last = children[-1] if children else None
    return last if isinstance(last, Hyperlink) else None


def without_link(line: Line) -> list[Line]:
    """The line without the link that it ends with."""
    at = max(n for n, child in enumerate(line.children) if isinstance(child, Hyperlink))
    before: list[Inline] = list(line.children[:at])
    if before and isinstance(before[-1], Text):
        before[-1] = Text(before[-1].text.rstrip())
    before = [child for child in before if child != Text("")]
    return [replace(line, children=tuple(before))] if plain(before).strip(ENDS) else []


def blocks_of(lines: Sequence[Line]) -> tuple[Block, ...]:
    """Lines as paragraphs, lists and quotations."""
    blocks: list[Block] = []
    open_quote = False
    for line in lines:
        paragraph = Paragraph(line.children)
        text = line.text.strip()
        last = blocks[-1] if blocks else None
        begins = text.startswith(_OPENING) and not line.item
        if line.item:
            bare = Paragraph(line.children)
            if isinstance(last, Items):
                blocks[-1] = Items((*last.items, (bare,)))
            else:
                blocks.append(Items(((bare,),)))
        elif line.quoted or begins or open_quote:
            if isinstance(last, Quotation) and (open_quote or not begins):
                blocks[-1] = Quotation((*last.children, paragraph))
            else:
                blocks.append(Quotation((paragraph,)))
        else:
            blocks.append(paragraph)
        open_quote = (begins or open_quote) and not _closes(text)
    return tuple(blocks)


def _closes(text: str) -> bool:
    """Whether a quotation that began has come to its end."""
    return any(mark in text[1:] for mark in _CLOSING)


def lines_of(blocks: Sequence[Block]) -> Iterator[str]:
    """The words of each paragraph and each item."""
    for block in blocks:
        match block:
            case Items(items):
                for item in items:
                    yield from lines_of(item)
            case Quotation(children):
                yield from lines_of(children)
            case _:
                yield " ".join(plain([block]).split())

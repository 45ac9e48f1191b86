"""What goes wrong in excerpts: lines that stick to a quotation, and marks without their partner.

Markdown counts a line right below ``>`` lines to the quotation ("lazy continuation", CommonMark
section 5.1). An editor who typed a link there meant it to stand alone.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from flashback.issues.inlines import Line, joined
from flashback.issues.remarks import Desk, short
from flashback.issues.tree import Node
from flashback.model import plain
from flashback.sentences import tr

_PARTNERS: Final[Mapping[str, str]] = {"»": "«", "”": "“"}
_MARKS: Final = re.compile("[«»“”]")
_LINK: Final = re.compile(r"\]\(|\]\[|<?https?://")


def link_glued_to(quote: Node, desk: Desk) -> bool:
    """Whether a link sticks to a quotation; remarks on every line that does."""
    glued = False
    for number in range(quote.line, quote.end + 1):
        raw = desk.raw(number).strip()
        if not raw or raw.startswith(">"):
            continue
        if _LINK.search(raw):
            glued = True
            desk.remarks.error(
                number,
                "link-in-excerpt",
                tr("The link “{text}” sticks to the excerpt above it.", text=short(raw)),
                tr("Leave an empty line above it."),
            )
        else:
            desk.remarks.warning(
                number,
                "excerpt-continued",
                tr("“{text}” counts as part of the excerpt above it.", text=short(raw)),
                tr("Begin the line with > if it is; else leave an empty line above it."),
            )
    return glued


def check_marks(quotes: Sequence[Node], desk: Desk) -> None:
    """Remark on the first quotation mark in an article's excerpts that has no partner."""
    opened: list[tuple[str, int]] = []
    for paragraph in _paragraphs(quotes):
        for index, line in enumerate(paragraph):
            for place, mark in enumerate(_marks_of(line)):
                # A quotation of several paragraphs repeats its mark at the head of each.
                head = not index and not place and _begins(line, mark)
                if head and _PARTNERS.get(mark, mark) in {begun for begun, _ in opened}:
                    continue
                if mark not in _PARTNERS:
                    opened.append((mark, line.number))
                elif opened and opened[-1][0] == _PARTNERS[mark]:
                    opened.pop()
                else:
                    _unpaired(mark, line.number, desk)
                    return
    if opened:
        _unpaired(*opened[0], desk)


def _paragraphs(nodes: Iterable[Node]) -> Iterator[tuple[Line, ...]]:
    for node in nodes:
        if node.lines:
            yield node.lines
        yield from _paragraphs(node.children)
        for item in node.items:
            yield from _paragraphs(item)


def _marks_of(line: Line) -> list[str]:
    return _MARKS.findall(plain(joined([line])))


def _begins(line: Line, mark: str) -> bool:
    return plain(joined([line])).lstrip().startswith(mark)


def _unpaired(mark: str, line: int, desk: Desk) -> None:
    desk.remarks.warning(
        line,
        "marks-unpaired",
        tr("The quotation mark {mark} has no partner in this excerpt.", mark=mark),
        tr("Add the missing one: quotation marks come in pairs, « … » or “ … ”."),
    )

"""What the eye takes for one thing and Markdown for another, and what must not be typed at all.

Looks at source lines and top-level blocks; changes nothing.
"""

import re
from collections.abc import Iterable
from typing import Final

from flashback.issues.inlines import joined
from flashback.issues.lone import only_link
from flashback.issues.related import announced
from flashback.issues.remarks import Desk, Remarks, short
from flashback.issues.tree import Node
from flashback.issues.words import PLACEHOLDERS
from flashback.model import Issue, Strong
from flashback.model.edition import SLOT_PATTERN
from flashback.sentences import tr

_UNSPACED: Final = re.compile(r"\s*(#{1,6})([^\s#].*)")
_PLACEHOLDER: Final = re.compile(
    "|".join(
        re.escape(text) for texts in PLACEHOLDERS.values() for text in sorted(set(texts.values()))
    )
)


def is_placeholder(text: str) -> bool:
    """Whether a text is nothing but what ``next_issue`` left to fill in."""
    return _PLACEHOLDER.fullmatch(text) is not None


def check_source(desk: Desk) -> None:
    """Remark on lines that hold a placeholder or a slot's mark."""
    for number, line in enumerate(desk.lines, start=1):
        if "…" in line and (match := _PLACEHOLDER.search(line)):
            desk.remarks.error(
                number,
                "placeholder-left",
                tr("“{text}” has not been filled in.", text=match[0]),
                tr("Replace it with your own words, or delete what it belongs to."),
            )
        if "__FB_" in line and (match := SLOT_PATTERN.search(line)):
            _slot_typed(match[0], number, desk.remarks)


def check_blocks(nodes: Iterable[Node], desk: Desk) -> None:
    """Remark on paragraphs that were meant as headings."""
    for node in nodes:
        if node.kind != "paragraph":
            continue
        for line in node.lines:
            if match := _UNSPACED.fullmatch(desk.raw(line.number)):
                desk.remarks.error(
                    line.number,
                    "heading-unspaced",
                    tr("“{text}” is no heading without a space.", text=short(match[0])),
                    tr(
                        "Write: {heading} (or, to show the sign as it is, put a \\ before it)",
                        heading=f"{match[1]} {short(match[2])}",
                    ),
                )
        run = joined(node.lines)
        bold = len(run) == 1 and isinstance(run[0], Strong) and not only_link(run)
        if bold and announced(node.lines[0]) is None:
            desk.remarks.hint(
                node.line,
                "headline-bold",
                tr("“{text}” is a paragraph in bold, not a headline.", text=short(node.words)),
                tr("If it is a headline, write: {heading}", heading=f"## {short(node.words)}"),
            )


def check_slots(issue: Issue, remarks: Remarks) -> None:
    """Remark on a slot's mark that only came about by Markdown's unescaping."""
    texts = [issue.words, *(article.image.alt for article in issue.articles if article.image)]
    for text in texts:
        if not remarks.has("slot-typed") and (match := SLOT_PATTERN.search(text)):
            _slot_typed(match[0], 0, remarks)


def _slot_typed(mark: str, line: int, remarks: Remarks) -> None:
    remarks.error(
        line,
        "slot-typed",
        tr("{mark} would be replaced by a reader's own data.", mark=mark),
        tr("Delete it; the template puts it where it belongs."),
    )

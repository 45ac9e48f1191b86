"""The model's prose as Markdown that reads back as the same prose.

Pure. Stress must lie around words, not spaces, as Markdown wants it (CommonMark section 6.2).
"""

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from flashback.model import (
    Block,
    Break,
    Code,
    Emphasis,
    Hyperlink,
    Inline,
    Items,
    Paragraph,
    Quotation,
    Strong,
    Subheading,
    Table,
    Text,
)

_ANYWHERE: Final = re.compile(r"[\\`*_\[\]<>]")
_MARK: Final = re.compile(r"^([ \t]*)([#+=~-])", re.MULTILINE)
_NUMBER: Final = re.compile(r"^([ \t]*[0-9]{1,9})([.)])", re.MULTILINE)

_LAST_NUMBER: Final = 999  #: four digits are a year


def inlines(children: Iterable[Inline]) -> str:
    """A run of inlines, on one line but for breaks."""
    parts = [_inline(child) for child in children]
    for n, (part, following) in enumerate(pairwise(parts)):
        # A link behind an exclamation mark would read as a picture.
        if part.endswith("!") and following.startswith("["):
            parts[n] = f"{part[:-1]}\\!"
    return "".join(parts)


def blocks(children: Iterable[Block]) -> str:
    """Blocks with empty lines between them, without a last line end."""
    parts: list[str] = []
    previous: Block | None = None
    for child in children:
        # Two neighbouring lists or quotations of one kind would become one.
        if isinstance(child, Items) and isinstance(previous, Items):
            parts.append("***")
        parts.append(_block(child))
        previous = child
    return "\n\n".join(parts)


def heading(text: str) -> str:
    """A text as it stands behind ``#``."""
    return re.sub(r"#+$", lambda m: "\\#" * len(m[0]), _escaped(text))


def hyperlink(words: str, url: str) -> str:
    """A link whose words are plain."""
    return f"[{_escaped(words)}]({_destination(url)})"


def picture(source: str, alt: str) -> str:
    """An image."""
    return f"![{_escaped(alt)}]({_destination(source)})"


def _escaped(text: str) -> str:
    return _ANYWHERE.sub(r"\\\g<0>", text)


def _destination(url: str) -> str:
    return f"<{_escaped(url)}>" if re.search(r"[ ()\\*_<>]", url) else url


def _inline(node: Inline) -> str:  # noqa: PLR0911 (one answer for each kind of node)
    match node:
        case Text(text):
            return _escaped(text)
        case Code(text):
            marks = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
            room = " " if text.startswith(("`", " ")) or text.endswith(("`", " ")) else ""
            return f"{marks}{room}{text}{room}{marks}"
        case Break():
            return "\\\n"
        case Emphasis(children):
            return f"*{inlines(children)}*"
        case Strong(children):
            return f"**{inlines(children)}**"
        case Hyperlink(children, target):
            return f"[{inlines(children)}]({_destination(target)})"
        case _:
            return picture(node.source, node.alt)


def _block(node: Block) -> str:
    match node:
        case Paragraph(children):
            return _unmarked(inlines(children))
        case Subheading(children):
            return f"### {inlines(children)}"
        case Quotation(children):
            return "\n".join(f"> {line}" if line else ">" for line in blocks(children).split("\n"))
        case Items(items, start):
            bullet = "* " if len(items) == 1 else "- "  # a lone "- 3" is a minus
            return "\n".join(
                _item(item, bullet if start is None else f"{min(start + index, _LAST_NUMBER)}. ")
                for index, item in enumerate(items)
            )
        case Table(head, rows, aligns):
            return "\n".join([_row(head), _rule(aligns), *map(_row, rows)])
        case _:
            runs = (len(run) + 1 for run in re.findall("`+", node.text))
            marks = "`" * max(runs, default=0)
            marks = max(marks, "```", key=len)
            return f"{marks}\n{node.text}\n{marks}"


def _row(cells: Iterable[Iterable[Inline]]) -> str:
    texts = (inlines(cell).replace("\\\n", " ").replace("|", "\\|") for cell in cells)
    return "| " + " | ".join(texts) + " |"


def _rule(aligns: Iterable[str]) -> str:
    marks = {"": "---", "left": ":--", "center": ":-:", "right": "--:"}
    return "|" + "|".join(marks[align] for align in aligns) + "|"


def _unmarked(text: str) -> str:
    """The text with what would begin a heading, a list or a rule escaped, line by line."""
    return _NUMBER.sub(r"\1\\\2", _MARK.sub(r"\1\\\2", text))


def _item(item: Iterable[Block], mark: str) -> str:
    lines = blocks(item).split("\n")
    indent = " " * len(mark)
    return "\n".join(
        (mark if not index else indent if line else "") + line for index, line in enumerate(lines)
    )

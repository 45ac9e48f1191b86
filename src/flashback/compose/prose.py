"""The editor's own text, read twice: as XHTML that MJML takes, and as lines of plain text.

Typography looks at a whole paragraph at once, so that an apostrophe before a word in italics is
set as well as any other.
"""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from markupsafe import Markup

from flashback.compose import typography
from flashback.compose.lines import COLUMNS, hang, wrap
from flashback.compose.links import href
from flashback.compose.pictures import Shown
from flashback.model import (
    Block,
    Break,
    Cell,
    Code,
    Direction,
    Emphasis,
    Hyperlink,
    Inline,
    Items,
    Paragraph,
    Picture,
    Preformatted,
    Quotation,
    Strong,
    Subheading,
    Table,
    Text,
    direction_of,
)

_OPAQUE = "\ufffc"  # OBJECT REPLACEMENT CHARACTER: something stands here that is no letter

# What styles/inline.css takes from the width of a picture in a list or an excerpt.
_LIST_INDENT = 24
_QUOTE_INDENT = 3 + 18
_GAP = 2  # columns of the screen between those of a table
_EXCERPT = "  "  # before each line of an excerpt in the text part
_NARROWEST = 48  # for a list in a list in a list ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Prose:
    """Blocks in one language. ``{{ prose }}`` is HTML, ``{{ prose.text }}`` plain text."""

    blocks: tuple[Block, ...]
    language: str
    place: str  #: file and line, for an error
    level: int  #: of a subheading: 2 to 4
    widest: int  #: of a picture, in pixels
    pictures: Mapping[str, Shown]

    @property
    def direction(self) -> Direction:
        """How the text is written."""
        return direction_of(self.language)

    @property
    def text(self) -> str:
        """Wrapped lines; blocks are parted by an empty line."""
        return "\n\n".join(_block_text(block, self, COLUMNS) for block in self.blocks)

    def __html__(self) -> Markup:
        return Markup("\n").join(_block_html(block, self) for block in self.blocks)

    def __bool__(self) -> bool:
        return bool(self.blocks)


def set_inlines(children: Sequence[Inline], language: str) -> tuple[Inline, ...]:
    """The same tree with its Text typeset, each knowing the characters around it."""
    joined = "".join(_leaves(children))
    return _cut(children, typography.cells(joined, language))


def _leaves(children: Sequence[Inline]) -> Iterator[str]:
    for node in children:
        match node:
            case Text(text):
                yield typography.collapse(text)
            case Emphasis(inner) | Strong(inner) | Hyperlink(children=inner):
                yield from _leaves(inner)
            case _:
                yield _OPAQUE


def _cut(children: Sequence[Inline], characters: Iterator[str]) -> tuple[Inline, ...]:
    """Deal the characters out again, each with the space that typography gave it."""
    out: list[Inline] = []
    for node in children:
        match node:
            case Text(text):
                out.append(Text("".join(next(characters) for _ in typography.collapse(text))))
            case Emphasis(inner) | Strong(inner) | Hyperlink(children=inner):
                out.append(replace(node, children=_cut(inner, characters)))
            case _:
                next(characters)
                out.append(node)
    return tuple(out)


# -- HTML ----------------------------------------------------------------------------------------


def _block_html(block: Block, prose: Prose) -> Markup:
    match block:
        case Paragraph(children):
            return Markup('<p class="p">{}</p>').format(_line_html(children, prose))
        case Subheading(children):
            tag = f"h{prose.level}"
            html = _line_html(children, prose)
            return Markup('<{0} class="sub">{1}</{0}>').format(tag, html)
        case Quotation(children):
            within = _narrower(prose, _QUOTE_INDENT)
            inner = Markup("").join(_block_html(child, within) for child in children)
            template = Markup('<blockquote class="quote {}">{}</blockquote>')
            return template.format(prose.direction, inner)
        case Items():
            return _items_html(block, prose)
        case Table():
            return _table_html(block, prose)
        case Preformatted(text):
            shown = typography.disarm(typography.printable(text))
            return Markup('<pre class="pre" dir="ltr">{}</pre>').format(shown)
        case _:
            assert_never(block)


def _table_html(table: Table, prose: Prose) -> Markup:
    """A table of data, which its head tells screen readers."""
    within = _narrower(prose, _NARROWEST * len(table.aligns))
    start = "right" if prose.direction == "rtl" else "left"
    cell = Markup('<{0} class="cell-of {1}{2}"{3}>{4}</{0}>')

    def row(cells: Sequence[Cell], tag: str, ruled: str) -> Markup:
        scope = Markup(' scope="col"') if tag == "th" else ""
        return Markup("<tr>{}</tr>").format(
            Markup("").join(
                cell.format(tag, align or start, ruled, scope, _line_html(inner, within))
                for inner, align in zip(cells, table.aligns, strict=True)
            )
        )

    body = Markup("").join(row(cells, "td", " ruled") for cells in table.rows)
    template = Markup('<table class="figures {}"><thead>{}</thead><tbody>{}</tbody></table>')
    return template.format(prose.direction, row(table.head, "th", ""), body)


def _narrower(prose: Prose, indent: int) -> Prose:
    """The same surroundings with less room for pictures."""
    return replace(prose, widest=max(prose.widest - indent, _NARROWEST))


def _items_html(block: Items, prose: Prose) -> Markup:
    within = _narrower(prose, _LIST_INDENT)
    items = Markup("").join(
        Markup('<li class="li">{}</li>').format(_item_html(item, within)) for item in block.items
    )
    if block.start is None:
        return Markup('<ul class="list {}">{}</ul>').format(prose.direction, items)
    template = Markup('<ol class="list {}" start="{}">{}</ol>')
    return template.format(prose.direction, block.start, items)


def _item_html(item: tuple[Block, ...], prose: Prose) -> Markup:
    match item:
        case (Paragraph(children), *rest):
            tail = [_block_html(block, prose) for block in rest]
            return Markup("").join([_line_html(children, prose), *tail])
        case _:
            return Markup("").join(_block_html(block, prose) for block in item)


def _line_html(children: Sequence[Inline], prose: Prose) -> Markup:
    html = _inlines_html(set_inlines(children, prose.language), prose)
    return Markup(typography.disarm(html))  # noqa: S704 - escaped already; disarm adds no markup


def _inlines_html(children: Sequence[Inline], prose: Prose) -> Markup:
    return Markup("").join(_inline_html(node, prose) for node in children)


def _inline_html(node: Inline, prose: Prose) -> Markup:
    match node:
        case Text(text):
            return typography.markup(text, prose.language)
        case Code(text):
            shown = typography.printable(text)
            return Markup('<code class="code" dir="ltr">{}</code>').format(shown)
        case Break():
            return Markup("<br />")
        case Picture(source, alt):
            return picture_html(prose.pictures[source], alt, prose.language, prose.widest)
        case _:
            return _span_html(node, prose)


def _span_html(node: Emphasis | Strong | Hyperlink, prose: Prose) -> Markup:
    inner = _inlines_html(node.children, prose)
    match node:
        case Emphasis():
            return Markup('<em class="em {}">{}</em>').format(prose.direction, inner)
        case Strong():
            return Markup("<strong>{}</strong>").format(inner)
        case Hyperlink(target=target):
            template = Markup('<a class="link" href="{}">{}</a>')
            return template.format(href(target, prose.place), inner)
        case _:
            assert_never(node)


def picture_html(shown: Shown, alt: str, language: str, widest: int) -> Markup:
    """An ``img`` with a width in pixels, for Outlook, that no phone overflows."""
    words = typography.disarm(typography.typeset(typography.clean(alt), language))
    return Markup('<img class="picture" src="{}" alt="{}" width="{}" />').format(
        shown.url,
        typography.isolate(words, language),
        min(shown.width or widest, widest),
    )


# -- plain text ----------------------------------------------------------------------------------


def _block_text(block: Block, prose: Prose, columns: int) -> str:
    match block:
        case Paragraph(children) | Subheading(children):
            return wrap(_line_text(children, prose), prose.language, columns=columns)
        case Quotation(children):
            # Indented, for an excerpt without quotation marks would read as the editor's words.
            inner = [_block_text(child, prose, columns - len(_EXCERPT)) for child in children]
            return textwrap.indent("\n\n".join(inner), _EXCERPT)
        case Items(items, start):
            marks = [f"{start + i}. " if start is not None else "- " for i in range(len(items))]
            return "\n".join(
                hang("\n".join(_block_text(b, prose, columns - len(mark)) for b in item), mark)
                for mark, item in zip(marks, items, strict=True)
            )
        case Table():
            return _table_text(block, prose, columns)
        case Preformatted(text):
            shown = typography.disarm(typography.printable(text))
            return "\n".join(line.rstrip() for line in shown.splitlines())
        case _:
            assert_never(block)


def _table_text(table: Table, prose: Prose, columns: int) -> str:
    """Columns where they fit; else each row as lines of "head: cell"."""
    head, *rows = [
        [" ".join(_line_text(cell, prose).split("\n")) for cell in row]
        for row in (table.head, *table.rows)
    ]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    if sum(widths) + _GAP * (len(widths) - 1) > columns:
        return "\n\n".join(_row_text(head, row, prose, columns) for row in rows or [head])
    lines = (
        (" " * _GAP).join(
            text.rjust(width) if align == "right" else text.ljust(width)
            for text, width, align in zip(row, widths, table.aligns, strict=True)
        )
        for row in (head, ["-" * width for width in widths], *rows)
    )
    return "\n".join(typography.isolate(line.rstrip(" "), prose.language) for line in lines)


def _row_text(head: Sequence[str], row: Sequence[str], prose: Prose, columns: int) -> str:
    """A row that is too wide, a line for each cell."""
    pairs = zip(head, row, strict=True)
    colon = "\u00a0: " if prose.language.startswith("fr") else ": "
    told = (f"{name}{colon}{cell}" if name and name != cell else cell for name, cell in pairs)
    return "\n".join(wrap(line, prose.language, columns=columns) for line in told if line)


def _line_text(children: Sequence[Inline], prose: Prose) -> str:
    return typography.disarm(_inlines_text(set_inlines(children, prose.language), prose))


def _inlines_text(children: Sequence[Inline], prose: Prose) -> str:
    return "".join(_inline_text(node, prose) for node in children)


def _inline_text(node: Inline, prose: Prose) -> str:
    match node:
        case Text(text):
            return text
        case Code(text):
            return typography.printable(text)
        case Break():
            return "\n"
        case Emphasis(inner) | Strong(inner):
            return _inlines_text(inner, prose)
        case Hyperlink(inner, target):
            words, url = _inlines_text(inner, prose), href(target, prose.place)
            return f"<{url}>" if words in {target, url, ""} else f"{words} <{url}>"
        case Picture(alt=alt):
            return f"[{typography.clean(alt)}]" if alt else ""
        case _:
            assert_never(node)

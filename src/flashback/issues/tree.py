"""A Markdown body as a small tree that knows its lines; markdown-it-py does the grammar.

Promises bounded depth, no HTML, and a remark wherever Markdown would swallow text without a word:
too deep nesting, an open code fence, an unused link definition. Means nothing by headings yet.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from markdown_it.rules_block.table import escapedSplit
from markdown_it.token import Token

from flashback.issues.grammar import LONGEST_PARAGRAPH, NESTING, grammar, with_bullets
from flashback.issues.inlines import Line, joined, lines_of
from flashback.issues.remarks import Desk, short
from flashback.model import (
    Align,
    Block,
    Cell,
    Items,
    Paragraph,
    Preformatted,
    Quotation,
    Subheading,
    Table,
    plain,
)
from flashback.sentences import tr

Kind = Literal["paragraph", "heading", "quote", "list", "code", "table"]

_ALIGNS: Final[Mapping[str, Align]] = {
    "text-align:left": "left",
    "text-align:center": "center",
    "text-align:right": "right",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One block of the body."""

    kind: Kind
    line: int  #: its first line in the file
    end: int  #: its last
    level: int = 0  #: of a heading
    lines: tuple[Line, ...] = ()  #: of a paragraph or heading
    children: tuple["Node", ...] = ()  #: of a quote
    items: tuple[tuple["Node", ...], ...] = ()  #: of a list
    start: int | None = None  #: a numbered list's first number
    text: str = ""  #: of code
    table: Table | None = None

    @property
    def words(self) -> str:
        """A paragraph's or heading's characters."""
        return plain(joined(self.lines)).strip()


def block_of(node: Node) -> Block:
    """The node as the model knows it."""
    match node.kind:
        case "paragraph":
            return Paragraph(joined(node.lines))
        case "heading":
            return Subheading(joined(node.lines))
        case "quote":
            return Quotation(blocks_of(node.children))
        case "list":
            return Items(tuple(blocks_of(item) for item in node.items), node.start)
        case "table" if node.table:
            return node.table
        case _:
            return Preformatted(node.text)


def blocks_of(nodes: Iterable[Node]) -> tuple[Block, ...]:
    """Nodes as the model knows them; a paragraph of which nothing is left goes."""
    return tuple(b for b in map(block_of, nodes) if not isinstance(b, Paragraph) or b.children)


def nodes_of(desk: Desk, header: int) -> tuple[Node, ...]:
    """The blocks of a file below its ``header`` first lines."""
    text = "\n" * header + "\n".join(with_bullets(desk.lines[header:]))
    env: dict[str, dict[str, dict[str, object]]] = {}
    tokens = grammar().parse(text, env)
    _check_references(tokens, env.get("references", {}), desk)
    return tuple(_gather(iter(tokens), "", desk))


def _gather(tokens: Iterator[Token], closing: str, desk: Desk) -> Iterator[Node]:
    for token in tokens:
        line, end = _place(token)
        match token.type:
            case "paragraph_open" | "heading_open":
                node = _written(token, next(tokens), desk)
                next(tokens)
                if node.kind == "heading" or any(line.children for line in node.lines):
                    yield node
            case "blockquote_open":
                _check_depth(token, desk)
                children = tuple(_gather(tokens, "blockquote_close", desk))
                yield Node(kind="quote", line=line, end=end, children=children)
            case "bullet_list_open" | "ordered_list_open":
                yield _list(token, tokens, desk)
            case "table_open":
                yield Node(kind="table", line=line, end=end, table=_table(tokens, desk))
            case "fence":
                _check_fence(token, desk)
                yield Node(kind="code", line=line, end=end, text=token.content.removesuffix("\n"))
            case _ if token.type == closing:
                return


def _place(token: Token) -> tuple[int, int]:
    """A block's first and last line in the file."""
    first, beyond = token.map or (0, 1)
    return first + 1, max(beyond, first + 1)


def _written(token: Token, inline: Token, desk: Desk) -> Node:
    line, end = _place(token)
    if len(inline.content) > LONGEST_PARAGRAPH:
        desk.remarks.error(
            line,
            "paragraph-long",
            tr("This paragraph is longer than {most} characters.", most=LONGEST_PARAGRAPH),
            tr("Part it with empty lines."),
        )
    lines = lines_of(inline, line, desk)
    if token.type == "paragraph_open":
        return Node(kind="paragraph", line=line, end=end, lines=lines)
    node = Node(kind="heading", line=line, end=end, level=int(token.tag[1]), lines=lines)
    if token.markup in {"-", "="}:
        desk.remarks.warning(
            node.line,
            "heading-underlined",
            tr(
                "“{text}” is read as a heading, for dashes stand right under it.",
                text=short(node.words),
            ),
            tr(
                "Write {heading}, or leave an empty line above the dashes.",
                heading=f"{'#' * node.level} {short(node.words)}",
            ),
        )
    return node


def _list(opening: Token, tokens: Iterator[Token], desk: Desk) -> Node:
    items = []
    while (token := next(tokens)).type == "list_item_open":
        _check_depth(token, desk)
        items.append(tuple(_gather(tokens, "list_item_close", desk)))
    start = int(opening.attrs.get("start", 1)) if opening.type == "ordered_list_open" else None
    line, end = _place(opening)
    return Node(kind="list", line=line, end=end, items=tuple(items), start=start)


def _table(tokens: Iterator[Token], desk: Desk) -> Table:
    """Rows until the table ends; the first is its head."""
    rows: list[list[Cell]] = []
    aligns: list[Align] = []
    place = 1
    while (token := next(tokens)).type != "table_close":
        if token.type == "tr_open":
            rows.append([])
            place, _ = _place(token)
            if len(rows) > 1:
                _check_row(place, len(rows[0]), desk)
        elif token.type in {"th_open", "td_open"}:
            if len(rows) == 1:
                aligns.append(_ALIGNS.get(str(token.attrs.get("style", "")), ""))
            rows[-1].append(joined(lines_of(next(tokens), place, desk)))
    head, *others = (tuple(row) for row in rows)
    return Table(head, tuple(others), tuple(aligns))


def _check_row(line: int, columns: int, desk: Desk) -> None:
    cells = [cell.strip() for cell in escapedSplit(desk.raw(line).strip("> \t"))]
    cells = cells[1:] if cells and not cells[0] else cells
    cells = cells[:-1] if cells and not cells[-1] else cells
    if len(cells) > columns:
        desk.remarks.error(
            line,
            "table-row-long",
            tr("This row has {count} cells, and the head of the table {columns}.",
               count=len(cells), columns=columns),
            tr("Give the head as many; what is too much is lost."),
        )  # fmt: skip


def _check_depth(token: Token, desk: Desk) -> None:
    if token.level + 1 >= NESTING:
        desk.remarks.error(
            _place(token)[0],
            "nesting-deep",
            tr("Lists and quotations are nested too deeply here; what lies inside is lost."),
            tr("Write it as plain paragraphs."),
        )


def _check_fence(token: Token, desk: Desk) -> None:
    line, end = _place(token)
    last = desk.raw(end).strip("> \t")
    if end == line or not last.startswith(token.markup):
        desk.remarks.error(
            line,
            "code-unclosed",
            tr(
                "From here on all is taken as it stands, for {mark} is not closed.",
                mark=token.markup,
            ),
            tr("Delete this line, or write {mark} again where it ends.", mark=token.markup),
        )


def _check_references(
    tokens: list[Token], references: dict[str, dict[str, object]], desk: Desk
) -> None:
    if not references:
        return
    used = {
        child.attrs.get("href") or child.attrs.get("src")
        for token in tokens
        for child in token.children or ()
        if child.type in {"link_open", "image"}
    }
    for reference in references.values():
        place = reference["map"]
        if reference["href"] not in used and isinstance(place, list):
            desk.remarks.warning(
                place[0] + 1,
                "reference-unused",
                tr("This line is read as a link's address that nothing uses; nobody will see it."),
                tr(
                    "Delete it, or write the link where it belongs: {example}",
                    example="[…](https://…)",
                ),
            )

"""Blocks to sections and articles: ``#`` begins a section, ``##`` an article.

Promises that every block of the body lands somewhere, and remarks on what an issue as a whole
should not have: no article, an empty section, the same headline or link twice.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from flashback.issues.article import article_of, begins_with_link, brief_of
from flashback.issues.excerpts import check_marks, link_glued_to
from flashback.issues.keys import link_dropped
from flashback.issues.related import has_link
from flashback.issues.remarks import Desk, short
from flashback.issues.traps import check_blocks, is_placeholder
from flashback.issues.tree import Node, blocks_of
from flashback.issues.words import folded
from flashback.model import Article, Block, Section
from flashback.sentences import tr

_SECTION, _ARTICLE = 1, 2


@dataclass(slots=True)
class _Part:
    """A heading and the blocks up to the next one."""

    heading: Node | None
    nodes: list[Node] = field(default_factory=list)

    @property
    def level(self) -> int:
        return self.heading.level if self.heading else 0


def sections_of(nodes: Sequence[Node], desk: Desk) -> tuple[tuple[Block, ...], tuple[Section, ...]]:
    """The issue's introduction and its sections."""
    check_blocks(nodes, desk)
    opening, *parts = _parts(nodes, desk)
    introduction = _text(opening.nodes, desk)
    sections = tuple(_section(group, desk) for group in _grouped(parts))
    _check_sections(sections, desk)
    return introduction, sections


def _parts(nodes: Iterable[Node], desk: Desk) -> list[_Part]:
    parts = [_Part(None)]
    for node in nodes:
        if node.kind == "heading" and node.level <= _ARTICLE:
            parts.append(_Part(node))
        else:
            parts[-1].nodes.append(node)
        if node.kind == "heading" and not node.words:
            desk.remarks.error(
                node.line,
                "heading-empty",
                tr("This heading has no text."),
                tr("Write it behind the {marks}, or delete the line.", marks="#" * node.level),
            )
    return parts


def _grouped(parts: Iterable[_Part]) -> Iterator[list[_Part]]:
    group: list[_Part] = []
    for part in parts:
        if part.level == _SECTION and group:
            yield group
            group = []
        group.append(part)
    if group:
        yield group


def _section(group: Sequence[_Part], desk: Desk) -> Section:
    first = group[0]
    title, line = "", first.heading.line if first.heading else 0
    introduction: list[Node] = []
    articles: list[Article] = []
    if first.heading and first.level == _SECTION:
        title = first.heading.words
        if has_link(first.heading):
            link_dropped(line, desk)
        for node in first.nodes:
            if node.kind == "list" and any(begins_with_link(item) for item in node.items):
                articles += (brief_of(item, item[0].line, desk) for item in node.items if item)
                continue
            if articles:
                _remark_on_order(node, desk)
            introduction.append(node)
    articles += (
        article_of(part.heading, part.nodes, desk)
        for part in group
        if part.heading and part.level == _ARTICLE
    )
    return Section(
        title=title, articles=tuple(articles), introduction=_text(introduction, desk), line=line
    )


def _text(nodes: Sequence[Node], desk: Desk) -> tuple[Block, ...]:
    quotes = [node for node in nodes if node.kind == "quote"]
    for quote in quotes:
        link_glued_to(quote, desk)
    check_marks(quotes, desk)
    return blocks_of(nodes)


def _remark_on_order(node: Node, desk: Desk) -> None:
    desk.remarks.warning(
        node.line,
        "text-misplaced",
        tr("Text below a list of links is shown above it."),
        tr("Move it above the list, or begin an article or a section with it."),
    )


def _check_sections(sections: Sequence[Section], desk: Desk) -> None:
    if not any(section.articles for section in sections):
        desk.remarks.error(
            0,
            "articles-missing",
            tr("The issue has no article."),
            tr("Begin each article with a line: ## and its headline"),
        )
    for section in sections:
        if not (section.articles or section.introduction):
            desk.remarks.warning(
                section.line,
                "section-empty",
                tr("The section “{title}” is empty.", title=short(section.title)),
                tr("Write an article below it, or delete the line."),
            )
    articles = [article for section in sections for article in section.articles]
    _check_headlines(articles, desk)
    _check_links(articles, desk)


def _check_headlines(articles: Iterable[Article], desk: Desk) -> None:
    seen: dict[str, int] = {}
    for article in articles:
        first = seen.setdefault(folded(article.headline), article.line)
        if first != article.line and article.headline and not is_placeholder(article.headline):
            desk.remarks.warning(
                article.line,
                "headline-duplicate",
                tr(
                    "“{headline}” is also the headline of line {line}.",
                    headline=short(article.headline),
                    line=first,
                ),
                tr("Delete one of the two articles, or change its headline."),
            )


def _check_links(articles: Iterable[Article], desk: Desk) -> None:
    seen: dict[str, int] = {}
    for article in articles:
        for link in (*((article.link,) if article.link else ()), *article.related):
            if link.url in seen:
                desk.remarks.warning(
                    link.line,
                    "link-duplicate",
                    tr(
                        "The link {url} also stands on line {line}.",
                        url=short(link.url),
                        line=seen[link.url],
                    ),
                    tr("Check that it is the right one: was it copied from another article?"),
                )
            seen.setdefault(link.url, link.line)

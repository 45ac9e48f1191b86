"""One article: a headline and the blocks below it become a call to action, related links, text.

Promises to keep everything it does not understand as the editor's own text, in file order.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from flashback.issues.excerpts import check_marks, link_glued_to
from flashback.issues.inlines import Line, run_of, unstressed
from flashback.issues.keys import keys_under
from flashback.issues.lone import has_sound_link, only_link
from flashback.issues.related import (
    all_lines,
    announced,
    announced_links,
    has_link,
    listed_links,
    missing,
    without_opening,
)
from flashback.issues.remarks import Desk, short
from flashback.issues.tree import Node, blocks_of
from flashback.issues.urls import is_mail
from flashback.issues.words import CALL_TO_ACTION, READ_ALSO, is_read_also
from flashback.model import (
    Article,
    Block,
    Emphasis,
    Hyperlink,
    Image,
    Inline,
    Link,
    Picture,
    Strong,
    Text,
    plain,
)
from flashback.sentences import tr

_BARE_URL: Final = re.compile(r"https?://[^\s<>«»“”\"]+")
_BARE_WORDS: Final = re.compile(r"https?://\S+(?P<note> \([^()]+\))?")


def article_of(heading: Node, nodes: Sequence[Node], desk: Desk) -> Article:
    """The article that a heading of level two begins."""
    headline = heading.words
    keys, rest = keys_under(nodes, desk)
    draft = _Draft(desk, headline, heading.line, keys.language or desk.language, keys.source)
    draft.take(rest)
    for child in unstressed(run_of(heading.lines)):
        if isinstance(child, Hyperlink):
            draft.take_headline_link(child)
    draft.check()
    return draft.article(brief=False)


def brief_of(item: Sequence[Node], line: int, desk: Desk) -> Article:
    """The article that an item of a list of links makes."""
    link, comment = _headline_of(item)
    headline = plain(link.children if link else blocks_of(comment[:1])).strip()
    keys, rest = keys_under(comment if link else comment[1:], desk)
    draft = _Draft(desk, headline, line, keys.language or desk.language, keys.source)
    if link:
        draft.take_link(Hyperlink((), link.target), line)
    draft.take(rest)
    draft.check(bare_is_fine=True)
    return draft.article(brief=True)


def begins_with_link(item: Sequence[Node]) -> bool:
    """Whether a list's item begins like a brief article."""
    return _headline_of(item)[0] is not None


def _headline_of(item: Sequence[Node]) -> tuple[Hyperlink | None, tuple[Node, ...]]:
    """The link an item begins with, and the item without it."""
    if not item or item[0].kind != "paragraph":
        return None, tuple(item)
    first, *others = item[0].lines
    link, children = _without_first_link(first.children)
    if link is None:
        return None, tuple(item)
    lines = [Line(first.number, children, first.hard)] if children else []
    return link, (replace(item[0], lines=(*lines, *others)), *item[1:])


def _without_first_link(
    children: tuple[Inline, ...],
) -> tuple[Hyperlink | None, tuple[Inline, ...]]:
    first = children[0] if children else None
    others = children[1:]
    if isinstance(first, Hyperlink):
        return first, _comment(others)
    if isinstance(first, Emphasis | Strong):
        link, inner = _without_first_link(first.children)
        if link:
            return link, (type(first)(inner), *others) if inner else _comment(others)
    return None, children


def _comment(children: tuple[Inline, ...]) -> tuple[Inline, ...]:
    first = children[0] if children else None
    if not isinstance(first, Text):
        return children
    text = without_opening(first.text)
    return (Text(text), *children[1:]) if text else _comment(children[1:])


@dataclass(slots=True)
class _Draft:
    """An article in the making."""

    desk: Desk
    headline: str
    line: int
    language: str
    source: str = ""
    blocks: list[Block] = field(default_factory=list)
    quotes: list[Node] = field(default_factory=list)
    related: list[Link] = field(default_factory=list)
    image: Image | None = None
    picture_link: Hyperlink | None = None  #: where the article's picture leads
    link: Link | None = None
    link_tried: bool = False  #: there is a link, though it may have been refused
    lines: list[Line] = field(default_factory=list)  #: all lines below the headline

    def take(self, nodes: Iterable[Node]) -> None:
        """Read the blocks below the headline."""
        waiting: Node | None = None  # "Lire aussi :" whose list may come
        for node in _parted(nodes):
            self.lines += all_lines(node)
            if waiting and node.kind == "list":
                self.related += listed_links(node, self.desk)
                waiting = None
                continue
            if waiting:
                missing(waiting.line, self.desk)
            waiting = self._take(node)
        if waiting:
            missing(waiting.line, self.desk)

    def _take(self, node: Node) -> Node | None:
        if node.kind == "paragraph":
            return self._take_paragraph(node)
        if node.kind == "quote":
            self.quotes.append(node)
            self.link_tried |= link_glued_to(node, self.desk)
        self.blocks += blocks_of([node])
        return None

    def _take_paragraph(self, node: Node) -> Node | None:
        if announced(node.lines[0]) is not None:
            self.related += announced_links(node, self.desk)
            return None if has_link(node) else node
        run = [child for child in run_of(node.lines) if child != Text(" ")]
        match run:
            case [Picture(source, alt)] if self.image is None:
                self.image = Image(source=source, alt=alt, line=node.line)
                return None
            case [Hyperlink((Picture(source, alt),), target)]:
                if self.image is None:
                    self.image = Image(source=source, alt=alt, line=node.line)
                    self.picture_link = Hyperlink((), target)
                else:
                    self.blocks += blocks_of([node])
                return None
        link = only_link(run)
        if link and self.take_link(link, node.line):
            return None
        self.blocks += blocks_of([node])
        return None

    def take_link(self, link: Hyperlink, line: int) -> bool:
        """Make it the article's link; False when it has one already, which is remarked upon."""
        if self.link_tried:
            phrase = READ_ALSO[self.desk.language][0]
            head, colon, tail = plain(link.children).partition(":")
            words = short(tail if colon and is_read_also(head) else plain(link.children))
            self.desk.remarks.error(
                line,
                "link-second",
                tr("“{headline}” has a second link of its own.", headline=short(self.headline)),
                tr("Write: {example}", example=f"{phrase} : [{words}]({short(link.target)})"),
            )
            return False
        self.link_tried = True
        if is_mail(link.target):
            self.desk.remarks.error(
                line,
                "link-mailto",
                tr("The link of “{headline}” leads to a mailbox.", headline=short(self.headline)),
                tr("Write the address of the page, from https:// on."),
            )
        elif link.target:
            words = plain(link.children).strip() or self._call_to_action
            if bare := _BARE_WORDS.fullmatch(words):
                words = self._call_to_action + (bare["note"] or "")
            self.link = Link(words=words, url=link.target, line=line)
        return True

    def take_headline_link(self, link: Hyperlink) -> None:
        """A headline that is a link counts when the article has no other."""
        if not self.link or self.link.url != link.target:
            self.take_link(Hyperlink((), link.target), self.line)

    def check(self, *, bare_is_fine: bool = False) -> None:
        """Remark on what an article needs and this one has not."""
        self._take_picture_link()
        if not self.link_tried:
            self._remark_on_missing_link()
        if not (self.blocks or bare_is_fine):
            self.desk.remarks.warning(
                self.line,
                "article-bare",
                tr("“{headline}” has neither excerpt nor text.", headline=short(self.headline)),
                tr("Quote a few lines below it: {example}", example="> « … »"),
            )
        check_marks(self.quotes, self.desk)

    def _take_picture_link(self) -> None:
        """A picture that leads somewhere counts when the article has no other link."""
        if not (self.image and self.picture_link):
            return
        if not self.link_tried:
            self.take_link(self.picture_link, self.image.line)
        elif self.link and self.picture_link.target not in {"", self.link.url}:
            self.desk.remarks.warning(
                self.image.line,
                "link-dropped",
                tr("The link of this picture cannot be kept; the picture is."),
                tr("Put the link behind “Lire aussi”."),
            )

    def _remark_on_missing_link(self) -> None:
        for line in self.lines:
            # A link at the very edge of a line was meant to stand alone.
            if only_link(line.children) and self.desk.raw(line.number)[:1] in {"[", "<"}:
                self.desk.remarks.error(
                    line.number,
                    "link-glued",
                    tr(
                        "This link of “{headline}” sticks to other text.",
                        headline=short(self.headline),
                    ),
                    tr("Leave an empty line above and below it."),
                )
                return
        links = (line.number for line in self.lines if has_sound_link(line.children))
        self.desk.remarks.error(
            next(links, self.line),
            "link-missing",
            tr("“{headline}” has no link of its own.", headline=short(self.headline)),
            tr("Write on a line of its own: {example}", example=self._likely_link()),
        )

    def _likely_link(self) -> str:
        for child in unstressed(run_of(self.lines)):
            if isinstance(child, Hyperlink) and child.target:
                return f"[{plain(child.children).strip()}]({child.target})"
        bare = _BARE_URL.search(f"{self.headline} {plain(self.blocks)}")
        url = bare[0].rstrip(".,;:!?)") if bare else "https://…"
        return f"[{self._call_to_action}]({url})"

    @property
    def _call_to_action(self) -> str:
        tag = self.language.partition("-")[0]
        return CALL_TO_ACTION.get(tag, CALL_TO_ACTION[self.desk.language])

    def article(self, *, brief: bool) -> Article:
        """The article as it stands now."""
        return Article(
            headline=self.headline,
            language=self.language,
            blocks=tuple(self.blocks),
            link=self.link,
            related=tuple(self.related),
            source=self.source,
            image=self.image,
            brief=brief,
            line=self.line,
        )


def _parted(nodes: Iterable[Node]) -> Iterator[Node]:
    """The nodes, with a paragraph parted where one of its lines announces related links."""
    for node in nodes:
        lines = node.lines if node.kind == "paragraph" else ()
        heads = [i for i, line in enumerate(lines) if i and announced(line) is not None]
        if not heads:
            yield node
            continue
        for start, stop in itertools.pairwise([0, *heads, len(lines)]):
            part = lines[start:stop]
            yield replace(node, lines=part, line=part[0].number, end=part[-1].number)

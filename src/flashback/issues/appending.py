"""One article more in an issue file: the rest of the file stays as it is, octet for octet.

The article comes last in its section, or takes the place of the empty one that ``next_issue`` left
there. What the editor has to write stays a gap, which reading the file reports. Promises that the
file, read again, has exactly one article more; else nothing is written.
"""

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from flashback import files
from flashback.errors import IssueError
from flashback.issues.article import begins_with_link
from flashback.issues.characters import cleaned
from flashback.issues.files import read_issue
from flashback.issues.header import parse_header
from flashback.issues.prose_writing import blocks, hyperlink
from flashback.issues.reading import parse
from flashback.issues.remarks import Desk, Remarks
from flashback.issues.tree import Node, nodes_of
from flashback.issues.words import CALL_TO_ACTION, PLACEHOLDERS, folded
from flashback.issues.writing import MARKS, keys_of, written_article
from flashback.model import Article, Issue, Link, Paragraph, Quotation, Text
from flashback.sentences import tr

_END: Final = re.compile(r"\r\n|\r|\n")
_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
_SECTION, _ARTICLE = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an article stands."""

    file: Path
    line: int  #: of its headline, from 1
    section: str  #: title; empty in an issue without sections


@dataclass(slots=True)
class _Part:
    """A section as it stands in the file."""

    title: str
    first: int  #: its first line, from 1
    last: int = 0  #: the last one that is not blank
    headings: tuple[Node, ...] = ()  #: of its articles
    lists: tuple[Node, ...] = ()  #: of links


@dataclass(frozen=True, slots=True)
class _Gap:
    """Lines that go, and those that come; ``last`` is before ``first`` when nothing goes."""

    first: int
    last: int
    brief: bool


def section_named(path: Path, name: str | None, *, language: str) -> str:
    """The title of the section by that name, as the file writes it; the last one without a name.

    ``language`` counts when the file tells none. Raises IssueError when there is no such section.
    """
    issue, text = _read(path, language)
    return _chosen(_parts(text, issue), name, path).title


def append(path: Path, article: Article, *, section: str | None, language: str) -> Place:
    """Write an article into an issue file, as the last of a section.

    An empty headline, missing blocks and missing words of its link become gaps. Raises IssueError
    when the file cannot be read as an issue, has no such section, or cannot take the article.
    """
    issue, text = _read(path, language)
    part = _chosen(_parts(text, issue), section, path)
    gap = _gap(part, text, issue)
    article = _with_gaps(replace(article, brief=gap.brief), issue.language)
    answer, line = _inserted(text, _text(article, issue.language), gap)
    _check(path, issue, answer, article, filled=gap.last >= gap.first)
    # What the editor saved in the meantime must not be lost.
    if _read(path, language)[1] != text:
        raise IssueError(
            tr("{file} was changed in this very moment; nothing was added.", file=path),
            hint=tr("Run the same command again."),
        )
    target = path.resolve()
    files.write(target, answer.encode(), mode=target.stat().st_mode & 0o777)
    return Place(file=path, line=line, section=part.title)


def _read(path: Path, language: str) -> tuple[Issue, str]:
    issue = read_issue(path, language=language).issue
    if issue is None:
        raise IssueError(
            tr("{file} cannot be read as an issue; nothing was added.", file=path),
            hint=tr("See what is wrong with it: flashback check {path}", path=path),
        )
    return issue, path.read_bytes().decode("utf-8")


def _parts(text: str, issue: Issue) -> list[_Part]:
    """The sections of a file; at least one."""
    remarks = Remarks(issue.file, issue.language)
    lines = cleaned(text, remarks)
    header = parse_header(lines, remarks)
    nodes = nodes_of(Desk(remarks, issue.language, None, lines), header.end)
    parts = [_Part("", header.end + 1)]
    for node in nodes:
        if node.kind == "heading" and node.level == _SECTION:
            parts.append(_Part(node.words, node.line))
        elif node.kind == "heading" and node.level == _ARTICLE:
            parts[-1].headings += (node,)
        elif node.kind == "list" and len(parts) > 1 and any(map(begins_with_link, node.items)):
            parts[-1].lists += (node,)
    following = [part.first for part in parts[1:]] + [len(lines) + 1]
    for part, beyond in zip(parts, following, strict=True):
        part.last = _last_written(lines, beyond - 1)
    # What stands above the first section is the issue's introduction, unless it has articles.
    return parts if parts[0].headings or len(parts) == 1 else parts[1:]


def _last_written(lines: Sequence[str], number: int) -> int:
    """The number of the last line that is not blank, up to that one."""
    number = min(number, len(lines))
    while number and not lines[number - 1].strip():
        number -= 1
    return number


def _chosen(parts: Sequence[_Part], name: str | None, path: Path) -> _Part:
    if name is None:
        return parts[-1]
    titles = {folded(part.title): part for part in reversed(parts)}
    if found := titles.get(folded(name)):
        return found
    near = difflib.get_close_matches(folded(name), titles, n=1)
    known = ", ".join(f"“{part.title}”" for part in parts if part.title)
    raise IssueError(
        tr("{file} has no section “{name}”.", file=path, name=name),
        hint=tr("Did you mean “{nearest}”?", nearest=titles[near[0]].title)
        if near
        else tr("It has: {titles}. For a new one, write a line into the file: # {name}",
                titles=known or "–", name=name),
    )  # fmt: skip


def _gap(part: _Part, text: str, issue: Issue) -> _Gap:
    """Where the article goes."""
    lines = _LINE.findall(text)
    brief = bool(part.lists and not part.headings)
    empty = _with_gaps(Article(headline="", language=issue.language, brief=brief), issue.language)
    wanted = _bare(_text(empty, issue.language).split("\n"))
    for first, last in _spans(part, brief=brief):
        if _bare(lines[first - 1 : last]) == wanted:
            return _Gap(first, _last_written(lines, last), brief)
    last = _last_written(lines, part.lists[-1].end) if brief else part.last
    return _Gap(last + 1, last, brief)


def _spans(part: _Part, *, brief: bool) -> Iterable[tuple[int, int]]:
    """First and last line of each article, or of each list of them."""
    if brief:
        return [(node.line, node.end) for node in part.lists]
    lasts = [node.line - 1 for node in part.headings[1:]] + [part.last]
    return [(node.line, last) for node, last in zip(part.headings, lasts, strict=False)]


def _bare(lines: Iterable[str]) -> list[str]:
    return [line.strip() for line in lines if line.strip()]


def _with_gaps(article: Article, language: str) -> Article:
    """The article with gaps where the editor has to write."""
    gap = {name: texts[language] for name, texts in PLACEHOLDERS.items()}
    tag = article.language.partition("-")[0]
    opening, closing = MARKS[language]
    text = gap["comment"] if article.brief else f"{opening}{gap['excerpt']}{closing}"
    words = Paragraph((Text(text),))
    link = article.link or Link(words="", url=gap["address"])
    call = CALL_TO_ACTION.get(tag, CALL_TO_ACTION[language])
    return replace(
        article,
        headline=article.headline or gap["headline"],
        blocks=article.blocks or ((words,) if article.brief else (Quotation((words,)),)),
        link=replace(link, words=link.words or call),
    )


def _text(article: Article, language: str) -> str:
    """The article as it is written, as an item of a list or under a headline of its own."""
    assert article.link
    if not article.brief:
        return written_article(article, language)
    keys = tuple(keys_of(article, language))
    head = f"- {hyperlink(article.headline, article.link.url)}"
    if not keys:
        return f"{head} {blocks(article.blocks)}"
    return "\n  ".join([head, *keys, *blocks(article.blocks).split("\n")])


def _inserted(text: str, block: str, gap: _Gap) -> tuple[str, int]:
    """The text with the block in its place, and the block's first line."""
    lines = _LINE.findall(text)
    above, below = lines[: gap.first - 1], lines[max(gap.first - 1, gap.last) :]
    ends = _END.search(text)
    end = ends[0] if ends else "\n"
    middle = [line + end for line in block.split("\n")]
    under_text = bool(above and above[-1].strip())
    if under_text and not above[-1].endswith(("\r", "\n")):
        above.append(end)
    if under_text and not gap.brief and gap.last < gap.first:
        above.append(end)
    if not gap.brief and below and below[0].strip():
        middle.append(end)
    return "".join([*above, *middle, *below]), len(_END.findall("".join(above))) + 1


def _check(path: Path, before: Issue, text: str, article: Article, *, filled: bool) -> None:
    """Raise unless the text reads as the issue with exactly this article more."""
    after = parse(text, file=str(path), language=before.language, folder=path.parent).issue
    lost = Counter(map(_identity, before.articles))
    if filled:
        lost -= Counter([(PLACEHOLDERS["headline"][before.language], "")])
    assert article.link
    wanted = lost + Counter([(article.headline, article.link.url)])
    if after is None or Counter(map(_identity, after.articles)) != wanted:
        raise IssueError(
            tr("The article would not be read as one in {file}; nothing was added.", file=path),
            hint=tr("See what is wrong with it: flashback check {path}", path=path),
        )


def _identity(article: Article) -> tuple[str, str]:
    return article.headline, article.link.url if article.link else ""

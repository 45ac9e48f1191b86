"""What a team wrote in a word processor becomes an issue, by the rules that such letters follow.

A line in bold or in a heading style begins an article; of several in a row the first are sections
and the last is the headline. A line that is one link is where to read on. What no rule knows stays
as the editor's own text: no word and no link is dropped, but for a table of contents that repeats
the headlines, and the lines that say title, number and date.
"""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from flashback.issues import dates
from flashback.issues.manuscript_lines import (
    DATE,
    ENDS,
    LETTER,
    NUMBER,
    announces,
    blocks_of,
    ends_with_link,
    is_call,
    is_header,
    is_title,
    lines_of,
    links_of,
    plainly,
    related_of,
    without_link,
    words_of,
)
from flashback.issues.words import (
    CALL_TO_ACTION,
    article_field,
    folded,
)
from flashback.model import (
    Article,
    Block,
    Issue,
    Line,
    Link,
    Manuscript,
    Paragraph,
    Section,
    Text,
    plain,
)

_LONGEST_NAME: Final = 80  #: characters of the letter's own name
_HEAD: Final = 12  #: lines in which title, number and date are looked for
CONTENTS: Final = frozenset(
    folded(words)
    for words in ("au sommaire", "sommaire", "table des matières", "contents", "in this issue",
                  "table of contents", "في هذا العدد", "المحتويات", "الفهرس")
)  # fmt: skip
LISTED: Final = re.compile(r"^(?:[0-9]{1,3}\s*[.)\-–/]|[-–—•▪‣*])\s*")
_ARABIC: Final = re.compile(r"[\u0600-\u06ff]")
_ENGLISH: Final = frozenset(
    [
        "the",
        "of",
        "and",
        "to",
        "in",
        "is",
        "for",
        "with",
        "by",
        "from",
        "that",
        "are",
        "was",
        "has",
        "its",
    ]
)
_FRENCH: Final = frozenset(
    [
        "le",
        "la",
        "les",
        "des",
        "du",
        "et",
        "un",
        "une",
        "dans",
        "pour",
        "est",
        "sur",
        "au",
        "aux",
        "par",
        "que",
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the newsletter knows already; the document may say otherwise."""

    title: str
    number: str
    date: dt.date
    publisher: str = ""
    language: str = ""  #: empty: the document's own, as it seems


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The issue, and which of its facts the document told."""

    issue: Issue
    told: frozenset[str]  #: of "number", "date", "language"


def drafted(manuscript: Manuscript, given: Given) -> Draft:
    """The issue that the document seems to be. Pure."""
    lines = manuscript.lines
    language = given.language or language_of(" ".join(line.text for line in lines))
    head, body = divided(lines)
    facts = _header(head, given, language)
    introduction, sections = _sections(body, language)
    sections = _without_contents(sections)
    found = [word for word, value in (("number", facts.number), ("date", facts.date)) if value]
    return Draft(
        issue=Issue(
            title=facts.title or given.title,
            number=facts.number or given.number,
            date=facts.date or given.date,
            language=language,
            subject="",
            publisher=given.publisher,
            introduction=(*blocks_of(facts.rest), *introduction),
            sections=sections,
        ),
        told=frozenset([*found, *([] if given.language else ["language"])]),
    )


def with_facts(issue: Issue, *, number: str | None, date: dt.date | None) -> Issue:
    """The issue with what staff say of it."""
    return replace(issue, number=number or issue.number, date=date or issue.date)


def language_of(text: str) -> str:
    """Arabic by its letters; French or English by the smallest words; French when in doubt."""
    letters = len(LETTER.findall(text)) or 1
    if len(_ARABIC.findall(text)) * 2 > letters:
        return "ar"
    words = re.findall(r"[^\W\d_]+", text.lower())
    english, french = (sum(w in known for w in words) for known in (_ENGLISH, _FRENCH))
    return "en" if english > french else "fr"


def divided(lines: Sequence[Line]) -> tuple[list[Line], list[Line]]:
    """What stands above the first headline, where title, number and date may be."""
    for n, line in enumerate(lines[:_HEAD]):
        if is_title(line) and not is_header(line) and not (n == 0 and _starts(lines)):
            return list(lines[:n]), list(lines[n:])
    named = [n for n, line in enumerate(lines[:_HEAD]) if is_header(line)]
    cut = named[-1] + 1 if named else 0
    return list(lines[:cut]), list(lines[cut:])


def _starts(lines: Sequence[Line]) -> bool:
    """Whether the first line is the letter's own name: the next says number or date."""
    return lines[0].level == 0 or (len(lines) > 1 and is_header(lines[1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """What stands above the first headline."""

    title: str = ""
    number: str = ""
    date: dt.date | None = None
    rest: tuple[Line, ...] = ()  #: lines that say something else


def _header(lines: Sequence[Line], given: Given, language: str) -> _Head:
    """Title, number and date, and what else is said."""
    head = _Head()
    known = {folded(given.title), folded("semaine du"), folded("du"), ""}
    for n, line in enumerate(lines):
        words = dates.western(line.text)
        found, day = NUMBER.search(words), DATE.search(words)
        when = dates.understood(day[0].replace("1er", "1"), language) if day else None
        left = " ".join((DATE.sub("", NUMBER.sub("", words)) if found or when else words).split())
        left = left.strip(ENDS + "|/،")
        links = links_of(line)
        if found and not head.number:
            head = replace(head, number=found[1].replace("–", "-"))
        head = replace(head, date=head.date or when)
        new = folded(left) not in known
        if n == 0 and is_title(line) and new and not links and len(left) <= _LONGEST_NAME:
            head = replace(head, title=left)
        elif new or links:
            head = replace(head, rest=(*head.rest, line))
    return head


def _sections(
    lines: Sequence[Line], language: str
) -> tuple[tuple[Block, ...], tuple[Section, ...]]:
    """The introduction, and the articles in their sections."""
    levels = sorted({line.level for line in lines if line.level})
    runs = _runs(lines)
    introduction = blocks_of(runs[0][1]) if runs and not runs[0][0] else ()
    sections: list[Section] = []
    for titles, rest in runs:
        if not titles:
            continue
        only_sections = len(levels) > 1 and titles[-1].level == levels[0]
        sections += map(_section, titles if only_sections else titles[:-1])
        if only_sections:
            said = (*sections[-1].introduction, *blocks_of(rest))
            sections[-1] = replace(sections[-1], introduction=said)
            continue
        if not sections:
            sections.append(Section(title=""))
        article = _article(titles[-1], rest, language)
        sections[-1] = replace(sections[-1], articles=(*sections[-1].articles, article))
    return introduction, tuple(sections)


def _section(line: Line) -> Section:
    """A section of that title; a link in it stands below."""
    below = tuple(Paragraph((link,)) for link in links_of(line))
    return Section(title=plainly(line), introduction=below)


def _runs(lines: Sequence[Line]) -> list[tuple[list[Line], list[Line]]]:
    """Titles that follow each other, each time with the other lines below them."""
    runs: list[tuple[list[Line], list[Line]]] = [([], [])]
    for line in lines:
        if not is_title(line):
            runs[-1][1].append(line)
        elif runs[-1][1]:
            runs.append(([line], []))
        else:
            runs[-1][0].append(line)
    return runs


def _article(headline: Line, lines: Sequence[Line], language: str) -> Article:
    """One article: its own link, what is related, where it is from, and all else as text."""
    above = links_of(headline)
    own = Link(words=CALL_TO_ACTION[language], url=above[0].target) if above else None
    related = [Link(words=words_of(link), url=link.target) for link in above[1:]]
    others: list[Line] = []
    source, also = "", False
    for line in lines:
        key, colon, value = line.text.partition(":")
        if colon and article_field(key.strip()) == "source" and not source and not links_of(line):
            source = plainly(Line(children=(Text(value.strip()),)))
            continue
        if announces(line):
            also = True
            related += related_of(line)
            continue
        ends = ends_with_link(line)
        if links_of(line) and (also or (own and len(line.children) == 1)):
            # Of two links that stand alone, the first is the article's own.
            related += related_of(line)
        elif ends and own is None and (is_call(plain(ends.children)) or len(line.children) == 1):
            own = Link(words=words_of(ends), url=ends.target)
            others += without_link(line)
        else:
            also = False
            others.append(line)
    return Article(
        headline=plainly(headline),
        language=language,
        blocks=blocks_of(others),
        link=own,
        related=tuple(related),
        source=source,
    )


def _without_contents(sections: Sequence[Section]) -> tuple[Section, ...]:
    """Without the table of contents, if it says nothing that the headlines do not."""
    known = {
        folded(title) for s in sections for title in (s.title, *(a.headline for a in s.articles))
    }
    kept = []
    for section in sections:
        articles = tuple(a for a in section.articles if not _is_contents(a, known))
        if articles or not section.articles:
            kept.append(replace(section, articles=articles))
    # A heading "Contents" over lists stands above them as a section.
    return tuple(s for s in kept if s.articles or s.introduction or folded(s.title) not in CONTENTS)


def _is_contents(article: Article, known: set[str]) -> bool:
    if folded(article.headline).strip(ENDS) not in CONTENTS or article.link or article.related:
        return False
    return all(folded(LISTED.sub("", line)) in known for line in lines_of(article.blocks))

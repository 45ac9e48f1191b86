"""What the templates see of an issue: everything typeset, numbered and addressed, nothing raw.

A template decides where things stand; that they are escaped, typeset and safe is decided here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from flashback.compose.links import archive, href
from flashback.compose.phrases import Phrase, phrase
from flashback.compose.pictures import Shown
from flashback.compose.prose import Prose, picture_html
from flashback.compose.words import Words
from flashback.config import LinksConfig, NewsletterConfig
from flashback.model import Article, Block, Direction, Issue, Link, Section, direction_of


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """Words that lead somewhere."""

    words: Phrase
    url: str
    note: Phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleView:
    """One article. Its language may differ from the edition's."""

    number: int  #: runs through all sections
    lead: bool  #: the first of the issue
    brief: bool
    headline: Phrase
    blocks: Prose
    link: LinkView | None
    label: Phrase  #: the call to action with its headline, for those who listen
    related: tuple[LinkView, ...]
    source: Phrase
    image: Markup
    image_alt: Phrase
    language: str

    @property
    def direction(self) -> Direction:
        """How the article is written."""
        return direction_of(self.language)


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionView:
    """One rubric; the title may be empty."""

    title: Phrase
    introduction: Prose
    articles: tuple[ArticleView, ...]
    count: Phrase  #: "5 articles"


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionLink:
    """Where another edition of the issue can be read."""

    language: str
    name: Phrase  #: in that language
    url: str

    @property
    def direction(self) -> Direction:
        """How the name is written."""
        return direction_of(self.language)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """An issue as ``issue`` in a template."""

    language: str
    title: Phrase
    subject: Phrase
    preheader: Phrase
    number: Phrase  #: "N° 35"
    date: Phrase
    count: Phrase
    tagline: Phrase
    introduction: Prose
    sections: tuple[SectionView, ...]
    publisher: Phrase
    postal_address: tuple[Phrase, ...]  #: line by line
    disclaimer: Phrase
    reason: Phrase
    archive_url: str
    others: tuple[EditionLink, ...]

    @property
    def direction(self) -> Direction:
        """How the edition is written."""
        return direction_of(self.language)

    @property
    def columns(self) -> tuple[tuple[SectionView, ...], ...]:
        """The sections of the contents, in reading order, in two columns of like length."""
        filled = [section for section in self.sections if section.articles]
        if len(filled) < 2:  # noqa: PLR2004 - two columns
            return (tuple(filled),) if filled else ()
        sizes = [len(section.articles) + 1 for section in filled]
        cut = min(range(1, len(filled)), key=lambda i: abs(sum(sizes[:i]) - sum(sizes[i:])))
        return tuple(filled[:cut]), tuple(filled[cut:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What lies on the table while an issue is typeset."""

    issue: Issue
    words: Mapping[str, Words]
    pictures: Mapping[str, Shown]
    widest: int  #: of a picture, in pixels

    def own(self, text: str) -> Phrase:
        """A phrase in the edition's language."""
        return phrase(text, self.issue.language)

    def say(self, key: str, **fields: object) -> Phrase:
        """A word of the catalogue."""
        return self.words[self.issue.language](key, **fields)

    def place(self, line: int) -> str:
        """A line of the issue's file, for an error."""
        return f"{self.issue.file}:{line}" if line else self.issue.file

    def prose(self, blocks: tuple[Block, ...], language: str, *, level: int, line: int) -> Prose:
        """Blocks, ready to be read as HTML or text."""
        return Prose(
            blocks=blocks,
            language=language,
            place=self.place(line),
            level=level,
            widest=self.widest,
            pictures=self.pictures,
        )


def view_of(
    desk: Desk, *, newsletter: NewsletterConfig, links: LinksConfig, languages: Sequence[str]
) -> View:
    """Typeset everything. Raises IssueError for a link or picture that cannot be sent."""
    issue, own = desk.issue, desk.own
    lines = newsletter.postal_address.splitlines()
    return View(
        language=issue.language,
        title=own(issue.title),
        subject=own(issue.subject),
        preheader=own(issue.preview or " · ".join(a.headline for a in issue.articles[:3])),
        number=desk.say("issue_number", number=own(issue.number)),
        date=desk.words[issue.language].date(issue.date),
        count=desk.say("articles", count=len(issue.articles)),
        tagline=own(newsletter.tagline.get(issue.language, "")),
        introduction=desk.prose(issue.introduction, issue.language, level=2, line=0),
        sections=_sections(desk),
        publisher=own(issue.publisher or newsletter.publisher),
        postal_address=tuple(filter(None, map(own, lines))),
        disclaimer=own(newsletter.disclaimer.get(issue.language, "")),
        reason=own(newsletter.reason.get(issue.language, "")) or desk.say("reason"),
        archive_url=_archive(links, issue, issue.language),
        others=_others(desk, links, languages),
    )


def _archive(links: LinksConfig, issue: Issue, language: str) -> str:
    url = archive(links.archive, number=issue.number, language=language)
    return href(url, "flashback.toml") if url else ""


def _others(desk: Desk, links: LinksConfig, languages: Sequence[str]) -> tuple[EditionLink, ...]:
    if not links.archive:
        return ()
    return tuple(
        EditionLink(
            language=language,
            name=desk.words[language]("language_name"),
            url=_archive(links, desk.issue, language),
        )
        for language in languages
        if language != desk.issue.language and language in desk.words
    )


def _sections(desk: Desk) -> tuple[SectionView, ...]:
    sections, first = [], 1
    for section in desk.issue.sections:
        sections.append(_section(desk, section, first))
        first += len(section.articles)
    return tuple(sections)


def _section(desk: Desk, section: Section, first: int) -> SectionView:
    language = desk.issue.language
    return SectionView(
        title=desk.own(section.title),
        introduction=desk.prose(section.introduction, language, level=3, line=section.line),
        articles=tuple(_article(desk, a, first + i) for i, a in enumerate(section.articles)),
        count=desk.say("articles", count=len(section.articles)),
    )


def _article(desk: Desk, article: Article, number: int) -> ArticleView:
    language = article.language or desk.issue.language
    headline = phrase(article.headline, language)
    link = _link(desk, article.link, language, or_else="read_more") if article.link else None
    alt = article.image.alt if article.image else ""
    return ArticleView(
        number=number,
        lead=number == 1 and not article.brief,
        brief=article.brief,
        headline=headline,
        blocks=desk.prose(article.blocks, language, level=4, line=article.line),
        link=link,
        label=desk.say("label", words=link.words, headline=headline) if link else headline,
        related=tuple(_link(desk, related, language) for related in article.related),
        source=phrase(article.source, language),
        image=_image(desk, article, language),
        image_alt=phrase(alt, language),
        language=language,
    )


def _image(desk: Desk, article: Article, language: str) -> Markup:
    if article.image is None:
        return Markup("")
    shown = desk.pictures[article.image.source]
    return picture_html(shown, article.image.alt, language, desk.widest)


def _link(desk: Desk, link: Link, language: str, or_else: str = "") -> LinkView:
    url = href(link.url, desk.place(link.line))
    words = phrase(link.words, language)
    if not words:
        words = desk.say(or_else) if or_else else Phrase(url, language)
    return LinkView(words=words, url=url, note=phrase(link.note, language))

"""What the editor wrote: an issue, its sections and its articles, each knowing its line."""

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

from flashback.model.prose import Block, Quotation, plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Words that lead to a page: the call to action of an article, or a related link."""

    words: str
    url: str
    note: str = ""  #: what follows a related link: "(Entretien avec ...)"
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An article's picture."""

    source: str  #: an https URL, or a path relative to the issue file, already known to exist
    alt: str
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One headline, with what the editor says and quotes of it, and where to read it."""

    headline: str
    language: str  #: BCP 47; the issue's own unless the article says ``langue :``
    blocks: tuple[Block, ...] = ()  #: excerpts (Quotation) and the editor's own text, in file order
    link: Link | None = None
    related: tuple[Link, ...] = ()
    source: str = ""  #: the outlet: "L'Économiste, 2 septembre 2011"
    image: Image | None = None
    brief: bool = False  #: from a section written as a list of links with comments
    line: int = 0

    @property
    def excerpts(self) -> tuple[Quotation, ...]:
        """The quotations among the blocks."""
        return tuple(block for block in self.blocks if isinstance(block, Quotation))


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A rubric and its articles. An issue without ``#`` has one section with an empty title."""

    title: str
    articles: tuple[Article, ...] = ()
    introduction: tuple[Block, ...] = ()  #: text between ``#`` and the first ``##``
    line: int = 0


@dataclass(frozen=True, kw_only=True)
class Issue:
    """A numbered, dated issue in one language, as read from one file."""

    title: str  #: the newsletter's name: "Flash-back"
    number: str  #: "35"; also "35-36" for a double issue
    date: dt.date
    language: str  #: one of EDITION_LANGUAGES
    subject: str
    preview: str = ""  #: the line that mail programs show beside the subject
    publisher: str = ""
    introduction: tuple[Block, ...] = ()
    sections: tuple[Section, ...] = ()
    file: str = ""  #: as the user named it

    @cached_property
    def articles(self) -> tuple[Article, ...]:
        """All articles in reading order; their numbers in the contents run through all sections."""
        return tuple(article for section in self.sections for article in section.articles)

    @property
    def words(self) -> str:
        """All that is to be read, without markup; for searching and comparing."""
        parts = [plain(self.introduction)]
        for section in self.sections:
            parts += [section.title, plain(section.introduction)]
            for article in section.articles:
                parts += [article.headline, plain(article.blocks), article.source]
                parts += [f"{link.words} {link.note}" for link in article.related]
                # The headline of a brief is its link.
                parts += [article.link.words] if article.link and not article.brief else []
        return "\n".join(part for part in parts if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted:
    """Where an issue names a page."""

    number: str  #: of the issue
    file: str
    line: int
    headline: str  #: of the article that names it

"""Articles from the web: a page's address becomes an article of the issue being written.

``propose`` looks and asks, ``add`` writes. A page that an issue quotes already is refused, whatever
a share button or a phone made of its address.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flashback.errors import FlashbackError, IssueError
from flashback.model import Article, Image, Link, Quoted
from flashback.sentences import Sentence, tr
from flashback.workspace import desk, earlier
from flashback.workspace.parts import Workspace

if TYPE_CHECKING:
    import datetime as dt

    from flashback.clips import Clip, Page, Web
    from flashback.issues.appending import Place

#: A page that a browser saved holds its pictures; it is ours, and read without a network.
_LARGEST_FILE: Final = 50_000_000
_SAVE_AGAIN: Final = tr("Open the page in a browser and save it as “HTML only”.")


class QuotedError(FlashbackError):
    """An issue quotes the page already, or names it under "Read also"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """An article that may be added, and where."""

    given: str  #: the address that was asked for
    file: Path
    wanted: str | None  #: section that was asked for; None: the last one
    section: str  #: its title; empty in an issue without sections
    language: str  #: of the newsletter, for a file that names none
    article: Article
    clip: "Clip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What staff said beside the address."""

    to: str | None = None  #: issue, folder or file; None: the newest
    section: str | None = None  #: None: the last one
    language: str | None = None  #: edition; None: the page's own, or the newsletter's
    again: bool = False
    picture: bool = False


def web(workspace: Workspace) -> "Web":
    """How this newsletter goes to the web: under its own name."""
    from flashback.clips import Web
    from flashback.clips.fetching import agent

    letter = workspace.config.newsletter
    return Web(agent=agent(letter.name, letter.list_id))


def fetched(url: str, web: "Web") -> "Page":
    """A page from the web; the site does not hear where we found it. Raises FlashbackError."""
    from flashback.clips import fetch, without_tracking

    return fetch(without_tracking(url), web)


def saved(url: str, path: Path) -> "Page":
    """A page that a browser saved. Raises FlashbackError, also for a file that is no page."""
    from flashback.clips import Page, Target, is_html

    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise FlashbackError(
                tr("{file} is larger than {megabytes:g} MB.", file=path,
                   megabytes=_LARGEST_FILE / 1_000_000),
                hint=tr("Save the page as “HTML only”."),
            )  # fmt: skip
        octets = path.read_bytes()
    except OSError as error:
        raise FlashbackError(
            tr("{file} cannot be read: {reason}", file=path, reason=error.strerror or error),
            hint=tr("Check the name, and the folder you are in."),
        ) from error
    if not octets.strip():
        raise FlashbackError(tr("{file} is empty.", file=path), hint=_SAVE_AGAIN)
    page = Page(url=Target.of(url).url, octets=octets)
    if not is_html(page):
        raise FlashbackError(tr("{file} is no page of HTML.", file=path), hint=_SAVE_AGAIN)
    return page


def refuse_quoted(workspace: Workspace, url: str, wish: Wish) -> None:
    """Raise FlashbackError when an issue quotes this very address, before the page is asked for."""
    editions = _editions(workspace, wish)
    known = wish.language or (next(iter(editions)) if len(editions) == 1 else "")
    # Which edition the page belongs to, its own language may decide; until then none is searched.
    _refuse(workspace, url, [url], wish, editions, language=known)


def propose(
    workspace: Workspace, url: str, page: "Page", wish: Wish
) -> tuple[Proposal, tuple[Sentence, ...]]:
    """The article that a page makes, and what could not be looked at.

    Raises FlashbackError when an issue quotes the page, IssueError when the issue cannot take it.
    """
    from flashback.clips import clip_of, settled
    from flashback.issues.appending import section_named

    clip = clip_of(page)
    editions = _editions(workspace, wish)
    fallback = workspace.config.newsletter.language
    language = wish.language or next(
        (tag for tag in (clip.language, fallback) if tag in editions), next(iter(editions))
    )
    every = [url, page.url, *clip.own, *([clip.amp] if clip.amp else [])]
    same = _of_the_page(page.url, every)
    warnings = _refuse(workspace, url, same, wish, editions, language=language)
    article = Article(
        headline=clip.headline,
        language=clip.language or language,
        source=_source(workspace, clip, language),
        link=Link(words="", url=settled(page.url, clip.own)),
        image=Image(source=clip.image, alt=clip.image_alt) if clip.image and wish.picture else None,
    )
    proposal = Proposal(
        given=url,
        file=editions[language],
        wanted=wish.section,
        section=section_named(editions[language], wish.section, language=fallback),
        language=fallback,
        article=article,
        clip=clip,
    )
    return proposal, warnings


def add(proposal: Proposal) -> "Place":
    """Write the article into the issue. Raises IssueError, FlashbackError."""
    from flashback.issues.appending import append

    return append(
        proposal.file,
        proposal.article,
        section=proposal.wanted,
        language=proposal.language,
    )


def _of_the_page(found: str, every: Iterable[str]) -> list[str]:
    """The addresses of a page, without a front page that it takes for its own by mistake."""
    from flashback.clips import key_of

    front = "/" not in key_of(found).rstrip("/")
    return [url for url in every if front or "/" in key_of(url).rstrip("/")]


def _source(workspace: Workspace, clip: "Clip", language: str) -> str:
    """The outlet and the day, as the issue's language tells it: "Le Matin, 2 septembre 2011"."""
    if clip.date is None:
        return clip.outlet
    comma = "،" if language == "ar" else ","
    return f"{clip.outlet}{comma} {_day(workspace, clip.date, language)}"


def _day(workspace: Workspace, date: "dt.date", language: str) -> str:
    words = workspace.theme.words[language]
    day = words("first_day").plain if date.day == 1 else date.day
    return f"{day} {words.months[date.month - 1]} {date.year}"


def _editions(workspace: Workspace, wish: Wish) -> dict[str, Path]:
    """The files of the issue being written, by language; at least one. Raises IssueError."""
    path = desk.issue_path(workspace, wish.to)
    editions: dict[str, Path] = {}
    for reading in desk.read(workspace, path):
        if reading.issue is None:
            raise IssueError(
                tr("{path} cannot be read as an issue.", path=path),
                hint=tr("See what is wrong with it: flashback check {path}", path=path),
            )
        editions.setdefault(reading.issue.language, Path(reading.issue.file))
    if wish.language and wish.language not in editions:
        raise IssueError(
            tr("{path} has no edition in “{language}”.", path=path, language=wish.language),
            hint=tr("It has: {list}.", list=", ".join(editions)),
        )
    return editions


def _refuse(
    workspace: Workspace,
    given: str,
    urls: Iterable[str],
    wish: Wish,
    editions: Mapping[str, Path],
    *,
    language: str,
) -> tuple[Sentence, ...]:
    """Raise when an issue names one of these addresses; answer what could not be searched.

    Of the issue being written only the edition in ``language`` counts: an article that stands in
    the French one is added to the Arabic one without a word.
    """
    if wish.again:
        return ()
    from flashback.clips import key_of

    keys = frozenset(filter(None, map(key_of, urls)))
    warnings: list[Sentence] = []
    own = [editions[language]] if language else []
    for path in (*own, *earlier.other_issues(workspace, editions.values())):
        try:
            for named in earlier.naming(workspace, path, keys):
                raise _quoted(given, named.place)
        except IssueError as error:
            warnings.append(
                tr("{path} was not searched. {reason}", path=path, reason=error.sentence)
            )
    return tuple(warnings)


def _quoted(given: str, place: Quoted) -> QuotedError:
    return QuotedError(
        tr("{url} is already quoted: {file}:{line}, “{headline}”.", url=given,
           file=place.file, line=place.line, headline=place.headline),
        hint=tr("To quote it all the same: add --again"),
    )  # fmt: skip

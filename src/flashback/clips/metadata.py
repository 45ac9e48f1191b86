"""What a page says of itself, from the many places where pages say it, the surest first.

Pure, and total: whatever the octets, the answer is a Clip. The body is not read.
"""

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeVar
from urllib.parse import urljoin, urlsplit

from lxml import etree

from flashback.clips.charset import text_of
from flashback.clips.dates import day_of
from flashback.clips.linked_data import LinkedArticle, linked_article
from flashback.clips.target import Target
from flashback.clips.text import alike, is_right_to_left, tidy
from flashback.clips.values import Clip, Page
from flashback.errors import FlashbackError
from flashback.model.language import direction_of

_HEADLINE, _NAME, _DESCRIPTION = 300, 80, 600  #: most characters of each
_SITE: Final = re.compile(r"\s+[|–—·•»:-]{1,2}\s+")
_MARKUP: Final = re.compile(r"<[A-Za-z!/]")
_TAG: Final = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]{2,8})*")
_DATES: Final = (
    "date", "dc.date", "dc.date.issued", "dcterms.date", "dcterms.issued", "dcterms.created",
    "datepublished", "pubdate", "publishdate", "publish-date", "publication_date",
    "parsely-pub-date", "sailthru.date", "og:published_time", "citation_publication_date",
)  # fmt: skip
#: Most elements of a kind that are looked at; real pages have fewer by far.
_MOST_FIELDS, _MOST_HEADINGS, _MOST_TIMES, _MOST_OWN = 2_000, 20, 200, 8

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class _Source:
    """A page taken apart."""

    url: str
    base: str  #: what its relative addresses are relative to
    root: etree._Element
    fields: Mapping[str, list[str]]  #: of ``<meta>``, by name in lower case
    linked: LinkedArticle

    def said(self, *names: str) -> Iterator[str]:
        """What the fields of these names say, in this order of names."""
        for name in names:
            yield from self.fields.get(name, ())

    def links(self, kind: str) -> Iterator[str]:
        """Where ``<link rel="kind">`` leads."""
        for link in self.root.iter("link"):
            if kind in (link.get("rel") or "").lower().split():
                yield link.get("href") or ""


def is_html(page: Page) -> bool:
    """Whether there is anything of a page in it: text with at least one tag."""
    text = text_of(page.octets, page.charset)
    return "\0" not in text and _MARKUP.search(text) is not None


def clip_of(page: Page) -> Clip:
    """What a page says of itself."""
    source = _source(page)
    if source is None:
        return Clip(outlet=_host(page.url))
    outlet = _first(lambda text: tidy(text, most=_NAME), _outlets(source)) or _host(page.url)
    headline = _headline(source, outlet)
    described = ("og:description", "description", "twitter:description")
    return Clip(
        headline=headline,
        outlet=outlet,
        date=_first(day_of, _dates(source)),
        language=_language(source, headline),
        image=_first(lambda text: _https(source, text), _images(source)) or "",
        image_alt=_tidied(source.said("og:image:alt", "twitter:image:alt"), _HEADLINE),
        description=_tidied(source.said(*described), _DESCRIPTION),
        own=_own(source),
        amp=_first(lambda text: _absolute(source, text), source.links("amphtml")) or "",
    )


def _source(page: Page) -> _Source | None:
    text = text_of(page.octets, page.charset)
    # Octets, not a str: lxml refuses a str that names an encoding of its own.
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True)
    root: etree._Element | None = None
    with contextlib.suppress(etree.LxmlError, ValueError):
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    if root is None:
        return None
    return _Source(page.url, _base(page.url, root), root, _fields(root), _linked(root))


def _base(url: str, root: etree._Element) -> str:
    for element in root.iter("base"):
        return _joined(url, element.get("href") or "") or url
    return url


def _fields(root: etree._Element) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for element in islice(root.iter("meta"), _MOST_FIELDS):
        for attribute in ("property", "name", "itemprop", "http-equiv"):
            if name := (element.get(attribute) or "").strip().lower():
                fields.setdefault(name, []).append(element.get("content") or "")
    return fields


def _linked(root: etree._Element) -> LinkedArticle:
    return linked_article(
        script.text or ""
        for script in root.iter("script")
        if "ld+json" in (script.get("type") or "").lower()
    )


def _headline(source: _Source, outlet: str) -> str:
    candidates = (
        *source.said("og:title"),
        source.linked.headline,
        *source.said("twitter:title"),
        *_only_heading(source.root),
        *(_words(title) for title in source.root.iter("title")),
    )
    for candidate in candidates:
        headline = _without_site(tidy(candidate, most=_HEADLINE), outlet, _host(source.url))
        # A front page's title is the outlet's name.
        if headline and not alike(headline, outlet):
            return headline
    return ""


def _only_heading(root: etree._Element) -> Iterator[str]:
    found = (_words(h1).strip() for h1 in islice(root.iter("h1"), _MOST_HEADINGS))
    headings = list(islice(filter(None, found), 2))
    if len(headings) == 1:
        yield headings[0]


def _words(element: etree._Element) -> str:
    return "".join(str(text) for text in element.itertext())


def _without_site(title: str, outlet: str, host: str) -> str:
    """A title without the outlet's name at its end or beginning; other words are never cut."""
    marks = list(_SITE.finditer(title))
    if not marks:
        return title
    head, tail = title[: marks[0].start()], title[marks[-1].end() :]
    if _names(tail, outlet, host):
        return title[: marks[-1].start()]
    return title[marks[0].end() :] if _names(head, outlet, host) else title


def _names(part: str, outlet: str, host: str) -> bool:
    if alike(part, outlet) or alike(part, host):
        return True
    return any(alike(part, label) for label in host.split(".")[:-1])


def _outlets(source: _Source) -> Iterator[object]:
    yield from source.said("og:site_name")
    yield source.linked.publisher


def _dates(source: _Source) -> Iterator[object]:
    yield from source.said("article:published_time")
    yield source.linked.published
    yield from source.said(*_DATES)
    yield from _times(source.root)


def _times(root: etree._Element) -> Iterator[str]:
    """The instants of the article; else the only one there is."""
    times = [t for t in islice(root.iter("time"), _MOST_TIMES) if t.get("datetime")]
    for time in times:
        if time.get("itemprop") == "datePublished" or time.get("pubdate") is not None:
            yield time.get("datetime") or ""
    for time in times:
        if next(time.iterancestors("article"), None) is not None:
            yield time.get("datetime") or ""
    if len(times) == 1:
        yield times[0].get("datetime") or ""


def _language(source: _Source, headline: str) -> str:
    """The first language named that is written the way the headline is."""
    backward = is_right_to_left(headline)
    html = source.root if source.root.tag == "html" else None
    named: list[object] = [html.get("lang") or html.get("xml:lang")] if html is not None else []
    named += [*source.said("og:locale"), *source.said("content-language", "language")]
    for text in (*named, source.linked.language):
        match = _TAG.fullmatch(text.strip()) if isinstance(text, str) else None
        if match and backward in {None, direction_of(match[1]) == "rtl"}:
            return match[1].lower()
    return "ar" if backward else ""


def _images(source: _Source) -> Iterator[object]:
    yield from source.said("og:image:secure_url", "og:image", "og:image:url")
    yield source.linked.image
    yield from source.said("twitter:image", "twitter:image:src")


def _own(source: _Source) -> tuple[str, ...]:
    said = islice((*source.links("canonical"), *source.said("og:url")), _MOST_OWN)
    return tuple(dict.fromkeys(filter(None, (_absolute(source, text) for text in said))))


def _tidied(texts: Iterable[object], most: int) -> str:
    return _first(lambda text: tidy(text, most=most), texts) or ""


def _first(made: Callable[[object], _Answer], candidates: Iterable[object]) -> _Answer | None:
    """What is made of the first candidate of which something can be made."""
    return next((answer for candidate in candidates if (answer := made(candidate))), None)


def _https(source: _Source, text: object) -> str:
    url = _absolute(source, text)
    return url if url.startswith("https:") else ""


def _absolute(source: _Source, text: object) -> str:
    """A sound absolute address, or empty."""
    words = text.strip() if isinstance(text, str) else ""
    if not words or not tidy(words, most=len(words)):
        return ""
    try:
        return Target.of(_joined(source.base, words)).url
    except FlashbackError:
        return ""


def _joined(base: str, text: str) -> str:
    try:
        return urljoin(base, text.strip())
    except ValueError:
        return ""


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").removeprefix("www.")

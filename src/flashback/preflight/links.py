"""What the servers said of an issue's links: asked when somebody wishes it, never by sending."""

from collections.abc import Iterator, Mapping
from typing import Final

from flashback.model import Fate, Issue, Probe, Severity, links_in
from flashback.preflight.remark import Remark
from flashback.sentences import tr

#: Readers wait no longer either.
SLOW: Final = 5.0  #: seconds
_LONGEST: Final = 80  #: characters of an address in a sentence


def links_of(issue: Issue) -> Iterator[tuple[str, int]]:
    """Each web address of the issue, with its line."""
    yield from ((link.target, 0) for link in links_in(issue.introduction))
    for section in issue.sections:
        yield from ((link.target, section.line) for link in links_in(section.introduction))
        for article in section.articles:
            if article.link:
                yield article.link.url, article.link.line or article.line
            yield from ((link.url, link.line or article.line) for link in article.related)
            yield from ((link.target, article.line) for link in links_in(article.blocks))


def remarks(issue: Issue, probes: Mapping[str, Probe]) -> Iterator[Remark]:
    """One remark for each link that is not fine, at the first of its places."""
    seen = set()
    for url, line in links_of(issue):
        if url in probes and url not in seen:
            seen.add(url)
            yield from _remarks(url, line, probes[url])


def _remarks(url: str, line: int, probe: Probe) -> Iterator[Remark]:
    place = url if len(url) <= _LONGEST else f"{url[: _LONGEST - 1]}…"
    match probe.fate:
        case Fate.DEAD if probe.status:
            yield Remark(
                line=line,
                severity=Severity.ERROR,
                code="link-dead",
                sentence=tr("{url} is gone: its server answers {status}.", url=place,
                            status=probe.status),
                remedy=tr("Correct the address, or find the page elsewhere."),
            )  # fmt: skip
        case Fate.DEAD:
            yield Remark(
                line=line,
                severity=Severity.ERROR,
                code="link-dead",
                sentence=tr("{url} leads nowhere. {reason}", url=place, reason=probe.reason),
                remedy=tr("Correct the address, or find the page elsewhere."),
            )
        case Fate.UNTRUSTED:
            yield Remark(
                line=line,
                severity=Severity.WARNING,
                code="link-untrusted",
                sentence=tr("Browsers warn of {url}. {reason}", url=place, reason=probe.reason),
                remedy=tr("Look whether another address shows the page."),
            )
        case Fate.SILENT | Fate.UNASKED:
            yield Remark(
                line=line,
                severity=Severity.WARNING,
                code="link-silent",
                sentence=tr("{url} did not answer. {reason}", url=place, reason=probe.reason),
                remedy=tr("Open it in a browser before you send."),
            )
        case Fate.CLOSED:
            yield Remark(
                line=line,
                severity=Severity.HINT,
                code="link-closed",
                sentence=tr("{url} answers {status} to programs.", url=place, status=probe.status),
                remedy=tr("Open it in a browser; readers may need an account there."),
            )
        case Fate.MOVED:
            yield Remark(
                line=line,
                severity=Severity.HINT,
                code="link-moved",
                sentence=tr("{url} has moved for good.", url=place),
                remedy=tr("Write its new address: {url}", url=probe.url),
            )
        case Fate.FINE if probe.seconds > SLOW:
            yield Remark(
                line=line,
                severity=Severity.HINT,
                code="link-slow",
                sentence=tr("{url} took {seconds:.0f} seconds to answer.", url=place,
                            seconds=probe.seconds),
                remedy=tr("Readers with a phone may give up; perhaps the page is elsewhere, too."),
            )  # fmt: skip

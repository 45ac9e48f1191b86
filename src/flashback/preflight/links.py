"""What the servers said of an issue's links: asked when somebody wishes it, never by sending."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from flashback.model import Fate, Issue, Probe, Severity, links_in
from flashback.preflight.remark import Remark
from flashback.sentences import Sentence, tr

#: Readers wait no longer either.
SLOW: Final = 5.0  #: seconds
_LONGEST: Final = 80  #: characters of an address in a sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """What is said of one fate; the fields of its sentences are the probe's."""

    severity: Severity
    code: str
    sentence: Sentence
    remedy: Sentence


_ELSEWHERE: Final = tr("Correct the address, or find the page elsewhere.")
_LOOK: Final = tr("Open it in a browser before you send.")
_SLOW: Final = _Kind(
    severity=Severity.HINT,
    code="link-slow",
    sentence=tr("{url} took {seconds:.0f} seconds to answer."),
    remedy=tr("Readers with a phone may give up; perhaps the page is elsewhere, too."),
)
_GONE: Final = _Kind(
    severity=Severity.ERROR,
    code="link-dead",
    sentence=tr("{url} is gone: its server answers {status}."),
    remedy=_ELSEWHERE,
)
_NOWHERE: Final = _Kind(
    severity=Severity.ERROR,
    code="link-dead",
    sentence=tr("{url} leads nowhere. {reason}"),
    remedy=_ELSEWHERE,
)
_UNTRUSTED: Final = _Kind(
    severity=Severity.WARNING,
    code="link-untrusted",
    sentence=tr("Browsers warn of {url}. {reason}"),
    remedy=tr("Look whether another address shows the page."),
)
_SILENT: Final = _Kind(
    severity=Severity.WARNING,
    code="link-silent",
    sentence=tr("{url} did not answer. {reason}"),
    remedy=_LOOK,
)
_CLOSED: Final = _Kind(
    severity=Severity.HINT,
    code="link-closed",
    sentence=tr("{url} answers {status} to programs."),
    remedy=tr("Open it in a browser; readers may need an account there."),
)
_MOVED: Final = _Kind(
    severity=Severity.HINT,
    code="link-moved",
    sentence=tr("{url} has moved for good."),
    remedy=tr("Write its new address: {place}"),
)
#: By fate, and whether the server answered.
_KINDS: Final[Mapping[tuple[Fate, bool], _Kind]] = {
    (Fate.DEAD, True): _GONE,
    (Fate.DEAD, False): _NOWHERE,
    (Fate.UNTRUSTED, False): _UNTRUSTED,
    (Fate.SILENT, False): _SILENT,
    (Fate.UNASKED, False): _SILENT,
    (Fate.CLOSED, True): _CLOSED,
    (Fate.MOVED, True): _MOVED,
}


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
            if remark := _remark(url, line, probes[url]):
                yield remark


def _remark(url: str, line: int, probe: Probe) -> Remark | None:
    slow = probe.fate is Fate.FINE and probe.seconds > SLOW
    kind = _SLOW if slow else _KINDS.get((probe.fate, probe.status > 0))
    if kind is None:
        return None
    fields = {
        "url": url if len(url) <= _LONGEST else f"{url[: _LONGEST - 1]}…",
        "status": probe.status,
        "reason": probe.reason,
        "seconds": probe.seconds,
        "place": probe.url,
    }
    return Remark(
        line=line,
        severity=kind.severity,
        code=kind.code,
        sentence=tr(kind.sentence.source, **fields),
        remedy=tr(kind.remedy.source, **fields),
    )

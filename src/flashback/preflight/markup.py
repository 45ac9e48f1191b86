"""The HTML of an edition: what mail programs refuse, and what screen readers stumble over.

The shipped theme passes; this is for templates that a workspace has changed.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from lxml import html
from lxml.html import HtmlElement

from flashback.model import Edition, Severity
from flashback.preflight.remark import Remark
from flashback.sentences import Sentence, tr

#: Mail programs take these out, or take the whole mail for an attack.
_REFUSED: Final = ("script", "form", "iframe", "object", "embed", "svg", "video", "audio", "link")
_HEADINGS: Final = ("h1", "h2", "h3", "h4", "h5", "h6")


def remarks(edition: Edition) -> Iterator[Remark]:
    """What of the markup will not work for everybody."""
    page = html.document_fromstring(edition.html)
    refused = sorted({element.tag for element in page.iter(*_REFUSED)})
    if refused:
        yield _error(
            "html-refused",
            tr("Mail programs do not show <{tag}>.", tag=refused[0]),
            tr("Take it out of the template."),
        )
    if not page.get("lang"):
        yield _error(
            "html-language-missing",
            tr("The page does not say its language; screen readers would guess."),
            tr("Write <html lang=…> in the template."),
        )
    yield from _pictures(page)
    yield from _anchors(page)
    yield from _headings(page)


def _pictures(page: HtmlElement) -> Iterator[Remark]:
    silent = [image for image in page.iter("img") if image.get("alt") is None]
    if silent:
        yield _error(
            "html-alt-missing",
            tr("{count} pictures have no alt text in the HTML.", count=len(silent)),
            tr('Write alt="…" in the template; alt="" for what is decoration.'),
        )


def _anchors(page: HtmlElement) -> Iterator[Remark]:
    names = {element.get("id") for element in page.iter() if isinstance(element.tag, str)}
    names |= {element.get("name") for element in page.iter("a")}
    for link in page.iter("a"):
        target = link.get("href", "")
        if target.startswith("#") and target[1:] not in names:
            yield _error(
                "anchor-dead",
                tr("A link leads to {target}, which is nowhere in the mail.", target=target),
            )
        if target and not _says_something(link):
            yield _error(
                "html-link-wordless",
                tr("A link to {target} has no words to click on.", target=target),
            )


def _says_something(link: HtmlElement) -> bool:
    if link.text_content().strip() or link.get("aria-label"):
        return True
    return any(image.get("alt") for image in link.iter("img"))


def _headings(page: HtmlElement) -> Iterator[Remark]:
    levels = [int(element.tag[1]) for element in page.iter(*_HEADINGS)]
    if any(later > earlier + 1 for earlier, later in pairwise([0, *levels])):
        yield Remark(
            severity=Severity.WARNING,
            code="headings-skipped",
            sentence=tr("The headings leave out a level; who listens to the mail loses the way."),
            remedy=tr("Let h1, h2, h3 follow one another in the template."),
        )


def _error(code: str, sentence: Sentence, remedy: Sentence | None = None) -> Remark:
    if remedy is None:
        return Remark(severity=Severity.ERROR, code=code, sentence=sentence)
    return Remark(severity=Severity.ERROR, code=code, sentence=sentence, remedy=remedy)

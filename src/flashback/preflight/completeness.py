"""Whether both parts say all that was written: who reads the text part reads the same issue.

A template that forgets a field loses words without a sign. Filters, too, distrust a mail whose
text part is not its HTML.
"""

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from flashback.model import Edition, Issue, Severity
from flashback.preflight.remark import Remark
from flashback.sentences import Sentence, tr

_WORD: Final = re.compile(r"\w+")
_UNSEEN: Final = re.compile(r"<!--.*?-->|<style\b.*?</style>|<head\b.*?</head>", re.DOTALL)
#: Within a line: what stands before and behind such a tag may be one word.
_INLINE: Final = re.compile(r"</?(?:a|abbr|b|bdi|bdo|code|em|i|small|span|strong|su[bp]|u)\b[^>]*>")
_TAG: Final = re.compile(r"<[^>]*>")
#: What stands for a picture counts as text.
_INSTEAD: Final = re.compile(r"""<img\b[^>]*?\balt=(?:"([^"]*)"|'([^']*)')[^>]*>""")
#: What may be a link, in text between spaces or angle brackets, in HTML between quotes.
_PLACE: Final = re.compile(r"""[^\s<>"']+""")
_SHOWN: Final = 6


def remarks(issue: Issue, edition: Edition) -> Iterator[Remark]:
    """Which of the two parts lacks words or links of the issue."""
    written = words_of(issue.words)
    links = [
        link.url
        for article in issue.articles
        for link in (article.link, *article.related)
        if link is not None
    ]
    parts: Mapping[str, tuple[str, str, Sentence]] = {
        "text-incomplete": (edition.text, edition.text, tr("text")),
        "html-incomplete": (shown(edition.html), html.unescape(edition.html), tr("HTML")),
    }
    for code, (text, whole, part) in parts.items():
        missing = list((written - words_of(text)).elements())
        # The places of links first: to search the whole part for each takes a square of its length.
        there = set(_PLACE.findall(whole))
        missing += [url for url in links if url not in there and url not in whole]
        if missing:
            yield Remark(
                severity=Severity.ERROR,
                code=code,
                sentence=tr(
                    "The {part} part lacks {count} words or links of the issue: {list}",
                    part=part,
                    count=len(missing),
                    list=", ".join(missing[:_SHOWN]),
                ),
                remedy=tr("A template of yours leaves them out; compare it with the shipped one."),
            )


def words_of(text: str) -> Counter[str]:
    """How often each word occurs, whatever its case and its form in Unicode."""
    return Counter(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def shown(markup: str) -> str:
    """What a browser would show or say of HTML, roughly: its words are all there."""
    seen = _INSTEAD.sub(_alt, _UNSEEN.sub(" ", markup))
    return html.unescape(_TAG.sub(" ", _INLINE.sub("", seen)))


def _alt(image: re.Match[str]) -> str:
    return f" {image[1] or image[2] or ''} "

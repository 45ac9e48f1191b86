"""How heavy an edition is: Gmail shows 102 kB of HTML, and hides the rest behind a link.

What it hides is the end of the mail, and with it the way out and the publisher's address.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from flashback.model import Edition, Issue, Severity
from flashback.preflight.remark import Remark
from flashback.sentences import tr

#: Octets of HTML, as they are after the transfer encoding was taken off.
CLIPPED: Final = 102_000
HEAVY: Final = 85_000
_NAMED: Final = 3
_LONGEST_HEADLINE: Final = 40
#: The theme gives each article its number for an anchor.
_ARTICLE: Final = re.compile(r'\bid="a([0-9]+)"')


def remarks(issue: Issue, edition: Edition) -> Iterator[Remark]:
    """Whether Gmail would clip it, or nearly."""
    size = len(edition.html.encode())
    if size < HEAVY:
        return
    remedy = tr("Shorten or drop an article. The heaviest: {list}.", list=_heaviest(issue, edition))
    if size >= CLIPPED:
        yield Remark(
            severity=Severity.ERROR,
            code="html-clipped",
            sentence=tr(
                "The mail has {size} kB of HTML; Gmail hides all that comes after {most} kB,"
                " the unsubscribe link first.",
                size=round(size / 1000),
                most=CLIPPED // 1000,
            ),
            remedy=remedy,
        )
        return
    yield Remark(
        severity=Severity.WARNING,
        code="html-heavy",
        sentence=tr(
            "The mail has {size} kB of HTML; from {most} kB on Gmail hides its end.",
            size=round(size / 1000),
            most=CLIPPED // 1000,
        ),
        remedy=remedy,
    )


def _heaviest(issue: Issue, edition: Edition) -> str:
    weights = sorted(weights_of(edition.html), key=lambda weight: -weight[1])[:_NAMED]
    named = [
        f"{_short(issue.articles[number - 1].headline)} ({octets / 1000:.1f} kB)"
        for number, octets in weights
        if 0 < number <= len(issue.articles)
    ]
    return ", ".join(named) or "?"


def weights_of(html: str) -> Sequence[tuple[int, int]]:
    """The number of each article, and the octets from its anchor to the next one's."""
    starts = [(int(found[1]), found.start()) for found in _ARTICLE.finditer(html)]
    ends = [*starts, (0, html.find("</body>"))]
    return [(number, len(html[start:end].encode())) for (number, start), (_, end) in pairwise(ends)]


def _short(headline: str) -> str:
    if len(headline) <= _LONGEST_HEADLINE:
        return headline
    return headline[: _LONGEST_HEADLINE - 1].rstrip() + "…"

"""An edition whose message has a wanted number of octets; used by every contender alike."""

import datetime as dt

from flashback.model import Edition

_SENTENCE = (
    "La microfinance solidaire a accordé, au troisième trimestre, près de 120 000 prêts "
    "à des artisans, dont les deux tiers à des femmes. "
)


def edition(octets: int) -> Edition:
    """About so many octets on the wire, headers and both parts together; 4,000 at least."""
    # Fields, links and the frame of the parts take about 2,400; letters with accents grow.
    each = max(1, round((octets - 2_400) / (2 * 148)))
    paragraphs = "".join(f"<p>{_SENTENCE}</p>\n" for _ in range(each))
    leave = "__FB_UNSUBSCRIBE_URL__"
    return Edition(
        issue_number="35",
        issue_date=dt.date(2011, 9, 2),
        language="fr",
        title="Flash-back",
        subject="Flash-back n° 35",
        preheader="",
        html=f'<html lang="fr"><body>{paragraphs}<a href="{leave}">Se désabonner</a></body></html>',
        text=f"{(_SENTENCE + chr(10)) * each}\nSe désabonner : {leave}\n",
    )

"""Small values that many tests begin with."""

import datetime as dt

from flashback.model import Edition


def edition(language: str) -> Edition:
    """The smallest edition that may leave."""
    return Edition(
        issue_number="35",
        issue_date=dt.date(2011, 9, 2),
        language=language,
        title="Flash-back",
        subject="Flash-back 35",
        preheader="",
        html="<p>__FB_UNSUBSCRIBE_URL__</p>",
        text="__FB_UNSUBSCRIBE_URL__",
    )

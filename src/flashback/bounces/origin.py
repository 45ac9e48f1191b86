"""Which delivery a report is about: by the tag in the address that it came back to (VERP).

Nobody who does not hold the key can make a tag, so a forged bounce is about nothing. A reader can
see the tag of their own mail, and nobody else's.
"""

import re
from typing import Final

from flashback import tokens
from flashback.bounces.report import Report
from flashback.tokens import SigningKey

#: ``bounces+1742-8f0c2d91ab@example.org``: a number, and ten digits of a MAC.
_TAG: Final = re.compile(r"\+([0-9]{1,18}-[0-9a-fA-F]{10})@")


def delivery_of(report: Report, key: SigningKey) -> int | None:
    """The number of the delivery that a report is about, or None when no tag is ours."""
    tags = (tag for text in report.came_to for tag in _TAG.findall(text))
    found = (tokens.delivery_of(key, tag) for tag in tags)
    return next((number for number in found if number is not None), None)

"""The day a page was published, out of the ways machines write instants.

Pure. Only forms that mean one day everywhere: "03/08/2013" does not.
"""

import datetime as dt
import re
from typing import Final

_DIGITS: Final = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "01234567890123456789")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun",
                  "jul", "aug", "sep", "oct", "nov", "dec")  # fmt: skip
_YEAR_FIRST: Final = re.compile(r"\s*([0-9]{4})([-/.]?)([0-9]{2})\2([0-9]{2})(?![0-9])", re.ASCII)
_RFC_5322: Final = re.compile(r"\s*(?:[A-Za-z]{3},\s*)?([0-9]{1,2}) ([A-Za-z]{3}) ([0-9]{4})\b")
#: Before these years there was no web; behind them stands a slip.
_YEARS: Final = range(1990, 2100)


def day_of(text: object) -> dt.date | None:
    """The day an instant falls on by the clock that wrote it, or None."""
    if not isinstance(text, str):
        return None
    plain = text[:60].translate(_DIGITS)
    if match := _YEAR_FIRST.match(plain):
        return _day(match[1], match[3], match[4])
    match = _RFC_5322.match(plain)
    if match and match[2].lower() in _MONTHS:
        return _day(match[3], _MONTHS.index(match[2].lower()) + 1, match[1])
    return None


def _day(year: str, month: str | int, day: str) -> dt.date | None:
    try:
        answer = dt.date(int(year), int(month), int(day))
    except ValueError:
        return None
    return answer if answer.year in _YEARS else None

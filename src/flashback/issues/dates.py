"""Numbers and dates as people write them; only ISO dates count, the others are understood.

Pure. Arabic-Indic digits are digits.
"""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Final

from flashback.issues.words import folded

_DIGITS: Final = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "01234567890123456789")
_NUMBER: Final = re.compile(r"[0-9A-Za-z]+(?:-[0-9A-Za-z]+)*")
_ISO: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_LONGEST: Final = 60

_MONTHS: Final[Mapping[str, int]] = {
    folded(name): number
    for number, names in enumerate(
        (
            "janvier january jan يناير جانفي",
            "février february fév feb فبراير فيفري",
            "mars march mar مارس",
            "avril april avr apr أبريل إبريل",
            "mai may ماي مايو",
            "juin june jun يونيو يونيه جوان",
            "juillet july juil jul يوليوز يوليو",
            "août august aug غشت أغسطس",
            "septembre september sept sep شتنبر سبتمبر",
            "octobre october oct أكتوبر",
            "novembre november nov نونبر نوفمبر",
            "décembre december déc dec دجنبر ديسمبر",
        ),
        start=1,
    )
    for name in names.split()
}


def western(text: str) -> str:
    """The text with European digits, without the invisible marks that surround numbers."""
    return re.sub("[\u200e\u200f\u2066-\u2069\u061c]", "", text).translate(_DIGITS)


def issue_number(text: str) -> str:
    """The number of an issue, "35" or "35-36"; empty when it cannot stand in a file name."""
    number = western(text)
    return number if len(number) <= _LONGEST and _NUMBER.fullmatch(number) else ""


def iso_date(text: str) -> dt.date | None:
    """The day an ISO 8601 date names, or None."""
    match = _ISO.fullmatch(western(text))
    return _day(*map(int, match.groups())) if match else None


def understood(text: str, language: str) -> dt.date | None:
    """The day that was probably meant by "2 septembre 2011" or "2/9/2011", or None.

    Where nobody can tell day from month (English "9/2/2011"), None.
    """
    pieces = re.findall(r"[0-9]+|[^\W\d_]+", folded(western(text[:_LONGEST])))
    numbers = [piece for piece in pieces if piece.isdecimal()]
    months = [_MONTHS[piece] for piece in pieces if piece in _MONTHS]
    match numbers, months:
        case [day, year], [month] if len(year) == 4:  # noqa: PLR2004
            return _day(int(year), month, int(day))
        case [year, month, day], [] if len(year) == 4:  # noqa: PLR2004
            return _day(int(year), int(month), int(day))
        case [day, month, year], [] if len(year) == 4:  # noqa: PLR2004
            if language != "en" or day == month:
                return _day(int(year), int(month), int(day))
            either = _day(int(year), int(month), int(day)), _day(int(year), int(day), int(month))
            sound = [reading for reading in either if reading]
            return sound[0] if len(sound) == 1 else None
        case _:
            return None


def _day(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except (ValueError, OverflowError):
        return None

"""Days of the week that do not fit their dates: « vendredi 3 septembre 2011 » was a Saturday."""

import datetime as dt
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from flashback.model import Issue, Severity
from flashback.model.prose import plain
from flashback.preflight.remark import Remark
from flashback.sentences import tr

#: From Monday, as date.weekday() counts.
_DAYS: Final[Mapping[str, Sequence[str]]] = {
    "fr": ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "ar": ("الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت", "الأحد"),
}
#: January first; all names in use, of the Maghreb, of Egypt and of the Levant.
_MONTHS: Final[Sequence[Sequence[str]]] = (
    ("janvier", "January", "يناير", "كانون الثاني"),
    ("février", "February", "فبراير", "شباط"),
    ("mars", "March", "مارس", "آذار"),
    ("avril", "April", "أبريل", "إبريل", "نيسان"),
    ("mai", "May", "ماي", "مايو", "أيار"),
    ("juin", "June", "يونيو", "حزيران"),
    ("juillet", "July", "يوليوز", "يوليو", "تموز"),
    ("août", "August", "غشت", "أغسطس", "آب"),
    ("septembre", "September", "شتنبر", "سبتمبر", "أيلول"),
    ("octobre", "October", "أكتوبر", "تشرين الأول"),
    ("novembre", "November", "نونبر", "نوفمبر", "تشرين الثاني"),
    ("décembre", "December", "دجنبر", "ديسمبر", "كانون الأول"),
)


def _folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


_DAY_OF: Final = {_folded(name): day for names in _DAYS.values() for day, name in enumerate(names)}
_MONTH_OF: Final = {
    _folded(name): month for month, names in enumerate(_MONTHS, start=1) for name in names
}
_DAY: Final = "|".join(map(re.escape, _DAY_OF))
_MONTH: Final = "|".join(sorted(map(re.escape, _MONTH_OF), key=len, reverse=True))
#: « vendredi 2 septembre 2011 », "Friday, 2 September 2011", "Friday, September 2nd, 2011".
_DAY_FIRST: Final = re.compile(
    rf"\b({_DAY})،?,?\s+(?:le\s+|the\s+)?([0-9]{{1,2}})(?:er|st|nd|rd|th)?\s+(?:of\s+)?"
    rf"({_MONTH}),?\s+([0-9]{{4}})\b"
)
_MONTH_FIRST: Final = re.compile(
    rf"\b({_DAY}),?\s+({_MONTH})\s+([0-9]{{1,2}})(?:st|nd|rd|th)?,?\s+([0-9]{{4}})\b"
)


def remarks(issue: Issue) -> Iterator[Remark]:
    """Every date of the issue whose day of the week is another."""
    for line, text in _texts(issue):
        for named, right in wrong_days(text):
            yield Remark(
                severity=Severity.WARNING,
                code="weekday-wrong",
                sentence=tr(
                    "“{date}”: that day is a {day}.",
                    date=named,
                    day=_DAYS[issue.language][right],
                ),
                remedy=tr("Check the day and the date."),
                line=line,
            )


def wrong_days(text: str) -> Iterator[tuple[str, int]]:
    """Dates as they are written, and which day of the week each really is, Monday being 0."""
    folded = _folded(text)
    for found in _DAY_FIRST.finditer(folded):
        day, number, month, year = found.groups()
        yield from _wrong(found[0], day, int(number), month, int(year))
    for found in _MONTH_FIRST.finditer(folded):
        day, month, number, year = found.groups()
        yield from _wrong(found[0], day, int(number), month, int(year))


def _wrong(named: str, day: str, number: int, month: str, year: int) -> Iterator[tuple[str, int]]:
    try:
        right = dt.date(year, _MONTH_OF[month], number).weekday()
    except ValueError:
        return
    if right != _DAY_OF[day]:
        yield " ".join(named.split()), right


def _texts(issue: Issue) -> Iterator[tuple[int, str]]:
    """What is read, and the line at which it begins; excerpts are the source's own."""
    yield 0, f"{issue.subject}\n{issue.preview}\n{plain(issue.introduction)}"
    for section in issue.sections:
        yield section.line, plain(section.introduction)
        for article in section.articles:
            parts = [article.headline, article.source, plain(article.blocks)]
            yield article.line, "\n".join(parts)

"""The catalogue of one language: a theme's own words, their plural forms, and how a date is told.

A catalogue is a TOML file. A word is a text, or a table of plural forms by CLDR category; fields
stand in braces: ``"N° {number}"``. What is missing or has an unknown field is found at load.
"""

import datetime as dt
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from flashback.compose import typography
from flashback.compose.phrases import Phrase

_FEW, _MANY = range(3, 11), range(11, 100)


def _arabic(n: int) -> str:
    if n in (0, 1, 2):
        return ("zero", "one", "two")[n]
    if n % 100 in _FEW:
        return "few"
    return "many" if n % 100 in _MANY else "other"


#: CLDR plural categories, and the rule that picks one for a whole number.
PLURALS: Final[Mapping[str, tuple[tuple[str, ...], Callable[[int], str]]]] = {
    "fr": (("one", "other"), lambda n: "one" if n in (0, 1) else "other"),
    "en": (("one", "other"), lambda n: "one" if n == 1 else "other"),
    "ar": (("zero", "one", "two", "few", "many", "other"), _arabic),
}


@dataclass(frozen=True, slots=True)
class Word:
    """One entry. Without fields it stands for itself; with fields it is called."""

    forms: Mapping[str, str]  #: by plural category; a word without plural has only ``other``
    language: str

    @property
    def fields(self) -> frozenset[str]:
        """The names in braces, over all forms."""
        return frozenset().union(*(_fields(form) for form in self.forms.values()))

    @property
    def is_plural(self) -> bool:
        """Whether the word has a form per count."""
        return len(self.forms) > 1

    def __call__(self, **fields: object) -> Phrase:
        """Fill the fields; ``count`` picks the plural form."""
        form = self.forms["other"]
        if self.is_plural:
            count = fields["count"]
            assert isinstance(count, int)
            form = self.forms[PLURALS[self.language][1](count)]
        # A phrase among the fields has been disarmed already; its isolates would be doubled.
        values = {
            name: value.words if isinstance(value, Phrase) else value
            for name, value in fields.items()
        }
        return Phrase(typography.typeset(form.format(**values), self.language), self.language)

    @property
    def plain(self) -> str:
        """The word for attributes and plain text."""
        return self().plain

    def __html__(self) -> str:
        return self().__html__()

    def __str__(self) -> str:
        return str(self())


@dataclass(frozen=True, slots=True)
class Words:
    """All entries of one language, and its calendar. ``words.contents`` in a template."""

    language: str
    entries: Mapping[str, Word]
    months: tuple[str, ...]  #: twelve
    weekdays: tuple[str, ...]  #: seven, from Monday

    def __getitem__(self, key: str) -> Word:
        return self.entries[key]

    def __call__(self, key: str, **fields: object) -> Phrase:
        """The phrase for a key, for callers in Python."""
        return self.entries[key](**fields)

    def date(self, date: dt.date) -> Phrase:
        """The date as the language tells it: "vendredi 2 septembre 2011"."""
        return self(
            "date",
            weekday=self.weekdays[date.weekday()],
            day=self("first_day") if date.day == 1 else date.day,
            month=self.months[date.month - 1],
            year=date.year,
        )


def _fields(form: str) -> frozenset[str]:
    """Names in braces. Raises ValueError on a brace that stands alone."""
    return frozenset(name for _, name, _, _ in string.Formatter().parse(form) if name is not None)

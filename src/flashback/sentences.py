"""Sentences for staff: written in English where they arise, translated where they are shown.

A ``Sentence`` keeps its English source and its fields apart, so that an error raised deep in a
room, or a finding about an issue file, can be read in French or in English by whoever looks at it.
The translations are one gettext catalogue, ``locale/<language>/LC_MESSAGES/flashback.mo``, which
also holds Click's own words.
"""

import gettext
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

DOMAIN = "flashback"
LOCALE = Path(__file__).parent / "locale"
STAFF_LANGUAGES = ("en", "fr")


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, LOCALE, languages=[language], fallback=True)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence with named fields, not yet in any language."""

    source: str  #: English, with ``{name}`` fields.
    fields: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.in_language("en")

    def in_language(self, language: str) -> str:
        """The sentence in that staff language; English where there is no translation."""
        pattern = _catalogue(language).gettext(self.source) if self.source else ""
        return pattern.format(
            **{
                name: value.in_language(language) if isinstance(value, Sentence) else value
                for name, value in self.fields.items()
            }
        )


def tr(source: str, /, **fields: object) -> Sentence:
    """Mark an English sentence for translation and hold its fields."""
    return Sentence(source, fields)


NOTHING = Sentence("")

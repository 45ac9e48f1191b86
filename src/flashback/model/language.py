"""Languages as BCP 47 tags, and the direction they are written in."""

from typing import Final, Literal

Direction = Literal["ltr", "rtl"]

#: Languages an edition can be typeset in; each has a catalogue in ``templates/email/words``.
EDITION_LANGUAGES: Final = ("fr", "ar", "en")

#: Primary subtags of languages written from right to left (CLDR script metadata).
_RIGHT_TO_LEFT: Final = frozenset(
    {"ar", "arc", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"}
)


def direction_of(language: str) -> Direction:
    """Tell how a language is written, by its primary subtag (``ar-MA`` is ``rtl``)."""
    return "rtl" if language.partition("-")[0].lower() in _RIGHT_TO_LEFT else "ltr"

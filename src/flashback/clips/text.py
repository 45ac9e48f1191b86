"""A stranger's words made fit for a file: one line, one normal form, nothing unseen.

Pure, and total: whatever the text, the answer is a text that an issue file may hold.
"""

import html
import re
import unicodedata
from typing import Final

from flashback.model.edition import SLOT_PATTERN

#: A page whose template was not filled in, "{{ title }}", says nothing of the article.
_TEMPLATE: Final = re.compile(r"\{\{|\}\}|\{%|<%|%%[A-Za-z_]+%%")
#: Markup that systems leave in titles. Other tags are kept, and escaped where they are written.
_LINE_END: Final = re.compile(r"<br\b[^<>]*>", re.IGNORECASE)
_STRESS: Final = re.compile(
    r"</?(?:b|em|i|q|small|span|strong|sub|sup|u|wbr)\b[^<>]*>", re.IGNORECASE
)
_BLANKS: Final = re.compile(r"[^\S\u00a0\u202f]+")
#: Invisible, but letters join or part by them, or they are signs of Arabic (Unicode section 9.2).
_KEPT_FORMATS: Final = frozenset("\u200c\u200d\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u08e2")
_MOST_MARKS: Final = 8  #: marks on one letter; no script has more
_LONGEST_READ: Final = 20_000  #: characters looked at


def tidy(text: object, *, most: int) -> str:
    """The text on one line, at most so many characters; empty for what is not fit to be used."""
    if not isinstance(text, str):
        return ""
    words = html.unescape(text[:_LONGEST_READ])
    words = _STRESS.sub("", _LINE_END.sub(" ", words))
    words = unicodedata.normalize("NFC", _seen(words))
    words = _BLANKS.sub(" ", words).strip()
    if _TEMPLATE.search(words) or SLOT_PATTERN.search(words):
        return ""
    if len(words) <= most:
        return words
    head = words[:most]
    head = head.rsplit(" ", 1)[0] if " " in head else head[:-1]
    return f"{head.rstrip(' ,;:.–—-')}…"


def alike(one: str, other: str) -> bool:
    """Whether two names are the same but for case, accents, blanks and punctuation."""
    return bool(letters(one)) and letters(one) == letters(other)


def letters(text: str) -> str:
    """The letters and digits of a text, for comparing names: "L'Économiste" is leconomiste."""
    apart = unicodedata.normalize("NFKD", text).casefold()
    return "".join(filter(str.isalnum, apart))


def is_right_to_left(text: str) -> bool | None:
    """How most letters of a text run; None when it has none."""
    directions = [unicodedata.bidirectional(character) for character in text]
    backward = sum(direction in {"R", "AL"} for direction in directions)
    forward = directions.count("L")
    return backward > forward if backward or forward else None


def _seen(text: str) -> str:
    """The text without what cannot be seen; what parts words becomes a blank."""
    kept: list[str] = []
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if category == "Cc":
            kept.append(" ")
        elif category == "Cf":
            kept.append(character if character in _KEPT_FORMATS else "")
        elif category not in {"Cs", "Cn"} and marks <= _MOST_MARKS:
            kept.append(character)
    return "".join(kept)

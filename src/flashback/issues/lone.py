"""A link that stands alone in its paragraph, whatever arrows, marks or brackets adorn it.

Promises that words are never taken for adornment: a short parenthesis joins the link's words,
and any other letter or digit makes the paragraph prose.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from flashback.issues.inlines import unstressed
from flashback.model import Hyperlink, Inline, Text

#: "(PDF, 2 Mo)"; what is longer is a remark of its own.
_SHORT_PARENTHESIS: Final = re.compile(r"\([^()]{1,40}\)")


def only_link(children: Iterable[Inline]) -> Hyperlink | None:
    """The one link a run consists of, with a parenthesis beside it among its words."""
    found: Hyperlink | None = None
    before, behind = "", ""
    for child in unstressed(children):
        match child:
            case Hyperlink() if found is None:
                found = child
            case Text(text) if found is None:
                before += text
            case Text(text):
                behind += text
            case _:
                return None
    if found is None:
        return None
    first, last = _parenthesis(before), _parenthesis(behind)
    if first is None or last is None:
        return None
    words = (
        *((Text(f"{first} "),) if first else ()),
        *found.children,
        *((Text(f" {last}"),) if last else ()),
    )
    return Hyperlink(words, found.target)


def has_sound_link(children: Iterable[Inline]) -> bool:
    """Whether a run holds a link that was not refused."""
    return any(isinstance(child, Hyperlink) and child.target for child in unstressed(children))


def _parenthesis(text: str) -> str | None:
    """The one parenthesis of words in an adornment, empty without; None when it is prose."""
    if _is_adornment(text):
        return ""
    match = _SHORT_PARENTHESIS.search(text)
    rest = text.replace(match[0], "", 1) if match else text
    return match[0] if match and _is_adornment(rest) else None


def _is_adornment(text: str) -> bool:
    """Whether a text is but punctuation, symbols, blanks and what shapes an emoji."""
    return all(unicodedata.category(character)[0] in "PSZCM" for character in text)

"""How words are set: French spaces, typographic apostrophes, isolated Latin runs in Arabic.

Pure and idempotent. No word is ever changed: only the kind of a space or of an apostrophe is, and
the editor's file keeps what was typed. ``typeset`` works on characters and keeps their number;
``isolate`` (plain text) and ``markup`` (HTML) come after it, and are never mixed: markup must not
stand in an attribute, in a title or in a preheader.
"""

import re
from typing import Final

from markupsafe import Markup, escape

from flashback.model.edition import SLOT_PATTERN
from flashback.model.language import direction_of

_NBSP: Final = "\u00a0"
#: First strong isolate and its end (UAX #9): invisible, and understood by every mail program.
_OPEN: Final = "\u2068"
_CLOSE: Final = "\u2069"

# What XML 1.0 does not allow, and C1, which browsers read as Windows-1252.
_FORBIDDEN: Final = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
    r"|[\U0001fffe\U0001ffff\U0002fffe\U0002ffff\U0010fffe\U0010ffff]"
)
_SPACES: Final = re.compile(r"[ \t\r\n\x85\u2028\u2029]+")

_URL: Final = r"(?:https?://|mailto:|www\.)[^\s<>«»]+|[\w.+-]+@[\w-]+\.[\w.-]+"
_LEAVE_ALONE: Final = re.compile(f"({_URL})")

_APOSTROPHE: Final = re.compile(r"(?<=[^\W\d_])'(?=[^\W\d_])")
# U+202F is missing from some fonts, and Word's engine then changes the font of the whole run.
_SPACE: Final = r"[ \u2009\u202f]"
_UNITS: Final = (
    "€|h|km|kg|dirhams?|DH|MAD|euros?|dollars?|millions?|milliards?|janvier|février|mars|avril|"
    "mai|juin|juillet|août|septembre|octobre|novembre|décembre"
)
_FRENCH: Final = re.compile(
    rf"(?<=«){_SPACE}|{_SPACE}(?=[:;!?%»])|(?<=\b[nN]°){_SPACE}"
    rf"|(?<=\d){_SPACE}(?=\d\d\d(?!\d)|(?:{_UNITS})(?!\w))"
)

_LATIN: Final = "A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff"
_WORD: Final = f"[{_LATIN}0-9\u0300-\u036f]"
# Brackets and quotation marks stay outside: they belong to the sentence, and mirror with it.
_INNER: Final = r"[ \u00a0\u202f.,:;'’&/@+_%°#?!=*~$€–—…-]"
_RUN: Final = re.compile(
    rf"(?P<keep>[\u2066-\u2068][^\u2069]*\u2069?|https?://[^\s<>]+)"
    rf"|(?P<slot>{SLOT_PATTERN.pattern})"
    rf"|(?P<run>{_WORD}+(?:{_INNER}{{1,3}}(?!https?://|__FB_){_WORD}+)*%?)"
)
_LETTER: Final = re.compile(f"[{_LATIN}]")
_GAP: Final = re.compile(r"(\((?:…|\.\.\.)\)|\[(?:…|\.\.\.)\])")


def clean(text: str) -> str:
    """One line without forbidden characters and without spaces at its ends."""
    return collapse(text).strip(" ")


def collapse(text: str) -> str:
    """Drop characters that no mail may hold; any run of line ends and plain spaces is one space."""
    return _SPACES.sub(" ", printable(text))


def printable(text: str) -> str:
    """Drop characters that XML forbids or that browsers mistake for others."""
    return _FORBIDDEN.sub("", text)


def disarm(text: str) -> str:
    """Break what looks like a slot with U+2060 WORD JOINER, so that an editor cannot make one."""
    return text.replace("__FB_", "_\u2060_FB_")


def typeset(text: str, language: str) -> str:
    """Set spaces and apostrophes by the language's rules. The number of characters stays."""
    tongue = language.partition("-")[0].lower()
    if tongue not in {"fr", "en"}:
        return text
    parts = _LEAVE_ALONE.split(text)
    for i in range(0, len(parts), 2):
        parts[i] = _APOSTROPHE.sub("’", parts[i])
        if tongue == "fr":
            parts[i] = _FRENCH.sub(_NBSP, parts[i])
    return "".join(parts)


def isolate(text: str, language: str) -> str:
    """In a right-to-left language, wrap Latin runs in U+2068 and U+2069. For plain text."""
    if direction_of(language) == "ltr":
        return text
    return _RUN.sub(lambda found: _isolated(found, _OPEN, _CLOSE), text)


def markup(text: str, language: str) -> Markup:
    """Escape for HTML; omissions ``(…)`` get their class, Latin runs in Arabic their direction."""
    parts = _GAP.split(text)
    return Markup("").join(
        Markup('<span class="gap">{}</span>').format(part) if i % 2 else _runs(part, language)
        for i, part in enumerate(parts)
    )


def _runs(text: str, language: str) -> Markup:
    if direction_of(language) == "ltr":
        return escape(text)
    out, end = Markup(""), 0
    for found in _RUN.finditer(text):
        out += escape(text[end : found.start()])
        inner = escape(found[0])
        whole = found["slot"] or (found["run"] and _LETTER.search(found[0]))
        out += Markup('<span dir="ltr">{}</span>').format(inner) if whole else inner
        end = found.end()
    return out + escape(text[end:])


def _isolated(found: re.Match[str], before: str, after: str) -> str:
    if found["keep"] or (found["run"] and not _LETTER.search(found[0])):
        return found[0]
    return f"{before}{found[0]}{after}"

"""How words are set: French spaces, typographic apostrophes, isolated Latin runs in Arabic.

Pure and idempotent. No word is ever changed: only the kind of a space or of an apostrophe is, a
space is added inside French quotation marks, and the editor's file keeps what was typed.
``isolate`` (plain text) and ``markup`` (HTML) come after ``typeset``, and are never mixed: markup
must not stand in an attribute, in a title or in a preheader.
"""

import re
from collections.abc import Iterator
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

# Looked for only where a word begins: from each letter of a long word it would take an hour.
_URL: Final = r"(?:https?://|mailto:|www\.)[^\s<>«»]+|(?<![\w.+-])[\w.+-]+@[\w-]+\.[\w.-]+"
_LEAVE_ALONE: Final = re.compile(f"({_URL})")

_APOSTROPHE: Final = re.compile(r"(?<=[^\W\d_])'(?=[^\W\d_])")
# After an elided word even before a mark, a digit or something that is no letter: d'« A », d'1 an.
_ELISION: Final = re.compile(
    r"(?:(?<=\b[cdjlmnst])|(?<=qu))'(?=[\"«“‘(\[…\d\ufffc])", re.IGNORECASE
)
# U+202F is missing from some fonts, and Word's engine then changes the font of the whole run.
_SPACE: Final = r"[ \u2009\u202f]"
_UNITS: Final = (
    "€|°C|°F|°|h|km²?|m[²³]?|cm|mm|ha|kg|g|dirhams?|DH|MAD|euros?|dollars?|millions?|milliards?|janvier|février|mars|avril|"
    "mai|juin|juillet|août|septembre|octobre|novembre|décembre"
)
_FRENCH: Final = re.compile(
    rf"(?<=«){_SPACE}|{_SPACE}(?=[:;!?%»])|(?<=\b[nN]°){_SPACE}"
    rf"|(?:(?<=\bp\.)|(?<=\bpp\.)|(?<=\dh)|(?<=\d[ \u2009\u202f\u00a0]h)){_SPACE}(?=\d)"
    rf"|(?:(?<=\bM\.)|(?<=\bMM\.)|(?<=\bMme)|(?<=\bMmes)|(?<=\bMlle)){_SPACE}(?=[A-ZÀ-ÖØ-Þ])"
    rf"|(?<=\d){_SPACE}(?=\d\d\d(?!\d)|(?:{_UNITS})(?!\w))"
)

_LATIN: Final = "A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff"
_WORD: Final = f"[{_LATIN}0-9\u0300-\u036f]"
# Brackets and quotation marks stay outside: they belong to the sentence, and mirror with it.
_INNER: Final = r"[ \u00a0\u202f.,:;'’&/@+_%°#?!=*~$€–—…-]"
_RUN: Final = re.compile(
    rf"(?P<keep>[\u2066-\u2068][^\u2069]*\u2069?|https?://[^\s<>]+)"
    rf"|(?P<slot>{SLOT_PATTERN.pattern})"
    rf"|(?P<run>(?:\+(?=[0-9]))?{_WORD}+"
    rf"(?:{_INNER}{{1,3}}(?!https?://|__FB_){_WORD}+)*(?:%|[+#]+)?)"
)
_LETTER: Final = re.compile(f"[{_LATIN}]")
# After Arabic letters each group is a number of its own, and the last one would come first.
_NUMBER: Final = re.compile(r"(\+?[0-9]+(?:[ \u00a0\u202f.,–-][0-9]+)+)")
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
    """Set spaces and apostrophes by the language's rules."""
    return "".join(cells(text, language))


def cells(text: str, language: str) -> Iterator[str]:
    """What becomes of each character: itself, its like, or a quotation mark with its space."""
    tongue = language.partition("-")[0].lower()
    characters = _changed(text, tongue)
    if tongue != "fr":
        yield from characters
        return
    around = f" {characters} "
    for before, character, after in zip(around, characters, around[2:], strict=False):
        if character == "«" and not after.isspace():
            yield character + _NBSP
        elif character == "»" and before != "«" and not before.isspace():
            yield _NBSP + character
        else:
            yield character


def _changed(text: str, tongue: str) -> str:
    """As many characters as before, some of another kind."""
    if tongue not in {"fr", "en"}:
        return text
    parts = _LEAVE_ALONE.split(text)
    for i in range(0, len(parts), 2):
        parts[i] = _APOSTROPHE.sub("’", parts[i])
        if tongue == "fr":
            parts[i] = _ELISION.sub("’", parts[i])
            parts[i] = _FRENCH.sub(_NBSP, parts[i])
    return "".join(parts)


def isolate(text: str, language: str) -> str:
    """In a right-to-left language, wrap Latin runs and numbers in U+2068 and U+2069.

    For plain text.
    """
    if direction_of(language) == "ltr":
        return text
    pieces = _directed(text)
    return "".join(f"{_OPEN}{piece}{_CLOSE}" if apart else piece for piece, apart in pieces)


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
    return Markup("").join(
        Markup('<span dir="ltr">{}</span>').format(piece) if apart else escape(piece)
        for piece, apart in _directed(text)
    )


def _directed(text: str) -> Iterator[tuple[str, bool]]:
    """The text in pieces, each with whether it runs from left to right on its own."""
    end = 0
    for found in _RUN.finditer(text):
        yield text[end : found.start()], False
        if found["slot"] or (found["run"] and _LETTER.search(found[0])):
            yield found[0], True
        elif found["run"]:
            for i, piece in enumerate(_NUMBER.split(found[0])):
                yield piece, i % 2 == 1
        else:
            yield found[0], False
        end = found.end()
    yield text[end:], False

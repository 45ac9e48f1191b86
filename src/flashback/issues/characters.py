"""The characters of a file, made harmless and put into one normal form, line by line.

Promises lines in NFC that hold no control character and nothing that turns the order of its
neighbours, as many lines as the file has. No-break spaces, marks and isolates stay as they are.
"""

import re
import unicodedata
from typing import Final

from flashback.issues.remarks import Remarks
from flashback.sentences import tr

#: C0 (but tab), DEL and C1; bidi embeddings and overrides; a stray byte-order mark; surrogates and
#: non-characters, which neither UTF-8 nor XML can hold.
_FORBIDDEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ufeff\ud800-\udfff\ufffe\uffff]"
)
#: These part words; the others do not.
_LIKE_A_LINE_END: Final = frozenset("\x0b\x0c\x1c\x1d\x1e\x1f\x85\u2028\u2029")
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
#: Marks are neither letters nor spaces: a cheap net for runs of them.
_MAYBE_MARKS: Final = re.compile(r"[^\w\s\x00-\u02ff]{31,}")
_MOST_MARKS: Final = 30  #: UAX 15 section 13: a stream-safe text has no longer run
#: A no-break space after a Markdown mark is how many keyboards answer to "# " typed in haste.
_MARK_THEN_NO_BREAK: Final = re.compile(
    r"^([ \t]*(?:#{1,6}|>|\*|-(?![\u00a0\u202f]+\d)))[\u00a0\u202f]+"
)


def cleaned(text: str, remarks: Remarks) -> list[str]:
    """The lines of a text; at least one. What had to go is remarked upon."""
    lines = _LINE_END.split(text.removeprefix("\ufeff"))
    return [_clean(line, number, remarks) for number, line in enumerate(lines, start=1)]


def _clean(line: str, number: int, remarks: Remarks) -> str:
    if line.isascii() and line.isprintable():
        return line
    found = sorted({f"U+{ord(c):04X}" for c in _FORBIDDEN.findall(line)})
    if found:
        line = _FORBIDDEN.sub(lambda m: " " if m[0] in _LIKE_A_LINE_END else "", line)
    # Sorting an endless run of marks would take for ever, and no script has one.
    thin = _MAYBE_MARKS.sub(_thinned, line)
    if thin != line:
        found.append(f"U+{ord(next(filter(unicodedata.combining, thin))):04X}")
    if found:
        remarks.error(
            number,
            "character-removed",
            tr(
                "This line holds characters that must not travel in a mail: {marks}.",
                marks=", ".join(found),
            ),
            tr("Delete them: type the words around them again."),
        )
    line = _MARK_THEN_NO_BREAK.sub(r"\1 ", unicodedata.normalize("NFC", thin))
    return "" if line.isspace() else line


def _thinned(match: re.Match[str]) -> str:
    kept: list[str] = []
    run = 0
    for character in match[0]:
        run = run + 1 if unicodedata.combining(character) else 0
        if run <= _MOST_MARKS:
            kept.append(character)
    return "".join(kept)

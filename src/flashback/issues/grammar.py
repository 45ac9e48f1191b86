"""The grammar of the body: CommonMark, less what surprises people who do not know it.

Promises that ``+ 12 %``, ``- 3 %``, ``2009. Début`` and ``3*4*5`` keep every character, and that
bullets pasted from a word processor make a list. Line numbers stay those of the file.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, list_block
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.emphasis import tokenize
from markdown_it.token import Token

#: Ten levels of lists; markdown-it drops what lies deeper.
NESTING: Final = 20
#: A page holds some 3,000 characters. What is longer was not written to be read, and keeps its
#: marks: reading them could take seconds.
LONGEST_PARAGRAPH: Final = 20_000

_PLUS_OR_YEAR: Final = re.compile(r"\+|[0-9]{4,9}[.)]")
_MINUS: Final = re.compile(r"-[ \t\u00a0\u202f]+[0-9٠-٩]")
_PASTED: Final = re.compile(
    r"((?:[ \t]*>)*[ \t]*)(?:[•◦▪‣●○■·][ \t\u00a0\u202f]*|–[ \t\u00a0\u202f]+)(?=[^\W\d]|[^\w\s])"
)
#: Further down, a dash begins something else.
_NEAR: Final = 20
_FENCE: Final = re.compile(r"[ \t>]*(?:```|~~~)")


@cache
def grammar() -> MarkdownIt:
    """The parser; it has no state of its own."""
    markdown = MarkdownIt("commonmark", {"html": False, "maxNesting": NESTING})
    # Editors indent by accident; and what they type is what readers get, without entities.
    markdown.disable(["code", "html_block", "html_inline", "entity"])
    markdown.enable("table")
    markdown.core.ruler.at("inline", _bounded_inline)
    markdown.block.ruler.at("list", _list, {"alt": ["paragraph", "reference", "blockquote"]})
    markdown.block.ruler.before("list", "figure", _figure, {"alt": ["list"]})
    markdown.block.ruler.before("list", "figure_below", _figure_below, {"alt": ["paragraph"]})
    markdown.inline.ruler.at("emphasis", _stress)
    # Addresses are judged with their line, by flashback.issues.urls.
    for name in ("validateLink", "normalizeLink", "normalizeLinkText"):
        setattr(markdown, name, _accept if name == "validateLink" else str)
    return markdown


def with_bullets(lines: Sequence[str]) -> list[str]:
    """The lines with pasted bullets as Markdown's, where two or more follow each other."""
    answer = list(lines)
    run: list[int] = []
    fenced = False
    for index, line in enumerate([*lines, ""]):
        fenced ^= _FENCE.match(line) is not None
        if not fenced and _PASTED.match(line):
            run.append(index)
            continue
        if len(run) > 1:
            for place in run:
                answer[place] = _PASTED.sub(r"\1- ", answer[place], count=1)
        run = []
    return answer


def _accept(_url: str) -> bool:
    return True


def _bounded_inline(state: StateCore) -> None:
    for token in state.tokens:
        if token.type != "inline":
            continue
        token.children = []
        if len(token.content) <= LONGEST_PARAGRAPH:
            state.md.inline.parse(token.content, state.md, state.env, token.children)
        else:
            token.children.append(Token("text", "", 0, content=" ".join(token.content.split("\n"))))


def _stress(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 (the library's signature)
    start = state.pos
    if not tokenize(state, silent):
        return False
    around = state.src[start - 1 : start], state.src[state.pos : state.pos + 1]
    if state.src[start] == "*" and all(map(_in_a_word, around)):
        for delimiter in state.delimiters[start - state.pos :]:
            delimiter.open = delimiter.close = False
    return True


def _in_a_word(character: str) -> bool:
    return bool(character) and unicodedata.category(character)[0] in "LMN"


def _list(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001
    line = _line(state, start)
    if _PLUS_OR_YEAR.match(line):
        return False
    if _MINUS.match(line) and not _within_item(state, start) and not _more_items(state, start + 1):
        return False
    return list_block(state, start, end, silent)


def _figure(state: StateBlock, start: int, _end: int, silent: bool) -> bool:  # noqa: FBT001
    """End a list before a line that is none of its items; make nothing of it."""
    return silent and _PLUS_OR_YEAR.match(_line(state, start)) is not None


def _figure_below(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001
    """End an item's paragraph before such a line."""
    return _within_item(state, start) and _figure(state, start, end, silent)


def _within_item(state: StateBlock, number: int) -> bool:
    return state.sCount[number] < state.blkIndent


def _more_items(state: StateBlock, first: int) -> bool:
    """Whether one of the next lines goes on with the list."""
    parted = False
    for number in range(first, min(first + _NEAR, state.lineMax)):
        line = _line(state, number)
        if line.startswith("-"):
            return True
        if parted and line and state.sCount[number] <= state.blkIndent:
            return False
        parted = parted or not line
    return False


def _line(state: StateBlock, number: int) -> str:
    if number >= state.lineMax:
        return ""
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]]

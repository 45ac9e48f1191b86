r"""A part of the readers, as a small expression: ``language = "ar" and field.city != "Rabat"``.

``and``, ``or``, ``not``, parentheses, ``=`` and ``!=``; a text stands between double quotes, in
which ``\"`` and ``\\`` are the two characters themselves. Known names: language, organisation,
name, status, and field.NAME for a reader's own fields; an absent one equals "". What is written
only ever becomes a bound parameter.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

from sqlalchemy import ColumnElement, String, and_, cast, func, not_, or_

from flashback.errors import Exit, StoreError
from flashback.sentences import Sentence, tr
from flashback.store.tables import subscribers

_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<text>"(?:[^"\\]|\\["\\])*")
      | (?P<sign>!=|=|\(|\))
      | (?P<name>[^\W\d][\w-]*(?:\.[\w-]+)?)
      | (?P<other>\S)
    )""",
    re.VERBOSE,
)
_DEEPEST: Final = 50
_NAMES: Final = ("language", "organisation", "name", "status")
_EXAMPLE: Final = tr('For example: language = "ar" and field.city != "Rabat"')


class SegmentError(StoreError):
    """An expression that cannot be understood."""

    exit_code: ClassVar[Exit] = Exit.USAGE


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  #: text, sign, name, other or end
    words: str
    column: int  #: from 1


def compile_segment(expression: str) -> ColumnElement[bool]:
    """The condition that an expression means. Raises SegmentError that names the column."""
    reader = _Reader(list(_tokens(expression)))
    condition = reader.either()
    reader.expect("end", "", tr("“and”, “or” or the end"))
    return condition


def _tokens(expression: str) -> Iterator[_Token]:
    end = len(expression.rstrip())
    for found in _TOKEN.finditer(expression[:end]):
        kind = str(found.lastgroup)
        yield _Token(kind, found[kind], found.start(kind) + 1)
    yield _Token("end", "", end + 1)


class _Reader:
    """Reads tokens from left to right; ``not`` binds closer than ``and``, ``and`` than ``or``."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._position = 0
        self._depth = 0

    def either(self) -> ColumnElement[bool]:
        conditions = [self._both()]
        while self._take("name", "or"):
            conditions.append(self._both())
        return or_(*conditions)

    def _both(self) -> ColumnElement[bool]:
        conditions = [self._one()]
        while self._take("name", "and"):
            conditions.append(self._one())
        return and_(*conditions)

    def _one(self) -> ColumnElement[bool]:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._wrong(tr("fewer parentheses"))
        try:
            if self._take("name", "not"):
                return not_(self._one())
            if self._take("sign", "("):
                condition = self.either()
                self.expect("sign", ")", tr("a closing parenthesis"))
                return condition
            return self._comparison()
        finally:
            self._depth -= 1

    def _comparison(self) -> ColumnElement[bool]:
        column = self._column()
        differs = self._take("sign", "!=")
        if not differs:
            self.expect("sign", "=", tr("= or !="))
        quoted = self.expect("text", None, tr("a text between double quotes")).words
        wanted = re.sub(r"\\(.)", r"\1", quoted[1:-1])
        return column != wanted if differs else column == wanted

    def _column(self) -> ColumnElement[str]:
        token = self.expect("name", None, tr("a name"))
        kind, dot, field = token.words.partition(".")
        if kind == "field" and dot:
            return func.coalesce(subscribers.c.fields[field].as_string(), "")
        if dot or kind not in _NAMES:
            self._position -= 1
            raise self._wrong(tr("one of {list}", list=", ".join((*_NAMES, "field.NAME"))))
        return cast(subscribers.c[kind], String)

    def expect(self, kind: str, words: str | None, wanted: Sentence) -> _Token:
        """The next token, which must be of that kind, and those words where given."""
        token = self._tokens[self._position]
        if token.kind != kind or words not in (None, token.words):
            raise self._wrong(wanted)
        self._position += 1
        return token

    def _take(self, kind: str, words: str) -> bool:
        token = self._tokens[self._position]
        found = (token.kind, token.words) == (kind, words)
        self._position += found
        return found

    def _wrong(self, wanted: Sentence) -> SegmentError:
        token = self._tokens[self._position]
        return SegmentError(
            tr(
                "The segment needs {wanted} at column {column}.", wanted=wanted, column=token.column
            ),
            hint=_EXAMPLE,
        )

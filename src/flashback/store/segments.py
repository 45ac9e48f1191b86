r"""A part of the readers, as a small expression: ``language = "ar" and tag has "banque"``.

``and``, ``or``, ``not``, parentheses. A text stands between double quotes, in which ``\"`` and
``\\`` are the two characters themselves; it is compared by ``=`` and ``!=``. Dates (2025-01-31)
and numbers are compared by ``<``, ``<=``, ``>`` and ``>=`` as well. Known names: language,
organisation, name, status, joined (a date), tag, and field.NAME for a reader's own fields; an
absent one equals "", and is neither a date nor a number. What is written only ever becomes a
bound parameter.
"""

import datetime as dt
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Float,
    and_,
    case,
    cast,
    func,
    not_,
    or_,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from flashback.errors import Exit, StoreError
from flashback.sentences import Sentence, tr
from flashback.store.statuses import STATUS, has_status
from flashback.store.tables import subscribers

_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<text>"(?:[^"\\]|\\["\\])*")
      | (?P<sign>!=|<=|>=|=|<|>|\(|\))
      | (?P<date>\d{4}-\d\d-\d\d(?![\w-]))
      | (?P<number>-?\d+(?:\.\d+)?(?![\w-]))
      | (?P<name>[^\W\d][\w-]*(?:\.[\w-]+)?)
      | (?P<other>\S)
    )""",
    re.VERBOSE,
)
_DEEPEST: Final = 50
_NAMES: Final = ("language", "organisation", "name", "status")
_JOINED: Final = "joined"
_SIGNS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NUMBER: Final = r"^-?[0-9]{1,15}(\.[0-9]{1,15})?$"
_DATE: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
_DAY: Final = dt.timedelta(days=1)
_EXAMPLE: Final = tr('For example: language = "ar" and tag has "banque" and joined > 2025-01-01')


class SegmentError(StoreError):
    """An expression that cannot be understood."""

    exit_code: ClassVar[Exit] = Exit.USAGE


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  #: text, sign, date, number, name, other or end
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


class _HasTag(FunctionElement[bool]):
    """Whether a list of tags holds one, in either database's words."""

    type = Boolean()
    inherit_cache = True


@compiles(_HasTag)
def _has_tag_in_sqlite(element: _HasTag, compiler: SQLCompiler, **options: Any) -> str:
    tags, tag = (compiler.process(clause, **options) for clause in element.clauses)
    each = f"json_each({tags}) AS one"
    return f"EXISTS (SELECT 1 FROM {each} WHERE one.value = {tag})"  # noqa: S608  compiled, bound


@compiles(_HasTag, "postgresql")
def _has_tag_in_postgresql(element: _HasTag, compiler: SQLCompiler, **options: Any) -> str:
    tags, tag = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({tags} @> jsonb_build_array(CAST({tag} AS TEXT)))"


def _joined(sign: str, day: dt.date) -> ColumnElement[bool]:
    """Whether somebody came on, before or after a day, in UTC."""
    begin = dt.datetime.combine(day, dt.time(), dt.UTC)
    # The day after the last has no midnight in a datetime.
    end = begin + _DAY if day < dt.date.max else begin.replace(hour=23, minute=59, second=59)
    came = subscribers.c.created_at
    within = and_(came >= begin, came < end)
    conditions: Mapping[str, ColumnElement[bool]] = {
        "=": within,
        "!=": not_(within),
        "<": came < begin,
        "<=": came < end,
        ">": came >= end,
        ">=": came >= begin,
    }
    return conditions[sign]


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
        if self._take("name", "tag"):
            self.expect("name", "has", tr("has"))
            return _HasTag(subscribers.c.tags, " ".join(self._text().casefold().split()))
        if self._take("name", _JOINED):
            sign = self._sign()
            return _joined(sign, self._date())
        column = self._column()
        sign = self._sign()
        if self._next.kind == "number":
            number = float(self.expect("number", None, tr("a number")).words)
            # In this order by CASE: elsewhere a database may cast before it looks.
            value = case((column.regexp_match(_NUMBER), cast(column, Float(53))))
            return func.coalesce(_SIGNS[sign](value, number), sign == "!=")
        if self._next.kind == "date":
            day = self._date().isoformat()
            value = case((column.regexp_match(_DATE), func.substr(column, 1, len(day))))
            return func.coalesce(_SIGNS[sign](value, day), sign == "!=")
        if sign not in {"=", "!="}:
            raise self._wrong(tr("a number, or a date like 2025-01-31"))
        words = self._text()
        compared: ColumnElement[bool] = _SIGNS[sign](column, words)
        return has_status(words) if column is STATUS and sign == "=" else compared

    def _text(self) -> str:
        quoted = self.expect("text", None, tr("a text between double quotes")).words
        return re.sub(r"\\(.)", r"\1", quoted[1:-1])

    def _sign(self) -> str:
        token = self._next
        if token.kind != "sign" or token.words not in _SIGNS:
            raise self._wrong(tr("one of {list}", list=" ".join(_SIGNS)))
        self._position += 1
        return token.words

    def _date(self) -> dt.date:
        token = self.expect("date", None, tr("a date like 2025-01-31"))
        try:
            return dt.date.fromisoformat(token.words)
        except ValueError as error:
            self._position -= 1
            raise self._wrong(tr("a date like 2025-01-31")) from error

    @property
    def _next(self) -> _Token:
        return self._tokens[self._position]

    def _column(self) -> ColumnElement[str]:
        token = self.expect("name", None, tr("a name"))
        kind, dot, field = token.words.partition(".")
        if kind == "field" and dot:
            return func.coalesce(subscribers.c.fields[field].as_string(), "")
        if dot or kind not in _NAMES:
            self._position -= 1
            names = ", ".join((*_NAMES, _JOINED, "tag", "field.NAME"))
            raise self._wrong(tr("one of {list}", list=names))
        return STATUS if kind == "status" else subscribers.c[kind]

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

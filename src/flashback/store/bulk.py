"""One statement for many rows, handed to SQLite's driver as it wants them.

SQLAlchemy looks at every value of every row, which costs more than SQLite's own work; here the
statement is compiled once, and the rows are tuples of what the driver takes as it is. On
PostgreSQL, SQLAlchemy does it all.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Connection, Insert, Update
from sqlalchemy.dialects import sqlite

#: Rows in one INSERT. SQLite takes 999 values in a statement at least.
_ROWS: Final = 50
_LENGTH: Final = len("2011-09-02 09:00:00.000000")


class Bulk:
    """A statement in which nothing but these names is bound; rows hold the values in this order.

    A value is a number, a text, None, or a time as ``moments`` makes it.
    """

    def __init__(self, statement: Insert | Update, *names: str) -> None:
        self._statement = statement
        self._names = names

    def execute(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> int:
        """How many rows were touched."""
        if connection.dialect.name != "sqlite":
            named = [dict(zip(self._names, row, strict=True)) for row in rows]
            return connection.execute(self._statement, named).rowcount
        words, in_place = self._for_sqlite
        placed = [in_place(row) for row in rows]
        if not isinstance(self._statement, Insert):
            return connection.exec_driver_sql(words, placed).rowcount
        # Many rows in one statement: each by itself costs half as much again.
        whole = len(placed) - len(placed) % _ROWS
        for start in range(0, whole, _ROWS):
            values = tuple(chain.from_iterable(placed[start : start + _ROWS]))
            connection.exec_driver_sql(self._many, values)
        if whole < len(placed):
            connection.exec_driver_sql(words, placed[whole:])
        return len(placed)

    @cached_property
    def _many(self) -> str:
        """The statement for as many rows as go into one."""
        words, _ = self._for_sqlite
        before, found, row = words.rpartition("VALUES ")
        assert found, "an INSERT ends in its row"
        return f"{before}{found}{', '.join([row] * _ROWS)}"

    @cached_property
    def _for_sqlite(self) -> tuple[str, Callable[[tuple[Any, ...]], tuple[Any, ...]]]:
        """The statement, and how its question marks are filled from a row."""
        dialect = sqlite.dialect(paramstyle="qmark")
        compiled = self._statement.compile(dialect=dialect, column_keys=list(self._names))
        assert compiled.positiontup is not None
        places = [self._names.index(name) for name in compiled.positiontup]
        return str(compiled), itemgetter(*places)


def moments(connection: Connection) -> Callable[[dt.datetime], dt.datetime | str]:
    """What makes of an aware time what the driver takes."""
    return _text if connection.dialect.name == "sqlite" else _itself


@lru_cache(maxsize=64)
def _text(moment: dt.datetime) -> str:
    """As ``columns.UtcDateTime`` keeps it in SQLite. What came together has one time."""
    if moment.tzinfo is not dt.UTC:
        moment = moment.astimezone(dt.UTC)
    return moment.isoformat(" ", "microseconds")[:_LENGTH]


def _itself(moment: dt.datetime) -> dt.datetime:
    return moment

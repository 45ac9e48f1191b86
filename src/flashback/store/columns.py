"""Column types that mean the same in SQLite and in PostgreSQL.

Times go in aware and come out aware, in UTC. Enumerations are stored as their words and checked
by the database itself. Identities are 64 bits wide.
"""

import datetime as dt
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Enum, Integer
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

#: SQLite numbers its rows only in a column of exactly this name.
Identity: Final = BigInteger().with_variant(Integer(), "sqlite")

#: Texts by name, or a list of texts.
Document: Final = JSON().with_variant(JSONB(), "postgresql")


class UtcDateTime(TypeDecorator[dt.datetime]):
    """An aware time; SQLite keeps it as text whose order is the order of time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> Any:
        """Refuse a naive time: nobody knows which hour it means."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        moment = value.astimezone(dt.UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: Any, dialect: Dialect) -> dt.datetime | None:
        """Give the zone back."""
        if value is None:
            return None
        found: dt.datetime = value
        return (
            found.replace(tzinfo=dt.UTC) if dialect.name == "sqlite" else found.astimezone(dt.UTC)
        )


def word(kind: type[StrEnum], name: str) -> Enum:
    """A column that holds one of an enumeration's values, enforced by a CHECK."""
    return Enum(
        kind,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=16,
        values_callable=lambda members: [member.value for member in members],
    )

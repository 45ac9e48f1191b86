"""Column types that mean the same in SQLite and in PostgreSQL.

Times go in aware and come out aware, in UTC. Enumerations are stored as their words and checked
by the database itself. Identities are 64 bits wide.
"""

import datetime as dt
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Enum, Integer
from sqlalchemy.types import TypeDecorator, TypeEngine

#: SQLite numbers its rows only in a column of exactly this name.
Identity: Final = BigInteger().with_variant(Integer(), "sqlite")


class Document(TypeDecorator[Any]):
    """Texts by name, or a list of texts."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """JSON as each database keeps it best."""
        if dialect.name != "postgresql":
            return dialect.type_descriptor(JSON())
        # Loaded where it is spoken: the dialect costs a command on SQLite a tenth of its start.
        from sqlalchemy.dialects.postgresql import JSONB  # noqa: PLC0415

        return dialect.type_descriptor(JSONB())

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:
        """As JSON has it: the name of a field is a text, not a document."""
        return self.impl_instance.coerce_compared_value(op, value)


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

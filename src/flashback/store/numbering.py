"""The numbers of people whose store was exported: kept where no number was ever given.

A link to leave names a number and lives for years. In a store that is moved, it must still lead to
the same person, and never to another one.
"""

from sqlalchemy import ColumnElement, Connection, func, select, text

from flashback.store import marks
from flashback.store.tables import subscribers
from flashback.store.waiting import waiting


def kept(connection: Connection) -> ColumnElement[bool] | None:
    """Which of the waiting rows bring their numbers along; None where all are given anew."""
    has_one = waiting.c.number > 0
    all_of_them, different = connection.execute(
        select(func.count(), func.count(waiting.c.number.distinct())).where(has_one)
    ).one()
    # A file with one number for two people is none of our exports.
    return has_one if all_of_them and all_of_them == different and _is_new(connection) else None


def _is_new(connection: Connection) -> bool:
    """Whether nobody ever had a number here."""
    if connection.execute(select(subscribers.c.id).limit(1)).first() is not None:
        return False
    if connection.dialect.name == "sqlite":
        given = "SELECT seq > 0 FROM sqlite_sequence WHERE name = 'subscribers'"
    else:
        given = f"SELECT is_called FROM {_sequence(connection)}"  # noqa: S608  its own name
    return not connection.scalar(text(given))


def go_on(connection: Connection) -> None:
    """Number the next person above everybody who ever was in the exported store.

    Who had a higher number than all who are left was erased, and left a mark.
    """
    erased = sum(marks.counted(connection).values())
    last = (connection.scalar(select(func.max(waiting.c.number))) or 0) + erased
    if connection.dialect.name == "sqlite":
        statement = "UPDATE sqlite_sequence SET seq = :last WHERE name = 'subscribers'"
    else:
        statement = f"SELECT setval('{_sequence(connection)}', :last)"
    connection.execute(text(statement), {"last": last})


def _sequence(connection: Connection) -> str:
    column = subscribers.c.id.name
    return str(connection.scalar(select(func.pg_get_serial_sequence(subscribers.name, column))))

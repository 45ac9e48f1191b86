"""Bring a database to the schema this program knows, whoever comes first.

One cheap SELECT decides; Alembic is loaded only when there is something to do. The change is one
transaction under one lock, so it is safe to run twice and by two programs at once.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import IntegrityError

from flashback.errors import StoreError
from flashback.sentences import tr

#: The newest revision in ``migrations/versions``. Revisions are numbered, so they compare.
HEAD: Final = "0005"
VERSION_TABLE: Final = "flashback_schema"
MIGRATIONS: Final = Path(__file__).parent / "migrations"

_COMPACT: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

#: Any fixed number; PostgreSQL's advisory locks are named by one.
_LOCK: Final = 0x666C6173


def upgrade(engine: Engine, *, reading: Engine, place: str) -> None:
    """Migrate where needed. Raises StoreError for a newer schema or a foreign database."""
    with reading.begin() as connection:
        if recorded(connection) == HEAD:
            return
    with _altering(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _LOCK})
        found = recorded(connection)
        if found == HEAD:  # somebody else was faster
            return
        if found > HEAD:
            raise newer(place)
        _refuse_foreign(connection, place)
        _migrate(connection)


def newer(place: str) -> StoreError:
    """What is said of a store that this program is too old for."""
    return StoreError(
        tr("{place} was written by a newer flashback.", place=place),
        hint=tr("Install the newer version here too, from where you have it."),
    )


@contextmanager
def _altering(engine: Engine) -> Iterator[Connection]:
    """A transaction in which SQLite lets a table be made anew though others refer to it.

    The procedure of sqlite.org/lang_altertable.html, section 7; references are checked at the end.
    """
    if engine.dialect.name != "sqlite":
        with engine.begin() as connection:
            yield connection
        return
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.execute("PRAGMA foreign_keys = OFF")  # without effect inside a transaction
        try:
            with connection.begin():
                yield connection
                if connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                    raise IntegrityError("PRAGMA foreign_key_check", None, _Dangling())
        finally:
            driver.execute("PRAGMA foreign_keys = ON")


class _Dangling(Exception):  # noqa: N818  # as drivers call theirs
    """A row refers to another that is not there."""

    def __str__(self) -> str:
        return "a row refers to another that is not there"


def recorded(connection: Connection) -> str:
    """The revision a database is at; empty when it never saw us."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return ""
    found = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608  our own name
    return str(found or "")


def compact_json(value: object) -> str:
    """JSON that people can read in the database: Arabic stays Arabic."""
    return _COMPACT.encode(value)


def _refuse_foreign(connection: Connection, place: str) -> None:
    """A SQLite file belongs to one program; in PostgreSQL others may live beside us."""
    tables = inspect(connection).get_table_names() if connection.dialect.name == "sqlite" else []
    if tables and VERSION_TABLE not in tables:
        raise StoreError(
            tr("{place} is the database of another program.", place=place),
            hint=tr("Check url under [store] in flashback.toml."),
        )


def _migrate(connection: Connection) -> None:
    # A sixth of a second that a store which is up to date never spends.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    command.upgrade(config, "head")

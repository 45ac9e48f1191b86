"""Open the store by its URL: SQLite in the workspace, or PostgreSQL on a server.

A ``Store`` hands out transactions, nothing else. Each is durable when it ends (SQLite: WAL with
``synchronous=FULL``; PostgreSQL: ``synchronous_commit`` not off) and rolled back whole when it
fails. The schema is brought up to date on the way in.
"""

import errno
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from flashback import resources
from flashback.errors import StoreError
from flashback.sentences import tr
from flashback.store import schema
from flashback.store.door import door

#: A list of a million people is written in one transaction, for which others wait.
_BUSY_SECONDS: Final = 30.0
#: While the log is being emptied nobody may write: a sender must not lose its patience over it.
_TRY_SECONDS: Final = 0.5
#: So long it is tried, where others read an old state.
_LOG_SECONDS: Final = 5.0
_CONNECT_SECONDS: Final = 10
_BEGIN: Final = "flashback_begin"
# A deferred transaction that turns to writing fails at once when another has written.
_WRITING: Final = "BEGIN IMMEDIATE"
_EXAMPLE: Final = tr('Write url = "sqlite:///subscribers/subscribers.db" under [store].')


Mark = Callable[[str], str]  #: an address' key to what cannot be turned back


def no_marks(_key: str) -> str:
    """Raise StoreError: without a secret, a mark could be guessed back into the address."""
    raise StoreError(
        tr("There is no key with which to mark who is erased."),
        hint=tr("Make one: flashback init in the workspace."),
    )


@dataclass(frozen=True, slots=True)
class Store:
    """Transactions on one database. Close it when done."""

    engine: Engine
    place: str  #: for people: a path, or a server without its password
    reading: Engine  #: the same database, for transactions that only read
    mark_of: Mark  #: of an address' key, for who was erased

    @property
    def one_machine(self) -> bool:
        """Whether every program that uses this store runs on this machine."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that may write; durable on exit, or nothing of it on an error."""
        with door(self.place), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One transaction that sees the store as it was at one moment."""
        with door(self.place), self.reading.begin() as connection:
            yield connection

    @contextmanager
    def sit(self) -> Iterator["Sitting"]:
        """One connection for several transactions, closed afterwards with all that is temporary."""
        with door(self.place), self.engine.connect() as connection:
            connection.detach()
            yield Sitting(connection, self.place)

    def forget_log(self) -> None:
        """Empty SQLite's write-ahead log, where what was erased may stand for a while.

        Where others read all the time, the last of them to close does it.
        """
        if not self.one_machine:
            return
        with door(self.place), self.engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.execute(f"PRAGMA busy_timeout = {_TRY_SECONDS * 1000:.0f}")
            try:
                _empty_log(driver)
            finally:
                driver.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000:.0f}")

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()


@dataclass(frozen=True, slots=True)
class Sitting:
    """Transactions on one connection, one after the other: temporary tables outlive them."""

    connection: Connection
    place: str

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One transaction that writes nothing but what is temporary."""
        with self._begun("BEGIN") as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that may write; durable on exit, or nothing of it on an error."""
        with self._begun(_WRITING) as connection:
            yield connection

    @contextmanager
    def _begun(self, statement: str) -> Iterator[Connection]:
        connection = self.connection.execution_options(**{_BEGIN: statement})
        with door(self.place), connection.begin():
            yield connection


def open_store(url: str, *, folder: Path, mark_of: Mark = no_marks) -> Store:
    """Open the store, making it where there is none. Raises StoreError with the way out.

    A relative SQLite path starts at ``folder``, the workspace. ``mark_of`` makes of an address'
    key what is kept of who was erased; without it nobody can be erased.
    """
    parsed = _parse(url)
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        store = _sqlite(_file_of(parsed, folder), mark_of)
    elif backend == "postgresql":
        store = _postgresql(parsed, mark_of)
    else:
        raise StoreError(
            tr("A store is kept in SQLite or PostgreSQL, not in {name}.", name=backend),
            hint=_EXAMPLE,
        )
    try:
        if store.one_machine:
            _use_wal(store)
        with door(store.place):
            schema.upgrade(store.engine, reading=store.reading, place=store.place)
    except BaseException:
        store.close()
        raise
    return store


def sqlite_file(url: str, *, folder: Path) -> Path | None:
    """The file of a store in SQLite; None for one on a server. Raises StoreError."""
    parsed = _parse(url)
    return _file_of(parsed, folder) if parsed.get_backend_name() == "sqlite" else None


def _parse(url: str) -> URL:
    try:
        return make_url(url.replace("postgres://", "postgresql://", 1))
    except (SQLAlchemyError, ValueError):
        # Not "from error": its words repeat the URL, and with it the password.
        raise StoreError(
            tr("The store's url cannot be understood."),
            hint=_EXAMPLE,
        ) from None


def _file_of(url: URL, folder: Path) -> Path:
    name = url.database or ""
    if name in ("", ":memory:") or name.startswith("file:"):
        raise StoreError(
            tr("The store must be a file on disk, or what was sent would be forgotten."),
            hint=_EXAMPLE,
        )
    return folder.resolve() / name


def _sqlite(path: Path, mark_of: Mark) -> Store:
    _make_private(path)
    engine = create_engine(
        URL.create("sqlite+pysqlite", database=str(path)),
        connect_args={"timeout": _BUSY_SECONDS},
        hide_parameters=True,
        json_serializer=schema.compact_json,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    reading = engine.execution_options(**{_BEGIN: "BEGIN"})
    return Store(engine, str(path), reading, mark_of)


def _make_private(path: Path) -> None:
    """Make folder and file for the owner alone; SQLite gives -wal and -shm the file's rights."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _touch(path)
    except OSError as error:
        raise StoreError(
            tr("{place} cannot be opened for writing: {reason}", place=path, reason=error.strerror),
            hint=tr("Check the rights of the file and of its folder, or url under [store]."),
        ) from error


def _touch(path: Path) -> None:
    """Make the file where there is none.

    One that is there is never opened here: closing it would drop all locks that this process has
    on it (sqlite.org/howtocorrupt.html, section 2.2).
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        if not os.access(path, os.R_OK | os.W_OK):
            is_read_only = os.statvfs(path).f_flag & os.ST_RDONLY
            code = errno.EROFS if is_read_only else errno.EACCES
            raise OSError(code, os.strerror(code)) from None


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver must not begin transactions of its own: _begin_sqlite does.
    connection.isolation_level = None
    for pragma in (
        "synchronous = FULL",
        "foreign_keys = ON",
        "cache_size = -8192",  # KiB; a larger one gains nothing and costs memory per sender
        "secure_delete = FAST",  # who is erased shall not be found in the file
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    statement = connection.get_execution_options().get(_BEGIN, _WRITING)
    connection.exec_driver_sql(statement)


def _empty_log(driver: sqlite3.Connection) -> None:
    """Try until no reader stands in the way, with pauses in which others may write."""
    patience = time.monotonic() + _LOG_SECONDS
    while True:
        is_busy, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not is_busy or time.monotonic() > patience:
            return
        time.sleep(_TRY_SECONDS)


def _use_wal(store: Store) -> None:
    """Switch to WAL once; the file remembers it. Two programs may try at the same moment."""
    patience = time.monotonic() + _BUSY_SECONDS
    with door(store.place):
        while True:
            try:
                _switch(store.engine)
            except OperationalError as error:
                # SQLite does not wait here, whatever its busy timeout.
                busy = getattr(error.orig, "sqlite_errorname", "").startswith("SQLITE_BUSY")
                if not busy or time.monotonic() > patience:
                    raise
                time.sleep(0.02)
            else:
                return


def _switch(engine: Engine) -> None:
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        try:
            driver.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.Error as error:
            raise OperationalError("PRAGMA journal_mode", None, error) from error


def _postgresql(url: URL, mark_of: Mark) -> Store:
    place = URL.create(
        "postgresql", username=url.username, host=url.host, port=url.port, database=url.database
    ).render_as_string()
    try:
        with door(place):
            engine = create_engine(
                url.set(drivername="postgresql+psycopg"),
                connect_args={} if "connect_timeout" in url.query else _PATIENCE,
                hide_parameters=True,
                pool_pre_ping=True,
                json_serializer=schema.compact_json,
            )
    except ModuleNotFoundError as error:
        raise StoreError(
            tr("PostgreSQL's driver is not installed."),
            hint=tr("Install it: {command}", command=resources.installs("postgresql")),
        ) from error
    event.listen(engine, "connect", _prepare_postgresql)
    reading = engine.execution_options(isolation_level="REPEATABLE READ")
    return Store(engine, place, reading, mark_of)


_PATIENCE: Final = {"connect_timeout": _CONNECT_SECONDS}


def _prepare_postgresql(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        # What is promised to be durable must be; a stricter setting than "on" is left alone.
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', false)"
            " WHERE current_setting('synchronous_commit') = 'off'"
        )
        cursor.execute("SET lock_timeout = '30s'")
        # A sender that falls silent within a transaction keeps its locks no longer than this.
        cursor.execute("SET idle_in_transaction_session_timeout = '20s'")
    connection.commit()

"""Opening the store: made privately, migrated by whoever comes first, and errors in plain words."""

import os
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text

from flashback.errors import StoreError
from flashback.model import Account, DeliveryState, SuppressionReason
from flashback.store import Store, Subscribers, open_store, schema
from flashback.store.indices import metadata

from fixtures.postgresql import PostgresqlServer
from fixtures.stores import NOW, edition, ledger_of, mailing, opened, plan, readers, small_disk

__all__ = ["small_disk"]

# PT012 below: what fails is the transaction as a whole, so it stands inside ``raises``.
EXAMPLE = "sqlite:///subscribers/subscribers.db"


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An empty store."""
    store = opened(store_url)
    yield store
    store.close()


class TestSchema:
    """The program itself keeps the schema up to date."""

    def test_migrations_make_the_tables(self, store: Store) -> None:
        """What the migrations build is what the program believes to be there."""
        options = {"version_table": schema.VERSION_TABLE, "compare_server_default": True}
        with store.read() as connection:
            context = MigrationContext.configure(connection, opts=options)
            assert compare_metadata(context, metadata) == []

    def test_migrations_make_the_checks(
        self, store: Store, request: pytest.FixtureRequest, tmp_path: Path
    ) -> None:
        """So do the constraints, which Alembic does not compare."""
        if store.one_machine:
            other = create_engine(f"sqlite:///{tmp_path}/other.db")
        else:
            other = create_engine(request.getfixturevalue("postgresql_server").new_database())
        metadata.create_all(other)
        with store.read() as migrated, other.begin() as created:
            assert _constraints(migrated) == _constraints(created)
        other.dispose()

    def test_the_head_is_known(self) -> None:
        """The newest revision is the one the program asks for; revisions compare as texts."""
        script = ScriptDirectory(str(schema.MIGRATIONS))
        assert script.get_current_head() == schema.HEAD
        revisions = [revision.revision for revision in script.walk_revisions()]
        assert revisions == sorted(revisions, reverse=True)

    def test_a_second_time_costs_nothing(self, store: Store, store_url: str) -> None:
        """Alembic is not even loaded when there is nothing to do, and the data stay."""
        readers(store, 1)
        program = (
            "import sys; from pathlib import Path; from flashback.store import open_store;"
            f"open_store({store_url!r}, folder=Path()).close(); print('alembic' in sys.modules)"
        )
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", program],
            env=os.environ | {"PYTHONPATH": "src"},
            check=True,
            capture_output=True,
            text=True,
        )
        assert done.stdout == "False\n"
        assert len(Subscribers(store).list()) == 1

    def test_all_at_once(self, store_url: str) -> None:
        """Programs that open a new store at the same moment all find it ready."""
        gate = threading.Barrier(6)
        failures: list[BaseException] = []

        def open_it() -> None:
            gate.wait()
            try:
                opened(store_url).close()
            except BaseException as error:  # noqa: BLE001  # told by the test's own thread
                failures.append(error)

        threads = [threading.Thread(target=open_it) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []

    def test_a_newer_schema_is_left_alone(self, store: Store, store_url: str) -> None:
        """An older program does not touch what it does not know."""
        with store.write() as connection:
            connection.execute(text(f"UPDATE {schema.VERSION_TABLE} SET version_num = '9999'"))
        with pytest.raises(StoreError, match=r"newer flashback\. Install the newer version"):
            opened(store_url)

    def test_half_a_migration_is_none(
        self, store_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A migration that fails leaves the database as it was; the next one succeeds."""
        migrate = schema._migrate

        def fails(connection: Connection) -> None:
            migrate(connection)
            connection.execute(text("SELECT * FROM nowhere"))

        monkeypatch.setattr(schema, "_migrate", fails)
        with pytest.raises(StoreError, match="nowhere"):
            opened(store_url)
        monkeypatch.undo()
        opened(store_url).close()

    def test_transactions_are_whole(self, store: Store) -> None:
        """What fails in the middle was never there."""
        with pytest.raises(StoreError), store.write() as connection:  # noqa: PT012
            connection.execute(
                text("INSERT INTO suppressions VALUES ('a@example.org', 'manual', :at, '')"),
                {"at": NOW if not store.one_machine else "2011-09-02 09:00:00.000000"},
            )
            connection.execute(text("SELECT * FROM nowhere"))
        assert Subscribers(store).suppression("a@example.org") is None

    def test_words_are_checked(self, store: Store) -> None:
        """The database itself refuses a state nobody knows."""
        mailing(store, 1)
        with (
            pytest.raises(StoreError, match=r"(?i)check constraint"),
            store.write() as connection,
        ):
            connection.execute(text("UPDATE deliveries SET state = 'sent'"))

    def test_a_time_without_a_zone_is_refused(self, store: Store) -> None:
        """Nobody knows which hour it means."""
        with pytest.raises(StoreError, match="without a zone"):
            Subscribers(store).suppress(
                "a@example.org", SuppressionReason.MANUAL, at=NOW.replace(tzinfo=None)
            )


def _constraints(connection: Connection) -> list[str]:
    if connection.dialect.name == "sqlite":
        statement = "SELECT sql FROM sqlite_master WHERE sql LIKE '%TABLE%' AND name NOT LIKE :own"
        tables = connection.scalars(text(statement), {"own": schema.VERSION_TABLE})
        # What lies between the outer parentheses, parted by the commas outside the inner ones.
        clauses = [
            clause
            for table in tables
            for clause in re.split(r",(?![^(]*\))", table[table.index("(") + 1 : -1])
        ]
        return sorted(" ".join(clause.split()) for clause in clauses)
    statement = (
        "SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)"
        " FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
        " AND conrelid <> COALESCE(to_regclass(:own), 0)"
    )
    return sorted(connection.scalars(text(statement), {"own": schema.VERSION_TABLE}))


class TestSqlite:
    """The default: one private file in the workspace."""

    def test_the_file_is_private(self, tmp_path: Path) -> None:
        """Nobody but the owner reads addresses, not even for a moment, under any umask."""
        before = os.umask(0)
        try:
            store = open_store(EXAMPLE, folder=tmp_path)
            readers(store, 1)
        finally:
            os.umask(before)
        folder = tmp_path / "subscribers"
        modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()}
        store.close()
        assert modes == {
            "subscribers.db": 0o600,
            "subscribers.db-wal": 0o600,
            "subscribers.db-shm": 0o600,
        }
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700

    def test_it_is_set_up_for_durability(self, tmp_path: Path) -> None:
        """WAL, synchronous=FULL, foreign keys, patience, a small cache: on every connection."""
        store = open_store(EXAMPLE, folder=tmp_path)
        wanted = {
            "journal_mode": "wal",
            "synchronous": 2,
            "foreign_keys": 1,
            "busy_timeout": 30_000,
            "cache_size": -8192,
        }
        with store.write() as one, store.read() as two:
            for connection in (one, two):
                found = {n: connection.scalar(text(f"PRAGMA {n}")) for n in wanted}
                assert found == wanted
        store.close()

    def test_an_absolute_path_stays(self, tmp_path: Path) -> None:
        """Only a relative path starts at the workspace."""
        store = open_store(f"sqlite:///{tmp_path}/there.db", folder=Path("/nonexistent"))
        assert store.place == f"{tmp_path}/there.db"
        store.close()

    @pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?uri=1"])
    def test_memory_is_no_store(self, url: str, tmp_path: Path) -> None:
        """What was sent must not be forgotten."""
        with pytest.raises(StoreError, match="must be a file"):
            open_store(url, folder=tmp_path)

    def test_other_files_are_refused(self, tmp_path: Path) -> None:
        """Neither a text nor another program's database is taken for a store, or changed."""
        (tmp_path / "text.db").write_text("a list of people, perhaps\n" * 100)
        with pytest.raises(StoreError, match=r"text\.db is not a store.*Check url"):
            open_store("sqlite:///text.db", folder=tmp_path)
        with sqlite3.connect(tmp_path / "other.db") as other:
            other.execute("CREATE TABLE songs (name)")
        other.close()
        with pytest.raises(StoreError, match=r"other\.db is the database of another program"):
            open_store("sqlite:///other.db", folder=tmp_path)

    def test_a_folder_is_no_file(self, tmp_path: Path) -> None:
        """Folders, and files where folders should be, are named."""
        (tmp_path / "subscribers").write_text("")
        with pytest.raises(StoreError, match=r"subscribers/subscribers\.db cannot be opened"):
            open_store(EXAMPLE, folder=tmp_path)
        with pytest.raises(StoreError, match="cannot be opened"):
            open_store("sqlite:///.", folder=tmp_path)

    def test_a_damaged_file_is_told(self, tmp_path: Path) -> None:
        """Damage is no traceback."""
        store = open_store(EXAMPLE, folder=tmp_path)
        readers(store, 50)
        store.close()
        file = tmp_path / "subscribers" / "subscribers.db"
        octets = bytearray(file.read_bytes())
        octets[4096:] = b"\xff" * len(octets[4096:])
        file.write_bytes(octets)
        with pytest.raises(StoreError, match="is damaged"):
            Subscribers(open_store(EXAMPLE, folder=tmp_path)).list()

    def test_locked_for_too_long(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Another program that never ends is waited for, then told."""
        from flashback.store import engine  # noqa: PLC0415

        open_store(EXAMPLE, folder=tmp_path).close()
        monkeypatch.setattr(engine, "_BUSY_SECONDS", 0.1)
        other = sqlite3.connect(tmp_path / "subscribers" / "subscribers.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        store = open_store(EXAMPLE, folder=tmp_path)
        with pytest.raises(StoreError, match=r"Another program keeps .* locked.*Wait"):
            readers(store, 1)
        other.execute("ROLLBACK")
        other.close()
        readers(store, 1)
        store.close()

    @pytest.mark.parametrize("how", ["IMMEDIATE", "EXCLUSIVE"])
    def test_locked_at_the_door(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
    ) -> None:
        """A new file that another program holds for itself is waited for, then told."""
        from flashback.store import engine  # noqa: PLC0415

        monkeypatch.setattr(engine, "_BUSY_SECONDS", 0.1)
        other = sqlite3.connect(tmp_path / "new.db", isolation_level=None)
        other.execute(f"BEGIN {how}")
        other.execute("CREATE TABLE x (y)")
        with pytest.raises(StoreError, match="locked"):
            open_store("sqlite:///new.db", folder=tmp_path)
        other.close()

    def test_a_copy_between_two_writes_is_a_store(self, tmp_path: Path) -> None:
        """After a loss of power the files hold every transaction that ended, and no other."""
        store = open_store("sqlite:///a/store.db", folder=tmp_path)
        ledger, started = mailing(store, 3)
        for step in range(3):
            (claim,) = ledger.claim(started.id, owner="me", limit=1, now=NOW)
            ledger.note([claim], now=NOW)
            shutil.copytree(tmp_path / "a", tmp_path / f"b{step}")
            (tmp_path / f"b{step}" / "store.db-shm").unlink()  # not durable, rebuilt from the WAL
            copy = open_store(f"sqlite:///b{step}/store.db", folder=tmp_path)
            survivor = ledger_of(copy)
            survivor.recover(started.id, now=NOW.replace(hour=10))
            counts = {DeliveryState.IN_DOUBT: step + 1, DeliveryState.PLANNED: 2 - step}
            found = survivor.account(started.id).counts
            assert {k: v for k, v in counts.items() if v} == found
            copy.close()
        store.close()


class TestDisk:
    """When the disk says no, the store says so, and nothing is half-written."""

    def test_full(self, small_disk: Path) -> None:
        """A mailing that does not fit is not there at all; once there is room, it is."""
        store = open_store(EXAMPLE, folder=small_disk)
        readers(store, 2)
        big = plan(editions=(edition("fr", words="x" * 900_000),))
        ledger = ledger_of(store)
        with pytest.raises(StoreError, match=r"disk is full.*Make room"):
            ledger.open(big, NOW)
        assert ledger.mailings() == ()
        mailing = ledger.open(plan(), NOW)
        assert ledger.account(mailing.id) == Account({DeliveryState.PLANNED: 2})
        store.close()

    def test_full_from_the_start(self, small_disk: Path) -> None:
        """A store that cannot even be made leaves no half schema."""
        filler = small_disk / "filler"
        filler.write_bytes(b"\0" * 1_000_000)
        with pytest.raises(StoreError, match="disk"):
            open_store(EXAMPLE, folder=small_disk)
        filler.unlink()
        open_store(EXAMPLE, folder=small_disk).close()

    def test_read_only(self, small_disk: Path) -> None:
        """A disk that turned read-only is named, before and after opening."""
        store = open_store(EXAMPLE, folder=small_disk)
        store.close()
        subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
        with pytest.raises(StoreError, match=r"Read-only.*Check the rights"):
            open_store(EXAMPLE, folder=small_disk)
        with pytest.raises(StoreError, match="Read-only"):
            open_store("sqlite:///new/store.db", folder=small_disk)
        with pytest.raises(StoreError, match=r"cannot be (opened|written)|not written"):
            readers(store, 1)
        subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
        readers(store, 1)
        store.close()

    def test_full_or_read_only_by_decree(self, tmp_path: Path) -> None:
        """The same, where no disk can be made: SQLite itself is told to refuse."""
        store = open_store(EXAMPLE, folder=tmp_path)
        readers(store, 1)
        with store.read() as connection:
            pages = connection.scalar(text("PRAGMA page_count"))
        with pytest.raises(StoreError, match="full"), store.write() as connection:  # noqa: PT012
            connection.execute(text(f"PRAGMA max_page_count = {pages}"))
            connection.execute(
                text("INSERT INTO suppressions VALUES (:k, 'manual', '2011', '')"),
                {"k": "x" * 100_000},
            )
        store.close()
        store = open_store(EXAMPLE, folder=tmp_path)
        with pytest.raises(StoreError, match="not written"), store.write() as connection:  # noqa: PT012
            connection.execute(text("PRAGMA query_only = ON"))
            connection.execute(text("DELETE FROM subscribers"))
        store.close()
        store = open_store(EXAMPLE, folder=tmp_path)
        assert len(Subscribers(store).list()) == 1
        store.close()


class TestUrls:
    """A wrong address of the store is told without its password."""

    @pytest.mark.parametrize(
        ("url", "told"),
        [
            ("oracle://u:secret@db.example.org/x", "SQLite or PostgreSQL, not in oracle"),
            ("secret", "cannot be understood"),
            ("postgresql://u:secret@[::/x", "cannot be understood"),
        ],
    )
    def test_wrong_ones(self, url: str, told: str, tmp_path: Path) -> None:
        """Each says what to write instead."""
        with pytest.raises(StoreError, match=told) as caught:
            open_store(url, folder=tmp_path)
        assert "secret" not in str(caught.value)
        assert "sqlite:///subscribers" in str(caught.value)

    def test_the_driver_is_an_extra(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without psycopg, the sentence names the extra to install."""
        monkeypatch.setitem(sys.modules, "psycopg", None)
        with pytest.raises(StoreError, match=r"pip install 'psycopg\[binary\]'"):
            open_store("postgres://db.example.org/flashback", folder=tmp_path)

    def test_nobody_listens(self, tmp_path: Path) -> None:
        """A server that is not there is named, without the password."""
        with pytest.raises(StoreError, match=r"127\.0\.0\.1:1/x cannot be reached") as caught:
            open_store("postgresql://u:secret@127.0.0.1:1/x?connect_timeout=2", folder=tmp_path)
        assert "secret" not in str(caught.value)


@pytest.mark.postgresql
class TestPostgresql:
    """What a server says is told in plain words."""

    def test_wrong_password_and_database(
        self, postgresql_server: PostgresqlServer, postgresql_url: str, tmp_path: Path
    ) -> None:
        """Who may not come in is told so; the password is never shown."""
        unknown = postgresql_url.rpartition("/")[0] + "/nowhere"
        with pytest.raises(StoreError, match=r"no such database.*createdb"):
            open_store(unknown, folder=tmp_path)
        hba = postgresql_server.folder / "data" / "pg_hba.conf"
        kept = hba.read_text()
        try:
            hba.write_text("host all guarded 127.0.0.1/32 scram-sha-256\n" + kept)
            postgresql_server.sql("CREATE ROLE guarded LOGIN PASSWORD 'right'")
            postgresql_server.sql("SELECT pg_reload_conf()")
            guarded = postgresql_url.replace("postgres@", "guarded:secret@")
            with pytest.raises(StoreError, match="refuses the user or the password") as caught:
                open_store(guarded, folder=tmp_path)
        finally:
            hba.write_text(kept)
            postgresql_server.sql("SELECT pg_reload_conf()")
            postgresql_server.sql("DROP ROLE guarded")
        assert "secret" not in str(caught.value)

    def test_no_right_to_make_tables(
        self, postgresql_server: PostgresqlServer, postgresql_url: str, tmp_path: Path
    ) -> None:
        """A user without rights learns whom to ask."""
        postgresql_server.sql("CREATE ROLE guest LOGIN")
        with pytest.raises(StoreError, match=r"may not be written by this user.*Ask"):
            open_store(postgresql_url.replace("postgres@", "guest@"), folder=tmp_path)
        postgresql_server.sql("DROP ROLE guest")

    def test_a_session_that_is_ended(
        self, postgresql_server: PostgresqlServer, postgresql_url: str
    ) -> None:
        """A server that goes away in mid-transaction is told; the next transaction connects."""
        store = opened(postgresql_url)
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'"
        with pytest.raises(StoreError, match="no work now"), store.write() as connection:  # noqa: PT012
            postgresql_server.sql(end.format(postgresql_url.rpartition("/")[2]))
            connection.execute(text("SELECT 1"))
        readers(store, 1)
        store.close()

    def test_durable_whatever_the_server_says(
        self, postgresql_server: PostgresqlServer, postgresql_url: str
    ) -> None:
        """synchronous_commit is turned on where it is off, and left alone where it is stricter."""
        name = postgresql_url.rpartition("/")[2]
        found: list[Any] = []
        for setting in ("off", "remote_apply"):
            postgresql_server.sql(f"ALTER DATABASE {name} SET synchronous_commit = {setting}")
            store = opened(postgresql_url)
            with store.write() as connection:
                found.append(connection.scalar(text("SHOW synchronous_commit")))
            store.close()
        assert found == ["on", "remote_apply"]

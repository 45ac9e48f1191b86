"""Faults of the store under a running mailing: locked, full, failing, stopped.

Each cell ends with an account that adds up, in which everything that the server took is accepted or
in doubt, and with a resume after which everybody has one copy. The store alone puts nobody in
doubt: what the relay answered stands in the journal.
"""

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from fixtures.cells import DONE, FAILED, LINES, UNFINISHED, WAY_ON, WINDOW, Cell, hurried
from fixtures.disks import small_disk
from fixtures.restarts import Restartable
from fixtures.stages import Stage, staged

pytestmark = pytest.mark.slow


@contextlib.contextmanager
def locked(cell: Cell) -> Iterator[None]:
    """Another program is writing into the store, for as long as this is entered."""
    if cell.url.startswith("sqlite:///"):
        path = cell.store_url.removeprefix("sqlite:///")
        with contextlib.closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")
        return
    with psycopg.connect(cell.url.replace("+psycopg", "")) as server:
        server.execute("LOCK TABLE deliveries IN EXCLUSIVE MODE")
        yield
        server.rollback()


@pytest.mark.parametrize("seconds", [2, 8])
def test_locked_for_a_while(on_each: Stage, seconds: int) -> None:
    """A lock is waited for, also one that lasts longer than SQLite itself would wait."""
    cell = on_each.cell()
    sender = cell.send(environment=hurried())
    cell.wait_for(10)
    with locked(cell):
        time.sleep(seconds / 10)
    cell.end(sender, DONE)
    cell.resume()


def test_locked_for_good(on_sqlite: Stage) -> None:
    """The sender ends, says who is in the way, and what it knew is not lost."""
    cell = on_sqlite.cell()
    sender = cell.send(environment=hurried(30))
    cell.wait_for(10)
    with locked(cell):
        told = "Another program keeps"
        cell.end(sender, UNFINISHED, told, WAY_ON)
        cell.end(cell.start("resume", environment=hurried(30)), FAILED, told)
    cell.resume()


def test_the_disk_of_the_database_is_full(on_sqlite: Stage) -> None:
    """Outcomes that the database cannot take are in the journal, and settled once there is room."""
    cell = on_sqlite.cell(store="store")
    with small_disk(cell.folder / "store") as disk:
        sender = cell.send(environment=hurried())
        cell.wait_for(10)
        disk.fill()
        told = "The disk is full"
        cell.end(sender, UNFINISHED, told, "Make room", WAY_ON, can_read=False)
        disk.empty()
        cell.hold()
        cell.resume()


def test_the_disk_of_the_journal_is_full(on_sqlite: Stage) -> None:
    """Without a note no dot leaves; the dots that had left are all that may be in doubt."""
    cell = on_sqlite.cell(store="store")
    with small_disk(cell.folder / "subscribers") as disk:
        sender = cell.send(environment=hurried())
        cell.wait_for(10)
        disk.fill()
        cell.end(sender, UNFINISHED, "The journal", "No space left on device", WAY_ON)
        disk.fill()  # its own journal was removed
        taken = len(cell.accepted())
        cell.end(cell.start("resume", environment=hurried()), None, "No space left on device")
        assert len(cell.accepted()) == taken, "something left without a note"
        disk.empty()
        cell.resume(doubts=LINES)


def test_the_disk_fails(on_sqlite: Stage) -> None:
    """A disk that turns read-only ends the sender.

    What it forgot of what it was given is forgotten as by a power cut: then all that was claimed is
    in doubt.
    """
    cell = on_sqlite.cell()
    with small_disk(cell.folder / "subscribers") as disk:
        sender = cell.send(environment=hurried())
        cell.wait_for(10)
        disk.fail()
        cell.end(sender, UNFINISHED, WAY_ON, can_read=False)
        taken = len(cell.accepted())
        cell.end(cell.start("resume"), FAILED, "read but not written", can_read=False)
        assert len(cell.accepted()) == taken
        disk.mend()
        cell.resume(doubts=WINDOW)


@pytest.fixture
def on_own_server(
    restartable_postgresql: Restartable, cell_models: Path, tmp_path: Path
) -> Iterator[Stage]:
    """Cells on a server that may be stopped; it runs again when they end."""
    with staged(cell_models, tmp_path, restartable_postgresql.server) as stage:
        yield stage
    restartable_postgresql.start()


@pytest.mark.postgresql
@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_postgresql_restarts(
    on_own_server: Stage, restartable_postgresql: Restartable, mode: str
) -> None:
    """A server that comes back within seconds is waited for; staff need not even know."""
    cell = on_own_server.cell()
    sender = cell.send()
    cell.wait_for(10)
    restartable_postgresql.restart(mode)
    cell.end(sender, DONE)
    cell.resume()


@pytest.mark.postgresql
def test_postgresql_is_gone(on_own_server: Stage, restartable_postgresql: Restartable) -> None:
    """A server that stays away ends the sender, with the way on; later nobody is in doubt."""
    cell = on_own_server.cell()
    sender = cell.send(environment=hurried())
    cell.wait_for(10)
    restartable_postgresql.stop("immediate")
    ended = cell.end(sender, UNFINISHED, WAY_ON, can_read=False)
    assert ended.err.count("✗") == 1
    cell.end(cell.start("resume"), FAILED, "cannot be reached", can_read=False)
    restartable_postgresql.start()
    cell.resume()

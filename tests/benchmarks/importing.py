# ruff: noqa: T201 - a program whose tables are its point
"""What it costs to bring a list in: beside SQLite alone, and in memory.

    python tests/benchmarks/importing.py [--people 1000000] [--rounds 3]

The list is a CSV file of confirmed people with a consent and a field of their own. Ours is a whole
``flashback subscribers import --yes``: every row read, validated, planned, shown and written. Bare
is one ``executemany`` for each table of the very same rows, already normalised, into the same
tables with the same indices and pragmas, in one transaction; making the rows is not counted. Taken
by turns; the ratio is the median of the ratios within each pair.
"""

import argparse
import os
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from flashback.resources import example_settings
from flashback.store import open_store
from flashback.tokens import SigningKey, erasure_mark

#: Goals: how many times the bare insertion, and the peak of memory in MB at any length.
GOAL, PEAK_GOAL = 2.5, 150
TABLES: Final = ("subscribers", "consents")
HEAD: Final = "address,name,language,organisation,status,consent,agencies\n"
NAMES: Final = ("Nadia", "Amal", "Karim", "Youssef", "Sara", "Omar", "Leïla", "Hassan", "أمل")
ORGANISATIONS: Final = ("Banque 1", "Amana", "Fondation 2", "Centre 3", "")


def write_list(path: Path, people: int) -> None:
    """A list of so many invented people, the same every time."""
    chance = random.Random(7)
    with path.open("w", encoding="utf-8") as file:
        file.write(HEAD)
        for number in range(people):
            name, domain = chance.choice(NAMES), f"d{chance.randrange(3000)}.example"
            file.write(
                f"r{number}.{chance.randrange(99)}@{domain},{name} Bennani,"
                f"{chance.choice(('fr', 'ar', 'en'))},{chance.choice(ORGANISATIONS)},confirmed,"
                f"I want the press review,{chance.randrange(40)}\n"
            )


def workspace(folder: Path) -> Path:
    """An empty newsletter; its store."""
    folder.mkdir()
    shutil.copy(example_settings(), folder / "flashback.toml")
    store = folder / "subscribers" / "subscribers.db"
    open_store(
        f"sqlite:///{store}",
        folder=folder,
        mark_of=lambda key: erasure_mark(SigningKey(b"a key for the benchmark"), key),
    ).close()
    return store


def ours(folder: Path, roster: Path) -> tuple[float, float]:
    """Seconds and peak megabytes of a whole import."""
    command = [sys.executable, "-m", "flashback", "-C", str(folder), "subscribers", "import"]
    began = time.perf_counter()
    with subprocess.Popen([*command, str(roster), "--yes"], stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the import failed with {process.returncode}")
    return time.perf_counter() - began, used.ru_maxrss / 1024


def rows_of(store: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What an import wrote: the very rows that the bare insertion writes again."""
    with sqlite3.connect(store) as connection:
        return {
            name: connection.execute(f"SELECT * FROM {name} ORDER BY id").fetchall()
            for name in TABLES
        }


def bare(imported: Path, store: Path) -> float:
    """Seconds of SQLite alone, in a process of its own, which holds all the rows."""
    command = [sys.executable, __file__, "--bare", str(imported), str(store)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def write_bare(imported: Path, store: Path) -> float:
    """Seconds that the rows of one store take to be written into another."""
    rows = rows_of(imported)
    connection = sqlite3.connect(store, isolation_level=None)
    for pragma in _pragmas():
        connection.execute(f"PRAGMA {pragma}")
    began = time.perf_counter()
    connection.execute("BEGIN IMMEDIATE")
    for name in TABLES:
        marks = ", ".join("?" * len(rows[name][0]))
        connection.executemany(f"INSERT INTO {name} VALUES ({marks})", rows[name])
    connection.execute("COMMIT")
    found = time.perf_counter() - began
    connection.close()
    return found


def _pragmas() -> Iterator[str]:
    """As the store sets them."""
    yield from ("synchronous = FULL", "foreign_keys = ON", "cache_size = -8192")
    yield "secure_delete = FAST"


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bare", nargs=2, type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.bare:
        print(write_bare(*given.bare))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"memory while a list comes in (goal: {PEAK_GOAL} MB at any length)")
        for people in (given.people // 100, given.people // 10):
            roster = folder / f"{people}.csv"
            write_list(roster, people)
            workspace(folder / str(people))
            print(f"  {people:>9,} rows  {ours(folder / str(people), roster)[1]:5.0f} MB")
        roster = folder / "list.csv"
        write_list(roster, given.people)
        pairs, peak = [], 0.0
        for number in range(given.rounds):
            store = workspace(folder / f"ours{number}")
            seconds, megabytes = ours(store.parent.parent, roster)
            peak = max(peak, megabytes)
            again = workspace(folder / f"bare{number}")
            pairs.append((seconds, bare(store, again)))
            for done in (store, again):
                shutil.rmtree(done.parent.parent)
        print(f"  {given.people:>9,} rows  {peak:5.0f} MB")
    print(f"time for {given.people:,} rows (goal: {GOAL} times the bare insertion)")
    print(f"  flashback subscribers import --yes  {statistics.median(o for o, _ in pairs):6.2f} s")
    print(f"  sqlite3 executemany                 {statistics.median(b for _, b in pairs):6.2f} s")
    print(f"  ratio  {statistics.median(o / b for o, b in pairs):.2f}   ({os.cpu_count()} cores)")


if __name__ == "__main__":
    main()

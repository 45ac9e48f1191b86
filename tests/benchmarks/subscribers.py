# ruff: noqa: T201 - a program whose tables are its point
"""What a crowd costs: its segments counted, its windows claimed, its commands started.

    make bench                                       everything, a million people
    python tests/benchmarks/subscribers.py counts --people 100000

Rounds are interleaved, so that all meet the same weather; a figure is the median of the rounds, a
ratio the median of the ratios within them. How to read the tables: docs/speed.md.
"""

import argparse
import itertools
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

sys.path.insert(0, str(Path(__file__).parents[1]))

from flashback.store import SqlLedger, Store, Subscribers, compile_segment, open_store

from fixtures import crowds
from fixtures.newsletters import Newsletter
from fixtures.stores import NOW, plan

Name = TypeVar("Name")
IMPORTS: Final = "import click, sqlalchemy"
#: How many times the imports a command may take, and the first window a later one.
COMMAND_GOAL, WINDOW_GOAL = 1.4, 1.5
WINDOW: Final = 500
#: What an index counts, and what has to look at every row.
BY_INDEX: Final = (
    'language = "en"',
    'language = "fr"',
    'organisation = "Amana 7"',
    'status = "unsubscribed"',
    "joined = 2011-09-01",
    "joined >= 2011-08-01",
)
BY_ROW: Final = (
    'organisation = "Amana 7" and language = "ar"',
    'language = "en" and tag has "presse"',
    'tag has "presse"',
    'field.city = "Rabat"',
)


@dataclass(frozen=True, slots=True)
class Library:
    """Newsletters with so many people, made once."""

    folder: Path

    def newsletter(self, people: int) -> Path:
        """The workspace with a crowd of that size."""
        place = self.folder / f"crowd-{people}"
        if not place.exists():
            # Looking at it makes the store.
            Newsletter.made(place).run("subscribers", "list", expect=0)
            crowds.fill(file_of(place), people)
        return place

    def copy(self, people: int, name: str) -> Path:
        """Another workspace with the same crowd, to change."""
        return Path(shutil.copytree(self.newsletter(people), self.folder / name))


def file_of(workspace: Path) -> Path:
    """Where a newsletter's people are kept."""
    return workspace / "subscribers" / "subscribers.db"


@contextmanager
def opened(workspace: Path) -> Iterator[Store]:
    """A newsletter's store."""
    with closing(open_store(f"sqlite:///{file_of(workspace)}", folder=workspace)) as store:
        yield store


def milliseconds(work: Callable[[], object]) -> float:
    """How long some work takes."""
    begun = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - begun)


def rounds(
    contenders: Mapping[Name, Callable[[], float]], count: int
) -> Mapping[Name, Sequence[float]]:
    """The figures of each contender, which takes its turn once in each round."""
    found: dict[Name, list[float]] = {name: [] for name in contenders}
    for _ in range(count):
        for name, contender in contenders.items():
            found[name].append(contender())
    return found


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios within the rounds."""
    return statistics.median(one / other for one, other in zip(ours, theirs, strict=True))


def counts(library: Library, chosen: argparse.Namespace) -> None:
    """How long ``subscribers count --segment`` looks, by the size of the crowd."""
    sizes = [chosen.people // 100, chosen.people // 10, chosen.people]
    with ExitStack() as stack:
        books = {
            size: Subscribers(stack.enter_context(opened(library.newsletter(size))))
            for size in sizes
        }
        print("\nCounting a segment, milliseconds, by how many people there are")
        print(f"  {'':<46}{'counted':>10}" + "".join(f"{size:>12,}" for size in sizes))
        for title, expressions in (("by an index", BY_INDEX), ("row by row", BY_ROW)):
            print(f"  {title}")
            for expression in expressions:
                condition = compile_segment(expression)
                counters = {size: partial(book.count, condition) for size, book in books.items()}
                found = rounds(
                    {size: partial(milliseconds, counter) for size, counter in counters.items()},
                    chosen.rounds,
                )
                figures = "".join(f"{statistics.median(each):>12.2f}" for each in found.values())
                number, _ = books[chosen.people].count(condition)
                print(f"    {expression:<44}{number:>10,}{figures}", flush=True)


def windows(library: Library, chosen: argparse.Namespace) -> None:
    """How long a sender waits for its next window, by how much of the mailing is done."""
    positions = [0, chosen.people // 2, chosen.people * 999 // 1000 - WINDOW]
    with ExitStack() as stack:
        contenders = {
            position: stack.enter_context(_claiming(library, chosen.people, position))
            for position in positions
        }
        found = rounds(contenders, chosen.rounds * 3)
    print(f"\nThe next window of {WINDOW} of {chosen.people:,} (goal: {WINDOW_GOAL} at most)")
    print(f"  {'after':>12}{'milliseconds':>15}{'ratio':>8}")
    for position, figures in found.items():
        middle, times = statistics.median(figures), ratio(figures, found[0])
        print(f"  {position:>12,}{middle:>15.2f}{times:>8.2f}", flush=True)


@contextmanager
def _claiming(library: Library, people: int, position: int) -> Iterator[Callable[[], float]]:
    """Claim a window of a mailing of which so many copies have left, and give it back."""
    place = library.copy(people, f"mailing-{position}")
    with closing(sqlite3.connect(file_of(place))) as file:
        file.execute("UPDATE subscribers SET status = 'confirmed'")
        file.execute("DELETE FROM suppressions")
        file.commit()
    with opened(place) as store, closing(SqlLedger(store, place / "journals")) as ledger:
        mailing = ledger.open(plan(), NOW)
        assert mailing.audience == people
        with store.write() as connection:
            connection.exec_driver_sql(
                "UPDATE deliveries SET state = 'accepted' WHERE id <= ?", (position,)
            )

        def claim() -> float:
            begun = time.perf_counter()
            claims = ledger.claim(mailing.id, owner="bench", limit=WINDOW, now=NOW)
            spent = 1000 * (time.perf_counter() - begun)
            assert [claim.delivery_id for claim in claims[:1]] == [position + 1]
            assert len(claims) == WINDOW
            ledger.release(claims)
            return spent

        claim()
        yield claim
    shutil.rmtree(place)


def commands(library: Library, chosen: argparse.Namespace) -> None:
    """A whole process each, beside one that only imports what it rests on."""
    folder = library.copy(chosen.people, "commands")
    numbers = itertools.count()

    def process(*arguments: str) -> float:
        command = [sys.executable, *arguments]
        return milliseconds(
            lambda: subprocess.run(command, check=True, capture_output=True, cwd=folder)
        )

    def ours(*arguments: str) -> float:
        return process("-m", "flashback", "subscribers", *arguments)

    contenders: dict[str, Callable[[], float]] = {
        IMPORTS: lambda: process("-c", IMPORTS),
        "subscribers list --limit 20": lambda: ours("list", "--limit", "20"),
        "subscribers add x@example.org": lambda: ours("add", f"x{next(numbers)}@example.org"),
    }
    for contender in contenders.values():
        contender()
    found = rounds(contenders, chosen.rounds * 3)
    print(f"\nA command, {chosen.people:,} people (goal: {COMMAND_GOAL} times the imports)")
    print(f"  {'':<40}{'milliseconds':>15}{'ratio':>8}")
    for name, figures in found.items():
        middle, times = statistics.median(figures), ratio(figures, found[IMPORTS])
        print(f"  {name:<40}{middle:>15.0f}{times:>8.2f}", flush=True)
    shutil.rmtree(folder)


#: Another part is one more function here.
PARTS: Final[Mapping[str, Callable[[Library, argparse.Namespace], None]]] = {
    "counts": counts,
    "windows": windows,
    "commands": commands,
}


def main() -> None:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(description="What a crowd costs.")
    parser.add_argument("parts", nargs="*", default=list(PARTS), metavar="PART", help=str([*PARTS]))
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    if unknown := {*chosen.parts} - {*PARTS}:
        parser.error(f"unknown parts: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory(prefix="fb-bench-", dir="/var/tmp") as folder:
        library = Library(Path(folder))
        begun = time.monotonic()
        for part in chosen.parts:
            PARTS[part](library, chosen)
        spent = time.monotonic() - begun
        print(f"\n{spent:.0f} seconds in all, {chosen.rounds} rounds, {os.cpu_count()} cores")


if __name__ == "__main__":
    main()

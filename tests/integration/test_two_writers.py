"""Two real processes write at once: a list comes in while readers leave."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flashback.model import ConsentKind, SubscriberStatus
from flashback.resources import example_settings
from flashback.store import ImportPlan, Subscribers, adding, importing
from flashback.store.checking import check

from fixtures.rosters import AGREEING, read
from fixtures.stores import AGREED, MINUTE, NOW, address, opened

IMPORT = """
import datetime as dt, sys
from pathlib import Path
from flashback import rosters
from flashback.model import Circumstances
from flashback.store import importing, open_store
now = dt.datetime(2011, 9, 2, 10, tzinfo=dt.UTC)
store = open_store(sys.argv[1], folder=Path())
told = Circumstances(source="import:big.csv", now=now, consent="Yes")
for part in sys.argv[2:]:
    with rosters.opened(Path(part), told) as roster, importing(store) as people:
        people.plan(roster.entries())
        print("planned", flush=True)
        done = people.apply(now=now)
        print(done.new, done.changed, done.left_alone, flush=True)
store.close()
"""
READERS = 120
MANY = 6_000


def test_leaving_while_a_list_comes_in(store_url: str, tmp_path: Path) -> None:
    """No unsubscription is lost, whether it came before a row's turn or after; nobody waits long.

    The list says of everybody that they are confirmed, under a new name.
    """
    store = opened(store_url)
    book = Subscribers(store)
    numbers = [
        book.add(
            address(f"r{n}@example.org"), now=NOW, status=SubscriberStatus.CONFIRMED, consent=AGREED
        ).id
        for n in range(READERS)
    ]
    parts = []
    for part in range(4):
        known = "".join(f"r{n}@example.org,Name {part},confirmed\n" for n in range(READERS))
        new = "".join(f"new{part}-{n}@example.org,,confirmed\n" for n in range(4_000))
        path = tmp_path / f"{part}.csv"
        path.write_text("address,name,status\n" + known + new)
        parts.append(str(path))
    with subprocess.Popen(
        [sys.executable, "-c", IMPORT, store_url, *parts],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as importer:
        assert importer.stdout is not None
        assert importer.stdout.readline() == "planned\n"
        for number in numbers:
            book.unsubscribe(number, at=NOW + MINUTE, source="link")
        said, wrong = importer.communicate(timeout=120)
    assert importer.returncode == 0, wrong
    assert said.count("planned") == 3
    assert all(line.startswith("4000 ") for line in said.splitlines() if line != "planned")
    people = book.list(limit=1_000_000)
    assert len(people) == READERS + 16_000
    for person in people[:READERS]:
        assert person.status is SubscriberStatus.UNSUBSCRIBED
        assert book.history(person.id).consents[-1].kind is ConsentKind.WITHDRAWN
    assert len(list(book.audience())) == 16_000
    assert check(store) == ()
    store.close()


def test_two_lists_at_once(store_url: str, tmp_path: Path) -> None:
    """Over the same new people, in opposite orders: each person once, and nobody dies of a lock."""
    opened(store_url).close()
    rows = [f"r{n}@example.org,confirmed\n" for n in range(MANY)]
    importers = []
    for name, lines in (("up", rows), ("down", rows[::-1])):
        path = tmp_path / f"{name}.csv"
        path.write_text("address,status\n" + "".join(lines))
        importers.append(
            subprocess.Popen(
                [sys.executable, "-c", IMPORT, store_url, str(path)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    said = [importer.communicate(timeout=120) for importer in importers]
    assert [importer.returncode for importer in importers] == [0, 0], said
    added = sum(int(out.splitlines()[1].split()[0]) for out, _ in said)
    store = opened(store_url)
    assert added == MANY
    assert len(list(Subscribers(store).audience())) == MANY
    assert check(store) == ()
    store.close()


@pytest.mark.postgresql
def test_who_is_added_by_hand_meanwhile(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who joins between two steps of a list is known to it; who left at once stays away."""
    monkeypatch.setattr(adding, "_STEP", 2)
    store = opened(postgresql_url)
    book = Subscribers(store)

    def meanwhile(done: int, _of: int) -> None:
        if done == 2 and not book.list():
            for name in ("c", "d"):
                book.add(address(f"{name}@example.org"), now=NOW, name="By hand")
            book.unsubscribe(book.get("d@example.org").id, at=NOW, source="link")

    rows = read("address,status,name\n" + "".join(f"{c}@example.org,confirmed,\n" for c in "abcde"))
    with importing(store) as people:
        assert people.plan(rows.rows).new == 5
        done = people.apply(now=NOW + MINUTE, told=meanwhile)
        assert done == ImportPlan(unconfirmed=3, unchanged=1, left_alone=1)
    assert book.get("c@example.org").name == "By hand"
    assert book.get("d@example.org").status is SubscriberStatus.UNSUBSCRIBED
    assert check(store) == ()
    store.close()


@pytest.mark.parametrize("wait", [0.0, 0.1])
def test_killed_in_the_middle(store_url: str, tmp_path: Path, wait: float) -> None:
    """Of a list that is killed while it is written, either nothing or all is there."""
    opened(store_url).close()
    path = tmp_path / "list.csv"
    rows = "".join(f"r{n}@example.org,confirmed\n" for n in range(MANY))
    path.write_text("address,status\n" + rows)
    with subprocess.Popen(
        [sys.executable, "-c", IMPORT, store_url, str(path)], stdout=subprocess.PIPE, text=True
    ) as importer:
        assert importer.stdout is not None
        assert importer.stdout.readline() == "planned\n"
        time.sleep(wait)
        importer.kill()
    store = opened(store_url)
    book = Subscribers(store)
    assert len(list(book.audience())) in {0, MANY}
    assert check(store) == ()
    with importing(store) as people:
        people.plan(read(path.read_bytes(), AGREEING).rows)
        people.apply(now=NOW)
    assert len(list(book.audience())) == MANY
    store.close()


PEAK = """
import re, sys
from pathlib import Path
from flashback.cli import main
assert main(["-C", sys.argv[1], "subscribers", "import", sys.argv[2], "--yes"]) == 0
print(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


def test_memory_does_not_grow_with_the_list(tmp_path: Path) -> None:
    """Ten times the people take no more than some megabytes more; both far below 150."""
    shutil.copy(example_settings(), tmp_path / "flashback.toml")
    peaks = []
    for count in (2_000, 20_000):
        path = tmp_path / f"{count}.csv"
        with path.open("w") as file:
            file.write("address,name,language,organisation,status,consent,agencies\n")
            for n in range(count):
                file.write(f"r{n}@d{n % 999}.example,Amal {n},fr,Amana {n},confirmed,Oui {n},{n}\n")
        done = subprocess.run(
            [sys.executable, "-c", PEAK, str(tmp_path), str(path)],
            check=True,
            capture_output=True,
            text=True,
        )
        peaks.append(int(done.stdout.splitlines()[-1]) / 1024)
    assert peaks[1] < peaks[0] + 15
    assert peaks[1] < 150

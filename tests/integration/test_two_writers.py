"""Two real processes write at once: a list comes in while readers leave."""

import subprocess
import sys
from pathlib import Path

from flashback.model import ConsentKind, SubscriberStatus
from flashback.store import Subscribers
from flashback.store.checking import check

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

"""Several programs on one store, and programs that are killed: real processes, both databases."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from flashback.model import Account, DeliveryState
from flashback.store import SqlLedger, Store, is_dead, new_owner

from fixtures.stores import NOW, ledger_of, mailing, opened

S = DeliveryState
_FOLDERS = os.pathsep.join(str(Path(__file__).parents[n] / f) for n, f in ((2, "src"), (1, "")))

#: Claims and sends until nothing is left; one line to standard output is one message that left.
_SENDER = """
import sys
from pathlib import Path
from flashback.model import Result
from flashback.store import SqlLedger, new_owner
from fixtures.stores import NOW, opened, settlement

ledger, me = SqlLedger(opened(sys.argv[1]), Path(sys.argv[4])), new_owner()
print(me, flush=True)
while claims := ledger.claim(int(sys.argv[2]), owner=me, limit=int(sys.argv[3]), now=NOW):
    done = [settlement(claim, Result.ACCEPTED) for claim in claims]
    for some in (slice(n, n + 3) for n in range(0, len(claims), 3)):
        ledger.note(claims[some], now=NOW)
        print("".join(f"{claim.delivery_id}\\n" for claim in claims[some]), end="", flush=True)
        ledger.remember(done[some])
    ledger.settle(done)
ledger.close()
"""


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An empty store."""
    store = opened(store_url)
    yield store
    store.close()


def sender(
    ledger: SqlLedger, url: str, mailing_id: int, window: int, log: Path
) -> "subprocess.Popen[bytes]":
    """A sender in a process of its own; its log is what the relay saw."""
    with log.open("wb") as stream:
        return subprocess.Popen(
            [
                sys.executable,
                "-c",
                _SENDER,
                url,
                str(mailing_id),
                str(window),
                str(ledger._journals),
            ],
            env=os.environ | {"PYTHONPATH": _FOLDERS},
            stdout=stream,
        )


def test_two_senders_share_the_work(store: Store, store_url: str, tmp_path: Path) -> None:
    """However many senders there are, no delivery is claimed by two."""
    ledger, started = mailing(store, 120)
    logs = [tmp_path / f"log{number}" for number in range(3)]
    senders = [sender(ledger, store_url, started.id, 7, log) for log in logs]
    assert [process.wait(timeout=60) for process in senders] == [0, 0, 0]
    left = [line for log in logs for line in log.read_text().splitlines()[1:]]
    assert len(left) == len(set(left)) == 120
    assert ledger.account(started.id) == Account({S.ACCEPTED: 120})


def test_killed_at_any_point(store: Store, store_url: str, tmp_path: Path) -> None:
    """After kill -9, again and again: nobody lost, nobody mailed twice, the doubt is named."""
    ledger, started = mailing(store, 150)
    chance = random.Random(35)
    left: Counter[str] = Counter()
    doubt = 0
    for round_number in range(4):
        log = tmp_path / f"log{round_number}"
        process = sender(ledger, store_url, started.id, 10, log)
        _wait_for_lines(log, chance.randint(2, 25), process)
        time.sleep(chance.random() / 200)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=10)
        owner, *sent = log.read_text().splitlines()
        assert is_dead(owner)
        left.update(sent)
        found = ledger.recover(started.id, now=NOW)
        assert found[S.IN_DOUBT] <= 3, "at most what was noted, and not remembered"
        doubt += found[S.IN_DOUBT]
        account = ledger.account(started.id)
        assert account.audience == 150
        assert account[S.CLAIMED] == 0
        assert account[S.ACCEPTED] + account[S.IN_DOUBT] >= len(left)
    assert sender(ledger, store_url, started.id, 50, tmp_path / "last").wait(timeout=60) == 0
    left.update((tmp_path / "last").read_text().splitlines()[1:])
    assert max(left.values()) == 1
    account = ledger.account(started.id)
    assert account == Account(
        {k: v for k, v in {S.ACCEPTED: 150 - doubt, S.IN_DOUBT: doubt}.items() if v}
    )
    assert list(ledger._journals.iterdir()) == [], "nobody needs a journal any more"
    accepted = {str(d.id) for d in ledger.deliveries(started.id, S.ACCEPTED)}
    assert accepted <= set(left)


def _wait_for_lines(log: Path, lines: int, process: "subprocess.Popen[bytes]") -> None:
    patience = time.monotonic() + 30
    while log.read_bytes().count(b"\n") < lines and process.poll() is None:
        assert time.monotonic() < patience
        time.sleep(0.002)


def test_the_living_are_left_alone(store: Store) -> None:
    """A sender that runs keeps its claims, whoever recovers; a frozen one is not dead either."""
    ledger, started = mailing(store, 2)
    ledger.claim(started.id, owner=new_owner(), limit=2, now=NOW)
    assert ledger_of(store).recover(started.id, now=NOW).audience == 0
    assert ledger.account(started.id) == Account({S.CLAIMED: 2})

"""What is kept no longer than the team said, on SQLite and on PostgreSQL."""

import datetime as dt
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update

from flashback.cli import main
from flashback.errors import Exit, StoreError
from flashback.model import (
    Account,
    Circumstances,
    ConsentKind,
    DeliveryState,
    Reply,
    Result,
    SubscriberStatus,
    SuppressionReason,
)
from flashback.store import SqlLedger, Store, Subscribers, importing, paging
from flashback.store.checking import check
from flashback.store.editing import Correction
from flashback.store.retention import Due, Kind, due, purge
from flashback.store.tables import metadata, subscribers

from fixtures.rosters import read
from fixtures.stores import (
    AGREED,
    MINUTE,
    NOW,
    address,
    mailing,
    opened,
    readers,
    settlement,
)

U, S = SubscriberStatus, DeliveryState
DAY = dt.timedelta(days=1)
LATER = NOW + 100 * DAY
ALL = dict.fromkeys(Kind, LATER - 30 * DAY)
_FOLDERS = os.pathsep.join(str(Path(__file__).parents[n] / f) for n, f in ((2, "src"), (1, "")))


def silent(_done: int, _of: int) -> None:
    """Nobody looks."""


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An empty store."""
    store = opened(store_url)
    yield store
    store.close()


@pytest.fixture
def book(store: Store) -> Subscribers:
    """An empty address book."""
    return Subscribers(store)


def everything(store: Store) -> str:
    """Every word of every table."""
    with store.read() as connection:
        return str([connection.execute(each.select()).all() for each in metadata.sorted_tables])


def silently(store: Store, kind: Kind) -> int:
    """Purge one kind; how many."""
    return purge(store, {kind: ALL[kind]}, now=LATER, told=silent)[kind]


class TestWhoIsDue:
    """Each for their own reason, and from their own day on."""

    def test_who_never_confirmed(self, store: Store, book: Subscribers) -> None:
        """Since the row was last changed; who confirmed, or gave a consent since, is not due."""
        book.add(address("old@example.org"), now=NOW)
        book.add(address("new@example.org"), now=LATER - 29 * DAY)
        asked = replace(AGREED, at=LATER - DAY)
        book.add(address("asked@example.org"), now=NOW, consent=asked)
        book.add(address("yes@example.org"), now=NOW, status=U.CONFIRMED, consent=AGREED)
        assert due(store, ALL) == {
            Kind.UNCONFIRMED: Due(1, NOW),
            Kind.UNSUBSCRIBED: Due(0, None),
            Kind.SUPPRESSED: Due(0, None),
            Kind.REPLIES: Due(0, None),
        }
        assert silently(store, Kind.UNCONFIRMED) == 1
        left = [person.address.mailbox for person in book.list()]
        assert left == ["new@example.org", "asked@example.org", "yes@example.org"]

    def test_who_never_agreed_may_agree_later(self, store: Store, book: Subscribers) -> None:
        """No mark is left: a list that says so brings them in, and staff may ask again."""
        for name in ("one", "two"):
            book.add(address(f"{name}@example.org"), now=NOW)
        assert silently(store, Kind.UNCONFIRMED) == 2
        assert "example.org" not in everything(store)
        assert book.erased_at("one@example.org") is None
        told = Circumstances(source="import:x", now=LATER)
        rows = read("address,status,consent\none@example.org,confirmed,at the fair\n", told).rows
        with importing(store) as people:
            people.plan(rows)
            assert people.apply(now=LATER).new == 1
        assert book.add(address("two@example.org"), now=LATER).status is U.UNCONFIRMED

    def test_who_left(self, store: Store, book: Subscribers) -> None:
        """Since they said so, whatever was corrected afterwards; no list brings them back."""
        early, late, back = readers(store, 3)
        for number, at in ((early, NOW), (late, LATER - 29 * DAY), (back, NOW)):
            book.unsubscribe(number, at=at, source="link")
        book.confirm(back, replace(AGREED, at=NOW + DAY))
        book.edit(["lecteur0@example.org"], Correction(name="Corrected"), now=LATER)
        assert due(store, ALL)[Kind.UNSUBSCRIBED] == Due(1, NOW)
        assert silently(store, Kind.UNSUBSCRIBED) == 1
        assert [one.id for one in book.list()] == [late, back]
        assert book.erased_at("lecteur0@example.org") == LATER
        told = Circumstances(source="import:x", now=LATER, consent="yes")
        with importing(store) as people:
            plan = people.plan(read("address\nlecteur0@example.org\n", told).rows)
        assert (plan.new, plan.left_alone) == (0, 1)
        with pytest.raises(StoreError, match="was erased on"):
            book.add(address("lecteur0@example.org"), now=LATER)

    def test_who_left_says_a_list_without_a_day(self, store: Store, book: Subscribers) -> None:
        """Then the row's own day counts."""
        book.add(address("left@example.org"), now=NOW, status=U.UNSUBSCRIBED)
        book.add(address("fresh@example.org"), now=LATER, status=U.UNSUBSCRIBED)
        assert due(store, ALL)[Kind.UNSUBSCRIBED] == Due(1, NOW)
        assert silently(store, Kind.UNSUBSCRIBED) == 1
        assert [one.address.mailbox for one in book.list()] == ["fresh@example.org"]

    def test_who_may_not_be_mailed(self, store: Store, book: Subscribers) -> None:
        """Confirmed people with a dead address: since it is; then no list brings them back."""
        readers(store, 3)
        book.suppress("lecteur0@example.org", SuppressionReason.HARD_BOUNCE, at=NOW)
        book.suppress("lecteur1@example.org", SuppressionReason.COMPLAINT, at=LATER)
        book.suppress("unknown@example.org", SuppressionReason.MANUAL, at=NOW)
        assert due(store, ALL)[Kind.SUPPRESSED] == Due(1, NOW)
        assert silently(store, Kind.SUPPRESSED) == 1
        assert book.erased_at("lecteur0@example.org") == LATER
        assert book.suppression("lecteur0@example.org") is None
        assert book.suppression("unknown@example.org") is not None
        assert len(book.list()) == 2

    @pytest.mark.parametrize("how", ["suppressed", "withdrawn"])
    def test_who_said_no_before_confirming(self, store: Store, book: Subscribers, how: str) -> None:
        """Purged as one who never confirmed, and the no is not forgotten."""
        withdrawn = replace(AGREED, kind=ConsentKind.WITHDRAWN)
        shy = address("shy@example.org")
        book.add(shy, now=NOW, consent=withdrawn if how == "withdrawn" else None)
        if how == "suppressed":
            book.suppress(shy.key, SuppressionReason.MANUAL, at=NOW)
        assert silently(store, Kind.UNCONFIRMED) == 1
        assert "shy" not in everything(store)
        assert book.erased_at(shy.key) == LATER

    def test_nothing_is_due_without_a_limit(self, store: Store, book: Subscribers) -> None:
        """What is not named is kept for ever."""
        book.add(address("old@example.org"), now=NOW)
        assert due(store, {}) == {}
        assert purge(store, {}, now=LATER, told=silent) == {}
        assert len(book.list()) == 1


class TestReplies:
    """What servers said goes, their codes and our own words stay."""

    def test_words_go_and_codes_stay(self, store: Store) -> None:
        """In copies and in tries; the account and what it is grouped by are as before."""
        ledger, begun = mailing(store, 5)
        claims = ledger.claim(begun.id, owner="me", limit=4, now=NOW)
        refused = settlement(claims[0], Result.PERMANENT)
        ledger.settle(
            [
                replace(refused, outcome=replace(refused.outcome, reply=_repeats(claims[0]))),
                settlement(claims[1], Result.ACCEPTED),
                settlement(claims[2], Result.UNKNOWN, detail="lecteur2@example.org broke"),
                settlement(claims[3], Result.TEMPORARY),
            ]
        )
        before = ledger.account(begun.id)
        assert due(store, ALL)[Kind.REPLIES] == Due(4, NOW)
        assert silently(store, Kind.REPLIES) == 4
        assert due(store, ALL)[Kind.REPLIES] == Due(0, None)
        assert ledger.account(begun.id) == before
        assert ledger.reasons(begun.id, S.REFUSED) == (("550 5.1.1", 1),)
        assert [d.reply for d in ledger.deliveries(begun.id)][:4] == [
            *("550 5.1.1", "250 2.0.0", "", "451 4.7.1"),
        ]
        with store.read() as connection:
            kept = connection.execute(
                text("SELECT reply_code, reply_enhanced, reply_text, detail FROM attempts")
            ).all()
        assert [tuple(row) for row in kept] == [
            (550, "5.1.1", "", ""),
            (250, "2.0.0", "", ""),
            (None, "", "", ""),
            (451, "4.7.1", "", ""),
        ]

    def test_our_own_words_stay(self, store: Store) -> None:
        """Why a copy was skipped, or that its sender ended, is nobody's secret."""
        ledger, begun = mailing(store, 3)
        ledger.note(ledger.claim(begun.id, owner="h:b:n:1:1:x", limit=1, now=NOW), now=NOW)
        ledger.recover(begun.id, now=NOW + 16 * MINUTE)
        ledger.cancel(begun.id, reason="a wrong link", now=NOW + 17 * MINUTE)
        assert due(store, ALL)[Kind.REPLIES] == Due(0, None)
        assert silently(store, Kind.REPLIES) == 0
        reasons = [delivery.reason for delivery in ledger.deliveries(begun.id)]
        assert reasons == ["sender ended", "a wrong link", "a wrong link"]

    def test_a_try_older_than_its_copy(self, store: Store) -> None:
        """Of a copy that was tried again since, the old words go and the new ones stay."""
        ledger, begun = mailing(store, 40)
        claims = ledger.claim(begun.id, owner="me", limit=40, now=NOW)
        ledger.settle([settlement(claim, Result.PERMANENT) for claim in claims])
        ledger.resend(begun.id, S.REFUSED, LATER)
        again = ledger.claim(begun.id, owner="me", limit=30, now=LATER)
        ledger.settle([settlement(claim, Result.ACCEPTED, at=LATER) for claim in again])
        # Those that wait to be sent again were changed lately as well.
        assert due(store, ALL)[Kind.REPLIES] == Due(40, NOW)
        assert silently(store, Kind.REPLIES) == 40
        with store.read() as connection:
            texts = text("SELECT reply_text, count(*) FROM attempts GROUP BY 1 ORDER BY 1")
            assert [tuple(row) for row in connection.execute(texts)] == [
                ("", 40),
                ("Ok: queued as 4ZQ", 30),
            ]

    def test_words_of_those_who_are_purged_are_counted_once(self, store: Store) -> None:
        """What was told before is what is done."""
        ledger, begun = mailing(store, 2)
        claims = ledger.claim(begun.id, owner="me", limit=2, now=NOW)
        ledger.settle([settlement(claim, Result.ACCEPTED) for claim in claims])
        Subscribers(store).unsubscribe(claims[0].subscriber_id, at=NOW, source="link")
        wanted = {kind: one.count for kind, one in due(store, ALL).items()}
        heard: list[tuple[int, int]] = []
        done = purge(store, ALL, now=LATER, told=lambda *told: heard.append(told))
        assert done == wanted == {**dict.fromkeys(Kind, 0), Kind.UNSUBSCRIBED: 1, Kind.REPLIES: 2}
        assert heard == [(2, 3), (3, 3)]


def _repeats(claim: Any) -> Reply:
    return Reply(code=550, enhanced="5.1.1", lines=(f"<{claim.address}>: no such user",))


# A running mailing -------------------------------------------------------------------------------


def test_the_sum_of_a_running_mailing(store: Store, book: Subscribers) -> None:
    """Whoever is purged while a copy is planned, or on its way, is counted as an erased person."""
    ledger, begun = mailing(store, 4)
    claim, kept = ledger.claim(begun.id, owner="me", limit=2, now=NOW)
    for person in book.list():
        if person.id != kept.subscriber_id:
            book.unsubscribe(person.id, at=NOW, source="link")
    assert purge(store, ALL, now=LATER, told=silent)[Kind.UNSUBSCRIBED] == 3
    refused = settlement(claim, Result.PERMANENT, suppress=True, at=LATER)
    ledger.settle(
        [
            replace(refused, outcome=replace(refused.outcome, reply=_repeats(claim))),
            settlement(kept, Result.ACCEPTED, at=LATER),
        ]
    )
    assert ledger.claim(begun.id, owner="me", limit=5, now=LATER) == []
    assert ledger.account(begun.id) == Account({S.REFUSED: 1, S.ACCEPTED: 1, S.SKIPPED: 2})
    assert "lecteur0" not in everything(store)
    assert check(store) == ()


def test_who_comes_back_at_this_moment_stays(
    store: Store, book: Subscribers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new consent between the look and the erasure is heard."""
    numbers = readers(store, 3)
    for number in numbers:
        book.unsubscribe(number, at=NOW, source="link")
    real = Store.write

    def write(self: Store) -> Any:
        monkeypatch.setattr(Store, "write", real)
        book.confirm(numbers[1], replace(AGREED, at=LATER))
        return real(self)

    monkeypatch.setattr(Store, "write", write)
    assert silently(store, Kind.UNSUBSCRIBED) == 2
    assert [one.id for one in book.list()] == [numbers[1]]


def test_a_sender_beside_a_purge(store: Store, store_url: str, book: Subscribers) -> None:
    """Neither dies of the other, and no claim waits long."""
    gone = 400
    with store.write() as connection:
        connection.execute(
            subscribers.insert(),
            [_row(f"gone{number}@example.org", U.UNSUBSCRIBED) for number in range(gone)],
        )
    ledger, begun = mailing(store, 200)
    done: list[int] = []
    other = opened(store_url)

    def purges() -> None:
        done.append(silently(other, Kind.UNSUBSCRIBED))

    thread = threading.Thread(target=purges)
    thread.start()
    longest = dt.timedelta()
    while True:
        began = dt.datetime.now(dt.UTC)
        claims = ledger.claim(begun.id, owner="me", limit=5, now=LATER)
        longest = max(longest, dt.datetime.now(dt.UTC) - began)
        if not claims:
            break
        ledger.settle([settlement(claim, Result.ACCEPTED, at=LATER) for claim in claims])
    thread.join(30)
    other.close()
    assert done == [gone]
    assert ledger.account(begun.id)[S.ACCEPTED] == 200
    assert longest < dt.timedelta(seconds=2)
    assert len(book.list(limit=1000)) == 200


def test_others_write_between_two_pages(tmp_path: Path) -> None:
    """SQLite has no queue of writers: without a pause, who waits would wait to the end."""
    store = opened(f"sqlite:///{tmp_path}/store.db")

    def find(_connection: object, after: int, _limit: int) -> list[int]:
        return [after + 1] if after < 8 else []

    def take(_connection: object, numbers: Sequence[int]) -> int:
        time.sleep(0.15)
        return len(numbers)

    pages = paging.pages(store, find, take)
    assert next(pages) == 1
    thread = threading.Thread(target=list, args=(pages,))
    thread.start()
    time.sleep(0.2)  # the second page has begun, or begins
    began = time.monotonic()
    with sqlite3.connect(tmp_path / "store.db", timeout=5) as plain:
        plain.execute("UPDATE mailings SET reason = ''")
    plain.close()
    waited, was_between = time.monotonic() - began, thread.is_alive()
    thread.join(10)
    store.close()
    assert was_between
    assert waited < 0.9


def _row(mailbox: str, status: SubscriberStatus, **changes: Any) -> dict[str, Any]:
    words = {"mailbox": mailbox, "key": mailbox, "status": status, "fields": {}, "tags": []}
    return {**words, "created_at": NOW, "changed_at": NOW, **changes}


# Interrupted -------------------------------------------------------------------------------------


class _BreaksError(Exception):
    pass


def test_a_failure_in_the_middle(store: Store, book: Subscribers) -> None:
    """What was purged is purged, the rest is there; the next run finishes."""
    numbers = readers(store, 100)
    for number in numbers:
        book.unsubscribe(number, at=NOW, source="link")

    def breaks(done: int, _of: int) -> None:
        if done > paging.FIRST:
            raise _BreaksError

    with pytest.raises(_BreaksError):
        purge(store, ALL, now=LATER, told=breaks)
    left = len(book.list(limit=1000))
    assert 0 < left < 100 - paging.FIRST
    assert _marks(store) == 100 - left
    assert check(store) == ()
    assert purge(store, ALL, now=LATER, told=silent)[Kind.UNSUBSCRIBED] == left
    assert _marks(store) == 100
    assert "lecteur" not in everything(store)


#: Purges, and says after each page how many are done; waits then, so that it can be killed.
_PURGE = """
import sys, time
from fixtures.stores import opened
from test_retention import ALL, LATER
from flashback.store.retention import purge

def told(done, of):
    print(done, of, flush=True)
    time.sleep(0.02)

purge(opened(sys.argv[1]), ALL, now=LATER, told=told)
print("whole", flush=True)
"""


@pytest.mark.parametrize("page", [1, 2, 4])
def test_killed_in_the_middle(store: Store, store_url: str, page: int) -> None:
    """After kill -9 the store is sound, every page is whole or as before; again, and it is done."""
    ledger, begun = mailing(store, 300)
    claims = ledger.claim(begun.id, owner="me", limit=300, now=NOW)
    ledger.settle([settlement(claim, Result.PERMANENT) for claim in claims])
    with store.write() as connection:
        connection.execute(update(subscribers).values(status=U.UNSUBSCRIBED, changed_at=NOW))
    folder = str(Path(__file__).parent)
    process = subprocess.Popen(
        [sys.executable, "-c", _PURGE, store_url],
        env=os.environ | {"PYTHONPATH": os.pathsep.join((_FOLDERS, folder))},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(page)]
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    said += process.stdout.readlines()
    process.stdout.close()
    assert "whole\n" not in said
    left = due(store, ALL)
    assert sum(one.count for one in left.values()) > 0
    assert check(store) == ()
    assert left[Kind.UNSUBSCRIBED].count == _people(store) == 300 - _marks(store)
    done = purge(store, ALL, now=LATER, told=silent)
    assert done == {kind: one.count for kind, one in left.items()}
    assert (_people(store), _marks(store)) == (0, 300)
    assert ledger.account(begun.id) == Account({S.REFUSED: 300})
    assert "lecteur" not in everything(store)
    assert "No such user" not in everything(store)


def _people(store: Store) -> int:
    with store.read() as connection:
        return int(connection.execute(text("SELECT count(*) FROM subscribers")).scalar_one())


def _marks(store: Store) -> int:
    with store.read() as connection:
        return int(connection.execute(text("SELECT count(*) FROM erasures")).scalar_one())


# Files -------------------------------------------------------------------------------------------


def test_no_octet_stays_in_any_file(tmp_path: Path) -> None:
    """Neither in the database, its free pages, nor its log, while others have it open."""
    url = f"sqlite:///{tmp_path}/store.db"
    store, other = opened(url), opened(url)
    book = Subscribers(store)
    names = [f"somebody{number}" for number in range(300)]
    for number, name in enumerate(names):
        person = book.add(
            address(f"{name}@example.org"), now=NOW, name=f"Name of {name}",
            status=U.CONFIRMED, consent=replace(AGREED, evidence=f"said {name}"),
        )  # fmt: skip
        if number % 2:
            book.unsubscribe(person.id, at=NOW, source="link")
    with store.write() as connection:
        unconfirmed = update(subscribers).where(subscribers.c.status == U.CONFIRMED)
        connection.execute(unconfirmed.values(status=U.UNCONFIRMED))
    ledger = SqlLedger(store, tmp_path / "journals")
    book.add(address("reader@example.org"), now=NOW, status=U.CONFIRMED, consent=AGREED)
    assert any(b"somebody7@" in path.read_bytes() for path in tmp_path.glob("store.db*"))
    done = purge(store, ALL, now=LATER, told=silent)
    assert (done[Kind.UNCONFIRMED], done[Kind.UNSUBSCRIBED]) == (150, 150)
    for path in tmp_path.glob("store.db*"):
        assert b"somebody" not in path.read_bytes(), path.name
    ledger.close()
    other.close()
    store.close()


# The command -------------------------------------------------------------------------------------


SETTINGS = """\
[newsletter]
name = "F"
sender = "f@example.org"
list_id = "f.example.org"
[links]
unsubscribe = "https://news.example.org/{token}"
"""
TIMES = "[retention]\nunconfirmed = 30\nunsubscribed = 1095\n"
_LEFT = {"kind": "withdrawn", "at": "2020-01-02T10:00:00+00:00"}
PEOPLE = (
    {"address": "shy@example.org", "status": "unconfirmed", "created_at": "2021-02-03"},
    {
        "address": "left@example.org",
        "status": "unsubscribed",
        "consents": [_LEFT | {"source": "link", "wording": "", "by": ""}],
    },
)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Any:
    """Run a command in a workspace with two people who are due."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flashback.toml").write_text(SETTINGS)
    (tmp_path / "list.jsonl").write_text("\n".join(map(json.dumps, PEOPLE)))

    def said(*arguments: str) -> tuple[int, str]:
        code = main(arguments)
        return code, capsys.readouterr().out

    said("init", ".", "--name", "F", "--from", "f@example.org")
    said("subscribers", "import", "list.jsonl", "--yes")
    said("subscribers", "add", "stays@example.org", "--consent", "yes")
    return said


def test_nothing_is_purged_unless_the_team_says_so(run: Any) -> None:
    """Without a setting everybody stays."""
    code, out = run("subscribers", "purge", "--yes")
    assert code == Exit.DONE
    assert "kept for ever" in out
    assert "Nothing was changed." in out
    assert "3 people." in run("subscribers", "list")[1]


def test_a_dry_run_and_a_purge(run: Any, tmp_path: Path) -> None:
    """First how many of each kind, and since when; then they are gone, and a second run says so."""
    (tmp_path / "flashback.toml").write_text(SETTINGS + TIMES)
    _, out = run("subscribers", "purge", "--dry-run")
    assert "1  people who never confirmed in 30 days; the first since 2021-02-03" in out
    assert "1  people who left more than 1095 days ago; the first since 2020-01-02" in out
    assert "servers" not in out
    assert "Nothing was changed." in out
    told = json.loads(run("subscribers", "purge", "--json")[1])
    assert told["done"] is False
    assert told["unsubscribed"] == {
        "days": 1095, "due": 1, "oldest": "2020-01-02T10:00:00+00:00", "purged": 0,
    }  # fmt: skip
    assert told["replies"] == {"days": 0, "due": 0, "oldest": None, "purged": 0}
    assert "3 people." in run("subscribers", "list")[1]
    _, out = run("subscribers", "purge", "--yes")
    assert "2 people are erased" in out
    assert "1 people." in run("subscribers", "list")[1]
    told = json.loads(run("subscribers", "purge", "--yes", "--json")[1])
    assert (told["done"], told["unsubscribed"]["purged"]) == (False, 0)
    for path in (tmp_path / "subscribers").glob("subscribers.db*"):
        assert b"left@example.org" not in path.read_bytes(), path.name
    again = json.loads(run("subscribers", "import", "list.jsonl", "--json")[1])
    assert (again["new"], again["left_alone"]) == (1, 1)


def test_a_purge_for_programs(run: Any, tmp_path: Path) -> None:
    """With --yes and --json it is done, and said in one object."""
    (tmp_path / "flashback.toml").write_text(SETTINGS + TIMES)
    told = json.loads(run("subscribers", "purge", "--yes", "--json")[1])
    assert told["done"] is True
    assert (told["unconfirmed"]["purged"], told["unsubscribed"]["purged"]) == (1, 1)


def test_only_what_servers_said(run: Any, tmp_path: Path) -> None:
    """Nobody is erased by it, and the codes are shown afterwards."""
    (tmp_path / "flashback.toml").write_text(SETTINGS + "[retention]\nreplies = 365\n")
    store = opened(f"sqlite:///{tmp_path}/subscribers/subscribers.db")
    ledger, begun = mailing(store, 1)
    claims = ledger.claim(begun.id, owner="me", limit=5, now=NOW)
    ledger.settle([settlement(claim, Result.ACCEPTED) for claim in claims])
    ledger.close()
    store.close()
    _, out = run("subscribers", "purge", "--yes")
    assert "Of what servers said about 2 copies, the codes are left." in out
    assert "erased" not in out
    shown = run("subscribers", "show", "lecteur0@example.org", "--all")[1]
    assert "accepted  250 2.0.0\n" in shown
    assert "queued" not in shown


def test_what_a_killed_purge_left_in_the_log(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after its last page, while a server has the store open: the next run empties it."""
    (tmp_path / "flashback.toml").write_text(SETTINGS + TIMES)
    files = (tmp_path / "subscribers").glob
    server = opened(f"sqlite:///{tmp_path}/subscribers/subscribers.db")
    Subscribers(server).list()
    with monkeypatch.context() as killed:
        killed.setattr(Store, "forget_log", lambda _: None)
        run("subscribers", "purge", "--yes")
    assert any(b"left@example.org" in path.read_bytes() for path in files("subscribers.db*"))
    assert "Nothing was changed." in run("subscribers", "purge", "--yes")[1]
    assert not any(b"left@example.org" in path.read_bytes() for path in files("subscribers.db*"))
    server.close()


def test_nobody_answers(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked and answered by no, or by nobody: everybody stays."""
    (tmp_path / "flashback.toml").write_text(SETTINGS + TIMES)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert run("subscribers", "purge")[0] == Exit.UNFINISHED
    monkeypatch.setattr("click.prompt", lambda *_, **__: "n")
    assert "Nothing was changed." in run("subscribers", "purge")[1]
    assert "3 people." in run("subscribers", "list")[1]
    monkeypatch.setattr("click.prompt", lambda *_, **__: "y")
    assert "2 people are erased" in run("subscribers", "purge")[1]

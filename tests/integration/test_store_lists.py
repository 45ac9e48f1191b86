"""Lists of people: in by a plan that is shown first, out with every fact."""

import atexit
import csv
import datetime as dt
import io
import json
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashback import addresses
from flashback.model import (
    Circumstances,
    Consent,
    ConsentKind,
    Row,
    SubscriberStatus,
    SuppressionReason,
    Word,
    may_become,
)
from flashback.rosters import WRITERS
from flashback.store import (
    Change,
    ImportPlan,
    Store,
    Subscribers,
    exporting,
    importing,
)

from fixtures.rosters import AGREEING, FILE, read
from fixtures.stores import AGREED, MINUTE, NOW, address, opened

U = SubscriberStatus


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An empty store."""
    store = opened(store_url)
    yield store
    store.close()


def taken(store: Store, content: str, circumstances: Circumstances = FILE) -> ImportPlan:
    """A CSV file imported."""
    with importing(store) as people:
        people.plan(read(content, circumstances).rows)
        return people.apply(now=NOW)


def exported(store: Store, kind: str) -> bytes:
    """All people of a store as a file."""
    out = io.BytesIO()
    with exporting(store) as (facts, fields):
        WRITERS[kind](out, facts, fields)
    return out.getvalue()


class TestImporting:
    """A plan first; then one transaction that does no harm."""

    def test_a_plan_changes_nothing(self, store: Store) -> None:
        """What would happen is told before it happens."""
        with importing(store) as people:
            plan = people.plan(read("address\na@example.org\nno\n").rows)
            assert plan == ImportPlan(unconfirmed=1, refused=1)
            assert [refusal.row for refusal in people.refusals()] == [3]
        assert Subscribers(store).list() == ()

    def test_known_people(self, store: Store) -> None:
        """New words are taken, empty cells erase nothing, a status only moves forward."""
        content = "address,name,ville,status\na@example.org,Amal,Fès,confirmed\nb@example.org,B,,\n"
        first = taken(store, content, AGREEING)
        assert first == ImportPlan(confirmed=1, unconfirmed=1)
        again = taken(store, content, AGREEING)
        assert again == ImportPlan(unchanged=2)
        more = taken(
            store,
            "address,name,pays,status\na@example.org,,Maroc,\nb@example.org,,,confirmed\n",
            AGREEING,
        )
        assert more == ImportPlan(changed=2)
        book = Subscribers(store)
        amal, b = book.get("a@example.org"), book.get("b@example.org")
        assert amal.name == "Amal"
        assert amal.fields == {"ville": "Fès", "pays": "Maroc"}
        assert amal.status is b.status is U.CONFIRMED
        assert [len(book.history(person.id).consents) for person in (amal, b)] == [1, 1]

    def test_who_left_stays_away(self, store: Store) -> None:
        """Neither the unsubscribed, nor the suppressed, nor the erased are brought back."""
        book = Subscribers(store)
        for number, name in enumerate(("left", "dead", "erased", "stays")):
            added = book.add(
                address(f"{name}@example.org"), now=NOW, status=U.CONFIRMED, consent=AGREED
            )
            if number == 0:
                book.unsubscribe(added.id, at=NOW, source="link")
            if number == 1:
                book.suppress(added.address.key, SuppressionReason.HARD_BOUNCE, at=NOW)
            if number == 2:
                book.remove(added.id, now=NOW)
        names = ("left", "dead", "erased", "stays")
        content = "address,status,ville\n" + "".join(
            f"{n}@example.org,confirmed,x\n" for n in names
        )
        done = taken(store, content, AGREEING)
        assert done == ImportPlan(left_alone=3, changed=1)
        assert book.get("stays@example.org").fields == {"ville": "x"}
        assert book.known("erased@example.org") is None
        assert book.get("left@example.org").status is U.UNSUBSCRIBED
        assert book.get("left@example.org").fields == {}

    def test_who_left_since_the_plan(self, store: Store) -> None:
        """The plan is decided anew in the transaction that carries it out."""
        book = Subscribers(store)
        added = book.add(AGREEABLE, now=NOW, status=U.CONFIRMED, consent=AGREED)
        with importing(store) as people:
            assert people.plan(read("address,name\nb@example.org,B\n").rows).changed == 1
            expected = Change(2, "b@example.org", (("name", "", "B"),))
            assert list(people.changes()) == [expected]
            book.unsubscribe(added.id, at=NOW, source="link")
            assert people.apply(now=NOW) == ImportPlan(left_alone=1)
            assert list(people.changes()) == []
        assert book.get("b@example.org").name == ""

    def test_a_list_can_take_people_away(self, store: Store) -> None:
        """Unsubscribed or suppressed elsewhere counts here as well, with its record."""
        book = Subscribers(store)
        for name in ("a", "b"):
            book.add(address(f"{name}@example.org"), now=NOW, status=U.CONFIRMED, consent=AGREED)
        done = taken(
            store,
            "address,status,suppressed\n"
            "a@example.org,unsubscribed,\nb@example.org,,complaint\nc@example.org,,manual\n",
        )
        assert done == ImportPlan(changed=2, forbidden=1)
        gone = book.get("a@example.org")
        assert gone.status is U.UNSUBSCRIBED
        assert book.history(gone.id).consents[-1].kind is ConsentKind.WITHDRAWN
        assert book.get("b@example.org").suppressed is SuppressionReason.COMPLAINT
        assert book.suppression("c@example.org") is not None
        assert len(book.list()) == 2, "a suppressed address alone is nobody"

    def test_twice_in_one_file(self, store: Store) -> None:
        """Of two rows of one person the one that lets them leave counts, else the first."""
        rows = read(
            "address,status,name,suppressed\nA@example.org,confirmed,First,\n"
            "a@example.org,confirmed,Second,\nb@example.org,confirmed,,\n"
            "B@example.org,unsubscribed,,\nb@example.org,,,complaint\n"
            "b@example.org,confirmed,,\n",
            AGREEING,
        ).rows
        with importing(store) as people:
            people.plan(rows)
            told = [(refusal.row, str(refusal.reason)) for refusal in people.refusals()]
            people.apply(now=NOW)
        assert told == [
            (3, "a@example.org stands in row 2, which counts."),
            (4, "b@example.org stands in row 6, which counts."),
            (5, "B@example.org stands in row 6, which counts."),
            (7, "b@example.org stands in row 6, which counts."),
        ]
        assert Subscribers(store).get("a@example.org").name == "First"
        assert Subscribers(store).suppression("b@example.org") is not None

    def test_who_is_suppressed_can_still_leave(self, store: Store) -> None:
        """A list that says that somebody left is believed, whatever else forbids mail to them."""
        book = Subscribers(store)
        added = book.add(AGREEABLE, now=NOW, status=U.CONFIRMED, consent=AGREED)
        book.suppress(added.address.key, SuppressionReason.HARD_BOUNCE, at=NOW)
        content = "address,status,name\nb@example.org,unsubscribed,New\n"
        assert taken(store, content).changed == 1
        assert taken(store, content).left_alone == 1
        book.unsuppress(added.address.key)
        person = book.get("b@example.org")
        assert (person.status, person.name, person.mailable) == (U.UNSUBSCRIBED, "", False)

    def test_who_left_can_still_be_forbidden(self, store: Store) -> None:
        """That an address bounced elsewhere is heard of who had left, and outlives their return."""
        book = Subscribers(store)
        added = book.add(AGREEABLE, now=NOW)
        book.unsubscribe(added.id, at=NOW, source="link")
        content = "address,status,suppressed,name\nb@example.org,confirmed,hard_bounce,New\n"
        assert taken(store, content, AGREEING).changed == 1
        assert taken(store, content, AGREEING).left_alone == 1
        book.confirm(added.id, AGREED)
        person = book.get("b@example.org")
        assert (person.name, person.suppressed) == ("", SuppressionReason.HARD_BOUNCE)

    def test_many(self, store: Store) -> None:
        """A list longer than one statement can name."""
        content = "address\n" + "".join(f"r{n}@example.org\n" for n in range(2_500))
        assert taken(store, content).new == 2_500
        assert taken(store, content).unchanged == 2_500


AGREEABLE = address("b@example.org")


@pytest.mark.parametrize("after", list(U))
@pytest.mark.parametrize("before", list(U))
def test_the_table_of_lives(store: Store, before: U, after: U) -> None:
    """What the one table says of a status is what a person, or a list, can do to it."""
    book = Subscribers(store)
    for name in "ab":
        book.add(
            address(f"{name}@example.org"),
            now=NOW,
            status=before,
            consent=AGREED if before is U.CONFIRMED else None,
        )
    taken(store, f"address,status\na@example.org,{after}\n", AGREEING)
    moved = after if may_become(before, after, by=Word.LIST) else before
    assert book.get("a@example.org").status is moved
    number = book.get("b@example.org").id
    if after is U.CONFIRMED:
        book.confirm(number, AGREED)
    elif after is U.UNSUBSCRIBED:
        book.unsubscribe(number, at=NOW, source="link")
    moved = after if may_become(before, after, by=Word.PERSON) else before
    assert book.get("b@example.org").status is moved


class TestExporting:
    """Every fact, and nothing that a spreadsheet would run."""

    def test_formulas_are_defused(self, store: Store) -> None:
        """A name that looks like a formula gets an apostrophe, and loses it on the way back."""
        book = Subscribers(store)
        fields = {"@x": "+212", "y": "'=1", "z": "'x"}
        book.add(address("a@example.org"), now=NOW, name="=HYPERLINK(1)", fields=fields)
        written = exported(store, "csv").decode()
        cells = [cell for row in csv.reader(io.StringIO(written)) for cell in row]
        assert "'=HYPERLINK(1)" in cells
        assert "'+212" in cells
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
        entry = read(written).entry
        assert entry.name == "=HYPERLINK(1)"
        assert entry.fields == fields

    def test_json_is_for_people_too(self, store: Store) -> None:
        """Arabic stays Arabic; one object a line."""
        Subscribers(store).add(address("a@example.org"), now=NOW, name="أمل")
        (line,) = exported(store, "jsonl").decode().splitlines()
        assert "أمل" in line
        assert json.loads(line)["status"] == "unconfirmed"

    def test_a_full_store_survives_the_round(
        self, store: Store, store_url: str, tmp_path: Path
    ) -> None:
        """Out of either database and into an empty one, by either format: the same facts."""
        book = Subscribers(store)
        added = book.add(
            address("a@example.org"), now=NOW, name="Amal", status=U.CONFIRMED, consent=AGREED
        )
        book.unsubscribe(added.id, at=NOW + MINUTE, source="link")
        book.suppress("a@example.org", SuppressionReason.COMPLAINT, at=NOW, note="=x")
        book.suppress("z@example.org", SuppressionReason.HARD_BOUNCE, at=NOW, note="550")
        book.remove(book.add(address("gone@example.org"), now=NOW).id, now=NOW)
        assert b"gone" not in exported(store, "jsonl")
        for kind in WRITERS:
            other = opened(f"sqlite:///{tmp_path}/{kind}.db")
            assert _round(store, other, kind) == exported(store, "jsonl")
            other.close()

    def test_who_was_erased_is_known_elsewhere(self, store: Store, tmp_path: Path) -> None:
        """A mark comes along, keeps its person away, and sends nobody away who came back."""
        book = Subscribers(store)
        for name in ("gone", "back"):
            book.remove(book.add(address(f"{name}@example.org"), now=NOW).id, now=NOW)
        old = read(exported(store, "csv").decode()).rows
        other = opened(f"sqlite:///{tmp_path}/other.db")
        Subscribers(other).add(
            address("back@example.org"), now=NOW, status=U.CONFIRMED, consent=AGREED
        )
        for expected in (
            ImportPlan(forbidden=1, left_alone=1),
            ImportPlan(unchanged=1, left_alone=1),
        ):
            with importing(other) as people:
                assert people.plan(old) == expected
                assert people.apply(now=NOW) == expected
        assert taken(other, "address\ngone@example.org\n") == ImportPlan(left_alone=1)
        assert len(list(Subscribers(other).audience())) == 1
        other.close()

    def test_numbers_stay_with_their_people(self, store: Store, store_url: str) -> None:
        """A link to leave leads to the same person in a store that was moved, and to no other."""
        old = opened(f"sqlite:///{tempfile.mkdtemp()}/old.db")
        book = Subscribers(old)
        for name in ("gone", "a", "gone2", "b", "gone3"):
            book.add(address(f"{name}@example.org"), now=NOW)
        for name in ("gone", "gone2", "gone3"):
            book.remove(book.get(f"{name}@example.org").id, now=NOW)
        rows = read(exported(old, "csv").decode() + "by.hand@example.org\n").rows
        old.close()
        assert _taken(store, rows) == ImportPlan(unconfirmed=3, forbidden=3)
        moved = Subscribers(store)
        assert [moved.get(f"{name}@example.org").id for name in ("a", "b")] == [2, 4]
        assert moved.get("by.hand@example.org").id > 5, "5 was somebody who was erased"
        assert moved.add(address("c@example.org"), now=NOW).id > 6

    def test_numbers_that_are_taken(self, store: Store) -> None:
        """Where anybody ever had a number, or a file gives one twice, numbers are given anew."""
        head = "address,flashback_number\n"
        twice = read(head + "a@example.org,7\nb@example.org,7\n").rows
        assert _taken(store, twice).new == 2
        book = Subscribers(store)
        for name in "ab":
            book.remove(book.get(f"{name}@example.org").id, now=NOW)
        assert _taken(store, read(head + "c@example.org,1\n").rows).new == 1
        assert book.get("c@example.org").id > 2
        assert "is no number" in str(read(head + "d@example.org,-1\n").refused[0].reason)


def _taken(store: Store, rows: tuple[Row, ...]) -> ImportPlan:
    with importing(store) as people:
        people.plan(rows)
        return people.apply(now=NOW)


def _round(store: Store, other: Store, kind: str) -> bytes:
    found = read(exported(store, kind), name=f"export.{kind}")
    assert found.refused == ()
    with importing(other) as people:
        people.plan(found.rows)
        people.apply(now=NOW + MINUTE)
    return exported(other, "jsonl")


@cache
def template() -> Path:
    """An empty store to copy."""
    path = Path(tempfile.mkdtemp()) / "template.db"
    atexit.register(shutil.rmtree, path.parent)
    opened(f"sqlite:///{path}").close()
    return path


WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=8) | (
    st.sampled_from(["=1+1", "'=x", "''@", "'", '"', ",;", "أمل بنيس", "field.x", "name"])
)
TIMES = st.datetimes(
    dt.datetime(2000, 1, 1),  # noqa: DTZ001  # Hypothesis adds the zone
    dt.datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(dt.UTC),
)
PERSON = st.fixed_dictionaries(
    {
        "name": WORDS,
        "language": st.sampled_from(["", "fr", "ar", "en", "fr-MA"]),
        "organisation": WORDS,
        "tags": st.lists(WORDS, max_size=3),
        "fields": st.dictionaries(WORDS, WORDS, max_size=3),
        "now": TIMES,
    }
)
CONSENTS = st.lists(st.tuples(st.booleans(), TIMES, WORDS), max_size=3)
REASONS = st.none() | st.sampled_from(list(SuppressionReason))


@settings(max_examples=40, deadline=None)
@given(
    people=st.dictionaries(
        st.sampled_from(["a@example.org", "B.C+d@example.net", "é@exämple.example", "-x@ab.org"]),
        st.tuples(PERSON, CONSENTS, REASONS),
        max_size=3,
    ),
    note=WORDS,
)
def test_export_and_import_are_the_identity(people: dict[str, Any], note: str) -> None:
    """Whatever is in a store, its export restores it in an empty one."""
    with tempfile.TemporaryDirectory() as folder:
        stores = []
        for name in ("one", *WRITERS):
            shutil.copy(template(), f"{folder}/{name}.db")
            stores.append(opened(f"sqlite:///{folder}/{name}.db"))
        book = Subscribers(stores[0])
        for text, (person, consents, reason) in people.items():
            mailbox = addresses.parse(text)
            added = book.add(mailbox, **person)
            for granted, at, wording in consents:
                if granted:
                    agreed = Consent(
                        kind=ConsentKind.GRANTED,
                        at=at,
                        source="staff",
                        wording=wording,
                        evidence=wording,
                    )
                    book.confirm(added.id, agreed)
                else:
                    book.unsubscribe(added.id, at=at, source="link")
            if reason is not None:
                book.suppress(mailbox.key, reason, at=added.created_at or NOW, note=note)
        book.suppress("orphan@example.org", SuppressionReason.MANUAL, at=NOW, note=note)
        for other, kind in zip(stores[1:], WRITERS, strict=True):
            assert _round(stores[0], other, kind) == exported(stores[0], "jsonl")
        for each in stores:
            each.close()


def test_the_sample_is_taken_whole(tmp_path: Path) -> None:
    """The sample in the repository is a list that this program takes without a refusal."""
    sample = Path(__file__).parents[2] / "subscribers" / "sample.csv"
    store = opened(f"sqlite:///{tmp_path}/store.db")
    assert taken(store, sample.read_text()) == ImportPlan(confirmed=60)
    counts = Subscribers(store).counts()
    by_language = {
        language: sum(n for (tag, _), n in counts.items() if tag == language)
        for language in ("fr", "ar", "en")
    }
    assert by_language == {"fr": 30, "ar": 18, "en": 12}
    domains = {person.address.domain for person in Subscribers(store).list()}
    reserved = (".example", "example.org", "example.com", "example.net")
    assert all(domain.endswith(reserved) for domain in domains)
    store.close()

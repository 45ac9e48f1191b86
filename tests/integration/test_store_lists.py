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
from flashback.errors import ImportFileError
from flashback.model import (
    Consent,
    ConsentKind,
    SubscriberStatus,
    SuppressionReason,
)
from flashback.store import (
    Circumstances,
    ImportPlan,
    Reading,
    Store,
    Subscribers,
    apply_import,
    export_csv,
    export_jsonl,
    plan_import,
    read_csv,
    read_jsonl,
)

from fixtures.stores import AGREED, MINUTE, NOW, address, opened

U = SubscriberStatus
FILE = Circumstances(source="import:acteurs.csv", now=NOW)
AGREEING = Circumstances(source="import:acteurs.csv", now=NOW, consent="Oui")


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An empty store."""
    store = opened(store_url)
    yield store
    store.close()


def listed(content: str, circumstances: Circumstances = FILE) -> Reading:
    """A CSV file read."""
    return read_csv(io.StringIO(content), circumstances)


def taken(store: Store, content: str, circumstances: Circumstances = FILE) -> ImportPlan:
    """A CSV file imported."""
    return apply_import(store, plan_import(store, listed(content, circumstances)), now=NOW)


class TestReading:
    """Files as people really have them."""

    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    @pytest.mark.parametrize("mark", ["", "\ufeff"])
    def test_headers_and_delimiters(self, delimiter: str, mark: str) -> None:
        """French headers, accents, capitals, a byte-order mark; other columns become fields."""
        header = ["Adresse", " NOM ", "Langue", "organisation", "Statut", "Consentement", "Ville"]
        row = ["a@example.org", "Amal, Bennis; A", "arabe", "Amana", "Confirmé", "Oui", "Fès"]
        buffer = io.StringIO()
        csv.writer(buffer, delimiter=delimiter).writerows([header, row, [], ["", ""]])
        (entry,) = listed(mark + buffer.getvalue()).entries
        assert entry.row == 2
        assert entry.address.key == "a@example.org"
        assert (entry.name, entry.language) == ("Amal, Bennis; A", "ar")
        assert entry.fields == {"Ville": "Fès"}
        assert entry.status is U.CONFIRMED
        assert entry.consents == (
            Consent(kind=ConsentKind.GRANTED, at=NOW, source="import:acteurs.csv", wording="Oui"),
        )

    @pytest.mark.parametrize(
        ("status", "wording", "for_all", "expected"),
        [
            ("مؤكد", "نعم", "", U.CONFIRMED),
            ("confirmed", "", "Oui", U.CONFIRMED),
            ("confirmed", "", "", U.UNCONFIRMED),
            ("confirmed", "   ", "", U.UNCONFIRMED),
            ("", "Oui", "Oui", U.UNCONFIRMED),
            ("désabonnée", "Oui", "Oui", U.UNSUBSCRIBED),
        ],
    )
    def test_a_positive_sign(
        self, status: str, wording: str, for_all: str, expected: SubscriberStatus
    ) -> None:
        """Confirmed needs both: the row says so, and there are words that were agreed to."""
        circumstances = Circumstances(source="import", now=NOW, consent=for_all)
        content = f"address,status,consent\na@example.org,{status},{wording}\n"
        (entry,) = listed(content, circumstances).entries
        assert entry.status is expected

    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            ("no address,,", "not an e-mail address"),
            ("a@example.org,inactive,", "“inactive” is no status"),
            ("a@example.org,,klingon?", "is no language"),
            ("a@example.org,,,,,,,,more", "more cells"),
            ('a@example.org,,,"a\nb"', "line break"),
            ("a@example.org,,,,whim", "“whim” is no reason"),
            ("a@example.org,,,,,[1]", "not as an export writes it"),
            ("a@example.org,,,,,,yesterday", "“yesterday” is no time"),
            ("B@example.org,,", "b@example.org stands in row 2 already"),
        ],
    )
    def test_bad_rows_are_told(self, row: str, reason: str) -> None:
        """A row that cannot be taken is refused with its number and reason; the others go in."""
        header = "address,status,language,name,suppressed,consents,created_at\n"
        reading = listed(f"{header}b@example.org\n{row}\nc@example.org\n")
        assert [entry.address.key for entry in reading.entries] == [
            "b@example.org",
            "c@example.org",
        ]
        (refusal,) = reading.refused
        assert refusal.row == 3
        assert reason.casefold() in str(refusal.reason).casefold()

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            ("", "column “address” once"),
            ("name,language\nAmal,fr\n", "column “address” once"),
            ("email,adresse\na@example.org,b@example.org\n", "column “address” once"),
            ("address,ville,ville\na@example.org,1,2\n", "column “ville” once"),
            ('address\n"a@example.org\n', "Line 2 cannot be read"),
        ],
    )
    def test_no_list_at_all(self, content: str, told: str) -> None:
        """A file that is no list is refused whole."""
        with pytest.raises(ImportFileError, match=told):
            listed(content)

    def test_not_utf8(self) -> None:
        """Another encoding is told, not guessed."""
        stream = io.TextIOWrapper(io.BytesIO("address,nom\na@example.org,Zoé".encode("latin-1")))
        stream.reconfigure(encoding="utf-8")
        with pytest.raises(ImportFileError, match="not UTF-8 text"):
            read_csv(stream, FILE)

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            ("{", "not JSON"),
            ("[]", "no JSON object"),
            ('{"address": 1}', "must be a text"),
            ('{"address": "a@example.org", "fields": {"a": 1}}', "must be a text"),
            ('{"address": "a@example.org", "consents": 1}', "not as an export writes it"),
            ('{"address": "a@example.org", "name": "\\ud800"}', "control character"),
        ],
    )
    def test_bad_json_lines_are_told(self, line: str, reason: str) -> None:
        """JSON lines are judged as CSV is."""
        reading = read_jsonl(io.StringIO(f'\n{line}\n{{"address": "b@example.org"}}\n'), FILE)
        assert [entry.row for entry in reading.entries] == [3]
        (refusal,) = reading.refused
        assert refusal.row == 2
        assert reason in str(refusal.reason)

    def test_fields_that_are_none(self) -> None:
        """Fields that are no object are no fields."""
        line = '{"address": "b@example.org", "fields": "x"}'
        assert read_jsonl(io.StringIO(line), FILE).entries[0].fields == {}


class TestImporting:
    """A plan first; then one transaction that does no harm."""

    def test_a_plan_changes_nothing(self, store: Store) -> None:
        """What would happen is told before it happens."""
        plan = plan_import(store, listed("address\na@example.org\nno\n"))
        assert [entry.row for entry in plan.new] == [2]
        assert [refusal.row for refusal in plan.refused] == [3]
        assert Subscribers(store).list() == ()

    def test_known_people(self, store: Store) -> None:
        """New words are taken, empty cells erase nothing, a status only moves forward."""
        content = "address,name,ville,status\na@example.org,Amal,Fès,confirmed\nb@example.org,B,,\n"
        first = taken(store, content, AGREEING)
        assert len(first.new) == 2
        again = taken(store, content, AGREEING)
        assert (len(again.unchanged), len(again.changed)) == (2, 0)
        more = taken(
            store,
            "address,name,pays,status\na@example.org,,Maroc,\nb@example.org,,,confirmed\n",
            AGREEING,
        )
        assert len(more.changed) == 2
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
        assert [e.address.key for e in done.left_alone] == [
            "left@example.org",
            "dead@example.org",
            "erased@example.org",
        ]
        assert len(done.changed) == 1
        assert book.get("left@example.org").status is U.UNSUBSCRIBED
        assert book.get("left@example.org").fields == {}

    def test_who_left_since_the_plan(self, store: Store) -> None:
        """The plan is decided anew in the transaction that carries it out."""
        book = Subscribers(store)
        added = book.add(AGREEABLE, now=NOW, status=U.CONFIRMED, consent=AGREED)
        plan = plan_import(store, listed("address,name\nb@example.org,B\n"))
        assert len(plan.changed) == 1
        book.unsubscribe(added.id, at=NOW, source="link")
        assert len(apply_import(store, plan, now=NOW).left_alone) == 1
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
        assert (len(done.changed), len(done.new)) == (2, 1)
        gone = book.get("a@example.org")
        assert gone.status is U.UNSUBSCRIBED
        assert book.history(gone.id).consents[-1].kind is ConsentKind.WITHDRAWN
        assert book.get("b@example.org").suppressed is SuppressionReason.COMPLAINT
        assert book.suppression("c@example.org") is not None
        assert len(book.list()) == 2, "a suppressed address alone is nobody"

    def test_many(self, store: Store) -> None:
        """A list longer than one statement can name."""
        content = "address\n" + "".join(f"r{n}@example.org\n" for n in range(2_500))
        assert len(taken(store, content).new) == 2_500
        assert len(taken(store, content).unchanged) == 2_500


AGREEABLE = address("b@example.org")


class TestExporting:
    """Every fact, and nothing that a spreadsheet would run."""

    def test_formulas_are_defused(self, store: Store) -> None:
        """A name that looks like a formula gets an apostrophe, and loses it on the way back."""
        book = Subscribers(store)
        fields = {"@x": "+212", "y": "'=1", "z": "'x"}
        book.add(address("a@example.org"), now=NOW, name="=HYPERLINK(1)", fields=fields)
        out = io.StringIO()
        assert export_csv(store, out) == 1
        cells = [cell for row in csv.reader(io.StringIO(out.getvalue())) for cell in row]
        assert "'=HYPERLINK(1)" in cells
        assert "'+212" in cells
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
        (entry,) = listed(out.getvalue()).entries
        assert entry.name == "=HYPERLINK(1)"
        assert entry.fields == fields

    def test_json_is_for_people_too(self, store: Store) -> None:
        """Arabic stays Arabic; one object a line."""
        Subscribers(store).add(address("a@example.org"), now=NOW, name="أمل")
        out = io.StringIO()
        assert export_jsonl(store, out) == 1
        assert "أمل" in out.getvalue()
        assert json.loads(out.getvalue())["status"] == "unconfirmed"

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
        for number, (export, read) in enumerate(ROUNDS):
            other = opened(f"sqlite:///{tmp_path}/other{number}.db")
            assert _round(store, other, export, read) == facts(store)
            other.close()


ROUNDS: Any = ((export_csv, read_csv), (export_jsonl, read_jsonl))


def facts(store: Store) -> str:
    """All that an export tells."""
    out = io.StringIO()
    export_jsonl(store, out)
    return out.getvalue()


def _round(store: Store, other: Store, export: Any, read: Any) -> str:
    out = io.StringIO(newline="")
    export(store, out)
    reading = read(io.StringIO(out.getvalue(), newline=""), FILE)
    assert reading.refused == ()
    apply_import(other, plan_import(other, reading), now=NOW + MINUTE)
    return facts(other)


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
        for name in ("one", "csv", "jsonl"):
            shutil.copy(template(), f"{folder}/{name}.db")
            stores.append(opened(f"sqlite:///{folder}/{name}.db"))
        book = Subscribers(stores[0])
        for text, (person, consents, reason) in people.items():
            mailbox = addresses.parse(text)
            added = book.add(mailbox, **person)
            for granted, at, wording in consents:
                if granted:
                    agreed = Consent(
                        kind=ConsentKind.GRANTED, at=at, source="staff", wording=wording
                    )
                    book.confirm(added.id, agreed)
                else:
                    book.unsubscribe(added.id, at=at, source="link")
            if reason is not None:
                book.suppress(mailbox.key, reason, at=added.created_at or NOW, note=note)
        book.suppress("orphan@example.org", SuppressionReason.MANUAL, at=NOW, note=note)
        for other, (export, read) in zip(stores[1:], ROUNDS, strict=True):
            assert _round(stores[0], other, export, read) == facts(stores[0])
        for each in stores:
            each.close()


def test_the_sample_is_taken_whole(tmp_path: Path) -> None:
    """The sample in the repository is a list that this program takes without a refusal."""
    sample = Path(__file__).parents[2] / "subscribers" / "sample.csv"
    store = opened(f"sqlite:///{tmp_path}/store.db")
    with sample.open(encoding="utf-8", newline="") as stream:
        done = apply_import(store, plan_import(store, read_csv(stream, FILE)), now=NOW)
    assert done.refused == ()
    assert len(done.new) == 60
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

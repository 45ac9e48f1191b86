"""The address book, on SQLite and on PostgreSQL."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from flashback.errors import Exit, StoreError, UnknownSubscriberError
from flashback.model import (
    Consent,
    ConsentKind,
    DeliveryState,
    Result,
    SubscriberStatus,
    SuppressionReason,
)
from flashback.store import (
    SegmentError,
    Store,
    Subscribers,
    compile_segment,
)
from flashback.store.tables import metadata

from fixtures.stores import AGREED, MINUTE, NOW, address, mailing, opened, readers, settlement

U = SubscriberStatus
AMAL = address("Amal.Bennis@amana.example")


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


class TestPeople:
    """Who is there, and in which words."""

    def test_someone_is_kept_as_told(self, book: Subscribers) -> None:
        """Names in any script, a language and free fields come back; spaces around them do not."""
        added = book.add(
            AMAL,
            now=NOW,
            name=" أمل بنيس ",
            language="AR-ma",
            organisation="Amana",
            fields={"ville ": " Fès", "vide": ""},
        )
        assert added.name == "أمل بنيس"
        assert added.language == "ar-ma"
        assert added.fields == {"ville": "Fès"}
        assert added.status is U.UNCONFIRMED
        assert added.created_at == NOW
        assert not added.mailable
        assert book.get("amal.bennis@amana.example") == added == book.find(added.id)

    def test_one_person_per_address(self, book: Subscribers) -> None:
        """Two spellings of one address are one person."""
        book.add(AMAL, now=NOW)
        with pytest.raises(StoreError, match="there already"):
            book.add(address("amal.bennis@amana.example"), now=NOW)

    @pytest.mark.parametrize("name", ["a\nBcc: b", "a\0", "a\u2028b", "\ud800"])
    def test_control_characters_are_refused(self, book: Subscribers, name: str) -> None:
        """A name can never become a line of a header."""
        with pytest.raises(StoreError, match="line break or a control character"):
            book.add(AMAL, now=NOW, name=name)

    def test_a_language_is_a_tag(self, book: Subscribers) -> None:
        """Other words are refused with what to write."""
        with pytest.raises(StoreError, match=r"no language\. Write fr, ar or en"):
            book.add(AMAL, now=NOW, language="klingon?")

    def test_nobody_unknown(self, book: Subscribers) -> None:
        """Unknown addresses and numbers are told; the exit code is that of a wrong command."""
        with pytest.raises(UnknownSubscriberError, match=r"nobody@example\.org") as caught:
            book.get("nobody@example.org")
        assert caught.value.exit_code is Exit.USAGE
        assert book.find(7) is None
        for verb in (
            lambda: book.confirm(7, AGREED),
            lambda: book.unsubscribe(7, at=NOW, source="link"),
            lambda: book.remove(7, now=NOW),
            lambda: book.history(7),
        ):
            with pytest.raises(UnknownSubscriberError):
                verb()

    def test_lists_and_counts(self, store: Store, book: Subscribers) -> None:
        """People are listed in the order they came, page by page, and counted."""
        numbers = readers(store, 5)
        book.add(AMAL, now=NOW)
        book.unsubscribe(numbers[0], at=NOW, source="link")
        assert [p.id for p in book.list(limit=2)] == numbers[:2]
        assert [p.id for p in book.list(limit=2, after=numbers[1])] == numbers[2:4]
        assert [p.id for p in book.list(status=U.CONFIRMED, language="fr")] == numbers[2::2]
        amana = book.list(condition=compile_segment('name = ""'))
        assert [p.address for p in amana] == [AMAL]
        assert book.counts() == {
            ("", U.UNCONFIRMED): 1,
            ("ar", U.CONFIRMED): 2,
            ("fr", U.CONFIRMED): 2,
            ("fr", U.UNSUBSCRIBED): 1,
        }


class TestConsent:
    """Nobody is mailed who did not agree, and what was agreed is never forgotten."""

    def test_confirmed_needs_a_consent(self, book: Subscribers) -> None:
        """Neither a missing nor a withdrawn consent makes anyone confirmed."""
        withdrawn = Consent(kind=ConsentKind.WITHDRAWN, at=NOW, source="staff")
        for consent in (None, withdrawn):
            with pytest.raises(StoreError, match="without a consent"):
                book.add(AMAL, now=NOW, status=U.CONFIRMED, consent=consent)
        added = book.add(AMAL, now=NOW)
        with pytest.raises(StoreError, match="confirms nobody"):
            book.confirm(added.id, withdrawn)

    def test_a_whole_life(self, book: Subscribers) -> None:
        """Join, leave (twice), come back: each step is on record, in order."""
        added = book.add(AMAL, now=NOW, consent=AGREED)
        assert added.status is U.UNCONFIRMED
        assert book.confirm(added.id, AGREED).mailable
        assert book.unsubscribe(added.id, at=NOW + MINUTE, source="link").status is U.UNSUBSCRIBED
        book.unsubscribe(added.id, at=NOW + 2 * MINUTE, source="link")
        back = Consent(
            kind=ConsentKind.GRANTED, at=NOW + 3 * MINUTE, source="form", wording="نعم", by="Amal"
        )
        assert book.confirm(added.id, back).status is U.CONFIRMED
        consents = book.history(added.id).consents
        assert [(c.kind, c.source) for c in consents] == [
            (ConsentKind.GRANTED, "staff"),
            (ConsentKind.GRANTED, "staff"),
            (ConsentKind.WITHDRAWN, "link"),
            (ConsentKind.GRANTED, "form"),
        ]
        assert consents[-1] == back

    def test_suppression_is_a_separate_fact(self, book: Subscribers) -> None:
        """It forbids mailing whatever the status, keeps its first reason, and can be lifted."""
        added = book.add(AMAL, now=NOW, status=U.CONFIRMED, consent=AGREED)
        assert added.mailable
        book.suppress(AMAL.key, SuppressionReason.COMPLAINT, at=NOW, note="a\nb")
        book.suppress(AMAL.key, SuppressionReason.MANUAL, at=NOW)
        found = book.get(AMAL.key)
        assert found.suppressed is SuppressionReason.COMPLAINT
        assert not found.mailable
        suppression = book.history(added.id).suppression
        assert suppression == book.suppression(AMAL.key)
        assert suppression is not None
        assert suppression.note == "a b"
        assert book.unsuppress(AMAL.key)
        assert not book.unsuppress(AMAL.key)
        assert book.get(AMAL.key).mailable


class TestAudience:
    """Who may be mailed at one moment."""

    def test_only_who_may_be_mailed(self, store: Store, book: Subscribers) -> None:
        """Confirmed and not suppressed, in order, in the wanted languages and segment."""
        numbers = readers(store, 6)
        book.add(AMAL, now=NOW)
        book.unsubscribe(numbers[0], at=NOW, source="link")
        book.suppress("lecteur1@example.org", SuppressionReason.MANUAL, at=NOW)
        assert list(book.audience()) == [
            (numbers[2], "fr"),
            (numbers[3], "ar"),
            (numbers[4], "fr"),
            (numbers[5], "ar"),
        ]
        assert list(book.audience(languages=["ar"])) == [(numbers[3], "ar"), (numbers[5], "ar")]
        segment = compile_segment('name = "Lectrice 4" or name = "Lectrice 0"')
        assert list(book.audience(condition=segment)) == [(numbers[4], "fr")]

    def test_it_is_one_moment(self, store: Store, book: Subscribers) -> None:
        """Who leaves while the list is read is still on it; the claim will find out."""
        numbers = readers(store, 3)
        audience = book.audience()
        first = next(audience)
        book.unsubscribe(numbers[2], at=NOW, source="link")
        assert [first, *audience] == [(numbers[0], "fr"), (numbers[1], "ar"), (numbers[2], "fr")]


class TestErasing:
    """An erased person leaves no trace but the wish not to be written to."""

    def test_nothing_of_the_person_stays(self, store: Store, book: Subscribers) -> None:
        """Address, name, consents and servers' words about them are gone; the account adds up."""
        ledger, started = mailing(store, 2)
        claims = ledger.claim(started.id, owner="me", limit=2, now=NOW)
        ledger.settle(
            [
                settlement(claims[0], Result.PERMANENT, suppress=True),
                settlement(claims[1], Result.UNKNOWN, detail="lecteur1@example.org broke"),
            ]
        )
        for claim in claims:
            book.remove(claim.subscriber_id, now=NOW)
        assert [d.address for d in ledger.deliveries(started.id)] == ["", ""]
        assert ledger.account(started.id).audience == 2
        assert ledger.account(started.id)[DeliveryState.REFUSED] == 1
        with store.read() as connection:
            for table, words in (
                ("subscribers", "*"),
                ("consents", "*"),
                ("deliveries", "reply || reason"),
                ("attempts", "reply_text || detail"),
            ):
                rows = connection.execute(text(f"SELECT {words} FROM {table}")).all()
                assert "lecteur" not in str(rows)
                assert "No such user" not in str(rows)
        for claim in claims:
            assert book.suppression(claim.address.key) is None
            assert book.erased_at(claim.address.key) == NOW
        with store.read() as connection:
            for each in metadata.sorted_tables:
                assert "lecteur" not in str(connection.execute(each.select()).all())

    def test_only_a_new_consent_brings_them_back(self, store: Store, book: Subscribers) -> None:
        """Not adding them by mistake, not a late bounce; with a consent they are new."""
        first = book.add(AMAL, now=NOW, status=SubscriberStatus.CONFIRMED, consent=AGREED)
        book.remove(first.id, now=NOW)
        with pytest.raises(StoreError, match="was erased on 2011-09-02"):
            book.add(AMAL, now=NOW)
        back = book.add(AMAL, now=NOW, status=SubscriberStatus.CONFIRMED, consent=AGREED)
        assert book.erased_at(AMAL.key) is None
        book.remove(back.id, now=NOW)
        assert book.unsuppress(AMAL.key)
        assert not book.unsuppress(AMAL.key)
        assert book.add(AMAL, now=NOW).id > back.id

    def test_a_refusal_after_the_erasure(self, store: Store, book: Subscribers) -> None:
        """What a server says of who was erased meanwhile keeps no address either."""
        ledger, started = mailing(store, 1)
        (claim,) = ledger.claim(started.id, owner="me", limit=1, now=NOW)
        book.remove(claim.subscriber_id, now=NOW)
        ledger.settle([settlement(claim, Result.PERMANENT, suppress=True)])
        assert book.suppression(claim.address.key) is None
        assert ledger.account(started.id)[DeliveryState.REFUSED] == 1

    def test_a_number_is_never_given_twice(self, book: Subscribers) -> None:
        """An old unsubscribe link must not reach somebody else."""
        first = book.add(AMAL, now=NOW)
        book.remove(first.id, now=NOW)
        assert book.add(address("b@example.org"), now=NOW).id > first.id


class TestSegments:
    """A small language for a part of the readers, the same on both databases."""

    @pytest.fixture
    def people(self, book: Subscribers) -> Subscribers:
        """Three people who differ."""
        fields = {"ville": "Fès", "agences": "12", "visite": "2025-03-01"}
        tags = ("Banque", "Presse locale")
        book.add(AMAL, now=NOW, language="ar", organisation="Amana", fields=fields, tags=tags)
        fields = {"agences": "9", "visite": "2024-12-31T10:00"}
        book.add(
            address("b@x.org"),
            now=NOW + 1440 * MINUTE,
            language="fr",
            organisation='Le "Crédit"',
            fields=fields,
        )
        fields = {"ville": "الرباط", "agences": "many", "visite": "soon"}
        book.add(
            address("c@x.org"),
            now=NOW + 2880 * MINUTE,
            language="ar",
            fields=fields,
            tags=("بنك", 'a"b'),
        )
        return book

    @pytest.mark.parametrize(
        ("expression", "found"),
        [
            ('language = "ar"', "ac"),
            ('language != "ar"', "b"),
            ('field.ville != "Fès"', "bc"),
            ('field.ville = ""', "b"),
            ('field.ville = "الرباط"', "c"),
            ('not language = "ar" or organisation = "Amana"', "ab"),
            ('language = "ar" and not (organisation = "Amana" or field.ville = "x")', "c"),
            ('language = "fr" or language = "ar" and organisation = "Amana"', "ab"),
            (r'organisation = "Le \"Crédit\""', "b"),
            ('status = "unconfirmed" and name = ""', "abc"),
            ('name = "\' OR 1 = 1 --"', ""),
            ('tag has "banque"', "a"),
            ('tag has " BANQUE "', "a"),
            ('tag has "presse  locale" and not tag has "x"', "a"),
            ('not tag has "banque"', "bc"),
            ('tag has "بنك"', "c"),
            (r'tag has "a\"b"', "c"),
            ('tag has "\') --"', ""),
            ("joined > 2011-09-02", "bc"),
            ("joined >= 2011-09-02", "abc"),
            ("joined = 2011-09-03", "b"),
            ("joined != 2011-09-03", "ac"),
            ("joined < 2011-09-04 and joined > 2011-09-02", "b"),
            ("joined <= 2011-09-03", "ab"),
            ("joined <= 9999-12-31", "abc"),
            ("joined < 0001-01-01", ""),
            ("field.agences > 9", "a"),
            ("field.agences >= 9 and field.agences < 12.5", "ab"),
            ("field.agences != 9", "ac"),
            ("field.agences > -1", "ab"),
            ("not field.agences > 9", "bc"),
            ("field.visite > 2024-12-31", "a"),
            ("field.visite = 2024-12-31", "b"),
            ("field.visite != 2024-12-31", "ac"),
            ('language = "ar" and tag has "banque" and joined > 2011-09-01', "a"),
        ],
    )
    def test_it_means_what_it_says(self, people: Subscribers, expression: str, found: str) -> None:
        """``and`` binds closer than ``or``; an absent field equals the empty text."""
        listed = people.list(condition=compile_segment(expression))
        assert "".join(person.address.key[0] for person in listed) == found


@pytest.mark.parametrize(
    ("expression", "column", "wanted"),
    [
        ("", 1, "a name"),
        ("   ", 1, "a name"),
        ("language", 9, "one of = !="),
        ("tag", 4, "has"),
        ('tag = "x"', 5, "has"),
        ("tag has banque", 9, "a text between double quotes"),
        ("joined > 2025-02-30", 10, "a date like 2025-01-31"),
        ('joined > "x"', 10, "a date like 2025-01-31"),
        ("joined > 2025", 10, "a date like 2025-01-31"),
        ('language > "ar"', 12, "a number, or a date"),
        ("language > ar", 12, "a number, or a date"),
        ('language == "ar"', 11, "a text"),
        ("language = ar", 12, "a text"),
        ('language = "ar', 12, "a text"),
        ('city = "Fès"', 1, "one of language"),
        ('name.x = "Fès"', 1, "one of language"),
        ('language = "ar" organisation = "x"', 17, "the end"),
        ('(language = "ar"', 17, "a closing parenthesis"),
        ('language = "ar")', 16, "the end"),
        ('language = "ar" and', 20, "a name"),
        ('language = "ar"; DROP', 16, "the end"),
        ("(" * 60 + 'language = "ar"' + ")" * 60, 51, "fewer parentheses"),
    ],
)
def test_a_segment_that_cannot_be(expression: str, column: int, wanted: str) -> None:
    """The error points at the column and says what belongs there."""
    with pytest.raises(SegmentError) as caught:
        compile_segment(expression)
    assert f"at column {column}." in str(caught.value)
    assert wanted in str(caught.value)
    assert "For example" in str(caught.value)
    assert caught.value.exit_code is Exit.USAGE

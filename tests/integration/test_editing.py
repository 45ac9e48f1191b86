"""What is wrong about a person is put right, on SQLite and on PostgreSQL."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from flashback.cli import main
from flashback.errors import Exit, StoreError, UnknownSubscriberError
from flashback.model import (
    Circumstances,
    ConsentKind,
    DeliveryState,
    Result,
    SubscriberStatus,
    SuppressionReason,
)
from flashback.store import Store, Subscribers, importing, safekeeping
from flashback.store.checking import check
from flashback.store.editing import Correction, Edited
from flashback.store.tables import metadata

from fixtures.rosters import read
from fixtures.stores import (
    AGREED,
    MINUTE,
    NOW,
    address,
    mailing,
    mark_of,
    opened,
    readers,
    settlement,
)

U = SubscriberStatus
LATER = NOW + 60 * MINUTE
OLD, NEW = address("amal@example.org"), address("Amal.Bennis@amana.example")
ASKED = replace(AGREED, at=LATER, wording="asked by phone")


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An empty store."""
    store = opened(store_url)
    yield store
    store.close()


@pytest.fixture
def book(store: Store) -> Subscribers:
    """An address book with one confirmed person."""
    book = Subscribers(store)
    book.add(
        OLD, now=NOW, name="Amal", language="ar", organisation="Amana",
        fields={"agencies": "9", "city": "Fès"}, tags=["banque", "presse"],
        status=U.CONFIRMED, consent=AGREED,
    )  # fmt: skip
    return book


def edit(book: Subscribers, **changes: Any) -> Edited:
    """Correct the one person."""
    (edited,) = book.edit([OLD.key], Correction(**changes), now=LATER)
    return edited


def changed_at(store: Store) -> object:
    """When the row was last changed, as the database keeps it."""
    with store.read() as connection:
        return connection.execute(text("SELECT changed_at FROM subscribers")).scalar_one()


class TestWords:
    """Name, language, organisation, fields and tags."""

    def test_what_is_named_is_changed_and_nothing_else(self, book: Subscribers) -> None:
        """The rest stays, the status above all."""
        before = book.get(OLD.key)
        edited = edit(book, name=" أمل بنيس ", fields={" agencies ": "12"}, tags=["Énergie"])
        assert edited.before == before
        assert edited.after == book.get(OLD.key)
        assert edited.after == replace(
            before,
            name="أمل بنيس",
            fields={"agencies": "12", "city": "Fès"},
            tags=("banque", "presse", "énergie"),
        )

    def test_what_is_there_can_be_taken_away(self, book: Subscribers) -> None:
        """An empty text does it, and of tags their name, however it is written."""
        empty = {"name": "", "language": "", "organisation": ""}
        after = edit(book, **empty, fields={"city": " "}, untags=[" PRESSE "]).after
        assert (after.name, after.language, after.organisation) == ("", "", "")
        assert (after.fields, after.tags) == ({"agencies": "9"}, ("banque",))
        assert edit(book, tags=["x"], untags=["x", "banque", "unknown"]).after.tags == ()
        assert book.get(OLD.key).fields == {"agencies": "9"}

    def test_nothing_to_change_is_no_change(self, store: Store, book: Subscribers) -> None:
        """The row is as if nobody had looked, and its time goes on."""
        before = changed_at(store)
        edited = edit(book, name="Amal", tags=["Banque"], untags=["x"], fields={"none": ""})
        assert edited.before == edited.after
        assert changed_at(store) == before
        edit(book, name="Other")
        assert changed_at(store) != before

    @pytest.mark.parametrize(
        "wrong", [{"name": "a\nb"}, {"language": "klingon?"}, {"fields": {"a\0": "b"}}]
    )
    def test_what_cannot_be_kept_is_refused(self, book: Subscribers, wrong: Any) -> None:
        """As when somebody is added."""
        with pytest.raises(StoreError, match=r"control character|no language"):
            edit(book, **wrong)
        assert book.get(OLD.key).name == "Amal"

    def test_all_or_none(self, book: Subscribers) -> None:
        """Of several people, one who is unknown stops it for all."""
        book.add(address("b@example.org"), now=NOW, tags=["presse"])
        correction = Correction(untags=["presse"])
        with pytest.raises(UnknownSubscriberError, match=r"nobody@example\.org"):
            book.edit([OLD.key, "nobody@example.org"], correction, now=LATER)
        assert "presse" in book.get(OLD.key).tags
        edited = book.edit(["b@example.org", OLD.key, OLD.key], correction, now=LATER)
        assert [(one.after.address.key, one.after.tags) for one in edited] == [
            (OLD.key, ("banque",)),
            ("b@example.org", ()),
        ]

    def test_two_who_edit_at_once(self, store: Store, store_url: str, book: Subscribers) -> None:
        """Nobody's correction is lost."""
        other = opened(store_url)
        threads = [
            threading.Thread(target=one.edit, args=([OLD.key], Correction(tags=[f"{name}{n}"])),
                             kwargs={"now": LATER})
            for n in range(10)
            for name, one in (("a", book), ("b", Subscribers(other)))
        ]  # fmt: skip
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        other.close()
        assert len(book.get(OLD.key).tags) == 22


class TestAddress:
    """Another address of the same person is no way around a no."""

    def test_a_person_moves(self, store: Store, book: Subscribers) -> None:
        """Number, consents and words stay; how it was asked for is on record."""
        number = book.get(OLD.key).id
        edited = edit(book, address=NEW, consent=ASKED, name="Amal Bennis")
        assert edited.after == book.find(number) == book.get(NEW.key)
        assert edited.after.mailable
        assert (edited.after.address, edited.after.name) == (NEW, "Amal Bennis")
        assert book.known(OLD.key) is None
        consents = book.history(number).consents
        assert consents == (AGREED, replace(ASKED, evidence="instead of amal@example.org"))
        assert check(store) == ()

    def test_a_new_spelling_is_no_new_address(self, book: Subscribers) -> None:
        """It needs no consent and leaves no mark."""
        spelled = address("Amal@example.org")
        assert edit(book, address=spelled).after.address == spelled
        assert book.erased_at(OLD.key) is None
        assert len(book.history(book.get(OLD.key).id).consents) == 1

    def test_who_leaves_at_the_new_address_is_not_mailed_at_the_old(
        self, store: Store, book: Subscribers
    ) -> None:
        """No list of earlier days brings the old address back."""
        number = edit(book, address=NEW, consent=ASKED).after.id
        book.unsubscribe(number, at=LATER, source="link")
        told = Circumstances(source="import:x", now=LATER, consent="yes")
        with importing(store) as people:
            people.plan(read("address\namal@example.org\n", told).rows)
            assert people.apply(now=LATER).left_alone == 1
        assert list(book.audience()) == []

    def test_nobody_is_mailed_at_an_address_that_did_not_ask(self, book: Subscribers) -> None:
        """A typing error would be a stranger's mail: somebody must say how it was asked for."""
        with pytest.raises(StoreError, match=r"gets mail\. Who asked for it at .*--consent"):
            edit(book, address=NEW)
        assert book.get(OLD.key).mailable

    def test_who_left_has_left_everywhere(self, book: Subscribers) -> None:
        """A new address brings nobody back."""
        book.unsubscribe(book.get(OLD.key).id, at=NOW, source="link")
        with pytest.raises(StoreError, match=r"has left, and gets no mail elsewhere\. Who comes"):
            edit(book, address=NEW, consent=ASKED)

    @pytest.mark.parametrize("reason", [SuppressionReason.COMPLAINT, SuppressionReason.MANUAL])
    def test_a_no_of_the_person_goes_along(
        self, book: Subscribers, reason: SuppressionReason
    ) -> None:
        """Whoever complained is not mailed elsewhere."""
        book.suppress(OLD.key, reason, at=NOW)
        with pytest.raises(StoreError, match=rf"Mail to {OLD} is forbidden \({reason}\)\. .*allow"):
            edit(book, address=NEW, consent=ASKED)

    def test_a_dead_address_is_left_behind(self, store: Store, book: Subscribers) -> None:
        """The usual reason to move; of the old address only a mark stays with its number."""
        book.suppress(OLD.key, SuppressionReason.HARD_BOUNCE, at=NOW, note=f"no {OLD}")
        after = edit(book, address=NEW, consent=ASKED).after
        assert after.mailable
        assert book.suppression(OLD.key) is None
        assert book.erased_at(OLD.key) == LATER
        book.remove(after.id, now=LATER)
        with store.read() as connection:
            rows = [connection.execute(each.select()).all() for each in metadata.sorted_tables]
        assert "amal" not in str(rows).lower()

    @pytest.mark.parametrize("why", ["taken", "suppressed", "erased"])
    def test_an_address_that_must_not_be_mailed(self, book: Subscribers, why: str) -> None:
        """Somebody else's, a forbidden one, or that of an erased person is nobody's new one."""
        if why == "suppressed":
            book.suppress(NEW.key, SuppressionReason.HARD_BOUNCE, at=NOW)
            said = rf"Mail to {NEW} is forbidden \(hard_bounce\)"
        else:
            there = book.add(NEW, now=NOW)
            said = rf"{NEW} is there already"
        if why == "erased":
            book.remove(there.id, now=NOW)
            said = rf"{NEW} was erased on 2011-09-02\. .*allow {NEW}"
        with pytest.raises(StoreError, match=said):
            edit(book, address=NEW, consent=ASKED)
        if why != "taken":
            book.unsuppress(NEW.key)
            assert edit(book, address=NEW, consent=ASKED).after.mailable

    def test_who_never_confirmed_still_has_not(self, book: Subscribers) -> None:
        """A typing error is mended; a consent confirms by “add”, and by nothing else."""
        shy, right = address("shy@exmaple.org"), address("shy@example.org")
        book.add(shy, now=NOW)
        with pytest.raises(StoreError, match="never confirmed"):
            book.edit([shy.key], Correction(address=right, consent=ASKED), now=LATER)
        book.edit([shy.key], Correction(address=right), now=LATER)
        assert book.get(right.key).status is U.UNCONFIRMED

    def test_taken_at_this_very_moment(
        self, book: Subscribers, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whoever comes first has it; nothing of the correction is kept."""
        book.add(NEW, now=NOW)
        monkeypatch.setattr("flashback.store.people.by_key", lambda *_: None)
        with pytest.raises(StoreError, match="there already"):
            edit(book, address=NEW, consent=ASKED, name="Other")
        monkeypatch.undo()
        assert book.get(OLD.key).name == "Amal"
        assert len(book.history(book.get(OLD.key).id).consents) == 1

    def test_a_copy_under_way(self, store: Store) -> None:
        """What a server says of the old address forbids neither; what waits goes to the new one."""
        ledger, begun = mailing(store, 2)
        book = Subscribers(store)
        (claim,) = ledger.claim(begun.id, owner="me", limit=1, now=NOW)
        for n in range(2):
            correction = Correction(address=address(f"new{n}@example.org"), consent=ASKED)
            book.edit([f"lecteur{n}@example.org"], correction, now=LATER)
        ledger.settle([settlement(claim, Result.PERMANENT, suppress=True, at=LATER)])
        (waiting,) = ledger.claim(begun.id, owner="me", limit=5, now=LATER)
        assert waiting.address.mailbox == "new1@example.org"
        assert book.suppression("lecteur0@example.org") is None
        assert book.get("new0@example.org").mailable
        assert ledger.account(begun.id)[DeliveryState.REFUSED] == 1


def test_a_backup_from_before_the_move(tmp_path: Path) -> None:
    """Put back, it mails nobody at the address that was left; who moved is counted as missing."""
    place, copy = tmp_path / "store.db", tmp_path / "copy.db"
    store = opened(f"sqlite:///{place}")
    readers(store, 2)
    safekeeping.snapshot(store, copy, NOW, lambda *_: None)
    correction = Correction(address=NEW, consent=ASKED)
    Subscribers(store).edit(["lecteur0@example.org"], correction, now=LATER)
    store.close()
    done = safekeeping.restore(
        tmp_path, f"sqlite:///{place}", place, copy, mark_of=mark_of, now=LATER,
        told=lambda *_: None,
    )  # fmt: skip
    assert (done.erased, done.lost) == (1, 1)
    store = opened(f"sqlite:///{place}")
    assert [one.address.mailbox for one in Subscribers(store).list()] == ["lecteur1@example.org"]
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


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Any:
    """Run a command in a workspace with one confirmed person: its exit code, what it said."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flashback.toml").write_text(SETTINGS)

    def said(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        return code, *capsys.readouterr()

    said("init", ".", "--name", "F", "--from", "f@example.org")
    said("subscribers", "add", "sam@example.org", "--tag", "presse", "--consent", "yes")
    return said


def shown(run: Any, who: str) -> Any:
    return json.loads(run("subscribers", "show", who, "--json")[1])


def test_words_and_tags_by_a_command(run: Any) -> None:
    """What is changed is told, from what to what."""
    code, out, _ = run(
        *("subscribers", "edit", "sam@example.org", "--name", "Sam", "--language", "fr"),
        *("--organisation", "Amana", "--field", "agencies=12", "--field", "motto=a=b"),
        *("--tag", "banque", "--untag", "presse"),
    )
    assert code == Exit.DONE
    assert "sam@example.org is corrected:" in out
    assert "  name            – → Sam\n" in out
    assert "  tags            presse → banque\n" in out
    assert "  field.motto     – → a=b\n" in out
    sam = shown(run, "sam@example.org")
    assert (sam["name"], sam["language"], sam["organisation"]) == ("Sam", "fr", "Amana")
    assert (sam["fields"], sam["tags"]) == ({"agencies": "12", "motto": "a=b"}, ["banque"])
    assert sam["status"] == "confirmed"
    again = run("subscribers", "edit", "sam@example.org", "--name", "Sam")
    assert again[:2] == (Exit.DONE, "sam@example.org: nothing was changed.\n")
    _, out, _ = run("subscribers", "edit", "sam@example.org", "--field", "motto=", "--json")
    told = json.loads(out)
    assert told["changes"] == {"field.motto": ["a=b", ""]}
    assert told["fields"] == {"agencies": "12"}


def test_tags_of_several_people_by_a_command(run: Any) -> None:
    """One line each; and one name for all is nobody's wish."""
    run("subscribers", "add", "ann@example.org", "--tag", "presse")
    people = ("sam@example.org", "ann@example.org")
    _, out, _ = run("subscribers", "edit", *people, "--untag", "presse")
    assert out.count("presse → –") == 2
    code, _, err = run("subscribers", "edit", *people, "--name", "Sam")
    assert code == Exit.USAGE
    assert "for one person" in err


def test_an_address_by_a_command(run: Any) -> None:
    """It asks how the person asked; the history tells it afterwards."""
    move = ("subscribers", "edit", "sam@example.org", "--address", "sam@amana.example")
    code, _, err = run(*move)
    assert code == Exit.FAILED
    assert "--consent" in err
    _, out, _ = run(*move, "--consent", "asked by phone")
    assert "  address  sam@example.org → sam@amana.example\n" in out
    _, out, _ = run("subscribers", "history", "sam@amana.example")
    assert "granted  staff  asked by phone  instead of sam@example.org" in out
    consents = shown(run, "sam@amana.example")["consents"]
    assert [one["kind"] for one in consents] == [ConsentKind.GRANTED.value] * 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--field", "agencies"), "is no field"),
        (("--field", "=12"), "is no field"),
        (("--consent", "yes"), "belongs to --address"),
        (("--address", "x"), "is not an e-mail address"),
    ],
)
def test_a_command_that_makes_no_sense(run: Any, words: tuple[str, ...], said: str) -> None:
    """It is refused with what to write."""
    code, _, err = run("subscribers", "edit", "sam@example.org", *words)
    assert code == Exit.USAGE
    assert said in err

"""A sender's journal: what was written is read back, and what was not is not made up."""

import datetime as dt
import errno
import json
import os
import stat
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashback.errors import StoreError
from flashback.model import Claim, DeliveryState, Outcome, Reply, Result, Settlement
from flashback.store import journal, owners
from flashback.store.journal import Flight, Journal, Recollection

from fixtures.stores import NOW, address, settlement

OWNER = "host:boot:1:2:3:random"


def claim(number: int, attempt: int = 1) -> Claim:
    return Claim(
        delivery_id=number,
        mailing_id=1,
        subscriber_id=number,
        address=address(f"r{number}@example.org"),
        name="",
        language="fr",
        edition_digest="d",
        attempt=attempt,
        owner=OWNER,
    )


def read(book: Journal, owner: str = OWNER) -> Recollection | None:
    return journal.read(str(book.stem), owner)


def only_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Notes with their time, and outcomes whole, by delivery and attempt."""
    book = Journal(tmp_path / "new" / "journals", OWNER)
    book.note([claim(1), claim(2, 3)], NOW)
    done = settlement(claim(2, 3), Result.TEMPORARY, suppress=True, detail="détail")
    book.remember([done, settlement(claim(4), Result.ACCEPTED)])
    found = read(book)
    assert found is not None
    assert found.noted == {(1, 1): NOW, (2, 3): NOW}
    assert found.settlements(claim(2, 3)) == [done]
    assert found.settlements(claim(4)) == [settlement(claim(4), Result.ACCEPTED)]
    assert found.settlements(claim(2, 4)) == []
    book.close(remove=True)
    assert list((tmp_path / "new" / "journals").iterdir()) == []


def test_it_is_private(tmp_path: Path) -> None:
    """Servers repeat addresses in their replies: nobody else reads them."""
    Journal(tmp_path / "journals", OWNER).close(remove=False)
    assert stat.S_IMODE((tmp_path / "journals").stat().st_mode) == 0o700
    assert stat.S_IMODE(only_file(tmp_path / "journals").stat().st_mode) == 0o600


@settings(max_examples=100, deadline=None)
@given(
    words=st.text(max_size=20),
    lines=st.lists(st.text(max_size=20), max_size=3),
    at=st.datetimes(timezones=st.just(dt.UTC)),
)
def test_any_words_come_back(words: str, lines: list[str], at: dt.datetime) -> None:
    """Whatever a server says, to the last half character."""
    outcome = Outcome(
        claim=claim(1),
        result=Result.PERMANENT,
        at=at,
        host=words,
        stage=words,
        reply=Reply(code=550, enhanced=words, lines=tuple(lines)),
        detail=words,
        queue_id=words,
    )
    wanted = Settlement(outcome=outcome, state=DeliveryState.REFUSED, due_at=at)
    assert journal._revived(json.loads(journal._record(wanted)), claim(1)) == wanted


def test_an_endless_reply_is_cut(tmp_path: Path) -> None:
    """A hostile server does not fill the disk."""
    outcome = Outcome(
        claim=claim(1),
        result=Result.PERMANENT,
        at=NOW,
        reply=Reply(code=550, lines=("x" * 10**6,) * 1_000),
    )
    book = Journal(tmp_path, OWNER)
    book.remember([Settlement(outcome=outcome, state=DeliveryState.REFUSED)])
    assert only_file(tmp_path).stat().st_size < 300_000
    book.close(remove=True)


def test_torn_anywhere(tmp_path: Path) -> None:
    """Cut at any octet: what stood whole before the cut is there, and nothing else."""
    book = Journal(tmp_path, OWNER)
    head = only_file(tmp_path).stat().st_size
    ends = [head]
    for number in (1, 2, 3):
        book.note([claim(number)], NOW)
        ends.append(only_file(tmp_path).stat().st_size)
    book.close(remove=False)
    path = only_file(tmp_path)
    whole = path.read_bytes()
    for size in range(len(whole) + 1):
        path.write_bytes(whole[:size])
        found = read(book)
        if size < head:
            assert found is None, "without its first line it is nobody's"
            continue
        assert found is not None
        assert len(found.noted) == sum(end <= size for end in ends[1:])


def test_a_damaged_middle_proves_nothing(tmp_path: Path) -> None:
    """One wrong octet before the last line, and nothing is relied on."""
    book = Journal(tmp_path, OWNER)
    book.note([claim(1)], NOW)
    book.note([claim(2)], NOW)
    book.close(remove=False)
    path = only_file(tmp_path)
    whole = path.read_bytes()
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 0x20
        path.write_bytes(bytes(damaged))
        if place < len(whole) - 1:
            assert read(book) is None
        else:
            found = read(book)
            assert found is not None
            assert set(found.noted) == {(1, 1)}


@pytest.mark.parametrize("how", ["boot", "no boot", "owner", "format", "missing", "folder", "none"])
def test_what_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """Of another boot, of another sender, of a later program, not there, not readable."""
    book = Journal(tmp_path, OWNER)
    book.note([claim(1)], NOW)
    book.close(remove=False)
    assert read(book) is not None
    path, owner, stem = only_file(tmp_path), OWNER, str(book.stem)
    match how:
        case "boot":
            monkeypatch.setattr(journal, "this_boot", lambda: "another")
        case "no boot":
            monkeypatch.setattr(journal, "this_boot", lambda: "")
        case "owner":
            owner = "somebody else"
        case "format":
            words = json.dumps(["flashback", 2, OWNER, owners.this_boot()]).encode()
            path.write_bytes(b"%08x %b\n" % (zlib.crc32(words), words))
        case "missing":
            path.unlink()
        case "folder":
            path.unlink()
            path.mkdir()
        case _:
            stem = ""
    assert journal.read(stem, owner) is None


def test_a_note_forgets_what_came_before(tmp_path: Path) -> None:
    """A claim that was given back and taken anew under its number begins anew."""
    book = Journal(tmp_path, OWNER)
    book.note([claim(1)], NOW)
    book.remember([settlement(claim(1), Result.UNTRIED)])
    found = read(book)
    assert found is not None
    assert len(found.settlements(claim(1))) == 1
    book.note([claim(1)], NOW)
    found = read(book)
    assert found is not None
    assert found.settlements(claim(1)) == []
    book.close(remove=True)


def test_rolling_keeps_what_is_in_the_air(tmp_path: Path) -> None:
    """Made anew, it holds notes and outcomes that are not settled, and nothing else."""
    book = Journal(tmp_path, OWNER)
    book.note([claim(number) for number in range(1, 50)], NOW)
    done = settlement(claim(2), Result.ACCEPTED)
    before = only_file(tmp_path)
    book.roll({1: Flight(1, noted_at=NOW), 2: Flight(1, outcomes=(done,)), 3: Flight(1)})
    assert only_file(tmp_path) != before
    book.note([claim(7)], NOW)
    found = read(book)
    assert found is not None
    assert set(found.noted) == {(1, 1), (7, 1)}
    assert found.settlements(claim(2)) == [done]
    book.close(remove=True)


def test_an_end_while_rolling(tmp_path: Path) -> None:
    """Killed with half of the new file written, the old one still has it all."""
    book = Journal(tmp_path, OWNER)
    book.note([claim(1)], NOW)
    book.close(remove=False)
    old = only_file(tmp_path)
    new = old.with_name(old.name.replace(".1.", ".2."))
    for torn in (b"", old.read_bytes()[:20], old.read_bytes()):
        new.write_bytes(torn)
        found = read(book)
        assert found is not None
        assert set(found.noted) == {(1, 1)}


def test_rolled_while_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sender thought dead that lives may make its journal anew while others look."""
    book = Journal(tmp_path, OWNER)
    book.note([claim(1)], NOW)
    files = journal._files
    looks = 0

    def look(stem: Path) -> list[tuple[int, Path]]:
        nonlocal looks
        found = files(stem)
        looks += 1
        if looks == 1:
            book.roll({1: Flight(1, noted_at=NOW)})
        return found

    monkeypatch.setattr(journal, "_files", look)
    found = read(book)
    assert found is not None
    assert set(found.noted) == {(1, 1)}
    monkeypatch.undo()
    monkeypatch.setattr(journal, "_files", lambda _stem: [(1, tmp_path / "gone")])
    assert read(book) is None
    monkeypatch.undo()
    book.close(remove=True)


def test_a_second_journal_leaves_the_first(tmp_path: Path) -> None:
    """Opened again for the same owner, it goes on in a new file."""
    first = Journal(tmp_path, OWNER)
    first.note([claim(1)], NOW)
    first.close(remove=False)
    second = Journal(tmp_path, OWNER)
    second.note([claim(2)], NOW)
    found = read(second)
    assert found is not None
    assert set(found.noted) == {(1, 1), (2, 1)}
    second.close(remove=True)
    assert list(tmp_path.iterdir()) == []


def test_half_a_write_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk takes only a part, that goes, an error tells, and later notes are whole."""
    book = Journal(tmp_path, OWNER)
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, content: write(file, content[:10]))
    with pytest.raises(StoreError, match=r"cannot be written: No space.*Make room"):
        book.note([claim(1)], NOW)
    monkeypatch.undo()
    book.note([claim(2)], NOW)
    found = read(book)
    assert found is not None
    assert set(found.noted) == {(2, 1)}
    book.close(remove=True)


def test_a_half_that_stays_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the half cannot be taken back, nothing more is written, so nothing more leaves."""
    book = Journal(tmp_path, OWNER)
    write = os.write

    def refuse(_file: int, _size: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "write", lambda file, content: write(file, content[:10]))
    monkeypatch.setattr(os, "ftruncate", refuse)
    for _ in range(2):
        with pytest.raises(StoreError, match="cannot be written"):
            book.note([claim(1)], NOW)
        monkeypatch.undo()
    found = read(book)
    assert found is not None
    assert found.noted == {}
    book.close(remove=True)


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    """Without a journal there is no sender; the reason and the way out are told."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot be written: .*check that the folder"):
        Journal(tmp_path / "file", OWNER)


def test_owners_of_a_folder(tmp_path: Path) -> None:
    """Whose journals lie there; what cannot be read is nobody's."""
    for owner in ("a", "b"):
        book = Journal(tmp_path, owner)
        book.close(remove=False)
    (tmp_path / "torn.1.journal").write_bytes(b"00")
    (tmp_path / "folder.1.journal").mkdir()
    (tmp_path / "other.txt").write_text("")
    found = dict(journal.owners_in(tmp_path))
    assert sorted(found) == ["a", "b"]
    journal.remove(found["a"])
    assert [owner for owner, _ in journal.owners_in(tmp_path)] == ["b"]
    assert list(journal.owners_in(tmp_path / "nowhere")) == []

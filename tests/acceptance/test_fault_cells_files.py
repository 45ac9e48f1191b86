"""Files that are changed, spoilt or moved under a mailing: journal, settings, issue, workspace.

Each cell ends with an account that adds up, in which everything that the server took is accepted or
in doubt; and with a resume after which everybody has one copy, but for doubts that are named.
"""

import contextlib
import json
import shutil
import signal
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from fixtures.cells import DONE, LINES, UNFINISHED, USAGE, WAY_ON, WINDOW, Cell
from fixtures.stages import Stage

pytestmark = pytest.mark.slow


def _killed(stage: Stage) -> Cell:
    """A mailing whose sender was killed in the middle."""
    cell = stage.cell()
    sender = cell.send()
    cell.wait_for(10)
    cell.kill(sender)
    return cell


def _journals(cell: Cell) -> list[Path]:
    return list((cell.folder / "subscribers" / "journals").glob("*.journal"))


def _unanswered(cell: Cell) -> int:
    """How many dots had left, by the journal, without an answer: what a kill would leave now."""
    noted, answered = set[int](), set[int]()
    for journal in _journals(cell):
        with contextlib.suppress(FileNotFoundError):  # a sender removes its own when it ends
            *whole, _torn = journal.read_bytes().split(b"\n")
            for kind, *words in (json.loads(line[9:]) for line in whole):
                if kind == "note":
                    noted.update(words[1][::2])
                elif kind == "outcome":
                    answered.add(words[0])
    return len(noted - answered)


def test_at_no_moment_would_a_kill_leave_more_than_one_doubt_a_line(on_sqlite: Stage) -> None:
    """What is answered stands in the journal before the next dot on that line leaves."""
    cell = on_sqlite.cell(readers=200)
    sender = cell.send()
    most = 0
    while sender.poll() is None:
        most = max(most, _unanswered(cell))
    cell.end(sender, DONE)
    assert 1 < most <= LINES


#: What happens to a journal, and whether it can still be relied on.
HARM: Mapping[str, tuple[Callable[[bytes], bytes | None], bool]] = {
    "removed": (lambda _whole: None, False),
    "emptied": (lambda _whole: b"", False),
    "cut in its first line": (lambda whole: whole[:20], False),
    "another's": (lambda whole: whole.replace(b"flashback", b"Flashback"), False),
    "with a line of garbage": (lambda whole: whole + b"what is this?\n", False),
    "with half a line": (lambda whole: whole + b'00000000 ["note', True),
    "with zeros": (lambda whole: whole + bytes(4096), True),
}


@pytest.mark.parametrize("harm", HARM)
def test_the_journal_is_spoilt(on_sqlite: Stage, harm: str) -> None:
    """One that cannot be relied on puts all in doubt that was claimed; a torn end, no more."""
    cell = _killed(on_sqlite)
    (journal,) = _journals(cell)
    change, is_good = HARM[harm]
    spoilt = change(journal.read_bytes())
    if spoilt is None:
        journal.unlink()
    else:
        journal.write_bytes(spoilt)
    claimed = cell.counts()["claimed"]
    cell.resume(doubts=LINES if is_good else WINDOW)
    if not is_good:
        assert cell.counts()["in_doubt"] == claimed


@pytest.mark.parametrize("is_there", [True, False])
def test_the_settings_are_changed(on_sqlite: Stage, *, is_there: bool) -> None:
    """A sender goes on by those that it began with; the next one needs them."""
    cell = on_sqlite.cell()
    file = cell.folder / "flashback.toml"
    before = file.read_text("utf-8")
    sender = cell.send()
    cell.wait_for(10)
    if is_there:
        file.write_text(before.replace("[relay]\n", "[relay]\nprot = 9\n"), encoding="utf-8")
    else:
        file.unlink()
    cell.wait_for(15)
    sender.send_signal(signal.SIGTERM)
    cell.end(sender, UNFINISHED, WAY_ON)
    told = "relay.prot" if is_there else "There is no flashback.toml"
    cell.end(cell.start("resume"), USAGE, told)
    file.write_text(before, encoding="utf-8")
    cell.resume()


@pytest.mark.parametrize("is_there", [True, False])
def test_the_issue_is_edited(on_sqlite: Stage, *, is_there: bool) -> None:
    """Who gets the mailing after the edit gets what everybody got before it."""
    cell = _killed(on_sqlite)
    issue = cell.folder / "issues" / "35"
    if is_there:
        text = (issue / "fr.md").read_text("utf-8")
        (issue / "fr.md").write_text(text.replace("Maroc", "Maroc " + "x" * 5000), "utf-8")
    else:
        shutil.rmtree(issue)
    cell.resume(doubts=LINES)
    sizes = [int(octets) for _, _, octets in cell.sink.entries()]
    assert max(sizes) - min(sizes) < 100


def test_the_workspace_is_moved_meanwhile(on_sqlite: Stage, tmp_path: Path) -> None:
    """A sender follows its folder; nothing is left where it was."""
    cell = on_sqlite.cell()
    sender = cell.send()
    cell.wait_for(10)
    before = cell.folder
    cell.move(tmp_path / "moved")
    cell.end(sender, DONE)
    assert not before.exists()
    cell.resume()


def test_the_workspace_is_moved_after_a_crash(on_each: Stage, tmp_path: Path) -> None:
    """Its journals move with it: no more is in doubt than had it stayed."""
    cell = _killed(on_each)
    cell.move(tmp_path / "moved")
    cell.resume(doubts=LINES)


def test_the_workspace_is_copied_meanwhile(on_sqlite: Stage, tmp_path: Path) -> None:
    """The copy takes nothing away: the mailing ends where it was begun."""
    cell = on_sqlite.cell()
    sender = cell.send()
    cell.wait_for(10)
    shutil.copytree(cell.folder, tmp_path / "copy")
    cell.end(sender, DONE)
    cell.resume()


def test_a_database_of_the_middle_is_put_back(on_sqlite: Stage, tmp_path: Path) -> None:
    """It does not know who was mailed since: nothing leaves until a person has looked."""
    cell = on_sqlite.cell()
    database = cell.folder / "subscribers" / "subscribers.db"
    sender = cell.send()
    cell.wait_for(10)
    with contextlib.closing(sqlite3.connect(database)) as store:
        store.execute("VACUUM INTO ?", [str(tmp_path / "backup.db")])
    cell.wait_for(30)
    sender.send_signal(signal.SIGTERM)
    cell.end(sender, UNFINISHED, WAY_ON)
    newest = shutil.copy(database, tmp_path / "newest.db")
    taken = cell.accepted()
    shutil.copy(tmp_path / "backup.db", database)
    told = "an older copy of it seems to have been put back"
    cell.end(cell.start("resume"), UNFINISHED, told, can_read=False)
    assert cell.accepted() == taken
    shutil.copy(newest, database)
    cell.resume()

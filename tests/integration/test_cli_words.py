"""What commands print, in the same process: the address book, mailings, languages, trouble."""

import json
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from flashback.cli import language_of, main
from flashback.cli.trouble import explain
from flashback.errors import Exit, IssueError

from fixtures.relays import StrictServer

SETTINGS = """\
[newsletter]
name = "F"
sender = "f@example.org"
list_id = "f.example.org"
[links]
unsubscribe = "https://news.example.org/{{token}}"
[relay]
host = "127.0.0.1"
port = {port}
security = "none"
[sending]
log = ""
[segments]
arabs = 'language = "ar"'
"""
ISSUE = """\
---
title: F
number: 7
date: 2011-09-02
language: en
subject: F 7
---
## A headline

> “An excerpt.”

[Read more](https://example.org/a)
"""


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str


Run = Callable[..., Said]


@pytest.fixture
def relay() -> Iterator[StrictServer]:
    """A relay that refuses two kinds of readers for good and one for now."""
    replies = {"dead": "550 5.1.1 No such user", "full": "452 4.2.2 Full", "spam": "550 5.7.1 No"}
    with StrictServer(refuse=lambda to: replies.get(to.partition("@")[0][:4], "")) as server:
        yield server


@pytest.fixture
def run(
    tmp_path: Path,
    relay: StrictServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Run a command in a fresh workspace, with this issue and nobody in the address book."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flashback.toml").write_text(SETTINGS.format(port=relay.port))
    (tmp_path / "issues").mkdir()
    (tmp_path / "issues" / "7.md").write_text(ISSUE)

    def said(*arguments: str) -> Said:
        code = main(arguments)
        out, err = capsys.readouterr()
        return Said(code, out, err)

    said("init", ".", "--name", "F", "--from", "f@example.org")
    return said


def people(run: Run, *names: str, language: str = "en") -> None:
    for name in names:
        address = f"{name}@example.org"
        done = run("subscribers", "add", address, "--language", language, "--consent", "yes")
        assert done.code == Exit.DONE, done.err


def test_the_address_book(run: Run) -> None:
    """People are added, listed as a table or by segment, shown with their consents, let go."""
    assert "Nobody." in run("subscribers", "list").out
    people(run, "nadia", language="ar")
    people(run, "sam")
    assert "unconfirmed" in run("subscribers", "add", "shy@example.org").out
    table = run("subscribers", "list").out
    assert "nadia@example.org" in table
    assert "3 people." in table
    assert "sam" not in run("subscribers", "list", "--segment", "arabs").out
    assert run("subscribers", "list", "--status", "unconfirmed").out.count("@") == 1
    assert run("subscribers", "list", "--limit", "2", "--json").out.count("\n") == 2
    run("subscribers", "remove", "sam@example.org")
    shown = run("subscribers", "show", "sam@example.org").out
    assert "unsubscribed" in shown
    assert "granted" in shown
    assert "withdrawn" in shown
    consents = json.loads(run("subscribers", "show", "sam@example.org", "--json").out)["consents"]
    assert [c["kind"] for c in consents] == ["granted", "withdrawn"]


def test_an_erased_person_stays_away(run: Run, tmp_path: Path) -> None:
    """After an erasure nothing is known of the person, and an import cannot bring them back."""
    people(run, "sam")
    assert "erased" in run("subscribers", "remove", "sam@example.org", "--erase", "--yes").out
    assert run("subscribers", "show", "sam@example.org").code == Exit.USAGE
    (tmp_path / "l.csv").write_text("address,status,consent\nsam@example.org,confirmed,yes\n")
    done = run("subscribers", "import", "l.csv", "--yes")
    assert "left alone" in done.out
    assert "Nobody." in run("subscribers", "list").out
    again = run("subscribers", "add", "sam@example.org")
    assert again.code == Exit.FAILED
    assert "was erased on" in again.err
    assert "was erased on" in run("subscribers", "show", "sam@example.org").err
    for path in (tmp_path / "subscribers").glob("subscribers.db*"):
        assert b"sam@example.org" not in path.read_bytes(), path.name
    back = run("subscribers", "add", "sam@example.org", "--consent", "asked again, by phone")
    assert "is in the address book, confirmed" in back.out
    run("subscribers", "erase", "sam@example.org", "--yes")
    assert "may be mailed again" in run("subscribers", "allow", "sam@example.org").out
    assert "Nothing forbids" in run("subscribers", "allow", "sam@example.org").out


def test_counting_a_segment(run: Run) -> None:
    """How many there are, and how many of them get mail; an error names its column."""
    people(run, "ann")
    run("subscribers", "add", "sam@example.org", "--tag", "Banque", "--tag", "Press")
    assert "2 people; 1 of them may be mailed." in run("subscribers", "count").out
    counted = run("subscribers", "count", "--segment", 'tag has "banque"', "--json")
    assert json.loads(counted.out) == {"people": 1, "mailable": 0}
    wrong = run("subscribers", "count", "--segment", 'tag is "banque"')
    assert wrong.code == Exit.USAGE
    assert "at column 5" in wrong.err


def test_everything_that_is_held(run: Run) -> None:
    """Somebody asks what is held: the person, each consent, each copy and each attempt."""
    people(run, "sam")
    run("send", "--yes")
    shown = run("subscribers", "show", "sam@example.org", "--all")
    assert "granted  staff  yes" in shown.out
    assert "issue 7" in shown.out
    assert "accepted" in shown.out
    assert "attempt" in shown.out
    held = json.loads(run("subscribers", "show", "sam@example.org", "--all", "--json").out)
    (copy,) = held["copies"]
    assert (copy["issue"], copy["state"], len(copy["attempts"])) == ("7", "accepted", 1)
    assert held["suppression"] is None
    lines = run("subscribers", "history", "sam@example.org", "--json").out.splitlines()
    events = [json.loads(line) for line in lines]
    assert [event["what"] for event in events] == ["added", "granted", "accepted"]
    assert run("subscribers", "history", "sam@example.org").out.count("\n") == 3
    run("subscribers", "erase", "sam@example.org", "--yes")
    report = json.loads(run("report", "--json").out.splitlines()[-1])
    assert report["audience"] == 1


def test_who_left_comes_back_with_a_new_consent(run: Run) -> None:
    """Add --consent for somebody known records the consent and confirms; without, it is refused."""
    people(run, "sam")
    run("subscribers", "remove", "sam@example.org")
    assert run("subscribers", "add", "sam@example.org").code == Exit.FAILED
    back = run("subscribers", "add", "sam@example.org", "--consent", "asked again")
    assert "confirmed" in back.out
    shown = json.loads(run("subscribers", "show", "sam@example.org", "--json").out)
    assert shown["status"] == "confirmed"
    assert [c["kind"] for c in shown["consents"]] == ["granted", "withdrawn", "granted"]


def test_unconfirmed_people_are_pointed_out(run: Run, tmp_path: Path) -> None:
    """An import without consents says that they get no mail; send says why nobody is there."""
    (tmp_path / "l.csv").write_text("address,status\nsam@example.org,confirmed\n")
    done = run("subscribers", "import", "l.csv", "--yes")
    assert "--consent" in done.out
    refused = run("send", "--yes")
    assert refused.code == Exit.FAILED
    assert "0 confirmed people here, 1 unconfirmed" in refused.err
    assert "--consent" in refused.err


def test_an_empty_segment_is_not_everybody(run: Run) -> None:
    """A script's empty variable must not mail the whole list."""
    people(run, "sam")
    assert run("send", "--yes", "--segment", "").code == Exit.USAGE


def test_an_import_is_shown_field_by_field(run: Run, tmp_path: Path) -> None:
    """New, changed, unchanged and refused are counted; changes and reasons are told."""
    people(run, "sam", "ann")
    (tmp_path / "l.csv").write_text(
        "address;name;language\nsam@example.org;Sam Reid;\nann@example.org;;\nnew@example.org;;\n"
        "not an address;;\n"
    )
    asked = run("subscribers", "import", "l.csv", "--dry-run")
    assert asked.code == Exit.USAGE
    assert "What did these people agree to?" in asked.err
    unconfirmed = ("--status", "unconfirmed")
    shown = run("subscribers", "import", "l.csv", "--dry-run", *unconfirmed)
    assert shown.code == Exit.REFUSALS
    assert "sam@example.org: name: – → Sam Reid" in shown.out
    assert "row 5" in shown.out
    assert "Nothing was changed." in shown.out
    assert run("subscribers", "list", "--json").out.count("\n") == 2
    done = run("subscribers", "import", "l.csv", "--yes", *unconfirmed)
    assert "1 people added, 1 changed." in done.out
    rejects = (tmp_path / "l.refused.csv").read_text()
    assert rejects.splitlines()[0] == "address;name;language;flashback.reason"
    assert rejects.splitlines()[1].startswith("not an address;;;")
    assert (tmp_path / "l.refused.csv").stat().st_mode & 0o777 == 0o600


def test_an_archive_of_another_program(run: Run, tmp_path: Path) -> None:
    """What each file is taken for is said; programs get one object; nothing is asked of them."""
    head = "Email Address,First Name,Last Name,OPTIN_TIME,LEID,EUID,TAGS\n"
    with zipfile.ZipFile(tmp_path / "audience.zip", "w") as archive:
        archive.writestr(
            "subscribed_1.csv", f"{head}sam@example.org,Sam,,2021-02-04,1,a,\nno,,,,,,\n"
        )
        archive.writestr("unsubscribed_1.csv", f"{head}ann@example.org,,,,2,b,\n")
    shown = run("subscribers", "import", "audience.zip", "--dry-run")
    assert "subscribed_1.csv: Mailchimp, utf-8" in shown.out
    assert "subscribed_1.csv, row 3" in shown.out
    asked = run("subscribers", "import", "audience.zip", "--json")
    assert json.loads(asked.out)["done"] is False
    assert run("subscribers", "list", "--json").out == ""
    done = run("subscribers", "import", "audience.zip", "--json", "--yes")
    told = json.loads(done.out)
    assert (told["done"], told["new"], told["refused"]) == (True, 2, 1)
    assert told["refusals"][0]["sheet"] == "subscribed_1.csv"
    people = [json.loads(line) for line in run("subscribers", "list", "--json").out.splitlines()]
    assert [person["status"] for person in people] == ["confirmed", "unsubscribed"]
    with zipfile.ZipFile(tmp_path / "audience.refused.zip") as archive:
        (name,) = archive.namelist()
        rejects = archive.read(name).decode()
    assert rejects.startswith("Email Address,First Name,")
    (tmp_path / name).write_text(rejects.replace("no,", "new@example.org,"))
    assert "1 people added" in run("subscribers", "import", name, "--yes").out
    assert json.loads(run("subscribers", "show", "new@example.org", "--json").out)["fields"] == {}


def test_a_list_of_addresses_is_asked_about(run: Run, tmp_path: Path) -> None:
    """Nobody is taken for somebody who agreed; the question says how to answer."""
    (tmp_path / "l.txt").write_text("Sam <sam@example.org>\nann@example.org\nnope\n")
    refused = run("subscribers", "import", "l.txt", "--yes")
    assert refused.code == Exit.USAGE
    assert "--status unconfirmed" in refused.err
    done = run("subscribers", "import", "l.txt", "--yes", "--consent", "Signed the sheet in May")
    assert "2 people added" in done.out
    assert (tmp_path / "l.refused.txt").read_text().splitlines()[1] == "nope"
    shown = json.loads(run("subscribers", "show", "sam@example.org", "--json").out)
    assert shown["status"] == "confirmed"
    assert shown["consents"][0]["wording"] == "Signed the sheet in May"
    assert shown["consents"][0]["evidence"].startswith("sha256:")


def test_what_somebody_mends_is_not_replaced(run: Run, tmp_path: Path) -> None:
    """Refused rows get a file of their own each time, also where all rows are refused."""
    (tmp_path / "l.csv").write_text("address,status\nno,\n")
    first = run("subscribers", "import", "l.csv", "--yes")
    assert "l.refused.csv" in first.out
    (tmp_path / "l.refused.csv").write_text("mended")
    assert "l.refused-2.csv" in run("subscribers", "import", "l.csv", "--yes").out
    assert (tmp_path / "l.refused.csv").read_text() == "mended"
    run("subscribers", "import", "l.csv", "--dry-run")
    run("subscribers", "import", "l.csv", "--json")
    (tmp_path / "twice.csv").write_text("address,status\na@example.org,\na@example.org,\n")
    assert "stands in row 2" in run("subscribers", "import", "twice.csv", "--yes").out
    assert not [*tmp_path.glob("l.refused-3.csv"), *tmp_path.glob("twice.refused*")]


def test_an_export_replaces_nothing_by_itself(run: Run, tmp_path: Path) -> None:
    """Settings, an issue, an older export: each needs --force; a kind must be known."""
    people(run, "sam")
    before = (tmp_path / "flashback.toml").read_text()
    for name in ("flashback.toml", "people.pdf"):
        assert run("subscribers", "export", name).code == Exit.FAILED
    kept = run("subscribers", "export", "flashback.toml", "--format", "csv")
    assert "already there" in kept.err
    assert (tmp_path / "flashback.toml").read_text() == before
    assert run("subscribers", "export", "all.csv").code == Exit.DONE
    assert run("subscribers", "export", "all.csv").code == Exit.FAILED
    assert run("subscribers", "export", "all.csv", "--force").code == Exit.DONE


def test_a_forbidden_address_of_nobody(run: Run, tmp_path: Path) -> None:
    """What is held of it is told; erased, a mark takes its place and keeps lists away."""
    (tmp_path / "l.csv").write_text("address,status,suppressed\ndead@example.org,,hard_bounce\n")
    run("subscribers", "import", "l.csv", "--yes")
    for command in ("show", "history", "remove"):
        told = run("subscribers", command, "dead@example.org")
        assert "Mail to it is forbidden since" in told.err
        assert "hard_bounce" in told.err
    assert run("subscribers", "erase", "dead@example.org", "--yes").code == Exit.DONE
    assert "was erased on" in run("subscribers", "show", "dead@example.org").err
    assert b"dead@" not in b"".join(
        path.read_bytes() for path in (tmp_path / "subscribers").iterdir() if path.is_file()
    )
    again = run("subscribers", "import", "l.csv", "--json", "--yes")
    assert json.loads(again.out)["left_alone"] == 1
    assert run("subscribers", "erase", "nobody@example.org", "--yes").code != Exit.DONE


def test_a_damaged_store_is_replaced_with_a_warning(run: Run, tmp_path: Path) -> None:
    """Who left since cannot be known then; where to look for them is said."""
    people(run, "sam")
    run("backup", "backups/monday.db")
    for path in (tmp_path / "subscribers").glob("subscribers.db*"):
        path.write_bytes(b"?" * 9_000)
    done = run("restore", "backups/monday.db", "--yes")
    assert "who left since the backup is not known" in done.out + done.err
    assert "Look into your mailbox" in done.out + done.err
    assert "sam@example.org" in run("subscribers", "list").out


def test_who_is_there_and_agrees_now(run: Run) -> None:
    """What is said beside the consent is taken as well; what is not said stays."""
    run("subscribers", "add", "sam@example.org", "--organisation", "Amana")
    said = ("--consent", "On paper", "--name", "Sam", "--language", "fr", "--tag", "press")
    assert "confirmed" in run("subscribers", "add", "sam@example.org", *said).out
    found = json.loads(run("subscribers", "show", "sam@example.org", "--json").out)
    assert (found["name"], found["language"], found["organisation"]) == ("Sam", "fr", "Amana")
    assert found["tags"] == ["press"]


def test_a_field_of_a_kind_is_edited(run: Run, tmp_path: Path) -> None:
    """What the settings say of a field holds for who types it as well."""
    with (tmp_path / "flashback.toml").open("a") as file:
        file.write('[fields]\nagencies = "number"\n')
    people(run, "sam")
    assert run("subscribers", "edit", "sam@example.org", "--field", "agencies=many").code
    run("subscribers", "edit", "sam@example.org", "--field", "agencies=1 200,5")
    found = json.loads(run("subscribers", "show", "sam@example.org", "--json").out)
    assert found["fields"] == {"agencies": "1200.5"}


def test_a_backup_makes_its_folder(run: Run, tmp_path: Path) -> None:
    """As the first line of the page on backups has it; nobody else may look into it."""
    people(run, "sam")
    assert run("backup", "backups/monday.db").code == Exit.DONE
    assert (tmp_path / "backups").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("kind", ["csv", "xlsx", "jsonl"])
def test_out_and_in_again(run: Run, tmp_path: Path, kind: str) -> None:
    """Each kind of export is a list that changes nothing where it came from."""
    people(run, "sam", "ann")
    run("subscribers", "export", f"all.{kind}")
    again = run("subscribers", "import", f"all.{kind}", "--yes")
    assert again.code == Exit.DONE
    assert "2  unchanged" in again.out
    assert (tmp_path / f"all.{kind}").stat().st_mode & 0o777 == 0o600


def test_export_to_the_screen(run: Run) -> None:
    """A dash is standard output, for a pipe."""
    people(run, "nadia")
    out = run("subscribers", "export", "-").out
    assert out.splitlines()[0].startswith("address,")
    assert "nadia@example.org" in out


def test_status_and_report(run: Run) -> None:
    """Each mailing with its sum; each reason with its count; who is concerned."""
    people(run, "ok1", "ok2", "dead", "full", "spam")
    sent = run("send", "--yes")
    assert sent.code == Exit.UNFINISHED
    assert "flashback resume 1" in sent.out
    status = run("status").out
    assert "F 7" in status
    assert "2 accepted, 1 deferred, 2 refused" in status
    counts = json.loads(run("status", "--json").out)
    assert (counts["audience"], counts["accepted"], counts["state"]) == (5, 2, "open")
    report = run("report", "1").out
    assert "1 × 550 5.1.1 No such user" in report
    assert "full@example.org" in report
    rows = run("report", "--csv").out.splitlines()
    assert len(rows) == 6
    assert json.loads(run("report", "--json").out)["refused"] == 2


def test_nothing_due_yet(run: Run) -> None:
    """Resume before a deferred copy is due sends nothing, and says when it is worth trying."""
    people(run, "full")
    assert run("send", "--yes").code == Exit.UNFINISHED
    again = run("resume")
    assert again.code == Exit.UNFINISHED
    assert "not before" in again.out


@pytest.mark.parametrize(
    ("arguments", "environment", "language"),
    [
        (["--lang", "fr", "send"], {"LANG": "en_GB.UTF-8"}, "fr"),
        (["send", "--lang=fr"], {}, "fr"),
        (["send"], {"LANG": "fr_MA.UTF-8"}, "fr"),
        (["send"], {"LC_ALL": "fr_FR", "LANG": "en"}, "fr"),
        (["send"], {"LANGUAGE": "en:fr", "LANG": "fr"}, "en"),
        (["send"], {"LANG": "ar_MA.UTF-8"}, "en"),
        (["send"], {"LANG": "C"}, "en"),
        (["send", "--lang", "xx"], {}, "en"),
        (["send"], {}, "en"),
        ([], {"LANG": "fr_FR"}, "fr"),
    ],
)
def test_the_language_spoken(
    arguments: list[str], environment: dict[str, str], language: str
) -> None:
    """--lang, else the environment in POSIX' order; English where neither is French."""
    assert language_of(arguments, environment) == language


def test_trouble_is_told_without_python(capsys: pytest.CaptureFixture[str]) -> None:
    """Errors of the system and of the program: a sentence, a way out, no traceback."""
    os.environ["LANGUAGE"] = "en"
    assert explain(OSError(28, "No space left on device", "out/35.html")) == Exit.FAILED
    assert explain(ZeroDivisionError("division by zero")) == Exit.FAILED
    assert explain(KeyboardInterrupt()) == Exit.FAILED
    assert explain(click.Abort()) == Exit.FAILED
    said = capsys.readouterr().err
    assert "out/35.html: No space left on device" in said
    assert "--traceback" in said
    assert "ZeroDivisionError" not in said


def test_traceback_shows_where(run: Run) -> None:
    """--traceback, anywhere on the line, is for who mends flashback; a slip of the hand is not."""
    for arguments in (["--traceback", "send", "99"], ["send", "99", "--traceback"]):
        with pytest.raises(IssueError):
            main(arguments)
    for arguments in (["--traceback", "nonsense"], ["send", "--nonsense", "--traceback"]):
        assert main(arguments) == Exit.USAGE
    assert "--traceback" in run("--help").out


@pytest.mark.parametrize("arguments", [[], ["subscribers"], ["bounces"]])
def test_no_command_is_a_call_for_help(run: Run, arguments: list[str]) -> None:
    """A bare command shows its help, without a word of trouble."""
    said = run(*arguments)
    assert said.code == Exit.USAGE
    assert said.err.startswith("Usage: flashback")
    assert "✗" not in said.err


def test_composed_files_look_as_readers_see_them(run: Run, tmp_path: Path) -> None:
    """No mark of a slot is left in what an editor opens in a browser."""
    assert run("compose", "-o", "out").code == Exit.DONE
    for kind in ("html", "txt", "eml"):
        assert "__FB_" not in (tmp_path / "out" / f"7.en.{kind}").read_text()

"""What can go wrong, in front of staff: one sentence, what to do next, the right exit code."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fixtures.certificates import authority, certificate
from fixtures.newsletters import EXAMPLE, Newsletter, RelayProcess
from fixtures.relays import StrictServer

FAILED, USAGE, UNFINISHED = 1, 2, 75


@pytest.fixture
def newsletter(tmp_path: Path) -> Newsletter:
    """A newsletter with three readers and a relay where nobody listens."""
    return Newsletter.made(tmp_path / "n", readers=3)


def said(newsletter: Newsletter, *arguments: str, code: int) -> str:
    """What a failing command says: short, with a way out, and not a word of Python."""
    done = newsletter.run(*arguments, expect=code)
    lines = [line for line in done.stderr.splitlines() if line]
    assert lines[0].startswith("✗ ")
    assert len(lines) == 2, done.stderr
    assert "Error" not in done.stderr
    return done.stderr


def nothing_opened(newsletter: Newsletter) -> bool:
    return "Nothing was ever sent" in newsletter.run("status", expect=0).stdout


def test_a_broken_issue_file(newsletter: Newsletter) -> None:
    """The check names every place and what to write; send refuses, and nothing is opened."""
    issue = newsletter.folder / "issues" / "35" / "fr.md"
    text = issue.read_text().replace("date    : 2011-09-02", "date    : le 2 septembre")
    issue.write_text(text.replace("](https://example.org/maroc/indh-5-ans)", "](javascript:x)"))
    done = newsletter.run("check", "35", expect=FAILED)
    lines = done.stdout.splitlines()
    places = [line.split(": ")[0] for line in lines if ": error " in line]
    assert len(places) >= 2
    assert all(place.split(":")[1].isdigit() for place in places)
    assert "fr.md:4" in done.stdout
    done = newsletter.run("send", "35", "--yes", expect=FAILED)
    assert "flashback check" in done.stderr
    assert nothing_opened(newsletter)


def test_an_unknown_setting(newsletter: Newsletter) -> None:
    """The nearest known key is named."""
    settings = newsletter.folder / "flashback.toml"
    settings.write_text(settings.read_text().replace("security =", "securty ="))
    told = said(newsletter, "status", code=USAGE)
    assert "relay.securty" in told
    assert "“security”" in told


def test_a_missing_template(newsletter: Newsletter) -> None:
    """A workspace's own template that includes what is not there: named, with its place."""
    own = newsletter.folder / "templates" / "email"
    own.mkdir(parents=True)
    (own / "issue.txt.j2").write_text('{% include "not-there.txt.j2" %}\n')
    told = said(newsletter, "compose", "35", code=FAILED)
    assert "not-there.txt.j2" in told
    assert not (newsletter.folder / "out").exists()


def test_a_refused_login(newsletter: Newsletter, tmp_path: Path) -> None:
    """The relay's no is told before anything is opened."""
    trusted = authority()
    tls = certificate("127.0.0.1", by=trusted).server_context(tmp_path)
    trusted.write(tmp_path / "ca.pem")
    with StrictServer(tls=tls, login=("redaction", "right")) as relay:
        settings = newsletter.folder / "flashback.toml"
        text = settings.read_text().replace("port = 9\n", f"port = {relay.port}\n")
        text = text.replace(
            'security = "none"',
            f'security = "starttls"\nusername = "redaction"\nca_file = "{tmp_path}/ca.pem"',
        )
        settings.write_text(text)
        wrong = Newsletter(newsletter.folder, {"FLASHBACK_RELAY_PASSWORD": "wrong"})
        told = said(wrong, "send", "35", "--yes", code=FAILED)
        assert "redaction" in told
        assert nothing_opened(newsletter)
        right = Newsletter(newsletter.folder, {"FLASHBACK_RELAY_PASSWORD": "right"})
        right.run("send", "35", "--yes", expect=0)


def test_an_unreachable_relay(newsletter: Newsletter) -> None:
    """Nobody answers: the relay is named, nothing is opened, a later try may succeed."""
    done = newsletter.run("send", "35", "--yes", expect=UNFINISHED)
    assert "127.0.0.1:9" in done.stderr
    assert nothing_opened(newsletter)


def test_a_relay_that_dies_in_the_middle(tmp_path: Path) -> None:
    """What was sent is accounted for, the rest waits, and the way to go on is told."""
    with RelayProcess(tmp_path / "log", tmp_path / "maildir", 20) as relay:
        newsletter = Newsletter.made(tmp_path / "n", port=relay.port, readers=30)
        sender = newsletter.start("send", "35", "--yes")
        while len(relay.accepted()) < 3:
            pass
        relay.process.kill()
        told = "".join(sender.communicate(timeout=60))
        assert sender.returncode == UNFINISHED
        assert "flashback resume 1" in told
        assert "Traceback" not in told
    counts = newsletter.account("report")
    assert counts["claimed"] == 0
    assert counts["accepted"] + counts["in_doubt"] >= 3


@pytest.fixture
def read_only(newsletter: Newsletter) -> Iterator[Newsletter]:
    """The newsletter on a disk that cannot be written, as root cannot either."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a read-only disk needs root and mount")
    folder = str(newsletter.folder)
    bound = subprocess.run(["mount", "--bind", folder, folder], check=False)
    if bound.returncode:
        pytest.skip("this machine does not let us mount")
    subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
    yield newsletter
    subprocess.run(["umount", folder], check=True)


def test_a_read_only_disk(read_only: Newsletter) -> None:
    """Each command that writes says so, names the place, and leaves nothing half-written."""
    store = (
        f"✗ {read_only.folder}/subscribers/subscribers.db cannot be opened for writing: "
        "Read-only file system\n"
        "  Check the rights of the file and of its folder, or url under [store].\n"
    )
    file = (
        "✗ {} cannot be written: Read-only file system.\n"
        "  Check that the disk is not full or read-only, and that the folder is yours.\n"
    )
    for arguments, told in (
        (("subscribers", "add", "new@example.org"), store),
        (("compose", "35"), file.format("out")),
        (("new", "36"), file.format("issues/36")),
        (("subscribers", "export", "all.csv"), file.format("all.csv")),
        (("send", "35", "--yes"), store),
    ):
        assert read_only.run(*arguments, expect=FAILED).stderr == told, arguments
    assert not (read_only.folder / "out").exists()
    assert not (read_only.folder / "issues" / "36").exists()


@contextmanager
def small_disk(folder: Path, *, kilobytes: int) -> Iterator[None]:
    """A disk of its own in place of a folder."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a full disk needs root and mount")
    folder.mkdir(exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)], check=False
    )
    if mounted.returncode:
        pytest.skip("this machine does not let us mount")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk(tmp_path: Path) -> None:
    """A disk that fills up while editions are written: a sentence, and none of the files."""
    newsletter = Newsletter.made(tmp_path / "n")
    small = newsletter.folder / "small"
    with small_disk(small, kilobytes=64):
        told = said(newsletter, "compose", "35", "-o", "small", code=FAILED)
        assert "small/35." in told
        assert "No space left on device" in told
        assert list(small.iterdir()) == []
        # What was composed before is still there as it was.
        (small / "35.fr.html").write_text("composed before")
        said(newsletter, "compose", "35", "-o", "small", code=FAILED)
        assert [path.name for path in small.iterdir()] == ["35.fr.html"]
        assert (small / "35.fr.html").read_text() == "composed before"


def test_a_full_disk_and_the_next_issue(tmp_path: Path) -> None:
    """No part of an issue is begun; once there is room, it is the same number's turn."""
    newsletter = Newsletter.made(tmp_path / "n")
    issues = newsletter.folder / "issues"
    shutil.rmtree(issues)
    with small_disk(issues, kilobytes=200):
        shutil.copytree(EXAMPLE, issues / "35")
        filler = issues / "filler"
        filler.write_bytes(bytes(shutil.disk_usage(issues).free - 4096))  # room for one file
        told = said(newsletter, "new", code=FAILED)
        assert "issues/36 cannot be written: No space left on device" in told
        assert sorted(path.name for path in issues.iterdir()) == ["35", "filler"]
        filler.unlink()
        newsletter.run("new", expect=0)
        assert sorted(p.name for p in (issues / "36").iterdir()) == ["ar.md", "en.md", "fr.md"]


@pytest.mark.parametrize("number", ["../../pwn", "-2", ".", "/tmp/pwn", "a b", "35\n", "9" * 61])
def test_what_cannot_be_an_issues_number(newsletter: Newsletter, number: str) -> None:
    """Only what the header of an issue may give: nothing is made outside issues/."""
    before = sorted(newsletter.folder.parent.rglob("*"))
    told = said(newsletter, "new", "--", number, code=FAILED)
    assert "cannot be an issue's number" in told
    assert "35-36" in told
    assert sorted(newsletter.folder.parent.rglob("*")) == before


def test_an_issue_is_never_begun_twice(newsletter: Newsletter) -> None:
    """Whether it is a folder or a file."""
    shutil.copyfile(EXAMPLE / "fr.md", newsletter.folder / "issues" / "36.md")
    (newsletter.folder / "issues" / "37").mkdir()
    told = said(newsletter, "new", "36", code=FAILED)
    assert "issues/36.md is already there" in told
    assert "flashback new 38" in told


@pytest.mark.parametrize("spoilt", ["numéro  : 35", "date    : 2011-09-02"])
def test_a_newest_issue_that_cannot_be_read(newsletter: Newsletter, spoilt: str) -> None:
    """Nothing is guessed from half a header: staff are sent to the check."""
    issue = newsletter.folder / "issues" / "35" / "fr.md"
    text = issue.read_text()
    assert spoilt in text
    issue.write_text(text.replace(spoilt, ""))
    told = said(newsletter, "new", code=FAILED)
    assert "issues/35" in told
    assert "flashback check issues/35" in told
    assert [path.name for path in (newsletter.folder / "issues").iterdir()] == ["35"]


def test_what_a_crash_left_is_no_issue(newsletter: Newsletter) -> None:
    """An issue that was being made when the power went is not the newest."""
    left = newsletter.folder / "issues" / ".36.abc"
    left.mkdir()
    (left / "fr.md").write_text("---\n")
    newsletter.run("new", expect=0)
    assert (newsletter.folder / "issues" / "36" / "fr.md").exists()


def test_the_reader_of_a_pipe_goes_away(tmp_path: Path) -> None:
    """``send | true`` sends all the same, and ends as it would have; so does a long list."""
    with RelayProcess(tmp_path / "log", tmp_path / "maildir") as relay:
        newsletter = Newsletter.made(tmp_path / "n", port=relay.port, readers=3)
        for arguments in (["send", "35", "--yes"], ["subscribers", "list"], ["report", "--csv"]):
            process = newsletter.start(*arguments)
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            process.stderr.close()
            assert process.wait(60) == 0, arguments
        assert len(relay.accepted()) == 3
        failing = newsletter.start("send", "99")
        assert failing.stderr is not None
        assert failing.stdout is not None
        failing.stdout.close()
        failing.stderr.close()
        assert failing.wait(60) == FAILED


@pytest.mark.parametrize(
    ("arguments", "wanted", "code"),
    [
        (["sned"], "“send”", USAGE),
        (["send", "99"], "99", FAILED),
        (["report"], "flashback send", USAGE),
        (["report", "7"], "7", USAGE),
        (["subscribers", "show", "nobody@example.org"], "nobody@example.org", USAGE),
        (["subscribers", "add", "not an address"], "name@example.org", USAGE),
        (["subscribers", "list", "--segment", 'languag = "fr"'], "1", USAGE),
        (["send", "35", "--json"], "--yes", USAGE),
    ],
)
def test_small_mistakes(
    newsletter: Newsletter, arguments: list[str], wanted: str, code: int
) -> None:
    """A mistake in a command is answered with the way out."""
    assert wanted in said(newsletter, *arguments, code=code)


def test_in_french(newsletter: Newsletter) -> None:
    """The same, in French, by the environment or by --lang."""
    french = Newsletter(newsletter.folder, {"LANGUAGE": "fr"})
    by_environment = french.run("report").stderr
    by_option = newsletter.run("--lang", "fr", "report").stderr
    assert by_environment == by_option
    assert "envoyé" in by_option

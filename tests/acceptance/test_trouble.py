"""What can go wrong, in front of staff: one sentence, what to do next, the right exit code."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.certificates import authority, certificate
from fixtures.newsletters import Newsletter, RelayProcess
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
        if os.environ.get("FLASHBACK_TESTS_NOTHING_SKIPPED"):
            pytest.fail("a read-only disk needs root and mount")
        pytest.skip("a read-only disk needs root and mount")
    folder = str(newsletter.folder)
    bound = subprocess.run(["mount", "--bind", folder, folder], check=False)
    if bound.returncode:
        newsletter.folder.chmod(0o500)
        pytest.skip("this machine does not let us mount")
    subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
    yield newsletter
    subprocess.run(["umount", folder], check=True)


def test_a_read_only_disk(read_only: Newsletter) -> None:
    """Each command that writes says so, names the place, and leaves nothing half-written."""
    for arguments in (
        ("subscribers", "add", "new@example.org"),
        ("compose", "35"),
        ("new", "36"),
        ("subscribers", "export", "all.csv"),
        ("send", "35", "--yes"),
    ):
        done = read_only.run(*arguments)
        assert done.returncode in {FAILED, UNFINISHED}, (arguments, done.stdout, done.stderr)
        assert done.stderr.startswith(("✗ ", "  ")), (arguments, done.stderr)
    assert not (read_only.folder / "out").exists()
    assert not (read_only.folder / "issues" / "36").exists()


def test_a_full_disk(tmp_path: Path) -> None:
    """A disk that fills up while composing: a sentence, and no part of a file."""
    newsletter = Newsletter.made(tmp_path / "n")
    if os.geteuid() != 0:
        pytest.skip("a full disk needs root and mount")
    small = newsletter.folder / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], check=False
    )
    if mounted.returncode:
        pytest.skip("this machine does not let us mount")
    try:
        done = newsletter.run("compose", "35", "-o", "small", expect=FAILED)
        assert "small" in done.stderr
        whole = {path.name: path.read_bytes() for path in small.iterdir()}
        assert all(not name.startswith(".") for name in whole)
    finally:
        subprocess.run(["umount", str(small)], check=True)


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["sned"], "“send”"),
        (["send", "99"], "99"),
        (["report"], "flashback send"),
        (["resume"], "flashback status"),
        (["report", "7"], "7"),
        (["subscribers", "show", "nobody@example.org"], "nobody@example.org"),
        (["subscribers", "add", "not an address"], "name@example.org"),
        (["subscribers", "list", "--segment", 'languag = "fr"'], "1"),
        (["send", "35", "--json"], "--yes"),
    ],
)
def test_small_mistakes(newsletter: Newsletter, arguments: list[str], wanted: str) -> None:
    """A mistake in a command is answered with the way out."""
    done = newsletter.run(*arguments)
    assert done.returncode in {FAILED, USAGE}
    assert wanted in done.stderr


def test_in_french(newsletter: Newsletter) -> None:
    """The same, in French, by the environment or by --lang."""
    french = Newsletter(newsletter.folder, {"LANGUAGE": "fr"})
    by_environment = french.run("report").stderr
    by_option = newsletter.run("--lang", "fr", "report").stderr
    assert by_environment == by_option
    assert "envoyé" in by_option

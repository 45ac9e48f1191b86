"""``make demo``: its account, and every message it left in the Maildir."""

import csv
import email
import email.policy
import html
import json
import mailbox
import os
import re
import subprocess
import sys
from email.message import EmailMessage
from pathlib import Path

import pytest

from flashback import config, founding
from flashback.cli import main
from flashback.credentials import signing_key
from flashback.errors import Exit
from flashback.store import SqlLedger, Subscribers, open_store
from flashback.tokens import subscriber_of

from fixtures.newsletters import ROOT

SUBJECTS = {"fr": "Flash-back n° 35", "ar": "فلاش باك، العدد 35", "en": "Flash-back no. 35"}
LINK = re.compile(r"https://news\.example\.org/unsubscribe/([\w-]+)")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the demonstration leaves."""
    folder = tmp_path_factory.mktemp("demo") / "workspace"
    done = subprocess.run(
        [sys.executable, "-m", "flashback", "demo", "--output", str(folder)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "LANGUAGE": "en"},
        cwd=ROOT,
    )
    (folder / "transcript.txt").write_text(done.stdout)
    return folder


@pytest.fixture(scope="module")
def messages(demo: Path) -> list[EmailMessage]:
    """Every message of the Maildir, parsed by the standard library."""
    found = []
    for raw in mailbox.Maildir(demo / "maildir", create=False):
        message = email.message_from_bytes(raw.as_bytes(), policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        found.append(message)
    return found


def readers(demo: Path) -> dict[str, str]:
    """Address -> language of the invented readers."""
    with (demo / "readers.csv").open(encoding="utf-8", newline="") as file:
        return {row["address"]: row["language"] for row in csv.DictReader(file)}


def test_audience_is_accepted(demo: Path) -> None:
    """Sixty readers, sixty accepted, and the Maildir holds sixty messages."""
    store = open_store(config.load(demo / "flashback.toml").store.url, folder=demo)
    ledger = SqlLedger(store, demo / "subscribers" / "journals")
    (mailing,) = ledger.mailings()
    account = ledger.account(mailing.id)
    assert account.audience == 60 == mailing.audience
    assert {state.value: n for state, n in account.counts.items() if n} == {"accepted": 60}
    assert len(list((demo / "maildir" / "new").iterdir())) == 60


def test_each_reader_has_one_message_in_their_language(
    demo: Path, messages: list[EmailMessage]
) -> None:
    """Envelope, To, subject and Content-Language agree with the reader."""
    expected = readers(demo)
    assert sorted(m["Delivered-To"] for m in messages) == sorted(expected)
    for message in messages:
        to = message["Delivered-To"]
        assert message["To"].addresses[0].addr_spec == to
        assert message["Content-Language"] == expected[to]
        assert message["Subject"].startswith(SUBJECTS[expected[to]])


def test_each_message_has_its_own_readers_way_out(demo: Path, messages: list[EmailMessage]) -> None:
    """Header, HTML and text carry one and the same link, and it belongs to the reader."""
    settings = config.load(demo / "flashback.toml")
    key = signing_key(settings)
    book = Subscribers(open_store(settings.store.url, folder=demo))
    for message in messages:
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        body, text = message.get_body(("html",)), message.get_body(("plain",))
        assert body is not None
        assert text is not None
        parts = (message["List-Unsubscribe"], html.unescape(body.get_content()), text.get_content())
        tokens = {token for part in parts for token in LINK.findall(part)}
        assert all(LINK.search(part) for part in parts)
        (token,) = tokens
        number = subscriber_of(key, token)
        assert number is not None
        person = book.find(number)
        assert person is not None
        assert person.address.mailbox == message["Delivered-To"]


def test_no_slot_is_left_unfilled(messages: list[EmailMessage]) -> None:
    """No mark of a slot, no template's brace, reaches a reader."""
    for message in messages:
        for kind in ("html", "plain"):
            part = message.get_body((kind,))
            assert part is not None
            content = part.get_content()
            assert "__FB_" not in content
            assert "{{" not in content
            assert "{%" not in content
            assert "\\u{" not in content


def test_message_ids_differ(messages: list[EmailMessage]) -> None:
    """Sixty messages, sixty names; each with a bounce address of its own."""
    assert len({m["Message-ID"] for m in messages}) == 60
    assert len({m["Return-Path"] for m in messages}) == 60


def test_the_log_has_a_line_for_each(demo: Path) -> None:
    """One JSON object per delivery, with the relay's reply, and no reader's address."""
    lines = (demo / "subscribers" / "deliveries.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    assert len(events) == 60
    assert {event["state"] for event in events} == {"accepted"}
    assert all(event["code"] == 250 and event["queue_id"] for event in events)
    assert not set(readers(demo)) & {event["address"] for event in events}


def test_it_says_where_to_look(demo: Path) -> None:
    """The transcript shows the commands, the account, and the places."""
    said = (demo / "transcript.txt").read_text()
    for words in ("send issues/35 --yes", "accepted", "60", "maildir", "out"):
        assert words in said


def test_it_never_removes_what_it_did_not_make(tmp_path: Path) -> None:
    """A folder with something else in it is left alone."""
    (tmp_path / "thesis.txt").write_text("years of work")
    done = subprocess.run(
        [sys.executable, "-m", "flashback", "demo", "--output", str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert (tmp_path / "thesis.txt").exists()


def test_in_the_folder_one_stands_in(tmp_path: Path) -> None:
    """The empty folder itself will do, and again, also after a demonstration that failed early."""
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-m", "flashback", "demo", "--output", "."],
            capture_output=True, text=True, check=False, cwd=tmp_path,
            env={**os.environ, "LANGUAGE": "en"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "(60 messages)" in done.stdout
        assert len(list((tmp_path / "maildir" / "new").iterdir())) == 60


def test_a_demonstration_that_failed_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was made before the failure bears the mark of a demonstration, and is cleared away."""
    folder = tmp_path / "demo"
    with monkeypatch.context() as patch:
        patch.setattr(founding, "_KEEP_OUT", "\ud800")  # cannot be written as UTF-8
        assert main(["demo", "--output", str(folder)]) == Exit.FAILED
    assert (folder / "maildir").exists()
    (folder / "a-link").symlink_to(tmp_path)
    (tmp_path / "thesis.txt").write_text("years of work")
    assert main(["demo", "--output", str(folder)]) == Exit.DONE
    assert not (folder / "a-link").exists()
    assert (tmp_path / "thesis.txt").exists()

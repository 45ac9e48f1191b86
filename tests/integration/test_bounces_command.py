"""``flashback bounces read``: files, Maildirs and standard input, told to staff and programs."""

import json
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from flashback import founding
from flashback.cli.bounces import bounces
from flashback.tokens import bounce_tag
from flashback.workspace import Workspace


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    founding.found(
        tmp_path,
        founding.settings(name="Flash-back", sender="flash-back@example.org", language="fr"),
    )
    return tmp_path


def report(folder: Path, *, delivery_id: int = 7, said: str = "No such user") -> bytes:
    tag = bounce_tag(Workspace.at(folder).key, delivery_id=delivery_id)
    return (
        f"To: flash-back+{tag}@example.org\nContent-Type: multipart/report; boundary=b\n\n"
        "--b\nContent-Type: message/delivery-status\n\n"
        "Final-Recipient: rfc822; nadia@example.net\nAction: failed\nStatus: 5.1.1\n"
        f"Diagnostic-Code: smtp; 550 5.1.1 {said}\n\n--b--\n"
    ).encode()


def read(folder: Path, *arguments: str) -> None:
    bounces.main(["read", *arguments], obj=str(folder), standalone_mode=False)


def test_a_maildir_is_read_whole(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """New and seen mail alike; what is no report is counted, what is not ours is named so."""
    maildir = folder / "Maildir"
    for box in ("new", "cur", "tmp"):
        (maildir / box).mkdir(parents=True)
        (maildir / box / "1.host").write_bytes(report(folder))
    (maildir / "new" / "2.host").write_bytes(b"Subject: hello\n\nHello.\n")
    (maildir / "new" / "3.host").write_bytes(report(folder).replace(b"+7-", b"+8-"))
    read(folder, str(maildir))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["delivery", "recipient", "verdict", "status", "mail", "said"]
    told = [line.split()[:5] for line in lines[1:4]]
    assert told == [
        ["7", "nadia@example.net", "dead", "address", "5.1.1"],
        ["not", "ours", "nadia@example.net", "dead", "address"],
        ["7", "nadia@example.net", "dead", "address", "5.1.1"],
    ]
    assert lines[4] == "4 mails, 3 of them reports. Nothing was changed."


def test_a_plain_folder_and_a_file_are_read(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """For programs: one JSON object a notice."""
    box = folder / "box"
    box.mkdir()
    (box / "1.eml").write_bytes(report(folder))
    read(folder, "--json", str(box), str(box / "1.eml"))
    objects = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (
        objects
        == [
            {
                "mail": "1.eml",
                "delivery": 7,
                "recipient": "nadia@example.net",
                "action": "failed",
                "verdict": "dead",
                "status": "5.1.1",
                "diagnostic": "smtp; 550 5.1.1 No such user",
            }
        ]
        * 2
    )


def test_a_mail_on_standard_input_is_read(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a mail server pipes it; a stranger's control characters do not come through."""
    octets = report(folder, said="\x1b[31mNo such user\x07")
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(octets)))
    read(folder, "-")
    out = capsys.readouterr().out
    assert "No such user" in out
    assert "\x1b" not in out
    assert "\x07" not in out


def test_nothing_to_read_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty mailbox is an answer too."""
    (folder / "box").mkdir()
    read(folder, str(folder / "box"))
    assert capsys.readouterr().out == "0 mails, 0 of them reports. Nothing was changed.\n"

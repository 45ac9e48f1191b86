"""Mailings in front of staff, in the same process: scheduled, resent, reported, stopped."""

import datetime as dt
import io
import json
import re
import signal
import sqlite3
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flashback.cli import main, speak
from flashback.errors import Exit, StoreError
from flashback.model import Grant
from flashback.sentences import tr
from flashback.store import SqlLedger

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
time_zone = "Africa/Casablanca"
{sending}
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
HOSTILE = (
    '554 5.7.9 <script>alert(1)</script> & "quotes" <img src=//evil.example/x> spam@example.org'
)


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str


Run = Callable[..., Said]


@pytest.fixture
def relay() -> Iterator[StrictServer]:
    """A relay that knows no dead*, has no room for full*, and insults spam*."""
    replies = {"dead": "550 5.1.1 No such user", "full": "452 4.2.2 Full", "spam": HOSTILE}
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
    monkeypatch.setattr("sys.stdin", io.StringIO())  # nobody is there to answer
    set_up(tmp_path, relay)
    (tmp_path / "issues").mkdir()
    (tmp_path / "issues" / "7.md").write_text(ISSUE)

    def said(*arguments: str) -> Said:
        code = main(arguments)
        out, err = capsys.readouterr()
        return Said(code, out, err)

    said("init", ".", "--name", "F", "--from", "f@example.org")
    return said


def set_up(folder: Path, relay: StrictServer, sending: str = "pause_at_least = 50") -> None:
    (folder / "flashback.toml").write_text(SETTINGS.format(port=relay.port, sending=sending))


def people(run: Run, *addresses: str) -> None:
    lines = ["address,status,consent", *(f"{address},confirmed,yes" for address in addresses)]
    Path("people.csv").write_text("\n".join(lines))
    done = run("subscribers", "import", "people.csv", "--yes")
    assert done.code == Exit.DONE, done.err


def readers(count: int) -> list[str]:
    return [f"reader{n:03}@example.org" for n in range(count)]


def from_now(**span: float) -> str:
    """An hour as staff would type it, in UTC's own words."""
    return (dt.datetime.now(dt.UTC) + dt.timedelta(**span)).isoformat(timespec="milliseconds")


def move_schedule(**span: float) -> None:
    """Let time pass for the only mailing: its hours move into the past."""
    with sqlite3.connect("subscribers/subscribers.db") as connection:
        for name in ("not_before", "not_after"):
            row = connection.execute(f"SELECT {name} FROM mailings").fetchone()
            if row[0]:
                moved = dt.datetime.fromisoformat(row[0]) - dt.timedelta(**span)
                text = moved.strftime("%Y-%m-%d %H:%M:%S.%f") + row[0][26:]
                connection.execute(f"UPDATE mailings SET {name} = ?", [text])
    connection.close()


# Scheduled ---------------------------------------------------------------------------------------


def test_a_mailing_leaves_at_its_hour(run: Run, relay: StrictServer) -> None:
    """Send --at opens it after the summary, waits, and sends it then; not a moment earlier."""
    people(run, "sam@example.org")
    hour = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1.5)
    sent = run("send", "--yes", "--at", hour.isoformat())
    assert sent.code == Exit.DONE, sent.err
    assert dt.datetime.now(dt.UTC) >= hour
    assert "leaves at" in sent.out
    assert len(relay.taken) == 1


def test_the_hour_is_that_of_the_newsletter(run: Run) -> None:
    """An hour without an offset is one in the zone of the settings; it is shown as it was typed."""
    people(run, "sam@example.org")
    asked = run("send", "--at", "2035-12-01 09:00", "--dry-run")
    assert "leaves at 2035-12-01 09:00" in asked.out


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["--at", "tomorrow"], "2026-12-01 09:00"),
        (["--at", "2035-12-01"], "is no hour"),
        (["--at", "2011-09-02 09:00"], "past"),
        (["--not-after", "2035-12-01 09:00"], "--at"),
        (["--at", "2035-12-01 09:00", "--not-after", "2035-12-01 08:00"], "not later"),
    ],
)
def test_hours_that_cannot_be_meant(run: Run, arguments: list[str], wanted: str) -> None:
    """A mistake in an hour is told, and nothing is opened."""
    people(run, "sam@example.org")
    refused = run("send", "--yes", *arguments)
    assert refused.code == Exit.USAGE
    assert wanted in refused.err
    assert "Nothing was ever sent" in run("status").out


@pytest.fixture
def scheduled(run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A mailing for tomorrow, whose sender was ended by Ctrl-C while it waited."""
    people(run, "sam@example.org", "ann@example.org")

    def ctrl_c(_seconds: float) -> None:
        signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patched:
        patched.setattr("flashback.cli.waiting.sleep", ctrl_c)
        sent = run("send", "--yes", "--at", from_now(days=1), "--not-after", from_now(days=2))
    assert sent.code == Exit.UNFINISHED
    assert "flashback resume 1" in sent.out
    return run


def test_ctrl_c_leaves_it_scheduled(scheduled: Run, relay: StrictServer) -> None:
    """Status says so; a resume before the hour sends nothing; it can be called off."""
    assert "scheduled" in scheduled("status").out
    early = scheduled("resume")
    assert early.code == Exit.UNFINISHED
    assert "--wait" in early.out
    assert "waits for its hour" in scheduled("send", "--yes").err
    assert scheduled("cancel", "--yes").code == Exit.DONE
    assert json.loads(scheduled("report", "--json").out)["skipped"] == 2
    assert relay.taken == []


def test_a_job_sends_it_once_its_hour_has_come(scheduled: Run, relay: StrictServer) -> None:
    """Resume, run by cron, takes it like any other."""
    move_schedule(days=1)
    assert scheduled("resume").code == Exit.DONE
    assert len(relay.taken) == 2


def test_a_stale_schedule_asks(scheduled: Run, relay: StrictServer) -> None:
    """Past --not-after nothing leaves by itself: exit 75 with the way out; --yes sends it."""
    move_schedule(days=2, hours=1)
    late = scheduled("resume")
    assert late.code == Exit.UNFINISHED
    assert "it is late" in late.err
    assert "flashback resume 1 --yes" in late.err
    assert "flashback cancel 1" in late.err
    assert relay.taken == []
    assert scheduled("resume", "--yes").code == Exit.DONE
    assert len(relay.taken) == 2


def test_more_than_an_hour_late_is_stale(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --not-after an hour is what a mailing may be late; less needs no question."""
    people(run, "sam@example.org")
    with monkeypatch.context() as patched:
        patched.setattr(
            "flashback.cli.waiting.sleep", lambda _: signal.raise_signal(signal.SIGTERM)
        )
        assert run("send", "--yes", "--at", from_now(hours=4)).code == Exit.UNFINISHED
    move_schedule(hours=5.1)
    assert run("resume").code == Exit.UNFINISHED
    move_schedule(hours=-0.5)
    assert run("resume").code == Exit.DONE


# Once more ---------------------------------------------------------------------------------------


def test_resend_to_who_was_refused(run: Run, relay: StrictServer) -> None:
    """Only the refused are tried again, in the same mailing; dead addresses stay left out."""
    people(run, "ok@example.org", "spam@example.org", "dead@example.org")
    assert run("send", "--yes").code == Exit.REFUSALS
    relay.refuse = lambda _: ""
    again = run("resend", "1", "--refused", "--yes")
    assert again.code == Exit.REFUSALS, again.out + again.err
    assert [taken.recipient for taken in relay.taken] == ["ok@example.org", "spam@example.org"]
    counts = json.loads(run("report", "1", "--json").out)
    assert (counts["accepted"], counts["refused"], counts["skipped"]) == (2, 1, 0)
    assert "no such copies" in run("resend", "1", "--refused", "--yes").out


def test_resend_to_who_came_later(run: Run, relay: StrictServer, tmp_path: Path) -> None:
    """Who agreed since gets what the others had, however the issue's file has changed."""
    people(run, "first@example.org")
    assert run("send", "--yes").code == Exit.DONE
    people(run, "late@example.org", "later@example.org")
    (tmp_path / "issues" / "7.md").write_text(ISSUE.replace("A headline", "CHANGED"))
    told = run("send", "--yes")
    assert "flashback resend 1 --new" in told.err
    assert run("resend", "1", "--new", "--yes", "--segment", "arabs").out.count("no such") == 1
    assert run("resend", "1", "--new", "--yes").code == Exit.DONE
    assert sorted(taken.recipient for taken in relay.taken) == [
        "first@example.org", "late@example.org", "later@example.org",
    ]  # fmt: skip
    assert not any(b"CHANGED" in taken.content for taken in relay.taken)
    assert "no such copies" in run("resend", "2", "--new", "--yes").out
    assert len(relay.taken) == 3


def test_resend_asks_first(run: Run, relay: StrictServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the number of readers; no is no, and one kind of readers has to be named."""
    people(run, "first@example.org")
    run("send", "--yes")
    people(run, "late@example.org")
    monkeypatch.setattr("click.prompt", lambda *_, **__: "n")
    assert "Nothing was sent" in run("resend", "1", "--new").out
    assert len(relay.taken) == 1
    for arguments in (["1"], ["1", "--new", "--refused"], ["1", "--refused", "--segment", "arabs"],
                      ["1", "--new", "--json"]):  # fmt: skip
        assert run("resend", *arguments).code == Exit.USAGE


# Reported ----------------------------------------------------------------------------------------


def test_a_page_escapes_what_strangers_said(run: Run, tmp_path: Path) -> None:
    """A relay's reply is text on the page, without an address; no script, nothing loaded."""
    people(run, "ok@example.org", "spam@example.org", "dead@example.org", "full@example.org")
    run("send", "--yes")
    assert run("report", "--html", "report.html").code == Exit.DONE
    page = (tmp_path / "report.html").read_text()
    assert (tmp_path / "report.html").stat().st_mode & 0o777 == 0o600
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page
    assert "<img" not in page
    assert "default-src &#39;none&#39;" in page
    tags = "".join(re.findall(r"<[^>]*>", page))
    assert not re.search(r"\s(src|href|style|on\w+)\s*=", tags)
    for name in ("ok", "spam", "dead", "full"):
        assert f"{name}@" not in page
    body = page[page.index("<body") : page.index("</html>")].replace("&nbsp;", " ")
    ET.fromstring(body)  # every element that is opened is closed


def test_a_page_speaks_french(run: Run, tmp_path: Path) -> None:
    """Its numbers too."""
    people(run, "ok@example.org", "spam@example.org")
    run("send", "--yes")
    try:
        run("--lang", "fr", "report", "--html", "rapport.html")
    finally:
        speak("en")
    page = (tmp_path / "rapport.html").read_text()
    assert '<html lang="fr">' in page
    assert "50,0\N{NO-BREAK SPACE}%" in page


def test_the_terminals_report(run: Run) -> None:
    """Speed over time, slow domains, reasons; a relay cannot colour or clear the terminal."""
    people(run, *readers(3), *(f"r{n}@example.net" for n in range(2)), "spam@example.org")
    run("send", "--yes")
    with sqlite3.connect("subscribers/subscribers.db") as connection:
        connection.execute("UPDATE deliveries SET reply = ? WHERE state = 'refused'",
                           ["550 5.0.0 \x1b[2Jgone\x07"])  # fmt: skip
        connection.execute("UPDATE deliveries SET changed_at = replace(changed_at, '-11-', '-12-') "
                           "WHERE id = 1")  # fmt: skip
        first = connection.execute("SELECT changed_at FROM deliveries WHERE id = 2").fetchone()[0]
        minute = (dt.datetime.fromisoformat(first) + dt.timedelta(minutes=3)).strftime("%H:%M")
        connection.execute(
            "UPDATE deliveries SET changed_at = ? WHERE id = 1",
            [first[:11] + minute + first[16:]],
        )
    connection.close()
    report = run("report").out
    assert "Accepted per minute" in report
    assert "█" in report
    assert "Slowest domains" in report
    assert "example.net" in report
    assert "\x1b[2J" not in report
    assert "gone" in report


def test_metrics(run: Run) -> None:
    """Prometheus reads a count for each state of each mailing."""
    people(run, "ok@example.org", "spam@example.org")
    run("send", "--yes")
    lines = run("status", "--prometheus").out.splitlines()
    assert 'flashback_copies{mailing="1",issue="7",state="accepted"} 1' in lines
    assert 'flashback_mailing{mailing="1",issue="7",state="finished"} 1' in lines
    assert all(line.startswith("#") or re.fullmatch(r"\w+\{[^}]*\} \d+", line) for line in lines)


# In doubt ----------------------------------------------------------------------------------------


def test_the_relays_own_log_settles_doubts(
    run: Run, relay: StrictServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Postfix has is accepted, what it never saw goes again; what it cannot tell is held."""
    people(run, "taken@example.org", "lost@example.org")
    now = dt.datetime.now(dt.UTC)
    with monkeypatch.context() as earlier:
        then = now - dt.timedelta(minutes=40)
        earlier.setattr("flashback.workspace.parts.SystemClock.now", lambda _: then)
        run("send", "--yes")
    message_ids = {taken.recipient: taken.message_id for taken in relay.taken}
    all_in_doubt()

    def line(minutes: int, said: str) -> str:
        return f"{now - dt.timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%S+00:00} mail {said}\n"

    told = [
        line(300, "postfix/smtpd[7]: connect from localhost[127.0.0.1]"),
        line(290, "postfix/smtpd[7]: disconnect from localhost[127.0.0.1]"),
        line(41, "postfix/smtpd[7]: connect from localhost[127.0.0.1]"),
        line(
            41, f"postfix/cleanup[8]: 4ABCDE1234: message-id=<{message_ids['taken@example.org']}>"
        ),
        line(
            41, "postfix/qmgr[9]: 4ABCDE1234: from=<f@example.org>, size=1, nrcpt=1 (queue active)"
        ),
        line(30, "postfix/smtpd[7]: disconnect from localhost[127.0.0.1]"),
    ]
    log = tmp_path / "mail.log"
    log.write_text("".join(told[2:]))
    settings = tmp_path / "flashback.toml"
    settings.write_text(
        settings.read_text().replace("[sending]", 'postfix_log = "mail.log"\n[sending]')
    )
    first = run("resume", "1")
    assert first.code == Exit.REFUSALS, "a log that begins too late proves no absence"
    assert "1 copies were taken, 0 never came" in first.out
    assert len(relay.taken) == 2
    log.write_text("".join(told))
    second = run("resume", "1")
    assert second.code == Exit.DONE, second.out + second.err
    assert "0 copies were taken, 1 never came" in second.out
    assert [taken.recipient for taken in relay.taken[2:]] == ["lost@example.org"]
    log.unlink()
    assert run("resume", "1").code == Exit.DONE, "without a doubt the log is not asked"


def all_in_doubt() -> None:
    """A sender died past its dots."""
    with sqlite3.connect("subscribers/subscribers.db") as connection:
        connection.execute("UPDATE deliveries SET state = 'in_doubt'")
    connection.close()
    Path("subscribers/journals/seal").write_text('{"1": 0}')


# By itself ---------------------------------------------------------------------------------------


def test_the_breaker_pauses_and_resume_asks(run: Run, relay: StrictServer, tmp_path: Path) -> None:
    """When too many are refused alike, the mailing pauses itself; only a person lets it go on."""
    set_up(tmp_path, relay, "pause_at_share = 0.2\npause_at_least = 5")
    relay.refuse = lambda _: "554 5.7.1 Looks like spam"
    people(run, *readers(40))
    stopped = run("send", "--yes")
    assert stopped.code == Exit.UNFINISHED
    assert "was paused" in stopped.out
    assert "Looks like spam" in stopped.out
    counts = json.loads(run("status", "--json").out)
    assert counts["state"] == "paused"
    assert counts["planned"] > 20
    relay.refuse = lambda _: ""
    alone = run("resume", "1")
    assert alone.code == Exit.UNFINISHED
    assert "flashback resume 1 --yes" in alone.err
    assert relay.taken == []
    assert run("resume", "1", "--yes").code == Exit.REFUSALS
    assert len(relay.taken) == counts["planned"]


def test_quiet_hours_end_a_run(run: Run, relay: StrictServer, tmp_path: Path) -> None:
    """Nothing leaves in them, and the hour at which it may go on is told."""
    now = dt.datetime.now(dt.UTC)
    begin, end = (now - dt.timedelta(hours=1)), (now + dt.timedelta(hours=2))
    set_up(tmp_path, relay, f'quiet_hours = "{begin:%H:%M}-{end:%H:%M}"')
    text = (tmp_path / "flashback.toml").read_text().replace("Africa/Casablanca", "UTC")
    (tmp_path / "flashback.toml").write_text(text)
    people(run, "sam@example.org")
    sent = run("send", "--yes")
    assert sent.code == Exit.UNFINISHED
    assert f"nothing leaves before {end:%Y-%m-%d %H:%M}" in sent.out
    assert relay.taken == []


def test_wait_stays_until_the_deferred_are_done(
    run: Run, relay: StrictServer, tmp_path: Path
) -> None:
    """With --wait one command is enough for readers whose server says "not now" once."""
    set_up(tmp_path, relay, "first_retry_minutes = 0.01")
    said = ["452 4.2.2 Full"]
    relay.refuse = lambda _: said.pop() if said else ""
    people(run, "sam@example.org")
    assert run("send", "--yes", "--wait").code == Exit.DONE
    assert len(relay.taken) == 1


def test_each_relay_keeps_its_pace_in_the_store(
    run: Run, relay: StrictServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one of several relays got is in the store; one that stumbles is asked again."""
    settings = tmp_path / "flashback.toml"
    limited = settings.read_text().replace("[relay]", "[relay]\nmessages_per_minute = 600")
    second = f"""
[relays.second]
host = "127.0.0.1"
port = {relay.port}
security = "none"
messages_per_minute = 600
"""
    settings.write_text(limited + second)
    people(run, *readers(20))
    draw, stumbles = SqlLedger.draw, [StoreError(tr("The store is busy."))] * 2

    def drawn(ledger: SqlLedger, key: str, **wanted: Any) -> Grant:
        if stumbles:
            raise stumbles.pop()
        return draw(ledger, key, **wanted)

    monkeypatch.setattr(SqlLedger, "draw", drawn)
    assert run("send", "--yes").code == Exit.DONE
    assert len(relay.taken) == 20
    assert not stumbles
    with sqlite3.connect("subscribers/subscribers.db") as connection:
        keys = {key for (key,) in connection.execute("SELECT key FROM buckets")}
        assert keys
        assert keys <= {"relay:main", "relay:second"}
    connection.close()


def test_mail_into_a_folder(run: Run, tmp_path: Path) -> None:
    """Another way out of the house is a setting, and nothing else changes."""
    text = (tmp_path / "flashback.toml").read_text()
    relay = re.search(r"\[relay\][^\[]*", text)
    assert relay is not None
    way = '[relay]\nkind = "maildir"\npath = "out/mail"\n'
    (tmp_path / "flashback.toml").write_text(text.replace(relay[0], way))
    people(run, "sam@example.org", "ann@example.org")
    sent = run("send", "--yes")
    assert sent.code == Exit.DONE, sent.err
    assert "into maildir out/mail" in sent.out
    assert len(list((tmp_path / "out" / "mail" / "new").iterdir())) == 2

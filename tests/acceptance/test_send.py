"""``send`` as staff use it: what is shown, asked, sent, refused and remembered."""

import datetime as dt
import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from flashback.model import DeliveryState

from fixtures.newsletters import Newsletter
from fixtures.relays import StrictServer


@pytest.fixture
def relay() -> Iterator[StrictServer]:
    """A strict relay that knows no reader002."""
    refuse = "550 5.1.1 No such user"
    with StrictServer(refuse=lambda to: refuse if to.startswith("reader002") else "") as server:
        yield server


@pytest.fixture
def newsletter(tmp_path: Path, relay: StrictServer) -> Newsletter:
    """Five readers who agreed; one who did not; one who left; Arabic and English readers."""
    made = Newsletter.made(tmp_path / "n", port=relay.port, readers=5)
    made.run("subscribers", "add", "shy@example.org", expect=0)
    for name, language in (("a", "ar"), ("e", "en"), ("gone", "fr")):
        made.run(
            "subscribers", "add", f"{name}@example.org", "--language", language,
            "--consent", "asked", expect=0,
        )  # fmt: skip
    made.run("subscribers", "remove", "gone@example.org", expect=0)
    return made


def recipients(relay: StrictServer) -> list[str]:
    return sorted(taken.recipient for taken in relay.taken)


def test_it_asks_and_no_is_no(newsletter: Newsletter, relay: StrictServer) -> None:
    """The summary names subject, editions, audience by language and relay; "n" sends nothing."""
    done = newsletter.run("send", "35", answer="n\n", expect=0)
    assert "Flash-back n° 35" in done.stdout
    assert "127.0.0.1" in done.stdout
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["fr", "5"] in [row[:2] for row in rows]
    assert ["ar", "1"] in [row[:2] for row in rows]
    assert ["en", "1"] in [row[:2] for row in rows]
    assert "Send to 7 readers?" in done.stdout
    assert relay.taken == []
    assert "Nothing was ever sent" in newsletter.run("status").stdout


def test_yes_sends_to_who_agreed(newsletter: Newsletter, relay: StrictServer) -> None:
    """Confirmed readers get it in their language; the refused one is named; exit code 3."""
    done = newsletter.run("send", "35", answer="y\n", expect=3)
    assert recipients(relay) == [
        "a@example.org", "e@example.org", "reader001@example.org", "reader003@example.org",
        "reader004@example.org", "reader005@example.org",
    ]  # fmt: skip
    assert "refused" in done.stdout
    report = newsletter.run("report", expect=0).stdout
    assert "5.1.1" in report
    assert "reader002@example.org" in report


def test_a_dead_address_is_never_tried_again(newsletter: Newsletter, relay: StrictServer) -> None:
    """A 5.1.1 at RCPT suppresses the address at once; the next issue leaves it out."""
    newsletter.run("send", "35", "--yes", expect=3)
    shown = json.loads(
        newsletter.run("subscribers", "show", "reader002@example.org", "--json").stdout
    )
    assert shown["suppressed"] == "hard_bounce"
    counts = newsletter.account("send", "35", "--yes", "--again")
    assert (counts["audience"], counts["accepted"], counts["refused"]) == (6, 6, 0)


def test_json_ends_with_an_account_that_adds_up(newsletter: Newsletter) -> None:
    """The last line is one object with mailing, audience and one count per state."""
    counts = newsletter.account("send", "35", "--yes")
    assert counts["mailing"] == 1
    assert counts["audience"] == 7
    assert (counts["accepted"], counts["refused"]) == (6, 1)
    assert set(counts) == {"mailing", "audience", *DeliveryState}


def test_dry_run_sends_nothing(newsletter: Newsletter, relay: StrictServer) -> None:
    """A rehearsal builds everything and leaves no trace."""
    done = newsletter.run("send", "35", "--dry-run", expect=0)
    assert "nothing was sent" in done.stdout.lower()
    assert relay.taken == []
    assert "Nothing was ever sent" in newsletter.run("status").stdout


def test_a_segment(newsletter: Newsletter, relay: StrictServer) -> None:
    """Only the readers of a segment, by expression."""
    newsletter.run("send", "35", "--yes", "--segment", 'language = "ar"', expect=0)
    assert recipients(relay) == ["a@example.org"]


def test_limit_then_resume(newsletter: Newsletter, relay: StrictServer) -> None:
    """A limit leaves the rest for resume, which needs no number and no issue file."""
    first = newsletter.run("send", "35", "--yes", "--limit", "3", expect=75)
    assert "flashback resume 1" in first.stdout
    issue = newsletter.folder / "issues" / "35" / "fr.md"
    issue.write_text(issue.read_text().replace("Al AMANA", "CHANGED"))
    newsletter.run("resume", expect=3)
    assert len(recipients(relay)) == 6
    bodies = {t.content.count(b"CHANGED") for t in relay.taken}
    assert bodies == {0}, "what is sent was frozen when the mailing opened"


def test_the_same_issue_is_not_sent_twice_by_mistake(newsletter: Newsletter) -> None:
    """A second send is refused with the mailing's number; --again says it is meant."""
    newsletter.run("send", "35", "--yes", expect=3)
    done = newsletter.run("send", "35", "--yes", expect=1)
    assert "already sent: mailing 1" in done.stderr
    assert "--again" in done.stderr


def test_an_unfinished_issue_is_not_called_sent(newsletter: Newsletter) -> None:
    """A second send of what was only begun points to resume, not to sending it once more."""
    newsletter.run("send", "35", "--yes", "--limit", "1", expect=75)
    done = newsletter.run("send", "35", "--yes", expect=1)
    assert "is not finished: mailing 1" in done.stderr
    assert "flashback resume 1" in done.stderr


def test_who_leaves_during_a_mailing_gets_nothing(newsletter: Newsletter) -> None:
    """Someone who leaves between planning and their turn is skipped and counted."""
    newsletter.run("send", "35", "--yes", "--limit", "1", expect=75)
    newsletter.run("subscribers", "remove", "e@example.org", expect=0)
    counts = newsletter.account("resume")
    assert counts["skipped"] == 1


def test_proof_goes_to_one_address(newsletter: Newsletter, relay: StrictServer) -> None:
    """A proof is every edition, to the editor only, and no mailing."""
    newsletter.run("proof", "35", "--to", "editor@example.org", expect=0)
    assert recipients(relay) == ["editor@example.org"] * 3
    assert "Nothing was ever sent" in newsletter.run("status").stdout


def test_proof_goes_to_several_addresses(newsletter: Newsletter, relay: StrictServer) -> None:
    """Each address gets every edition once; none is dropped in silence."""
    people = (
        "--to",
        "editor@example.org",
        "--to",
        "chief@example.org",
        "--to",
        "chief@example.org",
    )
    told = newsletter.run("proof", "35", *people, expect=0)
    assert sorted(recipients(relay)) == ["chief@example.org"] * 3 + ["editor@example.org"] * 3
    assert told.stdout.count("  chief@example.org, ") == 3


def test_a_proof_to_no_address_sends_none(newsletter: Newsletter, relay: StrictServer) -> None:
    """One slip among the addresses, and nothing leaves."""
    told = newsletter.run("proof", "35", "--to", "editor@example.org", "--to", "no address")
    assert "“no address” is not an e-mail address" in told.stderr
    assert recipients(relay) == []


def test_nobody_to_send_to(tmp_path: Path, relay: StrictServer) -> None:
    """An empty audience is an error with a way out."""
    empty = Newsletter.made(tmp_path / "empty", port=relay.port)
    done = empty.run("send", "35", "--yes", expect=1)
    assert "flashback subscribers list" in done.stderr


def test_new_begins_the_next_issue(newsletter: Newsletter) -> None:
    """The next number, the coming Friday, the sections as they were; check says what to fill."""
    done = newsletter.run("new", expect=0)
    assert "36" in done.stdout
    text = (newsletter.folder / "issues" / "36" / "fr.md").read_text()
    (written,) = re.findall(r"^date *: *(\S+)$", text, re.MULTILINE)
    begun = dt.date.fromisoformat(written)
    assert begun.strftime("%A") == dt.date(2011, 9, 2).strftime("%A")
    assert dt.timedelta(-1) <= begun - dt.datetime.now(dt.UTC).date() <= dt.timedelta(7)
    assert "# Maroc" in text
    checked = newsletter.run("check", "36", expect=1)
    assert "placeholder-left" in checked.stdout
    newsletter.run("new", "36", expect=1)


def test_subscribers_go_out_and_come_back(newsletter: Newsletter, tmp_path: Path) -> None:
    """Export then import into an empty store keeps who agreed, who left, and who is shy."""
    newsletter.run("subscribers", "export", "all.jsonl", expect=0)
    assert (newsletter.folder / "all.jsonl").stat().st_mode & 0o777 == 0o600
    other = Newsletter.made(tmp_path / "other")
    other.run("subscribers", "import", str(newsletter.folder / "all.jsonl"), "--yes", expect=0)
    lists = [n.run("subscribers", "list", "--json").stdout for n in (newsletter, other)]
    people = [
        [
            {k: v for k, v in json.loads(line).items() if k != "created_at"}
            for line in text.splitlines()
        ]
        for text in lists
    ]
    assert people[0] == people[1]
    assert {"address", "name", "language", "status", "suppressed"} <= set(people[0][0])
    statuses = {p["address"]: p["status"] for p in people[1]}
    assert statuses["gone@example.org"] == "unsubscribed"
    assert statuses["shy@example.org"] == "unconfirmed"


def test_each_proof_is_a_message_of_its_own(newsletter: Newsletter, relay: StrictServer) -> None:
    """Mail programs hide a second message of the same name; two proofs of three are six names."""
    for _ in range(2):
        newsletter.run("proof", "35", "--to", "editor@example.org", expect=0)
    assert len({taken.message_id for taken in relay.taken}) == 6


def test_changed_settings_do_not_change_a_running_mailing(
    newsletter: Newsletter, relay: StrictServer
) -> None:
    """From, links and Message-ID are those of the moment the mailing opened."""
    newsletter.run("send", "35", "--yes", "--limit", "2", expect=75)
    settings = newsletter.folder / "flashback.toml"
    text = settings.read_text().replace("flash-back@example.org", "other@example.com")
    settings.write_text(text.replace("news.example.org", "else.example.net"))
    newsletter.run("resume", expect=3)
    assert len(relay.taken) == 6
    for taken in relay.taken:
        assert taken.message_id.endswith("@example.org")
        assert b"flash-back@example.org" in taken.content
        assert b"else.example.net" not in taken.content


def test_an_account_that_does_not_add_up_is_told(newsletter: Newsletter) -> None:
    """When copies are missing from the store, the report says so instead of hiding it."""
    newsletter.run("send", "35", "--yes", expect=3)
    with sqlite3.connect(newsletter.folder / "subscribers" / "subscribers.db") as connection:
        connection.execute("DELETE FROM attempts WHERE delivery_id = 3")
        connection.execute("DELETE FROM deliveries WHERE id = 3")
    done = newsletter.run("report")
    assert "does not add up: 6 copies" in done.stderr
    assert done.stdout.splitlines()[-1].split() != ["audience", "6"]


def test_dry_run_for_programs(newsletter: Newsletter) -> None:
    """A rehearsal's last line is the plan: no mailing, everybody planned."""
    done = newsletter.run("send", "35", "--dry-run", "--json", expect=0)
    counts = json.loads(done.stdout.splitlines()[-1])
    assert (counts["mailing"], counts["audience"], counts["planned"]) == (None, 7, 7)


def test_nothing_to_resume_is_fine(newsletter: Newsletter) -> None:
    """A job that resumes every hour ends well when nothing waits."""
    assert "No mailing waits" in newsletter.run("resume", expect=0).stdout


def test_the_log_is_tried_before_anything_is_opened(newsletter: Newsletter) -> None:
    """A log in a folder that is not there stops the command, not the mailing."""
    settings = newsletter.folder / "flashback.toml"
    text = settings.read_text().replace("[sending]\n", '[sending]\nlog = "no/such/log"\n')
    settings.write_text(text)
    done = newsletter.run("send", "35", "--yes", expect=1)
    assert "no/such/log" in done.stderr
    assert "Nothing was ever sent" in newsletter.run("status").stdout


def test_a_full_log_does_not_stop_sending(newsletter: Newsletter, relay: StrictServer) -> None:
    """The store is the truth; a log that cannot be written is told once."""
    settings = newsletter.folder / "flashback.toml"
    text = settings.read_text().replace("[sending]\n", '[sending]\nlog = "/dev/full"\n')
    settings.write_text(text)
    done = newsletter.run("send", "35", "--yes", expect=3)
    assert done.stderr.count("sending goes on") == 1
    assert len(relay.taken) == 6

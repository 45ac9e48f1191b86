"""``flashback check``: pages quoted before, what a code means, and what SpamAssassin says."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from flashback import resources
from flashback.cli import main
from flashback.cli.explaining import explanations
from flashback.errors import Exit
from flashback.preflight.spam import Rule, remarks, rules_of

from fixtures.newsletters import SETTINGS

ISSUE = """\
---
title: F
number: {number}
date: {date}
language: en
subject: F {number}
---
## {headline}

> “An excerpt.”

[Read more]({url})
"""
URL = "https://www.paper.example/economy/credit-union-opens"
SHARED = "https://m.paper.example/economy/credit-union-opens/amp?utm_source=letter"
REPORT = """\
Spam report, and a line 1.0 NOT_A_RULE in a message
Content analysis details:   (0.7 points, 5.0 required)

 pts rule name              description
---- ---------------------- --------------------------------------------------
-0.0 NO_RELAYS              Informational: message was not relayed via SMTP
 0.7 HTML_FONT_LOW_CONTRAST BODY: HTML font color similar or identical to
                            background
"""
Check = Callable[..., list[dict[str, object]]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flashback.toml").write_text(
        SETTINGS.format(newsletter="", port=25, window=10, store="sqlite:///subscribers/s.db"),
        encoding="utf-8",
    )
    (tmp_path / "issues").mkdir()
    return tmp_path


@pytest.fixture
def check(folder: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    def found(*arguments: str) -> list[dict[str, object]]:
        main(("check", "--json", *arguments))
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return found


def write(folder: Path, number: int, url: str, *, day: int, headline: str = "A headline") -> None:
    text = ISSUE.format(number=number, date=f"2011-09-{day:02}", url=url, headline=headline)
    (folder / "issues" / f"{number}.md").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("name", [".", "issues"])
def test_the_folder_of_all_issues_is_no_issue(
    folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who names the newsletter's folder hears how the newest issue is taken."""
    write(folder, 7, URL, day=9)
    assert main(("--lang", "en", "check", name)) == Exit.FAILED
    told = capsys.readouterr().err
    assert "is not the folder of one issue" in told
    assert "or none: the newest one is taken then" in told
    (folder / name / "en.md").write_text("no header", encoding="utf-8")
    main(("--lang", "en", "check", name))
    assert "header-missing" in capsys.readouterr().out


def test_a_page_quoted_before_is_named(folder: Path, check: Check) -> None:
    """Whatever a phone or a share button made of its address, the earlier place is told."""
    write(folder, 6, URL, day=2, headline="How it began")
    write(folder, 7, SHARED, day=9)
    (finding,) = check("issues/7.md")
    assert finding["code"] == "page-quoted-before"
    assert finding["line"] == 12
    assert f"{Path('issues') / '6.md'}:12" in str(finding["sentence"])
    assert "How it began" in str(finding["sentence"])


def test_a_later_issue_and_another_page_are_not(folder: Path, check: Check) -> None:
    """The first to quote a page hears nothing; neither does another page of the same paper."""
    write(folder, 6, URL, day=2)
    write(folder, 7, SHARED, day=9)
    write(folder, 8, "https://www.paper.example/economy/another", day=16)
    assert check("issues/6.md") == []
    assert check("issues/8.md") == []


def test_an_old_issue_that_cannot_be_read_stops_nothing(folder: Path, check: Check) -> None:
    """It is passed over; the others are searched."""
    write(folder, 5, URL, day=1)
    (folder / "issues" / "6.md").write_text(f"no header\n{URL}\n", encoding="utf-8")
    write(folder, 7, URL, day=9)
    assert [finding["code"] for finding in check("issues/7.md")] == ["page-quoted-before"]


def test_a_code_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """Severity, meaning and way out, without an issue or a workspace."""
    assert main(("check", "--explain", "link-missing")) == Exit.DONE
    out = capsys.readouterr().out
    assert "link-missing  error" in out
    assert explanations("en")["link-missing"].meaning in out
    assert "Lire l’article" in out
    assert main(("--lang", "fr", "check", "--explain", "link-missing")) == Exit.DONE
    assert "Un article n’a pas de lien à lui." in capsys.readouterr().out


def test_a_code_that_is_none_is_answered_with_the_nearest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A slip of the pen is told from a code, and helped."""
    assert main(("check", "--explain", "link-mising")) == Exit.FAILED
    assert "link-missing" in capsys.readouterr().err


def test_rules_are_read_from_the_report() -> None:
    """Points, name and the whole meaning; what the message itself says is none."""
    assert rules_of(REPORT) == (
        Rule(-0.0, "NO_RELAYS", "Informational: message was not relayed via SMTP"),
        Rule(0.7, "HTML_FONT_LOW_CONTRAST",
             "BODY: HTML font color similar or identical to background"),
    )  # fmt: skip
    assert rules_of("") == ()


def test_points_become_a_warning_or_an_error() -> None:
    """From five on it is an error; nothing against it, nothing said."""
    (one,) = remarks([Rule(0.7, "A", "a"), Rule(-1.0, "B", "b")])
    assert (one.code, one.severity.value) == ("spam-points", "warning")
    (other,) = remarks([Rule(3.0, "A", "a"), Rule(2.0, "C", "c")])
    assert (other.code, other.severity.value) == ("spam-likely", "error")
    assert list(remarks([Rule(-1.0, "B", "b"), Rule(0.0, "D", "d")])) == []


def test_nobody_to_ask(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without SpamAssassin it is said how to get it."""
    write(folder, 7, URL, day=9)
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    assert main(("check", "--spam")) == Exit.FAILED
    assert "apt-get install spamassassin" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("spamassassin") is None, reason="needs SpamAssassin")
def test_spamassassin_has_nothing_against_the_example(folder: Path, check: Check) -> None:
    """Not one rule counts against any of the three editions."""
    shutil.copytree(resources.example_issue(), folder / "issues" / "35")
    assert check("--spam", "issues/35") == []


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("spamassassin") is None, reason="needs SpamAssassin")
def test_spamassassin_is_heard(folder: Path, check: Check) -> None:
    """What it does not like is passed on, rule by rule."""
    write(folder, 7, URL, day=9, headline="XJS\\*C4JDBQADN1.NSBN3\\*2IDNEN\\*GTUBE-STANDARD-"
          "ANTI-UBE-TEST-EMAIL\\*C.34X")  # fmt: skip
    (finding,) = [one for one in check("--spam") if str(one["code"]).startswith("spam")]
    assert finding["code"] == "spam-likely"
    assert "GTUBE" in str(finding["sentence"])

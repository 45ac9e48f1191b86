"""``flashback preview``: the program, its page in a real browser, and who else may ask it."""

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from flashback import resources
from flashback.web import listen
from flashback.web.preview import in_scheme, preview_application
from flashback.workspace.previewing import Preview

from fixtures import npm
from fixtures.devtools import Browser, browsing, chromium

SETTINGS = """
[newsletter]
name = "Lettre d'essai"
sender = "lettre@example.org"
list_id = "lettre.example.org"
postal_address = "1, rue des Essais, 10000 Rabat"
[links]
unsubscribe = "https://news.example.org/u/{token}"
"""
FRENCH = """\
---
titre: Lettre d'essai
numéro: 7
date: 2011-09-02
langue: fr
objet: Le premier sujet
---

## Un titre

> « Une citation. »

[Lire l'article](https://press.example/un)
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A newsletter with one issue."""
    (tmp_path / "flashback.toml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "issues" / "7").mkdir(parents=True)
    (tmp_path / "issues" / "7" / "fr.md").write_text(FRENCH, encoding="utf-8")
    (tmp_path / "subscribers").mkdir()
    return tmp_path


@pytest.fixture
def url(workspace: Path) -> Iterator[str]:
    """The preview of that issue, being served."""
    page = preview_application(Preview(workspace, "7"), language="en")
    server = listen(page, host="127.0.0.1", port=0)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server.url
    server.shutdown()
    thread.join()
    assert server.end()


def got(
    url: str, path: str, *, method: str = "GET", **headers: str
) -> tuple[int, http.client.HTTPMessage, str]:
    """One request and its answer."""
    line = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    line.request(method, path, headers=headers)
    answer = line.getresponse()
    content = answer.read().decode()
    line.close()
    return answer.status, answer.headers, content


def state(url: str, since: str = "", reader: str = "") -> dict[str, object]:
    """What the page is told."""
    _, _, content = got(url, f"/state?since={since}&reader={reader}")
    answer: dict[str, object] = json.loads(content)
    return answer


def test_a_saved_file_is_a_new_version_and_nothing_else_is(url: str, workspace: Path) -> None:
    """The page is told nothing until a file changes, and then everything."""
    before = state(url)
    assert got(url, f"/state?since={before['version']}")[0] == http.client.NO_CONTENT
    file = workspace / "issues" / "7" / "fr.md"
    file.write_text(FRENCH.replace("premier", "second et dernier"), encoding="utf-8")
    after = state(url, str(before["version"]))
    assert after["version"] != before["version"]
    assert after["editions"][0]["subject"] == "Le second et dernier sujet"  # type: ignore[index]


def test_a_changed_theme_or_setting_is_seen_as_well(url: str, workspace: Path) -> None:
    """Colours and settings are tried out in the same page."""
    assert "#123456" not in got(url, "/mail/fr")[2]
    own = workspace / "templates" / "email"
    own.mkdir(parents=True)
    (own / "tokens.toml").write_text('[light]\nband = "#123456"\n', encoding="utf-8")
    assert "#123456" in got(url, "/mail/fr")[2]
    (workspace / "flashback.toml").write_text(SETTINGS.replace("lettre@", "autre@"), "utf-8")
    assert state(url)["sender"] == "autre@example.org"


def test_a_broken_issue_keeps_the_last_mail_and_says_what_is_wrong(
    url: str, workspace: Path
) -> None:
    """While a line is half typed, the mail stays in view and the findings name the place."""
    state(url)
    file = workspace / "issues" / "7" / "fr.md"
    file.write_text(FRENCH.replace("2011-09-02", "tomorrow"), encoding="utf-8")
    now = state(url)
    assert now["editions"][0]["stale"]  # type: ignore[index]
    assert any(f["severity"] == "error" for f in now["findings"])  # type: ignore[attr-defined]
    assert "Une citation" in got(url, "/mail/fr")[2]
    file.write_text(FRENCH, encoding="utf-8")
    assert not state(url)["editions"][0]["stale"]  # type: ignore[index]


def test_a_broken_theme_is_told_with_its_way_out(url: str, workspace: Path) -> None:
    """A template that does not compile is a sentence above the mail, not the end of the preview."""
    state(url)
    own = workspace / "templates" / "email" / "partials"
    own.mkdir(parents=True)
    name = min(path.name for path in (resources.templates("email") / "partials").iterdir())
    (own / name).write_text("{% if %}", encoding="utf-8")
    trouble = state(url)["trouble"]
    assert isinstance(trouble, dict)
    assert name in trouble["sentence"]
    (own / name).unlink()
    assert state(url)["trouble"] is None


def test_the_links_of_a_preview_are_nobodys(url: str, workspace: Path) -> None:
    """Whoever it is shown as, the way out in a preview lets nobody go."""
    command = [sys.executable, "-m", "flashback", "-C", str(workspace), "subscribers"]
    added = subprocess.run(
        [*command, "add", "nadia@example.org", "--name", "Nadia", "--lang", "fr", "--yes"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    html = got(url, "/mail/fr?reader=nadia@example.org")[2]
    assert "nadia@example.org" in html
    unknown = got(url, "/mail/fr?reader=nobody@example.org")[2]
    tokens = {re.findall(r"news\.example\.org/u/([^\"]+)", page)[0] for page in (html, unknown)}
    assert len(tokens) == 1, added.stderr
    assert not state(url, reader="no-address")["reader"]
    assert state(url, reader="no-address")["reader_trouble"]


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Host": "evil.example:80"}, {"Origin": "https://evil.example"},
     {"Host": ""}, {"Host": "127.0.0.1.evil.example:1"}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("path", ["/", "/state", "/mail/fr", "/text/fr", "/preview.js"])
def test_other_sites_cannot_read_it(url: str, path: str, headers: dict[str, str]) -> None:
    """A page from elsewhere that led a browser here, or asks across, learns nothing."""
    status, _, content = got(url, path, **headers)
    assert status == http.client.FORBIDDEN
    assert "Lettre" not in content


def test_it_can_only_be_read(url: str) -> None:
    """Nothing can be sent to it, and what is not there is not there."""
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert got(url, "/state", method=method)[0] == http.client.METHOD_NOT_ALLOWED
    for path in ("/mail/xx", "/mail/", "/other/fr", "/../flashback.toml", "/mail/fr/"):
        assert got(url, path)[0] == http.client.NOT_FOUND
    assert got(url, "/", method="HEAD")[2] == ""


def test_the_mail_runs_no_script_and_without_pictures_loads_none(url: str) -> None:
    """The policy of the mail's own page has no scripts, and no pictures when they are off."""
    policy = got(url, "/mail/fr")[1]["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "allow-scripts" not in policy
    assert "script-src" not in policy
    assert "img-src 'none'" in got(url, "/mail/fr?bare=1")[1]["Content-Security-Policy"]


def test_the_scheme_is_decided_in_style_sheets_only() -> None:
    """Dark and light are taken from the media queries; the words of the mail stay."""
    page = (
        '<meta name="color-scheme" content="light dark"><style>@media (prefers-color-scheme: dark)'
        "{a{color:red}}</style><p>(prefers-color-scheme: dark)</p>"
    )
    dark, light = in_scheme(page, dark=True), in_scheme(page, dark=False)
    assert "@media (min-width: 0){" in dark
    assert "@media (max-width: 0){" in light
    assert 'content="dark"' in dark
    assert dark.endswith("<p>(prefers-color-scheme: dark)</p>")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests here."""
    if chromium() is None:
        pytest.skip("Chromium is not installed")
    with browsing() as page:
        yield page


@pytest.mark.chromium
def test_a_browser_follows_the_file_and_stays_where_it_was(
    browser: Browser, url: str, workspace: Path
) -> None:
    """Save the file, and both mails are new, at the place where they were read."""
    browser.window(1500, 500)
    browser.open(f"{url}/")
    mail = "document.getElementById('{}').contentDocument"
    browser.until(f"{mail.format('desk')}.body.innerText.includes('Une citation')")
    browser.until(f"{mail.format('phone')}.body.innerText.includes('Une citation')")
    assert browser.ask("document.getElementById('phone').contentWindow.innerWidth") == 375
    browser.ask("document.getElementById('phone').contentWindow.scrollTo(0, 150)")
    browser.until("document.getElementById('phone').contentWindow.scrollY === 150")
    file = workspace / "issues" / "7" / "fr.md"
    file.write_text(FRENCH.replace("Une citation.", "Une autre citation."), encoding="utf-8")
    browser.until(f"{mail.format('phone')}.body.innerText.includes('Une autre citation')")
    browser.until("document.getElementById('phone').contentWindow.scrollY === 150")


@pytest.mark.chromium
def test_a_browser_shows_dark_text_and_findings(
    browser: Browser, url: str, workspace: Path
) -> None:
    """Buttons change the scheme and the kind; a finding stands beside the mail with its place."""
    browser.window(1500, 900)
    browser.open(f"{url}/")
    ground = (
        "getComputedStyle(document.getElementById('desk').contentDocument.body).backgroundColor"
    )
    browser.until(f"{ground} === 'rgb(239, 234, 224)'")
    browser.ask("document.querySelector('[data-to=dark]').click()")
    browser.until(f"{ground} === 'rgb(18, 23, 26)'")
    browser.ask("document.querySelector('[data-to=text]').click()")
    browser.until("document.getElementById('desk').contentDocument.contentType === 'text/plain'")
    file = workspace / "issues" / "7" / "fr.md"
    text = FRENCH.replace("[Lire l'article](https://press.example/un)", "")
    file.write_text(text, encoding="utf-8")
    browser.until("document.querySelector('#findings .error code').textContent.includes('fr.md:')")


@pytest.mark.chromium
@pytest.mark.skipif(not npm.has("axe-core"), reason="axe-core is not installed")
def test_everybody_can_work_with_the_preview(browser: Browser, url: str, workspace: Path) -> None:
    """axe-core finds no violation in the page around the mail, with a finding shown."""
    file = workspace / "issues" / "7" / "fr.md"
    file.write_text(FRENCH.replace("https://press", "htp://press"), encoding="utf-8")
    browser.open(f"{url}/")
    browser.until("document.querySelectorAll('#findings .error').length > 0")
    browser.ask(npm.script("axe-core/axe.min.js") + ";0")
    found = browser.ask(
        "axe.run({exclude: ['iframe']})"
        ".then((r) => r.violations.map((v) => [v.id, v.nodes[0].html.slice(0, 200)]))"
    )
    assert found == []


@pytest.mark.chromium
def test_an_issue_cannot_run_a_script_in_the_preview(
    browser: Browser, url: str, workspace: Path
) -> None:
    """Even a theme that carries a script gets it not run."""
    own = workspace / "templates" / "email" / "partials"
    own.mkdir(parents=True)
    shipped = (resources.templates("email") / "partials" / "footer.mjml.j2").read_text("utf-8")
    script = "<mj-raw><script>top.document.title = 'taken'</script></mj-raw>"
    (own / "footer.mjml.j2").write_text(script + shipped, encoding="utf-8")
    browser.open(f"{url}/")
    browser.until("document.getElementById('desk').contentDocument.body.innerText.length > 50")
    assert "taken" not in browser.ask("document.title")


def test_the_program_says_where_it_is_and_ends_when_told(workspace: Path) -> None:
    """The address is printed, answers, and Ctrl-C ends the program without a trace."""
    process = subprocess.Popen(
        [sys.executable, "-m", "flashback", "--lang", "en", "-C", str(workspace), "preview",
         "7", "--port", "0"],
        stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stderr
    said = process.stderr.readline()
    found = re.search(r"http://127\.0\.0\.1:[0-9]+", said)
    assert found, said
    assert got(found[0], "/")[0] == http.client.OK
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Traceback" not in rest


def test_an_issue_that_is_not_there_is_told_at_once(workspace: Path) -> None:
    """A wrong number is an error with a way out, before anything is served."""
    shutil.rmtree(workspace / "issues" / "7")
    done = subprocess.run(
        [sys.executable, "-m", "flashback", "--lang", "en", "-C", str(workspace), "preview"],
        check=False, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert done.returncode == 1
    assert "flashback new" in done.stderr

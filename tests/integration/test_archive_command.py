"""``flashback archive``: which issues, which files, what a reader finds, what programs read."""

import datetime as dt
import functools
import http.server
import json
import re
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin
from xml.etree import ElementTree as ET

import pytest
from lxml import html as lxml_html

from flashback import archive, founding
from flashback.archive.places import file_of, way
from flashback.errors import ConfigError, FlashbackError
from flashback.workspace import Workspace, shelf

from fixtures import npm
from fixtures.devtools import Browser, browsing, chromium

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = """
[newsletter]
name = "Revue"
sender = "revue@example.org"
list_id = "revue.example.org"
publisher = "Maison & fils <éditeurs>"
postal_address = "1, rue des Essais, 10000 Rabat"
tagline.fr = "La presse en bref"
[links]
unsubscribe = "https://news.example.org/u/{token}"
archive = "https://news.example.org/revue/{number}/{language}/"
[relay]
kind = "maildir"
path = "sent"
"""
ISSUE = """\
---
titre: {title}
numéro: {number}
date: {date}
langue: {language}
objet: {subject}
aperçu: Ce qu'il y a dans le {number}
---

# {section}

## {headline}
source : {source}

> « {excerpt} »

[Lire l'article](https://press.example/{number}/{language})

Lire aussi : [Un autre](https://press.example/autre)

## Second titre

Des mots de la rédaction.

[Voir](https://press.example/second/{number})
"""


def issue(folder: Path, number: str, date: str, language: str = "fr", **words: str) -> Path:
    """An issue file in one language."""
    given = {
        "title": "Revue", "subject": f"Numéro {number}", "section": "Maroc",
        "headline": f"Titre {number}", "source": "L'Économiste, 2 septembre 2011",
        "excerpt": f"Extrait {number}.",
    } | words  # fmt: skip
    path = folder / "issues" / number / f"{language}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = ISSUE.format(number=number, date=date, language=language, **given)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A newsletter with three issues, the second in two languages."""
    founding.found(tmp_path, SETTINGS)
    issue(tmp_path, "9", "2010-12-24", source="Le Matin, 1 décembre 2010", section="Monde")
    issue(tmp_path, "10", "2011-01-07", excerpt="Le microcrédit à l'œuvre.")
    issue(
        tmp_path, "10", "2011-01-07", "ar", title="المجلة", headline="القروض الصغرى",
        section="المغرب", source="الصباح، 2 شتنبر", excerpt="والمؤسسة تدعم إدماج النساء.",
    )  # fmt: skip
    issue(tmp_path, "11", "2011-01-14")
    return tmp_path


def run(folder: Path, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """The program, in English."""
    done = subprocess.run(
        [sys.executable, "-m", "flashback", "--lang", "en", "-C", str(folder), *words],
        check=False, capture_output=True, text=True, timeout=60, cwd=folder,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == code, done.stderr + done.stdout
    return done


def pages(folder: Path) -> dict[str, bytes]:
    """Everything below a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture
def public(workspace: Path) -> Path:
    """The archive of all issues."""
    run(workspace, "archive", "--all", "-o", "public")
    return workspace / "public"


def test_only_what_was_sent_is_in_it_and_what_is_named(workspace: Path) -> None:
    """Before the first mailing there is nothing; then what was sent, what is named, or all."""
    refused = run(workspace, "archive", "-o", "public", code=1)
    assert "--all" in refused.stderr
    assert not (workspace / "public").exists()
    run(workspace, "subscribers", "add", "nadia@example.org", "--consent", "yes")
    run(workspace, "send", "issues/10", "--yes")
    told = json.loads(run(workspace, "archive", "--json").stdout)
    assert {(one["number"], one["language"]) for one in told["editions"]} == {
        ("10", "fr"), ("10", "ar"),
    }  # fmt: skip
    assert told["editions"][0]["url"].startswith("https://news.example.org/revue/10/")
    told = json.loads(run(workspace, "archive", "11", "--json").stdout)
    assert {one["number"] for one in told["editions"]} == {"10", "11"}
    told = json.loads(run(workspace, "archive", "--all", "--json").stdout)
    assert {one["number"] for one in told["editions"]} == {"9", "10", "11"}


def test_what_could_not_be_sent_is_not_published_by_naming_it(workspace: Path) -> None:
    """An unsent issue with gaps is refused with the way out; what was written stays as it was."""
    run(workspace, "archive", "9")
    before = pages(workspace / "public")
    gap = issue(workspace, "12", "2011-01-21", headline="…titre de l’article…")
    refused = run(workspace, "archive", "12", code=1)
    assert "was not sent yet and has errors; nothing was written" in refused.stderr
    assert "flashback check 12" in refused.stderr
    assert pages(workspace / "public") == before
    gap.write_text("no issue", encoding="utf-8")
    assert "flashback check issues/12" in run(workspace, "archive", "issues/12", code=1).stderr


def test_what_could_not_be_sent_is_left_out_of_all(workspace: Path) -> None:
    """An unsent issue with gaps stays out of the years before, and is named at the end."""
    issue(workspace, "11", "2011-01-14", headline="…titre de l’article…")
    told = run(workspace, "archive", "--all", "--json", code=3)
    assert [one["number"] for one in json.loads(told.stdout)["left_out"]] == ["11"]
    assert "Issue 11 is left out. It has errors, and was not sent." in told.stderr


def test_an_issue_that_was_sent_in_spite_of_errors_is_published(workspace: Path) -> None:
    """What readers have got is in the archive."""
    issue(workspace, "11", "2011-01-14", headline="…titre de l’article…")
    run(workspace, "subscribers", "add", "nadia@example.org", "--consent", "yes")
    run(workspace, "send", "11", "--yes", "--force")
    told = json.loads(run(workspace, "archive", "11", "--json").stdout)
    assert [one["number"] for one in told["editions"]] == ["11"]


def test_an_issue_of_tomorrow_is_not_in_all(workspace: Path) -> None:
    """What is being written is not published by taking all."""
    tomorrow = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=2)
    issue(workspace, "12", tomorrow.isoformat())
    told = json.loads(run(workspace, "archive", "--all", "--json").stdout)
    assert "12" not in {one["number"] for one in told["editions"]}


def test_a_sent_issue_that_cannot_be_read_is_said(workspace: Path) -> None:
    """An issue that is broken, or whose file is gone, is named; the others are there."""
    run(workspace, "subscribers", "add", "nadia@example.org", "--consent", "yes")
    for number in ("9", "10", "11"):
        run(workspace, "send", f"issues/{number}", "--yes")
    (workspace / "issues" / "9" / "fr.md").write_text("---\n", encoding="utf-8")
    (workspace / "issues" / "11" / "fr.md").unlink()
    (workspace / "issues" / "11").rmdir()
    done = run(workspace, "archive", "--json", code=3)
    told = json.loads(done.stdout)
    assert {one["number"] for one in told["editions"]} == {"10"}
    assert {one["number"] for one in told["left_out"]} == {"9", "11"}


def test_every_link_of_the_site_leads_somewhere(public: Path) -> None:
    """Each relative link, with its anchor, is a page and a place in the archive."""
    root = "https://news.example.org/revue/"
    files = pages(public)
    checked = 0
    for name, content in files.items():
        if not name.endswith(".html"):
            continue
        base = root + name.removesuffix("index.html")
        tree: Any = lxml_html.fromstring(content)
        for element, _, link, _ in tree.iterlinks():
            url, anchor = urldefrag(urljoin(base, link))
            if not url.startswith(root) or element.get("rel") == "icon":
                assert link.startswith(("https://press.example/", "data:,")), (name, link)
                continue
            target = file_of(unquote(url.removeprefix(root)).partition("?")[0])
            assert target in files, (name, link)
            if anchor:
                assert f'id="{anchor}"'.encode() in files[target], (name, link)
            checked += 1
    assert checked > 150


def test_a_page_says_all_that_the_issue_says(public: Path) -> None:
    """Words and links of the issue are on its page; nothing of a reader is, nor a way to leave."""
    page = (public / "10" / "fr" / "index.html").read_text(encoding="utf-8")
    tree: Any = lxml_html.fromstring(page)
    text = " ".join(tree.text_content().split())
    for words in (
        "Titre 10",
        "Le microcrédit à l’œuvre.",
        "Des mots de la rédaction.",
        "Second titre",
    ):
        assert words in text
    links = {a.get("href") for a in tree.iter("a")}
    assert {"https://press.example/10/fr", "https://press.example/autre"} <= links
    assert "__FB_" not in page
    assert "Maison &amp; fils &lt;éditeurs&gt;" in page
    assert 'hreflang="ar" href="https://news.example.org/revue/10/ar/"' in page
    assert 'rel="prev" href="../../9/fr/"' in page
    assert 'rel="next" href="../../11/fr/"' in page


def test_the_indexes_hold_every_article_once(public: Path) -> None:
    """By year, by section, by outlet: each article stands in its place."""
    outlets = lxml_html.parse(str(public / "outlets.html")).getroot()
    names = [h.text_content() for h in outlets.iter("h2")]
    assert names == ["L'Économiste", "Le Matin"]
    found = [a.get("href") for a in outlets.xpath("//ul[@class='found']//a")]
    assert sorted(found) == ["10/fr/#a1", "11/fr/#a1", "9/fr/#a1"]
    sections = lxml_html.parse(str(public / "sections.html")).getroot()
    assert len(sections.xpath("//ul[@class='found']//a")) == 6
    index = lxml_html.parse(str(public / "index.html")).getroot()
    assert [h.text_content() for h in index.iter("h2")][1:] == ["2011", "2010"]


def test_the_feed_is_atom_with_ids_that_stay(public: Path, workspace: Path) -> None:
    """Required elements of RFC 4287 are there; a corrected issue keeps its id."""
    atom = "{http://www.w3.org/2005/Atom}"

    def read() -> ET.Element:
        return ET.fromstring((public / "feed.xml").read_bytes())

    feed = read()
    for name in ("id", "title", "updated", "author"):
        assert feed.find(atom + name) is not None, name
    ids = [entry.findtext(f"{atom}id") for entry in feed.iter(f"{atom}entry")]
    assert ids == [
        "tag:news.example.org,2011-01-14:11/fr",
        "tag:news.example.org,2011-01-07:10/fr",
        "tag:news.example.org,2010-12-24:9/fr",
    ]
    for entry in feed.iter(f"{atom}entry"):
        for name in ("title", "updated", "content"):
            assert entry.findtext(atom + name)
        assert re.fullmatch(r"[-0-9]{10}T[:0-9]{8}Z", str(entry.findtext(f"{atom}updated")))
    issue(workspace, "11", "2011-01-14", headline="Un titre corrigé")
    run(workspace, "archive", "--all", "-o", "public")
    assert [e.findtext(f"{atom}id") for e in read().iter(f"{atom}entry")] == ids
    assert "Un titre corrigé" in (public / "feed.xml").read_text(encoding="utf-8")


def test_the_map_names_every_page_and_its_translations(public: Path) -> None:
    """Search engines learn of all pages, and which are one issue in two languages."""
    text = (public / "sitemap.xml").read_text(encoding="utf-8")
    found = set(re.findall(r"<loc>https://news\.example\.org/revue/([^<]*)</loc>", text))
    there = {n.removesuffix("index.html") for n in pages(public) if n.endswith(".html")}
    assert found == there
    assert text.count('hreflang="ar"') == 2


def test_a_second_run_writes_nothing_and_takes_away_what_is_gone(
    public: Path, workspace: Path
) -> None:
    """Files that did not change are left alone, an issue's that is gone removed, others' kept."""
    before = {path: path.stat().st_mtime_ns for path in public.rglob("*.html")}
    own = public / "about.html"
    own.write_text("ours", encoding="utf-8")
    assert "0 written, 0 removed" in run(workspace, "archive", "--all", "-o", "public").stdout
    assert {path: path.stat().st_mtime_ns for path in before} == before
    (workspace / "issues" / "11" / "fr.md").unlink()
    (workspace / "issues" / "11").rmdir()
    run(workspace, "archive", "--all", "-o", "public")
    assert not (public / "11").exists()
    assert own.read_text(encoding="utf-8") == "ours"


def test_a_foreign_file_is_never_written_over(workspace: Path) -> None:
    """A folder with somebody's own index.html is refused before anything is written."""
    public = workspace / "public"
    public.mkdir()
    (public / "index.html").write_text("mine", encoding="utf-8")
    refused = run(workspace, "archive", "--all", "-o", "public", code=1)
    assert "index.html" in refused.stderr
    assert pages(public) == {"index.html": b"mine"}


@pytest.mark.parametrize(
    "listed", ['{"../../escape": "x"}', "[]", '{"/etc/hostname": "x"}', "{", '{"a": 1}'], ids=str
)
def test_a_list_that_names_files_elsewhere_removes_nothing(workspace: Path, listed: str) -> None:
    """Whoever changed the list of our files cannot have others removed."""
    public = workspace / "public"
    public.mkdir()
    (public / shelf.LIST).write_text(listed, encoding="utf-8")
    refused = run(workspace, "archive", "--all", "-o", "public", code=1)
    assert shelf.LIST in refused.stderr


def test_without_an_address_it_says_what_to_write(workspace: Path) -> None:
    """No links.archive: the settings are named, with an example."""
    settings = workspace / "flashback.toml"
    settings.write_text(re.sub("archive = .*", "", SETTINGS), encoding="utf-8")
    assert "archive =" in run(workspace, "archive", "--all", code=2).stderr


@pytest.mark.parametrize(
    "link",
    ["https://a.example/{number}", "https://a.example/{language}/", "/x/{number}/{language}",
     "https://a.example/x{number}/{language}", "https://a.example/?n={number}&l={language}",
     "https://a.example/../{number}/{language}/", "ftp://a.example/{number}/{language}"],
)  # fmt: skip
def test_a_link_that_no_files_can_answer_is_refused(link: str) -> None:
    """An address needs number and language in its path, each page a place of its own."""
    with pytest.raises(ConfigError):
        archive.places_of(link, main="fr")


@pytest.mark.parametrize(
    ("pattern", "file"),
    [("{number}/{language}/", "10/fr/index.html"), ("{number}.{language}.html", "10.fr.html"),
     ("{language}/{number}", "fr/10/index.html")],
)  # fmt: skip
def test_the_address_of_the_mail_is_the_address_of_the_page(
    workspace: Path, pattern: str, file: str
) -> None:
    """Whatever links.archive looks like, the page lies where the mail's link leads."""
    text = SETTINGS.replace("{number}/{language}/", pattern)
    (workspace / "flashback.toml").write_text(text, encoding="utf-8")
    run(workspace, "archive", "10", "-o", "public")
    assert "Titre 10" in (workspace / "public" / file).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("at", "to", "link"),
    [("", "35/fr/", "35/fr/"), ("35/fr/", "", "../../"), ("35/fr/", "36/fr/", "../../36/fr/"),
     ("35/fr/", "style.css?1", "../../style.css?1"), ("", "", "./"), ("a.html", "", "./"),
     ("35.fr.html", "36.fr.html", "36.fr.html")],
)  # fmt: skip
def test_links_between_pages_are_relative(at: str, to: str, link: str) -> None:
    """A page finds another wherever the whole archive lies."""
    assert way(at, to) == link


def test_a_workspace_changes_one_part_and_keeps_the_rest(workspace: Path) -> None:
    """Its own template or word wins; a template that does not compile is named."""
    own = workspace / "templates" / "web" / "archive"
    (own / "words").mkdir(parents=True)
    (own / "words" / "fr.toml").write_text('archive = "Tous les numéros"\n', encoding="utf-8")
    (own / "alternates.html.j2").write_text("<!-- OWN {{ path }} -->", encoding="utf-8")
    run(workspace, "archive", "9", "-o", "public")
    index = (workspace / "public" / "index.html").read_text(encoding="utf-8")
    assert "Tous les numéros" in index
    assert "OWN" in index
    assert "Rechercher" in index
    (own / "index.html.j2").write_text("{% if %}", encoding="utf-8")
    refused = run(workspace, "archive", "9", "-o", "public", code=1)
    assert "index.html.j2:1" in refused.stderr


def test_pictures_lie_beside_their_page(workspace: Path) -> None:
    """A picture that travels with the mail is a file of the page."""
    path = issue(workspace, "9", "2010-12-24")
    picture = (ROOT / "docs" / "images" / "preview.png").read_bytes()
    (path.parent / "photo.png").write_bytes(picture)
    path.write_text(
        path.read_text(encoding="utf-8").replace("Des mots", "![Une photo](photo.png)\n\nDes mots"),
        encoding="utf-8",
    )
    run(workspace, "archive", "9", "-o", "public")
    page = (workspace / "public" / "9" / "fr" / "index.html").read_text(encoding="utf-8")
    name = re.findall(r'src="([0-9a-f]+\.png)"', page)[0]
    assert (workspace / "public" / "9" / "fr" / name).read_bytes() == picture


def opened(pdf: bytes) -> bytes:
    """A PDF file with its compressed parts in the clear."""
    parts = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    return pdf + b"".join(
        zlib.decompressobj().decompress(part) for part in parts if part[:1] == b"x"
    )


def test_pdf_editions_are_tagged_and_printed_once(workspace: Path) -> None:
    """Each edition has a tagged PDF in its language; what did not change is not printed again."""
    run(workspace, "archive", "10", "--pdf", "-o", "public")
    folder = workspace / "public" / "10"
    for language in ("fr", "ar"):
        pdf = (folder / language / f"10.{language}.pdf").read_bytes()
        assert pdf.startswith(b"%PDF-1.7")
        inside = opened(pdf)
        assert b"/MarkInfo" in inside
        assert f"/Lang ({language})".encode() in inside
    page = (folder / "fr" / "index.html").read_text(encoding="utf-8")
    assert 'href="10.fr.pdf"' in page
    assert "0 written" in run(workspace, "archive", "10", "--pdf", "-o", "public").stdout
    issue(workspace, "10", "2011-01-07", headline="Autre titre")
    before = (folder / "ar" / "10.ar.pdf").stat().st_mtime_ns
    run(workspace, "archive", "10", "--pdf", "-o", "public")
    assert (folder / "ar" / "10.ar.pdf").stat().st_mtime_ns == before


def test_a_full_folder_is_an_error_with_a_way_out(workspace: Path) -> None:
    """A folder that cannot be written is told, and the next run finishes the work."""
    at = Workspace.at(workspace)
    found = shelf.gather(at, everything=True, tell=lambda _done, _of: None)
    contents = shelf.build(at, found)
    public = workspace / "public"
    public.mkdir()
    (public / "10").write_text("a file where a folder must be", encoding="utf-8")
    with pytest.raises(FlashbackError):
        shelf.write(public, contents)
    (public / "10").unlink()
    assert shelf.write(public, contents).files == len(contents)
    assert {**pages(public)}.keys() == {*contents, shelf.LIST}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests here."""
    if chromium() is None:
        pytest.skip("Chromium is not installed")
    with browsing() as page:
        yield page


@pytest.fixture
def url(public: Path) -> Iterator[str]:
    """The archive behind a plain web server."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    handler = functools.partial(Quiet, directory=str(public))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


FOUND = "[...document.querySelectorAll('#results li a')].map((a) => a.getAttribute('href'))"


@pytest.mark.chromium
@pytest.mark.parametrize(
    ("page", "words", "found"),
    [("search.html", "microcredit", ["./10/fr/#a1"]),
     ("search.html", "MICROCRÉDIT oeuvre", ["./10/fr/#a1"]),
     ("search.html", "l'économiste 11", ["./11/fr/#a1"]), ("search.html", "icrocredit", []),
     ("search.ar.html", "المؤسسه", ["./10/ar/#a1"]), ("search.ar.html", "ادماج", ["./10/ar/#a1"]),
     ("search.html", "(.*", [])],
)  # fmt: skip
def test_a_reader_finds_an_article(
    browser: Browser, url: str, page: str, words: str, found: list[str]
) -> None:
    """Every word must begin a word of the article; accents, case and the Arabic article aside."""
    browser.open(f"{url}/{page}?q={words}")
    browser.until("!document.getElementById('search').hidden")
    assert browser.ask(FOUND) == found
    if found:
        assert browser.ask("document.querySelectorAll('mark').length") > 0


@pytest.mark.chromium
@pytest.mark.skipif(not npm.has("axe-core"), reason="axe-core is not installed")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(
    "page",
    ["", "10/fr/", "10/ar/", "sections.html", "outlets.ar.html", "search.html?q=titre"],
)
def test_everybody_can_read_the_pages(browser: Browser, url: str, page: str, *, dark: bool) -> None:
    """axe-core finds no violation on any page, contrast and landmarks included."""
    scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    browser.call("Emulation.setEmulatedMedia", features=scheme)
    browser.open(f"{url}/{page}")
    browser.ask(npm.script("axe-core/axe.min.js") + ";0")
    found = browser.ask(
        "axe.run().then((r) => r.violations.map((v) => [v.id, v.nodes[0].html.slice(0, 200)]))"
    )
    assert found == []


@pytest.mark.chromium
def test_the_search_works_from_a_folder_and_runs_nothing_of_an_issue(
    browser: Browser, workspace: Path
) -> None:
    """Opened as a file it finds as well; markup in a headline is words."""
    evil = "<img src=x onerror=document.title='taken'> </script>"
    issue(workspace, "13", "2011-02-01", headline=f"Titre {evil}", excerpt=evil)
    run(workspace, "archive", "--all", "-o", "public")
    browser.open((workspace / "public" / "search.html").as_uri())
    browser.ask(
        "(() => { const w = document.getElementById('words'); w.value = 'onerror';"
        " w.dispatchEvent(new Event('input')) })()"
    )
    assert browser.ask(FOUND) == ["./13/fr/#a1"]
    assert "taken" not in browser.ask("document.title")
    browser.open((workspace / "public" / "13" / "fr" / "index.html").as_uri())
    assert "taken" not in browser.ask("document.title")
    assert browser.ask("document.images.length") == 0

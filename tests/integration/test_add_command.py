"""``flashback add``: from a page's address to an article in the issue, as staff see it."""

import json
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from flashback.cli import main
from flashback.clips import Web
from flashback.errors import Exit
from flashback.workspace import Workspace, clipping

from fixtures.sites import Site, page, redirect, site

SETTINGS = """\
[newsletter]
name = "Flash-back"
sender = "f@example.org"
list_id = "f.example.org"
[links]
unsubscribe = "https://news.example.org/{token}"
"""
HEADERS = {
    "fr": "---\ntitre : F\nnuméro : {n}\ndate : 2011-09-02\nlangue : fr\nobjet : F\n---\n",
    "ar": "---\nعنوان : F\nرقم : {n}\nتاريخ : 2011-09-02\nلغة : ar\nموضوع : F\n---\n",
}
OLD = """
# Maroc

## Un ancien

> « Oui. »

[Lire](<https://www.matin.example/eco/dar_maalma(2)?id=7>)

Lire aussi : [Un autre](https://soir.example/autre)
"""
PAGES = Path(__file__).parents[1] / "corpus" / "pages"
SAVED = str(PAGES / "fr-open-graph.html")
SAVED_URL = "https://m.matin.example/economie/microcredit-change-echelle?utm_source=lettre"
ARTICLE = """
## Le microcrédit change d’échelle : cinq caisses s’unissent
source : Le Matin du Rif, 8 septembre 2011

> « …extrait de l’article… »

[Lire l’article](https://www.matin.example/economie/microcredit-change-echelle)
"""


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str


Run = Callable[..., Said]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in a workspace with issue 7, sent, and issue 8, begun in two languages."""
    monkeypatch.chdir(tmp_path)
    Path("flashback.toml").write_text(SETTINGS)
    for number in ("7", "8"):
        Path("issues", number).mkdir(parents=True)
    Path("issues/7/fr.md").write_text(HEADERS["fr"].format(n=7) + OLD)
    Path("issues/8/fr.md").write_text(HEADERS["fr"].format(n=8) + "\n# Maroc\n\n# Monde\n")
    Path("issues/8/ar.md").write_text(HEADERS["ar"].format(n=8))

    def command(*arguments: str, keys: str = "") -> Said:
        monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(keys.encode()), "utf-8"))
        code = main(list(arguments))
        told = capsys.readouterr()
        return Said(code, told.out, told.err)

    return command


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site that the newsletter may visit although it is of this machine: news.example."""
    outside = clipping.web

    def resolve(host: str, _port: int) -> list[str]:
        if host != "news.example":
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return ["127.0.0.1"]

    with site({}) as running:

        def inside(workspace: Workspace) -> Web:
            return replace(
                outside(workspace),
                resolve=resolve,
                permits=lambda _: True,
                ports=frozenset({running.port}),
            )

        monkeypatch.setattr(clipping, "web", inside)
        yield running


def test_a_page_becomes_an_article(run: Run, here: Site) -> None:
    """What the page says is shown, asked about, and written with a gap for the quotation."""
    here.pages |= {
        "/s": redirect("/a?utm_source=x"),
        "/a?utm_source=x": page((PAGES / "fr-linked-data.html").read_bytes()),
    }
    url = f"http://news.example:{here.port}"
    said = run("add", f"{url}/s", "--section", "maroc", keys="y\n")
    assert said.code == Exit.DONE, said
    assert said.out.splitlines()[:5] == [
        "issues/8/fr.md, section “Maroc”",
        "  headline   Dar Maalma Expo\u00a0: 250 artisanes à Rabat",
        "  source     La Gazette des coopératives, 5 septembre 2011",
        "  language   fr",
        f"  link       {url}/a",
    ]
    assert "issues/8/fr.md:11: added. Write the quotation in its place" in said.out
    text = Path("issues/8/fr.md").read_text()
    assert "\n# Maroc\n\n## Dar Maalma Expo\u00a0: 250 artisanes à Rabat\nsource : La" in text
    assert f"\n[Lire l’article]({url}/a)\n\n# Monde\n" in text
    assert "(Flash-back; f.example.org)" in here.requests[0]
    assert run("check", "8").out.count("placeholder-left") == 1


def test_no_means_nothing(run: Run) -> None:
    """Without a yes the file stays as it is, and that is no failure."""
    before = Path("issues/8/fr.md").read_bytes()
    said = run("add", SAVED_URL, "--html", SAVED, keys="\n")
    assert (said.code, said.out.splitlines()[-1]) == (
        Exit.DONE,
        "Add it? [y/N]: Nothing was changed.",
    )
    assert Path("issues/8/fr.md").read_bytes() == before


def test_a_saved_page_needs_no_network(run: Run) -> None:
    """Behind a paywall the browser's own copy is read; the address is cleaned all the same."""
    before = Path("issues/8/fr.md").read_text()
    assert run("add", SAVED_URL, "--html", SAVED, "--yes").code == Exit.DONE
    assert Path("issues/8/fr.md").read_text() == before + ARTICLE


def test_a_picture_comes_only_when_asked_for(run: Run) -> None:
    """The picture of another site tells it who reads; that is the editor's decision."""
    said = run("add", SAVED_URL, "--html", SAVED, "--yes", "--picture")
    assert "--picture" not in said.out
    picture = "\n![Un guichet à Chefchaouen](https://static.matin.example/photos/caisses.jpg)\n"
    assert picture in Path("issues/8/fr.md").read_text()


@pytest.mark.parametrize(
    ("page_name", "language", "file", "source"),
    [
        ("ar-open-graph", (), "ar", "المصدر : صحيفة الأطلس، 7 شتنبر 2011"),
        ("ar-open-graph", ("--language", "fr"), "fr", "source : صحيفة الأطلس, 7 septembre 2011"),
        ("en-amp", (), "fr", "source : The Monitor, 2 septembre 2011\nlangue : en"),
        ("fr-open-graph", ("--language", "ar"), "ar",
         "المصدر : Le Matin du Rif، 8 شتنبر 2011\nلغة : fr"),
    ],
)  # fmt: skip
def test_the_edition_follows_the_page(
    run: Run, page_name: str, language: tuple[str, ...], file: str, source: str
) -> None:
    """An Arabic page goes into the Arabic edition; another language is told under its headline."""
    url = json.loads((PAGES / f"{page_name}.json").read_text())["url"]
    run("add", url, "--html", str(PAGES / f"{page_name}.html"), "--yes", *language)
    assert source in Path(f"issues/8/{file}.md").read_text()


def test_an_issue_can_be_named(run: Run) -> None:
    """By number or file; a single file is its own edition, whatever the page speaks."""
    Path("issues/9.md").write_text(HEADERS["fr"].format(n=9))
    url = json.loads((PAGES / "ar-open-graph.json").read_text())["url"]
    html = str(PAGES / "ar-open-graph.html")
    assert run("add", url, "--html", html, "--yes").code == Exit.DONE
    assert "لغة" not in Path("issues/9.md").read_text()
    assert "langue : ar" in Path("issues/9.md").read_text()
    said = run("add", url, "--html", html, "--yes", "--to", "8")
    assert "is already quoted: issues/9.md:15" in said.err
    assert run("add", SAVED_URL, "--html", SAVED, "--yes", "--to", "issues/7/fr.md").code == 0
    said = run("add", SAVED_URL, "--html", SAVED, "--yes", "--to", "9", "--language", "ar")
    assert "has no edition in “ar”." in said.err
    assert "It has: fr." in said.err


@pytest.mark.parametrize(
    "url",
    [
        "https://www.matin.example/eco/dar_maalma(2)?id=7",
        "http://m.matin.example/eco/dar_maalma(2)/amp/?id=7&fbclid=x#top",
        "https://amp.matin.example/eco/dar%5Fmaalma(2)?utm_medium=a&id=7",
        "https://soir.example/autre/",
    ],
)
def test_a_page_that_was_quoted_is_refused(run: Run, here: Site, url: str) -> None:
    """Whatever became of its address, the earlier issue is named; nothing is asked."""
    before = Path("issues/8/fr.md").read_bytes()
    said = run("add", url, "--yes")
    line = 17 if "soir" in url else 15
    assert said.code == Exit.FAILED
    assert f"{url} is already quoted: issues/7/fr.md:{line}, “Un ancien”." in said.err
    assert "--again" in said.err
    assert here.requests == []
    assert Path("issues/8/fr.md").read_bytes() == before


@pytest.mark.parametrize(
    "tag",
    [
        '<link rel="canonical" href="https://www.matin.example/eco/dar_maalma(2)?id=7">',
        '<meta property="og:url" content="http://matin.example/eco/dar_maalma(2)?id=7&xtor=1">',
        '<link rel="amphtml" href="https://www.matin.example/amp/eco/dar_maalma(2)?id=7">',
    ],
)
def test_a_page_that_knows_its_other_address_is_refused(run: Run, tmp_path: Path, tag: str) -> None:
    """A short link to a page that was quoted is still that page."""
    html = tmp_path / "x.html"
    html.write_text(f"<html lang=fr>{tag}<title>X</title>")
    said = run("add", "https://court.example/x7", "--html", str(html), "--yes")
    assert "https://court.example/x7 is already quoted: issues/7/fr.md:15" in said.err
    assert run("add", "https://court.example/x7", "--html", str(html), "--yes", "--again").code == 0


def test_a_page_that_takes_itself_for_the_front_page_is_not_another(
    run: Run, tmp_path: Path
) -> None:
    """A site whose pages all name the front page as theirs can be quoted more than once."""
    Path("issues/7/fr.md").write_text(
        HEADERS["fr"].format(n=7) + OLD.replace("autre)", "autre) & [Soir](https://soir.example/)")
    )
    html = tmp_path / "x.html"
    html.write_text("<html lang=fr><link rel=canonical href=https://soir.example/><title>X</title>")
    assert run("add", "https://soir.example/neuf", "--html", str(html), "--yes").code == Exit.DONE
    assert "is already quoted" in run("add", "https://soir.example", "--yes").err


def test_the_same_edition_is_searched_and_the_others_are_not(run: Run) -> None:
    """An article is added once to each edition of an issue."""
    arguments = ("add", SAVED_URL, "--html", SAVED, "--yes")
    assert run(*arguments).code == Exit.DONE
    said = run(*arguments)
    assert (said.code, "already quoted: issues/8/fr.md:18" in said.err) == (Exit.FAILED, True)
    assert run(*arguments, "--language", "ar").code == Exit.DONE
    assert "issues/8/ar.md" in run(*arguments, "--language", "ar").err


def test_several_come_in_order_and_one_failure_stops_none(run: Run, here: Site) -> None:
    """From the command line and from a pipe; the code says that not all went well."""
    for name in "abc":
        here.pages[f"/{name}"] = page(f"<html lang=fr><title>Page {name}</title>".encode())
    url = f"http://news.example:{here.port}"
    listed = f"# ce matin\n\n {url}/b \n{url}/gone\n{url}/c\n{url}/b?utm_source=x\n"
    said = run("add", f"{url}/a", "-", "--yes", "--json", keys=listed)
    assert said.code == Exit.REFUSALS
    told = [json.loads(line) for line in said.out.splitlines()]
    assert [one.get("headline", one.get("error", "")[-24:]) for one in told] == [
        "Page a", "Page b", f"for {url}/gone."[-24:], "Page c", told[4]["error"][-24:],
    ]  # fmt: skip
    assert "already quoted" in told[4]["error"]
    assert told[0] == {
        "address": f"{url}/a", "file": "issues/8/fr.md", "line": 13, "section": "Monde",
        "headline": "Page a", "outlet": "news.example", "date": None, "language": "fr",
        "link": f"{url}/a", "image": None, "description": None,
    }  # fmt: skip
    text = Path("issues/8/fr.md").read_text()
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## Page a", "## Page b", "## Page c",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "-"), "Nobody can be asked then: add --yes."),
        (("add", SAVED_URL, "--json"), "Nobody can be asked then: add --yes."),
        (("add", SAVED_URL, SAVED_URL, "--html", SAVED), "--html goes with one address."),
        (("add", "-", "--html", SAVED, "--yes"), "--html goes with one address."),
    ],
)
def test_what_does_not_go_together_is_refused(
    run: Run, arguments: tuple[str, ...], said: str
) -> None:
    """A slip in typing changes nothing, and is told as one."""
    answer = run(*arguments)
    assert (answer.code, said in answer.err) == (Exit.USAGE, True)


def test_an_empty_list_is_no_failure(run: Run) -> None:
    """A pipe that says nothing asks for nothing."""
    assert run("add", "-", "--yes", keys="\n# rien\n") == Said(Exit.DONE, "", "")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "http://[::1]/", "http://2130706433./", "http://169.254.169.254/"]
)
def test_this_machine_is_not_the_web(run: Run, url: str) -> None:
    """As the command is used, addresses of this machine and its network are never asked."""
    said = run("add", url, "--yes")
    assert said.code == Exit.FAILED
    assert "is not on the public internet" in said.err or "is not a sound address" in said.err


@pytest.mark.parametrize("host", ["localhost", "intranet:8080", "LOCALHOST."])
def test_a_name_without_a_dot_is_not_of_the_web(run: Run, host: str) -> None:
    """The sentence says why, as it does for 127.0.0.1."""
    said = run("add", f"http://{host}/page.html", "--yes")
    name = host.lower().rstrip(".").partition(":")[0]
    assert f"{name} is not on the public internet" in said.err


def test_issues_that_cannot_be_searched_are_named(run: Run) -> None:
    """An old file that cannot be read may hold the page: staff hear of it, and go on."""
    word = "microcredit-change-echelle"
    Path("issues/6").mkdir()
    Path("issues/6/fr.md").write_bytes(b"\xff" + word.encode())
    Path("issues/5.md").write_text(f"no header, {word}")
    Path("issues/.4").mkdir()
    Path("issues/3/fr.md").mkdir(parents=True)
    Path("issues/notes.txt").write_text(word)
    said = run("add", SAVED_URL, "--html", SAVED, "--yes")
    assert said.code == Exit.DONE
    assert "issues/6 was not searched. issues/6/fr.md:1: octet 1 (0xFF) is not UTF-8" in said.err
    assert "issues/5.md was not searched. It cannot be read as an issue." in said.err
    assert "issues/3 was not searched. issues/3/fr.md is a folder" in said.err
    assert said.err.count("\n") == 3


def test_an_issue_that_cannot_be_read_takes_nothing(run: Run) -> None:
    """First mend it, then add to it."""
    Path("issues/8/ar.md").write_text("")
    said = run("add", SAVED_URL, "--html", SAVED, "--yes")
    assert "issues/8 cannot be read as an issue. See what is wrong" in " ".join(said.err.split())


def test_an_issue_file_elsewhere_is_written_too(run: Run, tmp_path: Path) -> None:
    """A workspace without issues yet, and a file that lies where it lies."""
    for path in sorted(Path("issues").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    Path("issues").rmdir()
    (tmp_path / "essai.md").write_text(HEADERS["fr"].format(n=1))
    said = run("add", SAVED_URL, "--html", SAVED, "--yes", "--to", "essai.md")
    assert said.out.splitlines()[0] == "essai.md"
    assert (tmp_path / "essai.md").read_text() == HEADERS["fr"].format(n=1) + ARTICLE


def test_a_headline_that_is_missing_is_told(run: Run) -> None:
    """The editor hears at once what is still to be written."""
    html = str(PAGES / "nothing-said.html")
    said = run("add", "https://bare.example/p/17", "--html", html, keys="y\n")
    assert "not found: write it yourself" in said.out
    assert "## …titre de l’article…\nsource : bare.example\n" in Path("issues/8/fr.md").read_text()


def test_a_saved_page_without_a_headline_is_not_added_unseen(run: Run) -> None:
    """Where nobody looks, a file that says nothing is more likely the wrong file."""
    before = Path("issues/8/fr.md").read_text()
    html = str(PAGES / "nothing-said.html")
    said = run("add", "https://bare.example/p/17", "--html", html, "--yes")
    assert said.code == Exit.FAILED
    assert f"No headline was found in {html}; nothing was added." in said.err
    assert Path("issues/8/fr.md").read_text() == before


@pytest.mark.parametrize(
    ("octets", "what"),
    [
        (b"", "is empty"),
        (b" \r\n", "is empty"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR<b>", "is no page of HTML"),
        (b"just words, 1 < 2", "is no page of HTML"),
    ],
)
def test_a_file_that_is_no_page_is_refused(run: Run, octets: bytes, what: str) -> None:
    """A picture or an empty file that was named by mistake makes no article, even when asked."""
    before = Path("issues/8/fr.md").read_text()
    Path("page.html").write_bytes(octets)
    said = run("add", SAVED_URL, "--html", "page.html", keys="y\n")
    assert said.code == Exit.FAILED
    assert f"page.html {what}." in said.err
    assert "save it as “HTML only”" in said.err
    assert Path("issues/8/fr.md").read_text() == before


def test_a_saved_page_in_utf_16_is_a_page(run: Run) -> None:
    """Its zero octets are half of its letters."""
    Path("page.html").write_text("<title>Un titre</title>", encoding="utf-16")
    assert run("add", "https://bare.example/p/17", "--html", "page.html", "--yes").code == 0
    assert "## Un titre\n" in Path("issues/8/fr.md").read_text()


def test_the_first_of_a_month(run: Run) -> None:
    """1er septembre, as the issue's own words have it."""
    html = str(PAGES / "fr-latin-1.html")
    url = "http://www.bulletin-du-sud.example/art.php3?id_article=812"
    run("add", url, "--html", html, "--yes")
    assert (
        "source : bulletin-du-sud.example, 1er septembre 2011" in Path("issues/8/fr.md").read_text()
    )


def test_saved_files_have_a_limit(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A film that was named by mistake is not read into memory; a folder is no page."""
    monkeypatch.setattr(clipping, "_LARGEST_FILE", 100)
    assert "is larger than 0.0001 MB." in run("add", SAVED_URL, "--html", SAVED, "--yes").err
    monkeypatch.setattr(clipping, "_LARGEST_FILE", 10_000)
    real = Path("real.html")
    real.write_text("x")
    monkeypatch.setattr(Path, "read_bytes", _denied)
    assert (
        "cannot be read: Permission denied"
        in run("add", SAVED_URL, "--html", "real.html", "--yes").err
    )


def _denied(_path: Path) -> bytes:
    raise PermissionError(13, "Permission denied")

"""Issue files that nobody would write, through reader, composer, preflight and message."""

import re
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from flashback import founding
from flashback.errors import FlashbackError
from flashback.model import Finding, Slot
from flashback.workspace import Workspace, desk, mailroom

HEAD = "---\ntitre: T\nnuméro: 9\ndate: 2011-09-02\nlangue: {language}\nobjet: O\n---\n\n# S\n\n"
LINK = "\n\n[Lire](https://press.example/1)\n\n"

#: What people paste, and what people with intentions write.
POISON = st.sampled_from([
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</td></table></body>", "]]>",
    "<!--[if mso]>", "<![endif]-->", "-->", "&lt;b&gt;", "&amp;amp;", "&#0;", "&nbsp;", "<mj-raw>",
    "<mj-include path='/etc/passwd'/>", "{{ 7*7 }}", "{% raw %}", "{#", "__FB_UNSUBSCRIBE_URL__",
    "__FB_READER_NAME__", "__FB_X__", "\u202e", "\u2066", "\u2069", "\u200f", "\u00a0", "\\u{a0}",
    "\u2028", "\ufeff", "\x00", "\x1b[31m", "\ud7ff", "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "🇲🇦", "e" + "\u0301" * 40, "« », “ ”", "l'«", '"', "'", "`", "```", "~~~", "***", "---", "===",
    "# ", "## ", "> ", "- ", "1. ", "[a](javascript:alert(1))", '[a](https://x.example/"onx=1)',
    "[a](<https://x.example/ b>)", "![x](https://x.example/a.png)", "![x](../../etc/passwd)",
    "[a][b]", "[b]: https://x.example", "<https://x.example>", "lire aussi :", "source : x",
    "langue : ar", "langue : xx", "\r", "\r\n", "\t", "    ", "\\", "|a|b|\n|-|-|\n|c|d|", "الخبر",
    "%E2%80", "https://", "=?utf-8?q?x?=", "\n.\n", "\nFrom x", "AAA\u0600BBB",
])  # fmt: skip
WORDS = st.lists(st.one_of(POISON, st.text(max_size=12)), max_size=5).map("".join)
LINES = st.lists(
    st.one_of(WORDS, WORDS.map("# {}".format), WORDS.map("## {}".format), WORDS.map("> {}".format),
              WORDS.map("- {}".format), WORDS.map("[{}](https://press.example/x)".format),
              st.just(""), st.just("")),
    max_size=14,
).map("\n".join)  # fmt: skip
KEYS = ["titre", "titre", "objet", "aperçu", "éditeur", "numéro", "date", "langue"]
HEADERS = st.dictionaries(st.sampled_from(KEYS), WORDS, max_size=3)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A newsletter."""
    folder = tmp_path_factory.mktemp("hostile")
    founding.found(
        folder, founding.settings(name="Revue", sender="revue@example.org", language="fr")
    )
    return Workspace.at(folder)


def findings(workspace: Workspace, text: str) -> tuple[list[Finding], list[tuple[str, str]]]:
    """Everything that is done with an issue; what was found, and HTML and text of the editions."""
    path = workspace.config.folder / "issues" / "9.md"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.encode("utf-8", "replace"))
    readings = desk.read(workspace, path)
    found = [finding for reading in readings for finding in reading.findings]
    issues = [reading.issue for reading in readings if reading.issue]
    editions = desk.compose(workspace, issues)
    found += desk.preflight(workspace, issues, editions)
    return found, [mailroom.preview(workspace, edition)[:2] for edition in editions]


def harmless(html: str) -> Iterator[str]:
    """What is in the HTML that must not be."""
    root = etree.fromstring(html.encode(), etree.HTMLParser(encoding="utf-8"))
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        if element.tag in {"script", "iframe", "object", "embed", "form", "base", "link"}:
            yield element.tag
        for name, value in ((str(n), str(v)) for n, v in element.attrib.items()):
            if name.startswith("on"):
                yield f"{element.tag} {name}"
            places = ("https://", "http://", "mailto:", "#", "cid:")
            if name in {"href", "src"} and value and not value.startswith(places):
                yield f"{name}={value!r}"
    if html.count("<!--[if") != html.count("<![endif]"):
        yield "conditional comments"
    yield from (mark for mark in ("__FB_", "root:x") if mark in html)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(HEADERS, LINES)
def test_whatever_the_file_says_nothing_is_injected(
    workspace: Workspace, header: dict[str, str], body: str
) -> None:
    """No crash; each finding has a line of the file; what is composed carries nothing foreign."""
    header = {"titre": "T", "numéro": "9", "date": "2011-09-02", "langue": "fr"} | header
    own = [f"{key}: {value}" for key, value in header.items()]
    text = "\n".join(["---", *own, "---", "", "# S", "", "## A", "", "> q", LINK, body])
    began = time.monotonic()
    try:
        found, editions = findings(workspace, text)
    except FlashbackError:
        return
    assert time.monotonic() - began < 20
    count = len(re.split(r"\r\n|\r|\n", text)) + 1
    for finding in found:
        assert finding.code
        if finding.file.endswith(".md"):
            assert 0 <= finding.line <= count, finding
        assert str(finding.sentence)
    for html, plain in editions:
        assert list(harmless(html)) == []
        for slot in Slot:
            assert slot.mark not in html + plain
        assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", html + plain)


def sized(name: str) -> str:
    """Files of a size that no editor writes."""
    french, arabic = HEAD.format(language="fr"), HEAD.format(language="ar")
    article = "## Titre {n}\n\n> « Extrait {n}. »\n\n[Lire](https://press.example/{n})\n\n"
    related = "".join(f"- [a{n}](https://press.example/r{n})\n" for n in range(5_000))
    return {
        "10,000 articles": french + "".join(article.format(n=n) for n in range(10_000)),
        "a line of 1 MB": french + "## T\n\n> « " + "mot " * 250_000 + "»" + LINK,
        "a word of 1 MB": french + "## T\n\n> « " + "m" * 1_000_000 + " »" + LINK,
        "a word of 1 MB in Arabic": arabic + "## T\n\n> " + "م" * 500_000 + "m" * 500_000 + LINK,
        "many runs in Arabic": arabic + "## T\n\n> " + "a-b.c م " * 60_000 + LINK,
        "a headline of 1 MB": french + "## " + "mot " * 250_000 + "\n\n> x" + LINK,
        "5,000 related links": french + "## T\n\n> x" + LINK + "Lire aussi :\n" + related,
        "1,000 sections": french
        + "".join(f"# S{n}\n\n" + article.format(n=n) for n in range(1_000)),
        "100,000 stars": french + "## T\n\n> " + "*a " * 100_000 + LINK,
        "100,000 brackets": french + "## T\n\n> " + "[a" * 100_000 + LINK,
        "5,000 quotations": french + "## T\n\n" + ">" * 5_000 + " x" + LINK,
        "addresses": french + "## T\n\n> " + "a@" * 200_000 + " " + "a." * 200_000 + LINK,
        "apostrophes": french + "## T\n\n> " + "l'" * 200_000 + LINK,
        "figures": french + "## T\n\n> " + "1 000 " * 100_000 + LINK,
    }[name]  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["10,000 articles", "a line of 1 MB", "a word of 1 MB", "a word of 1 MB in Arabic",
     "many runs in Arabic", "a headline of 1 MB", "5,000 related links", "1,000 sections",
     "100,000 stars", "100,000 brackets", "5,000 quotations", "addresses",
     "apostrophes", "figures"],
)  # fmt: skip
def test_size_costs_no_more_than_it_deserves(workspace: Workspace, name: str) -> None:
    """The largest file takes seconds, not hours, and its findings say what is too much."""
    text = sized(name)
    began = time.monotonic()
    try:
        found, _ = findings(workspace, text)
    except FlashbackError:  # a sentence is an answer, too
        found = []
    assert time.monotonic() - began < 90
    if len(text) > 500_000 and name != "5,000 quotations":
        assert found, "nobody was told"


def test_memory_stays_in_proportion(workspace: Workspace) -> None:
    """A thousand articles take less than 100 MB beyond what was there."""
    article = "## Titre {n}\n\n> « Extrait {n}. »\n\n[Lire](https://press.example/{n})\n\n"
    text = HEAD.format(language="fr") + "".join(article.format(n=n) for n in range(1_000))
    tracemalloc.start()
    try:
        findings(workspace, text)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100_000_000


def test_the_files_of_the_program_stay_closed(workspace: Workspace, tmp_path: Path) -> None:
    """A picture is a file beside the issue, or nothing: not one that lies elsewhere."""
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    for path in (str(secret), "../../secret.png", "file:///etc/hostname", "/etc/hostname"):
        text = HEAD.format(language="fr") + f"## T\n\n![x]({path})\n\n> q" + LINK
        try:
            _, editions = findings(workspace, text)
        except FlashbackError:
            continue
        for html, _ in editions:
            assert "cid:" not in html
            assert "secret" not in html.replace("secret.png", "")

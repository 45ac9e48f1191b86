"""``flashback import docx``: the team's Word file becomes an issue, and nothing of it is lost."""

import datetime as dt
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashback import founding, resources
from flashback.errors import FlashbackError
from flashback.issues import parse, read_issue, written
from flashback.issues.manuscript_loss import lost
from flashback.issues.manuscripts import Given, drafted
from flashback.model import Hyperlink, Issue, Items, Severity, Text, plain
from flashback.word import read_docx

from fixtures.documents import Document, Paragraph, Run, packed

GIVEN = Given(title="Flash-back", number="99", date=dt.date(2026, 1, 2))


def bold(text: str) -> Paragraph:
    return Paragraph([Run(text, bold=True)])


def link(words: str, url: str) -> Paragraph:
    return Paragraph([Run(words, url=url)])


def understood(paragraphs: Sequence[Paragraph | str], **facts: str) -> Issue:
    """The issue that the program makes of a document; nothing of it is lost."""
    manuscript = read_docx(Document(paragraphs).octets())
    draft = drafted(manuscript, GIVEN)
    again = parse(written(draft.issue), file="36.md", language="fr", folder=None).issue
    assert again is not None
    assert lost(manuscript, again, GIVEN) == ()
    assert again.words == draft.issue.words
    return draft.issue


def example(language: str) -> Issue:
    """The example issue."""
    reading = read_issue(resources.example_issue() / f"{language}.md")
    assert reading.issue
    return reading.issue


def styled(issue: Issue) -> list[Paragraph | str]:
    """The issue as a careful person writes it in Word: headings, lists, a table of contents."""
    rtl = issue.language == "ar"
    # Nobody can tell day from month in an English 02/09/2011.
    day = f"{issue.date}" if issue.language == "en" else f"{issue.date:%d/%m/%Y}"
    out: list[Paragraph | str] = [
        Paragraph([issue.title], style="Titre", bidi=rtl),
        Paragraph([f"N° {issue.number} – {day}"]),
    ]
    out += [Paragraph([plain([block])]) for block in issue.introduction]
    out += [bold("Sommaire")]
    out += [Paragraph([a.headline], listed=True) for a in issue.articles]
    for section in issue.sections:
        out.append(Paragraph([section.title], style="Titre1"))
        for article in section.articles:
            out.append(Paragraph([article.headline], style="Titre2"))
            out += [Paragraph([plain([b])], style="Citation", bidi=rtl) for b in article.blocks]
            if article.link:
                out.append(link(article.link.words, article.link.url))
            if article.related:
                out.append(Paragraph(["Lire aussi :"]))
            out += [
                Paragraph([Run(r.words, url=r.url), f" {r.note}" if r.note else ""], listed=True)
                for r in article.related
            ]
    return out


def by_hand(issue: Issue) -> list[Paragraph | str]:
    """The issue as most people write it: bold lines, broken runs, a link behind the excerpt."""
    out: list[Paragraph | str] = [
        bold(issue.title),
        Paragraph([f"Numéro {issue.number} du 2 septembre 2011"]),
    ]
    out += [Paragraph([plain([block])]) for block in issue.introduction]
    for section in issue.sections:
        out.append(bold(section.title.upper()))
        for article in section.articles:
            half = len(article.headline) // 2
            out.append(
                Paragraph(
                    [
                        Run(article.headline[:half], bold=True),
                        Run(article.headline[half:], bold=True),
                    ]
                )
            )
            runs: list[Run | str] = [plain(article.blocks), " "]
            if article.link:
                runs.append(Run(article.link.words, url=article.link.url))
            out += ["<w:p/>", Paragraph(runs)]
            if article.related:
                also: list[Run | str] = ["Lire aussi : "]
                for other in article.related:
                    also += [Run(other.words, url=other.url), f" {other.note} "]
                out.append(Paragraph(also))
            out.append("<w:p/>")
    return out


@pytest.mark.parametrize("write", [styled, by_hand])
@pytest.mark.parametrize("language", ["fr", "ar", "en"])
def test_the_real_issue_comes_back(language: str, write: object) -> None:
    """Sections, headlines, excerpts, links and related links of every article are the same."""
    issue = example(language)
    assert callable(write)
    back = understood(write(issue))
    assert (back.number, back.date, back.language) == ("35", issue.date, language)
    assert [s.title.casefold() for s in back.sections] == [
        s.title.casefold() for s in issue.sections
    ]
    for ours, theirs in zip(back.articles, issue.articles, strict=True):
        assert ours.headline == theirs.headline
        assert plain(ours.blocks) == plain(theirs.blocks)
        assert ours.link
        assert theirs.link
        assert (ours.link.words, ours.link.url) == (theirs.link.words, theirs.link.url)
        assert [(r.words, r.url, r.note) for r in ours.related] == [
            (r.words, r.url, r.note) for r in theirs.related
        ]
    assert plain(back.introduction) == plain(issue.introduction)


def test_looks_mean_what_people_mean_by_them() -> None:
    """Italics, an indent and guillemets quote; a list stays a list; a headline may be the link."""
    issue = understood([
        Paragraph([Run("Un titre qui mène ailleurs", bold=True, url="https://press.example/1")]),
        Paragraph([Run("Des mots en italique.", italic=True)]),
        Paragraph(["Avancé d'un centimètre."], indent=567),
        Paragraph(["« Entre guillemets,"]),
        Paragraph(["sur deux alinéas. »"]),
        Paragraph(["La rédaction dit ", Run("ceci", bold=True), " et cela."]),
        Paragraph(["premier point"], listed=True),
        Paragraph(["second point"], listed=True),
        Paragraph(["Source : L'Économiste, 2 septembre 2011"]),
        bold("Autre titre"),
        Paragraph(["Un texte. ", Run("Lire la suite", url="https://press.example/2"), " →"]),
        link("Lien seul", "https://press.example/3"),
    ])  # fmt: skip
    first, second = issue.articles
    assert first.link
    assert first.link.url == "https://press.example/1"
    assert [plain([b]) for b in first.excerpts] == [
        "Des mots en italique. Avancé d'un centimètre.",
        "« Entre guillemets, sur deux alinéas. »",
    ]
    assert any(isinstance(block, Items) and len(block.items) == 2 for block in first.blocks)
    assert first.source == "L'Économiste, 2 septembre 2011"
    assert second.link
    assert second.link.url == "https://press.example/2"


def test_a_table_of_contents_that_says_more_is_kept() -> None:
    """It is dropped only when each of its lines is a headline of the issue."""
    body = [bold("Titre un"), Paragraph(["Texte."]), bold("Titre deux"), Paragraph(["Texte."])]
    listed = [bold("Au sommaire"), Paragraph(["1. Titre un"]), Paragraph(["Titre deux"])]
    assert [a.headline for a in understood([*listed, *body]).articles] == ["Titre un", "Titre deux"]
    more = understood([*listed, Paragraph(["Un mot du président"]), *body])
    assert "Un mot du président" in more.words


def test_notes_tables_and_changes_keep_their_words() -> None:
    """Cells in order, footnotes behind their paragraph, insertions in, deletions out."""
    table = (
        "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>Caisse</w:t></w:r></w:p></w:tc>"
        "<w:tc><w:p><w:r><w:t>Encours</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    )
    changed = (
        "<w:p><w:ins><w:r><w:t>ajouté</w:t></w:r></w:ins>"
        "<w:del><w:r><w:delText>retiré</w:delText></w:r></w:del></w:p>"
    )
    tab = Paragraph(["Onglet\tet\u00a0insécable"])
    words = understood([bold("Titre"), table, changed, tab]).words
    assert re.search(r"Caisse\s+Encours\s+ajouté", words)
    assert "retiré" not in words


def test_links_that_no_reader_may_follow_keep_their_words() -> None:
    """A script or a file of somebody's disk becomes words, and is told."""
    document = Document([bold("Titre"), link("cliquez", "javascript:alert(1)"),
                         link("dossier", "file:///C:/x.doc")])  # fmt: skip
    manuscript = read_docx(document.octets())
    issue = drafted(manuscript, GIVEN).issue
    assert "cliquez" in issue.words
    assert "dossier" in issue.words
    assert "javascript" not in written(issue)
    assert [str(s) for s in manuscript.left_out if "javascript:alert(1)" in str(s)]


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=40)
RUNS = st.builds(
    Run, TEXTS, bold=st.booleans(), italic=st.booleans(),
    url=st.sampled_from(["", "", "https://press.example/a", "https://press.example/(b)_c"]),
)  # fmt: skip
PARAGRAPHS = st.builds(
    Paragraph, st.lists(RUNS, max_size=4),
    style=st.sampled_from(["", "", "Titre1", "Titre2", "Citation"]),
    listed=st.booleans(), indent=st.sampled_from([0, 600]),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(PARAGRAPHS, max_size=8))
def test_no_document_makes_it_raise_and_none_loses_a_word(paragraphs: list[Paragraph]) -> None:
    """Whatever people wrote and however it looks, its words and links are in the issue."""
    manuscript = read_docx(Document(paragraphs).octets())
    draft = drafted(manuscript, GIVEN)
    assert lost(manuscript, draft.issue, GIVEN) == ()
    reading = parse(written(draft.issue), file="36.md", language="fr", folder=None)
    # What the issue's own format cannot hold is told as an error of the file.
    if reading.issue and not any(f.severity is Severity.ERROR for f in reading.findings):
        assert lost(manuscript, reading.issue, GIVEN) == ()


def bombs() -> dict[str, bytes]:
    """Hostile files by what they do."""
    good = Document([bold("Titre"), Paragraph(["Texte."])]).octets()
    with zipfile.ZipFile(BytesIO(good)) as package:
        parts = {part: package.read(part) for part in package.namelist()}
    main = parts["word/document.xml"]
    deep = b"<w:sdt><w:sdtContent>" * 30_000 + b"</w:sdtContent></w:sdt>" * 30_000

    wide = (
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x [<!ENTITY a "b">]>'
        + main.decode().partition("?>")[2]
    )

    def with_main(text: bytes) -> bytes:
        return packed(parts | {"word/document.xml": text})

    def renamed(text: bytes) -> dict[str, bytes]:
        """The document under a name that is not one of XML."""
        new = {
            name: part.replace(b"word/document.xml", b"word/document.dat")
            for name, part in parts.items()
        }
        del new["word/document.xml"]
        return new | {
            "word/document.dat": text,
            "word/_rels/document.dat.rels": new["word/_rels/document.xml.rels"],
        }

    return {
        "unpacks": with_main(main + b" " * 60_000_000),
        "declares": with_main(b'<!DOCTYPE x [<!ENTITY a "b">]>' + main),
        "declares-wide": with_main(wide.encode("utf-16")),
        "parts": packed(parts | {f"word/x{n}": b"" for n in range(6000)}),
        "no-document": packed({n: p for n, p in parts.items() if n != "word/document.xml"}),
        "broken-xml": with_main(main[:-20]),
        "declares-elsewhere": packed(renamed(b'<!DOCTYPE x [<!ENTITY a "b">]>' + main)),
        "declares-wide-without-mark": with_main(wide.encode("utf-16-le")),
        "unpacks-elsewhere": packed(renamed(main + b" " * 60_000_000)),
        "nested": with_main(main.replace(b"<w:body>", b"<w:body>" + deep)),
        "zip-of-text": packed({"letter.txt": b"words"}),
        "old": b"\xd0\xcf\x11\xe0" + bytes(600),
        "cut": good[: len(good) // 2],
        "empty": b"",
        "pdf": b"%PDF-1.7",
    }


@pytest.mark.parametrize(
    "name",
    ["unpacks", "unpacks-elsewhere", "declares", "declares-wide", "declares-elsewhere",
     "declares-wide-without-mark", "parts", "no-document", "broken-xml", "nested",
     "zip-of-text", "old", "cut", "empty", "pdf"],
)  # fmt: skip
def test_a_hostile_file_is_a_sentence(name: str) -> None:
    """No Word file, or one that would fill the memory, is refused with the way out."""
    with pytest.raises(FlashbackError) as refused:
        read_docx(bombs()[name])
    assert str(refused.value.hint)


SPACES = (
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    ' xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
    ' xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
)
RARE = {
    "simple-field": "<w:fldSimple w:instr=' DATE '><w:r><w:t>mots rares</w:t></w:r></w:fldSimple>",
    "direction": '<w:bdo w:val="rtl"><w:r><w:t>mots rares</w:t></w:r></w:bdo>',
    "embedding": '<w:dir w:val="rtl"><w:r><w:t>mots rares</w:t></w:r></w:dir>',
    "new-box": f"<w:r><mc:AlternateContent {SPACES}><mc:Choice Requires='wps'><w:drawing><wps:txbx>"
    "<w:txbxContent><w:p><w:r><w:t>mots rares</w:t></w:r></w:p></w:txbxContent></wps:txbx>"
    "</w:drawing></mc:Choice></mc:AlternateContent></w:r>",
    "box-twice": f"<w:r><mc:AlternateContent {SPACES}><mc:Choice Requires='wps'><w:drawing>"
    "<w:txbxContent><w:p><w:r><w:t>mots rares</w:t></w:r></w:p></w:txbxContent></w:drawing>"
    "</mc:Choice><mc:Fallback><w:pict><w:txbxContent><w:p><w:r><w:t>mots rares</w:t></w:r></w:p>"
    "</w:txbxContent></w:pict></mc:Fallback></mc:AlternateContent></w:r>",
    "formula": f"<m:oMath {SPACES}><m:r><m:t>mots</m:t></m:r>"
    "<m:r><m:t> rares</m:t></m:r></m:oMath>",
    "unheard-of": "<w:unheardOf><w:r><w:t>mots rares</w:t></w:r></w:unheardOf>",
}


@pytest.mark.parametrize("name", RARE)
def test_words_in_rare_places_are_kept(name: str) -> None:
    """Text in a field, a box, a formula or of a stated direction comes through, and once."""
    rare = f"<w:p><w:r><w:t>Voici </w:t></w:r>{RARE[name]}</w:p>"
    manuscript = read_docx(Document([bold("Titre"), rare]).octets())
    assert " ".join(line.text for line in manuscript.lines).count("mots rares") == 1
    assert manuscript.left_out == ()


@pytest.mark.parametrize("simple", [True, False])
def test_a_field_that_is_a_link_leads_where_it_led(*, simple: bool) -> None:
    """Word's switches after the address are not of the address."""
    instruction = 'HYPERLINK "https://example.org/a" \\t "_blank"'
    words = "<w:r><w:t>Lire</w:t></w:r>"
    field = f"<w:fldSimple w:instr='{instruction}'>{words}</w:fldSimple>"
    if not simple:
        begin, separate, end = (
            f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>'
            for kind in ("begin", "separate", "end")
        )
        halves = (f"<w:r><w:instrText>{half}</w:instrText></w:r>"
                  for half in (instruction[:20], instruction[20:]))  # fmt: skip
        field = begin + "".join(halves) + separate + words + end
    (_, line) = read_docx(Document([bold("Titre"), f"<w:p>{field}</w:p>"]).octets()).lines
    assert line.children == (Hyperlink((Text("Lire"),), "https://example.org/a"),)


def test_words_that_the_reader_passes_over_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file's own words are counted beside what was understood."""
    monkeypatch.setattr("flashback.word.reading.unfold", lambda _root: None)
    rare = f"<w:p>{RARE['direction']}</w:p>"
    manuscript = read_docx(Document([bold("Titre"), rare]).octets())
    assert [str(s) for s in manuscript.left_out] == [
        "Words were not understood, and left out: mots, rares"
    ]


def test_a_book_is_read_in_bounded_time() -> None:
    """Twenty thousand paragraphs are read, and are one issue."""
    many = [bold(f"Titre {n}") if n % 20 == 0 else Paragraph([f"Mots {n}"]) for n in range(20_000)]
    started = dt.datetime.now(dt.UTC)
    issue = drafted(read_docx(Document(many).octets()), GIVEN).issue
    assert len(issue.articles) == 1000
    assert (dt.datetime.now(dt.UTC) - started).total_seconds() < 60


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A new newsletter, and the team's file beside it."""
    founding.found(
        tmp_path, founding.settings(name="Flash-back", sender="f@example.org", language="fr")
    )
    (tmp_path / "revue.docx").write_bytes(Document(by_hand(example("fr"))).octets())
    return tmp_path


def run(folder: Path, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """The program, in English."""
    done = subprocess.run(
        [sys.executable, "-m", "flashback", "--lang", "en", "-C", str(folder), *words],
        check=False, capture_output=True, text=True, timeout=60, cwd=folder,
    )  # fmt: skip
    assert done.returncode == code, done.stderr + done.stdout
    return done


def test_the_program_writes_the_issue_and_says_what_it_found(workspace: Path) -> None:
    """The file is there, passes check, and a second import does not write over it."""
    told = run(workspace, "import", "docx", "revue.docx").stdout
    assert "issues/35/fr.md" in told
    assert "Al AMANA redéfinit sa mission" in told
    run(workspace, "check", "35")
    before = (workspace / "issues" / "35" / "fr.md").read_bytes()
    again = run(workspace, "import", "docx", "revue.docx", code=1)
    assert "--number 36," in again.stderr
    assert (workspace / "issues" / "35" / "fr.md").read_bytes() == before
    run(workspace, "import", "docx", "revue.docx", "--number", "36", "--date", "2011-09-09")
    text = (workspace / "issues" / "36" / "fr.md").read_text(encoding="utf-8")
    assert "2011-09-09" in text


def test_what_the_file_does_not_say_is_told(workspace: Path) -> None:
    """A number and a date that were guessed are named; programs read them in JSON."""
    (workspace / "x.docx").write_bytes(Document([bold("Titre"), Paragraph(["Texte."])]).octets())
    done = run(workspace, "import", "docx", "x.docx", "--stdout")
    assert "does not say its number" in done.stderr
    assert "## Titre" in done.stdout
    told = json.loads(run(workspace, "import", "docx", "x.docx", "--json").stdout)
    assert told["guessed"] == ["number", "date"]
    assert told["articles"] == 1
    assert told["lost"] == []


def test_a_file_without_headlines_is_told(workspace: Path) -> None:
    """Nothing is written of a text in which no line is bold."""
    (workspace / "x.docx").write_bytes(Document([Paragraph(["Texte."])]).octets())
    refused = run(workspace, "import", "docx", "x.docx", code=1)
    assert "Heading 2" in refused.stderr
    run(workspace, "import", "docx", "missing.docx", code=1)


def test_what_is_no_word_file_is_told_by_its_name(workspace: Path) -> None:
    """Among several files, staff see which one is meant."""
    (workspace / "x.docx").write_bytes(b"%PDF-1.7")
    refused = run(workspace, "import", "docx", "x.docx", code=1)
    assert "x.docx: It is no Word file (.docx)." in refused.stderr


def test_a_link_to_a_mailbox_that_check_refuses_is_not_lost(workspace: Path) -> None:
    """It stands in the file, with a finding of its own: nobody is sent to look for it."""
    mail = link("écrivez-nous", "mailto:lettre@example.org")
    (workspace / "x.docx").write_bytes(Document([bold("Titre"), mail]).octets())
    told = json.loads(run(workspace, "import", "docx", "x.docx", "--json").stdout)
    text = Path(workspace, told["file"]).read_text(encoding="utf-8")
    assert "[écrivez-nous](mailto:lettre@example.org)" in text
    assert told["lost"] == []


@pytest.mark.parametrize("command", [("import", "docx", "revue.docx"), ("new", "36")])
def test_a_date_that_is_none_is_refused_in_words(workspace: Path, command: Sequence[str]) -> None:
    """Nobody has to know what %Y is."""
    refused = run(workspace, *command, "--date", "32/12/2026", code=2)
    assert "“32/12/2026” is no date. Write it as 2026-12-31." in refused.stderr

"""One article more in a file, and not an octet else."""

import datetime as dt
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashback.clips.text import tidy
from flashback.errors import IssueError
from flashback.issues import appending, next_issue, parse, read_issue
from flashback.issues.appending import Place, append, section_named
from flashback.model import Article, Image, Issue, Link, Severity

HEADER = "---\ntitre : F\nnuméro : 7\ndate : 2011-09-02\nlangue : fr\nobjet : F 7\n---\n"
OLD = "## Ancien\n\n> « Oui. »\n\n[Lire](https://example.org/a)\n"
LIST = "- [Un](https://example.org/un) — Oui.\n- [Deux](https://example.org/deux)\n"
LINK = Link(words="", url="https://example.org/neuf")
NEW = Article(headline="Neuf", language="fr", source="Le Matin, 1er août 2011", link=LINK)
TEXT = (
    "## Neuf\nsource : Le Matin, 1er août 2011\n\n> « …extrait de l’article… »\n\n"
    "[Lire l’article](https://example.org/neuf)\n"
)
ITEM = "- [Neuf](https://example.org/neuf)\n  source : Le Matin, 1er août 2011\n  …commentaire…\n"


def added(
    folder: Path, body: str, *, section: str | None = None, article: Article = NEW
) -> tuple[str, Place]:
    """What a file with this text becomes."""
    path = folder / "fr.md"
    path.write_bytes(body.encode())
    place = append(path, article, section=section, language="fr")
    return path.read_bytes().decode(), place


@pytest.mark.parametrize(
    ("before", "after", "section"),
    [
        (HEADER, f"{HEADER}\n{TEXT}", None),
        (f"{HEADER}\n{OLD}", f"{HEADER}\n{OLD}\n{TEXT}", None),
        (f"{HEADER}\n{OLD}\n\n", f"{HEADER}\n{OLD}\n{TEXT}\n\n", None),
        (f"{HEADER}\n# A\n\n# B\n\n{OLD}", f"{HEADER}\n# A\n\n{TEXT}\n# B\n\n{OLD}", "a"),
        (f"{HEADER}\n# A\n{OLD}# B\n{OLD}", f"{HEADER}\n# A\n{OLD}\n{TEXT}\n# B\n{OLD}", "A"),
        (f"{HEADER}\n{OLD}\n# Été\n", f"{HEADER}\n{OLD}\n# Été\n\n{TEXT}", "ete"),
        (f"{HEADER}\n# En bref\n\n{LIST}", f"{HEADER}\n# En bref\n\n{LIST}{ITEM}", None),
        (f"{HEADER}\n# En bref\n\n{LIST}\n# B\n", f"{HEADER}\n# En bref\n\n{LIST}{ITEM}\n# B\n",
         "EN BREF"),
        (f"{HEADER}\n# Bref\n\n{LIST}\n{OLD}", f"{HEADER}\n# Bref\n\n{LIST}\n{OLD}\n{TEXT}", None),
        (f"{HEADER}\nVoici :\n\n{LIST}", f"{HEADER}\nVoici :\n\n{LIST}\n{TEXT}", None),
    ],
)  # fmt: skip
def test_the_article_comes_last_in_its_section(
    tmp_path: Path, before: str, after: str, section: str | None
) -> None:
    """Wherever it goes, every other octet stays where it was, blank lines too."""
    text, place = added(tmp_path, before, section=section)
    assert text == after
    assert text.splitlines()[place.line - 1] in {"## Neuf", ITEM.splitlines()[0]}
    assert place.file == tmp_path / "fr.md"


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_marks_stay(tmp_path: Path, end: str, mark: str) -> None:
    """A file from another system stays one: its line ends, its mark, its missing last line end."""
    before = mark + f"{HEADER}\n{OLD}".rstrip("\n").replace("\n", end)
    text, place = added(tmp_path, before)
    assert text == before + f"\n\n{TEXT}".replace("\n", end)
    assert place.line == 15


def test_the_file_keeps_its_rights_and_its_link(tmp_path: Path) -> None:
    """A file that only its owner reads stays so; a link to it stays a link."""
    real = tmp_path / "real.md"
    real.write_text(HEADER)
    real.chmod(0o600)
    (tmp_path / "fr.md").symlink_to(real)
    append(tmp_path / "fr.md", NEW, section=None, language="fr")
    assert (tmp_path / "fr.md").is_symlink()
    assert real.read_text() == f"{HEADER}\n{TEXT}"
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fr.md", "real.md"]


def empty(language: str, previous: Issue | None = None) -> str:
    return next_issue(
        previous, number="8", date=dt.date(2011, 9, 9), title="F", language=language, publisher=""
    )


@pytest.mark.parametrize("language", ["fr", "ar", "en"])
def test_the_empty_article_of_a_new_issue_is_filled(tmp_path: Path, language: str) -> None:
    """The first article takes the place of the gap, the second one comes behind it."""
    path = tmp_path / f"{language}.md"
    path.write_text(empty(language))
    gaps = [f.line for f in read_issue(path).findings if f.code == "placeholder-left"]
    article = replace(NEW, language=language)
    first = append(path, article, section=None, language="fr")
    second = append(
        path, replace(article, link=replace(LINK, url="https://example.org/b")), section=None,
        language="fr",
    )  # fmt: skip
    reading = read_issue(path)
    assert reading.issue
    assert [a.headline for a in reading.issue.articles] == ["Neuf", "Neuf"]
    assert [a.line for a in reading.issue.articles] == [first.line, second.line]
    assert first.line in gaps
    left = [f.line for f in reading.findings if f.code == "placeholder-left"]
    assert len(left) == 5  # subject, preview, section, and an excerpt each


def test_only_untouched_gaps_are_filled(tmp_path: Path) -> None:
    """As soon as the editor has written a word in it, it is an article."""
    body = empty("fr").replace("> « …", "> « Un mot …")
    text, _ = added(tmp_path, body)
    assert text.startswith(body)


def test_the_gap_of_a_list_is_filled(tmp_path: Path) -> None:
    """A section of links begins with its own kind of gap, and gets its own kind of article."""
    previous = parse(f"{HEADER}\n# En bref\n\n{LIST}", file="", language="fr", folder=None).issue
    body = empty("fr", previous)
    text, _ = added(tmp_path, body, article=replace(NEW, source=""))
    assert "\n# En bref\n\n- [Neuf](https://example.org/neuf) …commentaire…\n" in text
    assert "…titre de l’article…" not in text


def test_all_that_is_known_is_written(tmp_path: Path) -> None:
    """Another language, a picture and words of the link stand where the format has them."""
    article = replace(
        NEW,
        language="ar",
        link=replace(LINK, words="PDF"),
        image=Image(source="https://example.org/a_b.jpg", alt="Un port"),
    )
    text, _ = added(tmp_path, HEADER, article=article)
    issue = parse(text, file="fr.md", language="fr", folder=None).issue
    assert issue
    got = issue.articles[0]
    assert (got.language, got.source) == ("ar", "Le Matin, 1er août 2011")
    assert got.image == replace(article.image or Image(source="", alt=""), line=13)
    assert got.link == Link(words="PDF", url=LINK.url, line=17)
    arabic, _ = added(tmp_path, HEADER, article=replace(NEW, language="ar"))
    assert "[اقرأ المقال](" in arabic


def test_a_page_without_a_headline_leaves_a_gap(tmp_path: Path) -> None:
    """What nobody knows is for the editor to write, and the check says so."""
    path = tmp_path / "fr.md"
    path.write_text(HEADER)
    append(path, replace(NEW, headline=""), section=None, language="fr")
    reading = read_issue(path)
    codes = [(f.line, f.code) for f in reading.findings if f.severity is Severity.ERROR]
    assert codes == [(9, "placeholder-left"), (12, "placeholder-left")]


def refused(path: Path, section: str | None = None) -> IssueError:
    before = path.read_bytes()
    with pytest.raises(IssueError) as caught:
        append(path, NEW, section=section, language="fr")
    assert path.read_bytes() == before
    return caught.value


@pytest.mark.parametrize(
    ("section", "hint"),
    [
        ("Marocc", "Did you mean “Maroc”?"),
        ("Zzz", "It has: “Maroc”, “Monde”. For a new one, write a line into the file: # Zzz"),
    ],
)
def test_an_unknown_section_is_not_made(tmp_path: Path, section: str, hint: str) -> None:
    """A slip in a section's name is told, with what there is."""
    path = tmp_path / "fr.md"
    path.write_text(f"{HEADER}\n# Maroc\n\n# Monde\n")
    error = refused(path, section)
    assert (str(error.sentence), str(error.hint)) == (
        f"{path} has no section “{section}”.", hint,
    )  # fmt: skip
    assert section_named(path, "monde", language="fr") == "Monde"
    assert section_named(path, None, language="fr") == "Monde"


def test_an_issue_without_sections_has_no_section_by_name(tmp_path: Path) -> None:
    """There is nothing to choose from."""
    path = tmp_path / "fr.md"
    path.write_text(HEADER)
    assert str(refused(path, "A").hint).startswith("It has: –.")


@pytest.mark.parametrize(
    "body",
    [
        HEADER.replace("date : 2011-09-02\n", ""),
        f"{HEADER}\n{OLD}\n```\ncode sans fin\n",
    ],
    ids=["no date", "open code"],
)
def test_a_file_that_cannot_take_it_stays_as_it_is(tmp_path: Path, body: str) -> None:
    """Rather nothing than an article that readers would never see."""
    path = tmp_path / "fr.md"
    path.write_text(body)
    assert "flashback check" in str(refused(path).hint)


def test_a_link_that_the_format_refuses_is_not_written(tmp_path: Path) -> None:
    """What would come back without its link does not go in."""
    path = tmp_path / "fr.md"
    path.write_text(HEADER)
    with pytest.raises(IssueError, match="would not be read as one"):
        append(path, replace(NEW, link=Link(words="", url="/a")), section=None, language="fr")
    assert path.read_text() == HEADER


def test_what_is_saved_meanwhile_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An editor who saves while we write keeps what was saved."""
    path = tmp_path / "fr.md"
    path.write_text(HEADER)
    check = appending._check

    def saving(*arguments: object, **named: object) -> None:
        check(*arguments, **named)  # type: ignore[arg-type]
        path.write_text(f"{HEADER}\n{OLD}")

    monkeypatch.setattr(appending, "_check", saving)
    with pytest.raises(IssueError, match="was changed in this very moment"):
        append(path, NEW, section=None, language="fr")
    assert path.read_text() == f"{HEADER}\n{OLD}"


_TEXTS = st.text(alphabet="aé ءبة#*_`[]<>()!\\&;.,'«»“”…~=+|{}-/?:\u00a0\u202e1", max_size=16)


@given(headline=_TEXTS, outlet=_TEXTS, brief=st.booleans())
def test_no_headline_can_be_markup(
    tmp_path_factory: pytest.TempPathFactory, headline: str, outlet: str, *, brief: bool
) -> None:
    """A stranger's headline reads back letter by letter, and adds nothing else to the issue."""
    path = tmp_path_factory.getbasetemp() / "fr.md"
    path.write_text(f"{HEADER}\n# A\n\n{LIST if brief else OLD}")
    article = replace(NEW, headline=tidy(headline, most=99), source=tidy(outlet, most=99))
    append(path, article, section=None, language="fr")
    issue = read_issue(path).issue
    assert issue
    assert issue.articles[-1].headline == (article.headline or "…titre de l’article…")
    assert issue.articles[-1].source == article.source

"""Files and folders on a real disk: what is found, what is refused, what is said about pictures."""

import os
import re
from pathlib import Path

import pytest

from flashback.errors import IssueError
from flashback.issues import read_issue, read_issues
from flashback.model import Image

PNG = b"\x89PNG\r\n\x1a\n...."
BODY = "## T\n\n> « A »\n\n[Lire](https://example.org/a)\n"


def edition(language: str = "", *, number: str = "35", date: str = "2011-09-02") -> str:
    named = f"langue : {language}\n" if language else ""
    return f"---\ntitre : F\nnuméro : {number}\ndate : {date}\n{named}objet : O\n---\n{BODY}"


def with_picture(source: str) -> str:
    return edition().replace("[Lire]", f"![Une photo]({source})\n\n[Lire]")


def codes(path: Path) -> list[str]:
    return [f.code for reading in read_issues(path) for f in reading.findings]


def test_the_language_comes_from_header_then_name_then_caller(tmp_path: Path) -> None:
    """The nearer to the text, the stronger."""
    for name in ("en.md", "35.ar.md", "35-EN.md", "issue.md"):
        (tmp_path / name).write_text(edition(), encoding="utf-8")
    languages = [
        read_issue(tmp_path / name, language="ar").issue
        for name in ("en.md", "35.ar.md", "35-EN.md", "issue.md")
    ]
    assert [issue.language for issue in languages if issue] == ["en", "ar", "en", "ar"]
    (tmp_path / "en.md").write_text(edition("fr"), encoding="utf-8")
    reading = read_issue(tmp_path / "en.md")
    assert reading.issue
    assert reading.issue.language == "fr"
    assert [(f.code, f.line) for f in reading.findings] == [("language-conflict", 5)]


def test_the_file_is_named_as_the_user_named_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path stays relative, in the issue and in its findings."""
    monkeypatch.chdir(tmp_path)
    Path("fr.md").write_text(edition().replace("[Lire]", "Lire"), encoding="utf-8")
    reading = read_issue(Path("fr.md"))
    assert reading.issue
    assert reading.issue.file == "fr.md"
    assert {finding.file for finding in reading.findings} == {"fr.md"}


def test_a_folder_gives_its_editions_in_one_order(tmp_path: Path) -> None:
    """French, Arabic, English, whatever the files are called; one file is one reading."""
    for name in ("1.en.md", "2.fr.md", "3.ar.MD"):
        (tmp_path / name).write_text(edition(), encoding="utf-8")
    (tmp_path / "README.md").write_text("…", encoding="utf-8")
    readings = read_issues(tmp_path)
    assert [r.issue.language for r in readings if r.issue] == ["fr", "ar", "en"]
    assert all(not r.findings for r in readings)
    assert read_issues(tmp_path / "1.en.md") == (readings[2],)


def test_a_folder_without_editions_is_a_finding(tmp_path: Path) -> None:
    """Nothing to read is told, and how to name the file."""
    (reading,) = read_issues(tmp_path)
    assert reading.issue is None
    assert [f.code for f in reading.findings] == ["editions-missing"]
    (tmp_path / "brouillon.md").write_text(edition(), encoding="utf-8")
    assert codes(tmp_path) == ["editions-missing"]


def test_a_file_whose_name_tells_no_language_is_mentioned(tmp_path: Path) -> None:
    """A misnamed edition does not vanish without a word."""
    (tmp_path / "fr.md").write_text(edition(), encoding="utf-8")
    (tmp_path / "arabe.md").write_text(edition(), encoding="utf-8")
    assert codes(tmp_path) == ["file-skipped"]


def test_editions_must_agree(tmp_path: Path) -> None:
    """Same number, same date, one file per language; each slip on its own line."""
    (tmp_path / "fr.md").write_text(edition(), encoding="utf-8")
    (tmp_path / "ar.md").write_text(edition(number="36"), encoding="utf-8")
    (tmp_path / "en.md").write_text(edition(date="2011-09-03"), encoding="utf-8")
    (tmp_path / "35.en.md").write_text(edition("en"), encoding="utf-8")
    found = {(Path(f.file).name, f.code): f.line for r in read_issues(tmp_path) for f in r.findings}
    assert found == {
        ("ar.md", "edition-number-differs"): 3,
        ("en.md", "edition-date-differs"): 4,
        ("en.md", "edition-duplicate"): 0,
    }


def test_editions_without_number_or_date_are_not_compared(tmp_path: Path) -> None:
    """What is missing has its own finding."""
    (tmp_path / "fr.md").write_text(edition(number="", date=""), encoding="utf-8")
    (tmp_path / "ar.md").write_text(edition(), encoding="utf-8")
    assert codes(tmp_path) == ["number-missing", "date-missing"]


def test_what_is_not_there_says_so(tmp_path: Path) -> None:
    """A wrong name, a folder in a file's place."""
    for read in (read_issue, read_issues):
        with pytest.raises(IssueError, match="There is no issue") as caught:
            read(tmp_path / "36")
        assert str(caught.value.hint)
    with pytest.raises(IssueError, match="is a folder"):
        read_issue(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(IssueError, match="cannot be read"):
        read_issue(tmp_path / "file" / "fr.md")


def test_a_folder_that_cannot_be_listed_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's own reason is handed on."""

    def refuse(_path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(IssueError, match="Permission denied"):
        read_issues(tmp_path)


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        ("ligne\nl’été".encode("cp1252"), r"fr\.md:2: octet 2 \(0x92\).*Windows-1252"),
        (b"a\n\nb\x81\xe9", r"fr\.md:3: octet 2 \(0x81\) is not UTF-8\.$"),
        ("été".encode("utf-16"), "UTF-16"),
    ],
)
def test_another_encoding_is_named(tmp_path: Path, octets: bytes, words: str) -> None:
    """Line and octet, the likely encoding, and what to do in the editor."""
    (tmp_path / "fr.md").write_bytes(octets)
    with pytest.raises(IssueError) as caught:
        read_issue(tmp_path / "fr.md")
    assert re.search(words, str(caught.value.sentence))
    assert "UTF-8" in str(caught.value.hint)


@pytest.mark.parametrize("name", ["photo.png", "images/ma photo.png", "50%25.png"])
def test_a_picture_beside_the_issue_is_found(tmp_path: Path, name: str) -> None:
    """By its name, with spaces in angle brackets or as %20."""
    place = tmp_path / name
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(PNG)
    (tmp_path / "fr.md").write_text(with_picture(f"<{name}>"), encoding="utf-8")
    reading = read_issue(tmp_path / "fr.md")
    assert reading.findings == ()
    assert reading.issue
    assert reading.issue.articles[0].image == Image(source=name, alt="Une photo", line=11)
    (tmp_path / "fr.md").write_text(with_picture(name.replace(" ", "%20")), encoding="utf-8")
    assert read_issue(tmp_path / "fr.md").issue == reading.issue


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("photo.png", "image-missing"),
        ("Photo.jpg", "image-missing"),
        ("n" * 300 + ".png", "image-missing"),
        ("%00.png", "image-missing"),
        ("circle.png", "image-missing"),
        ("../outside.png", "image-outside"),
        ("%2e%2e/outside.png", "image-outside"),
        ("/etc/passwd", "image-outside"),
        ("link.png", "image-outside"),
        ("text.png", "image-type"),
        ("picture.webp", "image-type"),
    ],
)
def test_a_picture_that_cannot_go_is_refused(tmp_path: Path, source: str, code: str) -> None:
    """Missing, outside the folder (links followed), or of a kind that readers cannot see."""
    folder = tmp_path / "35"
    folder.mkdir()
    (tmp_path / "outside.png").write_bytes(PNG)
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    (folder / "circle.png").symlink_to("circle.png")
    (folder / "text.png").write_bytes(b"hello")
    (folder / "picture.webp").write_bytes(b"RIFF....WEBP")
    (folder / "fr.md").write_text(with_picture(source), encoding="utf-8")
    reading = read_issue(folder / "fr.md")
    assert [(f.code, f.line) for f in reading.findings] == [(code, 11)]
    assert reading.issue
    assert reading.issue.articles[0].image is None


@pytest.mark.parametrize("beginning", [b"\xff\xd8\xff\xe0", b"GIF87a", b"GIF89a"])
def test_jpeg_and_gif_are_pictures_too(tmp_path: Path, beginning: bytes) -> None:
    """What counts is how the file begins."""
    (tmp_path / "x").write_bytes(beginning + os.urandom(8))
    (tmp_path / "fr.md").write_text(with_picture("x"), encoding="utf-8")
    assert read_issue(tmp_path / "fr.md").findings == ()

"""Pictures: hosted ones by https, files inside the message, and nothing but pictures."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from compose_samples import LANGUAGES, LINKS, NEWSLETTER, article, issue, theme
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from flashback.compose import compose, pictures
from flashback.compose.pictures import _recognise, load_pictures
from flashback.errors import IssueError
from flashback.model import (
    Edition,
    Emphasis,
    Hyperlink,
    Image,
    Issue,
    Items,
    Paragraph,
    Picture,
    Quotation,
    Strong,
    Subheading,
    Text,
)


def picture(kind: str = "PNG", width: int = 321, height: int = 7) -> bytes:
    file = io.BytesIO()
    Pillow.new("RGB", (width, height), "#0e4a3b").save(file, kind)
    return file.getvalue()


def illustrated(source: str, alt: str = "Une place") -> Issue:
    return issue(replace(article(), image=Image(source=source, alt=alt, line=12)))


def composed_in(folder: Path, value: Issue) -> Edition:
    return compose(
        value, theme(), newsletter=NEWSLETTER, links=LINKS, languages=LANGUAGES, folder=folder
    )


@pytest.mark.parametrize(("kind", "suffix"), [("PNG", "png"), ("JPEG", "jpeg"), ("GIF", "gif")])
def test_a_file_travels_with_the_mail(tmp_path: Path, kind: str, suffix: str) -> None:
    """A file beside the issue is shown by its content identifier, in its own width."""
    content = picture(kind)
    (tmp_path / "place.png").write_bytes(content)
    edition = composed_in(tmp_path, illustrated("place.png"))
    (image,) = edition.images
    assert (image.content, image.media_type) == (content, f"image/{suffix}")
    assert image.filename.endswith(f".{suffix}")
    assert f'src="cid:{image.content_id}" alt="Une place" width="321"' in edition.html
    assert "[Une place]" in edition.text


def test_a_wide_picture_fits_the_column(tmp_path: Path) -> None:
    """A picture is never wider than the text; on a phone it shrinks."""
    (tmp_path / "a.jpg").write_bytes(picture("JPEG", width=1200))
    html = composed_in(tmp_path, illustrated("a.jpg")).html
    assert 'width="544"' in html
    assert "max-width:100%" in html


def test_a_hosted_picture(tmp_path: Path) -> None:
    """An https picture stays where it is; a decorative one has empty words, not none."""
    edition = composed_in(tmp_path, illustrated("https://example.org/a b.png", alt=""))
    assert edition.images == ()
    assert 'src="https://example.org/a%20b.png" alt="" width="544"' in edition.html


def test_every_corner_is_searched(tmp_path: Path) -> None:
    """Pictures in introductions, quotations, lists and links are found, each read once."""
    (tmp_path / "a.png").write_bytes(picture())
    here = Picture("a.png", "a")
    nested = Items(((Paragraph((Emphasis((Hyperlink((here,), "https://example.org/"),)),)),),))
    title = Subheading((Strong((here,)),))
    value = replace(
        issue(article("Titre", Quotation((nested,)), title)),
        introduction=(Paragraph((Text("x"), here)),),
    )
    (section,) = value.sections
    value = replace(value, sections=(replace(section, introduction=(Paragraph((here,)),)),))
    html = composed_in(tmp_path, value).html
    assert html.count("<img") == 4
    assert len(composed_in(tmp_path, value).images) == 1


def test_the_folder_of_the_issue_is_the_default(tmp_path: Path) -> None:
    """Without a folder, pictures stand beside the issue's file."""
    (tmp_path / "a.png").write_bytes(picture())
    value = replace(illustrated("a.png"), file=str(tmp_path / "fr.md"))
    edition = compose(value, theme(), newsletter=NEWSLETTER, links=LINKS, languages=())
    assert len(edition.images) == 1


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("nowhere.png", "cannot be read: No such file"),
        ("text.png", "is no PNG, JPEG or GIF"),
        ("short.png", "is no PNG, JPEG or GIF"),
        ("short.jpg", "is no PNG, JPEG or GIF"),
        ("http://example.org/a.png", "cannot be shown"),
        ("data:image/png;base64,AAAA", "cannot be shown"),
        ("../secret.png", "cannot be shown"),
        ("/etc/passwd", "cannot be shown"),
        ("link.png", "cannot be shown"),
        ("a\x00.png", "cannot be shown"),
        ("large.png", "is larger than 1000 kB"),
    ],
)
def test_what_is_no_picture(tmp_path: Path, source: str, said: str) -> None:
    """Every refusal names the issue's line and the way out."""
    folder = tmp_path / "issue"
    folder.mkdir()
    (tmp_path / "secret.png").write_bytes(picture())
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / "text.png").write_text("a secret")
    (folder / "short.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "short.jpg").write_bytes(picture("JPEG")[:20])
    (folder / "large.png").write_bytes(picture() + b"\0" * pictures.MOST_OCTETS)
    with pytest.raises(IssueError, match=f"^issues/35/fr.md:12: .*{said}") as caught:
        load_pictures(illustrated(source), folder)
    assert str(caught.value.hint)


def test_all_pictures_together(tmp_path: Path) -> None:
    """Many middling pictures are too much as well."""
    articles = []
    for i in range(4):
        (tmp_path / f"{i}.png").write_bytes(picture() + bytes([i]) * 900_000)
        articles.append(replace(article(), image=Image(source=f"{i}.png", alt="")))
    with pytest.raises(IssueError, match=r"3600 kB together; 3000 kB"):
        load_pictures(issue(*articles), tmp_path)


@given(
    st.binary(max_size=40), st.sampled_from([b"", b"\xff\xd8\xff", b"GIF89a", b"\x89PNG\r\n\x1a\n"])
)
@settings(max_examples=200, deadline=None)
def test_hostile_octets(octets: bytes, beginning: bytes) -> None:
    """Whatever a file holds, the answer is a width or an IssueError, and soon."""
    try:
        _, width = _recognise(beginning + octets, "a", "b")
    except IssueError:
        return
    assert width >= 0


def test_progressive_jpeg_with_metadata() -> None:
    """The width is found behind other segments and fill octets."""
    file = io.BytesIO()
    Pillow.new("RGB", (640, 9)).save(file, "JPEG", progressive=True, exif=b"Exif\0\0" + b"\0" * 500)
    content = file.getvalue()
    assert _recognise(content, "", "") == ("image/jpeg", 640)
    assert _recognise(content[:2] + b"\xff" * 3 + content[2:], "", "") == ("image/jpeg", 640)

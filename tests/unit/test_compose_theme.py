"""Themes: a workspace's files win one by one, and every mistake names its file and line."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from compose_samples import composed, issue, theme

from flashback.compose import Theme, load_theme
from flashback.compose.files import _text
from flashback.errors import TemplateError
from flashback.resources import templates

FOOTER = "partials/footer.mjml.j2"
SHIPPED = templates("email")


def workspace(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def refusal(folder: Path, files: Mapping[str, str]) -> str:
    """What is said of a workspace's files, at load or when an issue is composed."""
    with pytest.raises(TemplateError) as caught:
        composed(issue(), theme(workspace(folder, files)))
    assert str(caught.value.hint), "an error without a way out"
    return str(caught.value.sentence)


def test_no_workspace_files_at_all(tmp_path: Path) -> None:
    """A workspace without templates uses the shipped ones."""
    assert theme(tmp_path / "nowhere").files == theme().files


def test_one_partial_wins(tmp_path: Path) -> None:
    """A workspace's footer replaces the shipped one, and nothing else."""
    own = (SHIPPED / FOOTER).read_text(encoding="utf-8").replace("<p class", "<p>MINE</p><p class")
    edition = composed(issue(), theme(workspace(tmp_path, {FOOTER: own})))
    assert "<p>MINE</p>" in edition.html
    assert "Afrique" in edition.html
    assert "MINE" not in composed(issue()).html


def test_one_colour_wins(tmp_path: Path) -> None:
    """A workspace's tokens hold only what they change."""
    tokens = '[light]\nband = "#123456"\n'
    edition = composed(issue(), theme(workspace(tmp_path, {"tokens.toml": tokens})))
    assert "#123456" in edition.html
    assert "#0e4a3b" in edition.html  # the brand is another token


def test_a_style_sheet_of_one_s_own(tmp_path: Path) -> None:
    """A new style sheet goes into the head, without its comments."""
    css = "/* not for readers */\n.headline { color: #abcdef !important; }\n"
    edition = composed(issue(), theme(workspace(tmp_path, {"styles/6-own.css": css})))
    assert "<style>.headline { color: #abcdef !important; }</style>" in edition.html
    assert "/*" not in edition.html


def test_a_logo_of_one_s_own(tmp_path: Path) -> None:
    """An https picture replaces the drawn tile."""
    tokens = '[logo]\nurl = "https://example.org/logo.png"\n'
    html = composed(issue(), theme(workspace(tmp_path, {"tokens.toml": tokens}))).html
    assert '<img src="https://example.org/logo.png" alt="" width="64"' in html
    assert 'class="tile"' not in html
    assert "<img" not in composed(issue()).html


def test_files_are_read_once(tmp_path: Path) -> None:
    """A file that changes after the theme was loaded changes nothing."""
    folder = tmp_path / "email"
    shutil.copytree(SHIPPED, folder)
    loaded = load_theme(templates=folder)
    before = composed(issue(), loaded).digest
    shutil.rmtree(folder)
    assert composed(issue(), loaded).digest == before


def test_windows_editors(tmp_path: Path) -> None:
    """A byte-order mark and CRLF make no difference."""
    text = (SHIPPED / FOOTER).read_text(encoding="utf-8")
    path = tmp_path / FOOTER
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert composed(issue(), theme(tmp_path)).digest == composed(issue()).digest


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<mj-section>\n{% if %}", "footer.mjml.j2:2: Expected an expression"),
        ("a\n{{ nobody }}", "footer.mjml.j2:2: 'nobody' is undefined"),
        ("a\nb\n{{ words.nobody }}", "footer.mjml.j2:3: “nobody” is not in words/fr.toml"),
        ("{{ tokens.light.nobody }}", "footer.mjml.j2:1: “light.nobody” is not in tokens.toml"),
        ("{{ tokens.nobody.x }}", "“nobody.x” is not in tokens.toml"),
        ("{{ words.sent_to }}", "footer.mjml.j2:1: “sent_to” needs its fields"),
        ("{{ words.articles }}", "“articles” needs its fields"),
        ("{{ words.articles() }}", "footer.mjml.j2:1: "),
        ("\n{{ 1 / 0 }}", "footer.mjml.j2:2: division by zero"),
        ('{% include "partials/nobody" %}', "asks for “partials/nobody”, which is missing"),
        ("{{ ''.__class__.__mro__ }}", "footer.mjml.j2:1: access to attribute"),
        ("{% set x = [] %}{{ x.append(1) }}", "footer.mjml.j2:1: "),
        ("<mj-section>\n\n<mj-column>\n</mj-section>", "footer.mjml.j2:4: Opening and ending tag"),
        ("<mj-raw>\na & b</mj-raw>", "footer.mjml.j2:2: "),
        ("<mj-raw><p title={{ 1 }}>a</p></mj-raw>", "footer.mjml.j2:1: AttValue"),
        ('<mj-section\n padding="0 24px"></mj-section>', "footer.mjml.j2:2: padding=.*0px"),
        ("<mj-raw><![CDATA[x]]></mj-raw>", "issue.mjml.j2: MJML does not"),
        ("", "issue.mjml.j2: there is no visible unsubscribe link"),
        ("<mj-raw>{{ unsubscribe_url }}</mj-raw>", "no visible unsubscribe link"),
        ('<mj-raw><a href="{{ unsubscribe_url }}"> </a></mj-raw>', "no visible unsubscribe"),
        ("<mj-raw>__FB_SHOE_SIZE__</mj-raw>", "slot that nobody knows: 'SHOE_SIZE'"),
    ],
)
def test_a_wrong_partial(tmp_path: Path, text: str, said: str) -> None:
    """Whatever is wrong with a template, the sentence says where."""
    found = refusal(tmp_path, {FOOTER: text})
    assert re.search(re.escape(said).replace(r"\.\*", ".*"), found), found


def test_the_line_is_the_template_s_own(tmp_path: Path) -> None:
    """In a loop and behind includes, the line still is that of the file that wrote it."""
    own = (SHIPPED / "partials/article.mjml.j2").read_text(encoding="utf-8")
    line = own.split("\n").index("{% if article.source %}") + 1
    broken = own.replace("{% if article.source %}", "</p>{% if article.source %}", 1)
    assert f"article.mjml.j2:{line}: " in refusal(tmp_path, {"partials/article.mjml.j2": broken})


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"partials/fotter.mjml.j2": "x"}, "no template uses this file"),
        ({"zzz.toml": ""}, "no template uses this file"),
        ({"words/de.toml": ""}, "no template uses this file"),
        ({"styles/6-own.css": "a\n.é { }"}, "6-own.css:2: a style sheet for mail is ASCII"),
        ({"styles/6-own.css": r".a { content: '\201c' }"}, "6-own.css:1: a style sheet"),
        ({"issue.txt.j2": "no way out"}, "issue.txt.j2: there is no visible unsubscribe link"),
        ({"issue.mjml.j2": "<p>x</p>"}, "issue.mjml.j2:1: An MJML document begins with <mjml>"),
        ({"issue.mjml.j2": "<!DOCTYPE mjml><mjml></mjml>"}, "begins with <mjml> and nothing"),
        ({"issue.mjml.j2": "<mjml>" + "<a>" * 300}, "Excessive depth"),
        ({"issue.mjml.j2": ""}, "issue.mjml.j2:"),
        ({"tokens.toml": "light = 3"}, "light must be a table"),
        ({"tokens.toml": "[lihgt]"}, "no template uses “lihgt”"),
        ({"tokens.toml": "[light]\nbnad = '#000000'"}, "no template uses “light.bnad”"),
        ({"tokens.toml": "[light]\nband = 'green'"}, "light.band must be a colour"),
        ({"tokens.toml": "[fonts]\nserif = \"'Times New Roman'\""}, "fonts.serif must be names"),
        ({"tokens.toml": "[logo]\nurl = 'http://example.org/a.png'"}, "logo.url must be an https"),
        ({"tokens.toml": "[sizes]\ntext = '17'"}, "sizes.text must be a whole number"),
        ({"tokens.toml": "[sizes]\ntext = true"}, "sizes.text must be a whole number"),
        ({"tokens.toml": "[sizes]\ntext = 0"}, "sizes.text must be a whole number above zero"),
        ({"tokens.toml": "[sizes"}, "not valid TOML"),
    ],
)
def test_a_wrong_file(tmp_path: Path, files: Mapping[str, str], said: str) -> None:
    """A file that cannot do what it is meant for is refused."""
    assert said in refusal(tmp_path, files)


def test_a_typing_error_in_a_name_gets_a_suggestion(tmp_path: Path) -> None:
    """The nearest file is named."""
    with pytest.raises(TemplateError) as caught:
        theme(workspace(tmp_path, {"partials/fotter.mjml.j2": "x"}))
    assert "Did you mean “partials/footer.mjml.j2”?" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"\xff\xfe\x00", "not UTF-8"), (b"x" * 1_000_001, "too large")],
)
def test_an_unfit_file(tmp_path: Path, content: bytes, said: str) -> None:
    """A file that is no text, or no template by its size, is refused."""
    (tmp_path / "tokens.toml").write_bytes(content)
    with pytest.raises(TemplateError, match=f"tokens.toml is .*{said}"):
        theme(tmp_path)


def test_an_unreadable_file(tmp_path: Path) -> None:
    """A file that cannot be read is named, with the system's reason; a dead link is no file."""
    with pytest.raises(TemplateError, match="cannot be read: Is a directory"):
        _text(tmp_path)
    (tmp_path / "tokens.toml").symlink_to(tmp_path / "nowhere.toml")
    assert theme(tmp_path).tokens == theme().tokens


def test_a_broken_installation(tmp_path: Path) -> None:
    """Without its own files the theme says so."""
    with pytest.raises(TemplateError, match=r"issue.mjml.j2 is missing"):
        load_theme(templates=tmp_path)


def test_a_word_that_the_room_itself_says(tmp_path: Path) -> None:
    """A word that no template names may still not be missing."""
    folder = tmp_path / "email"
    shutil.copytree(SHIPPED, folder)
    path = folder / "words" / "ar.toml"
    lines = path.read_text(encoding="utf-8").split("\n")
    kept = (line for line in lines if not line.startswith("reason"))
    path.write_text("\n".join(kept), encoding="utf-8")
    with pytest.raises(TemplateError, match=r"ar.toml: the word “reason” is missing"):
        load_theme(templates=folder)


def test_what_a_partial_may_do(tmp_path: Path) -> None:
    """Words in attributes, and an include whose name is computed."""
    own = (
        '{% set part = "partials/topbar.mjml.j2" %}{% include part %}'
        '<mj-raw><p title="{{ words.contents.plain }}">{{ words.contents }}</p></mj-raw>'
    )
    html = composed(issue(), theme(workspace(tmp_path, {"partials/contents.mjml.j2": own}))).html
    assert '<p title="Au sommaire">Au sommaire</p>' in html
    assert html.count("Voir en ligne") == 3


def test_a_partial_that_includes_itself(tmp_path: Path) -> None:
    """It is the template's fault and ends in a sentence."""
    assert "footer.mjml.j2:1: maximum recursion depth" in refusal(
        tmp_path, {FOOTER: '{% include "partials/footer.mjml.j2" %}'}
    )


def test_themes_are_values() -> None:
    """Nobody can change a loaded theme."""
    loaded: Theme = theme()
    with pytest.raises(AttributeError):
        loaded.tokens = {}  # type: ignore[misc]
    with pytest.raises(TypeError):
        loaded.tokens["light"]["ink"] = "#000000"  # type: ignore[index]


def test_the_page_about_themes_names_everything() -> None:
    """Every word, token, partial and template variable a team can change is told in the docs."""
    page = (SHIPPED.parents[1] / "docs" / "theme.md").read_text(encoding="utf-8")
    loaded = theme()
    keys = [
        *loaded.words["fr"].entries,
        *(key for table in loaded.tokens.values() for key in table),
    ]
    partials = [name.partition("/")[2] for name in loaded.files if name.startswith("partials/")]
    assert [name for name in [*keys, *partials] if f"`{name}`" not in page] == []

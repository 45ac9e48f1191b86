"""The last look at an edition: each remark when it is due, and silence otherwise."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashback.model import Article, Edition, InlineImage, Issue, Link, Section, Severity
from flashback.model.prose import Paragraph, Quotation, Text
from flashback.preflight import look
from flashback.preflight.completeness import shown, words_of
from flashback.preflight.weekdays import wrong_days
from flashback.preflight.weight import CLIPPED, HEAVY, weights_of

URL = "https://example.org/a"


def article(headline: str = "A headline", words: str = "An excerpt.", line: int = 9) -> Article:
    quoted = Quotation((Paragraph((Text(words),)),))
    return Article(
        headline=headline, language="en", blocks=(quoted,), line=line,
        link=Link(words="Read more", url=URL),
    )  # fmt: skip


def issue(*articles: Article, **changes: str) -> Issue:
    return Issue(
        title="Flash-back", number="35", date=dt.date(2011, 9, 2), language="en",
        subject=changes.get("subject", "A subject"), preview=changes.get("preview", "A preview"),
        sections=(Section(title="", articles=articles or (article(),)),), file="issues/35/en.md",
    )  # fmt: skip


def edition(written: Issue, body: str = "", **changes: Any) -> Edition:
    """All words of the issue, in a page that is as it should be."""
    blocks = "".join(
        f'<h2 id="a{n}">{one.headline}</h2><p>An excerpt.</p><a href="{URL}">Read more</a>'
        for n, one in enumerate(written.articles, start=1)
    )
    page = f'<!doctype html><html lang="en"><body><h1>Flash-back</h1>{blocks} {body}</body></html>'
    made = Edition(
        issue_number="35", issue_date=written.date, language="en", title=written.title,
        subject=written.subject, preheader=written.preview, html=page,
        text=f"{written.words}\n{URL}",
    )  # fmt: skip
    return replace(made, **changes)


def codes(written: Issue, made: Edition) -> list[str]:
    return [finding.code for finding in look(written, made)]


def test_nothing_is_said_of_what_is_right() -> None:
    """An edition without fault gets no remark."""
    assert codes(issue(), edition(issue())) == []


@pytest.mark.parametrize(
    ("size", "code"), [(HEAVY - 1, ""), (HEAVY, "html-heavy"), (CLIPPED, "html-clipped")]
)
def test_weight(size: int, code: str) -> None:
    """From 85 kB on it is a warning, from 102 kB on an error that names the heaviest articles."""
    written = issue(article("Light"), article("Heavy as lead"))
    bare = len(edition(written, "<p></p>").html.encode())
    made = edition(written, f"<p>{'x' * (size - bare)}</p>")
    assert len(made.html.encode()) == size
    found = look(written, made)
    assert [finding.code for finding in found] == ([code] if code else [])
    if code:
        assert str(found[0].remedy).index("Heavy as lead") < str(found[0].remedy).index("Light")


def test_the_weight_of_articles_is_counted_in_octets() -> None:
    """From one anchor to the next, and the last one to the end of the page."""
    assert weights_of('<p id="a1">é</p><p id="a2"></p></body>') == [(1, 17), (2, 12)]


def test_subject_and_preview() -> None:
    """Too long for any inbox, or twice the same."""
    long = issue(subject="s" * 111, preview="p" * 201)
    assert codes(long, edition(long)) == ["subject-long", "preview-long"]
    same = issue(subject="Five years.", preview="five  years")
    assert codes(same, edition(same)) == ["preview-repeats"]


def test_pictures() -> None:
    """One heavy picture, and many that are heavy together."""
    written = issue()
    one = InlineImage(content_id="x", media_type="image/png", filename="x.png", content=b"")
    heavy = replace(one, content=bytes(250_001))
    assert codes(written, edition(written, images=(heavy,))) == ["image-heavy"]
    light = tuple(replace(one, content=bytes(240_000)) for _ in range(4))
    assert codes(written, edition(written, images=light)) == ["images-heavy"]


@pytest.mark.parametrize(
    ("own", "octets", "code"),
    [(300, 50_000, "image-small"), (600, 200_000, ""), (2000, 200_000, "image-large"),
     (2000, 50_000, ""), (0, 0, "")],
)  # fmt: skip
def test_the_size_of_a_picture(own: int, octets: int, code: str) -> None:
    """Drawn larger than it is, or far more pixels than are drawn and dear."""
    png = b"\x89PNG\r\n\x1a\n" + bytes(8) + own.to_bytes(4, "big") + bytes(octets)
    image = InlineImage(
        content_id="x", media_type="image/png", filename="x.png", content=png if own else b"?"
    )
    written = issue()
    made = edition(written, images=(image,))
    drawn = '<img src="cid:x" width="552" alt=""><img alt="" width="100" src=\'cid:x\'><img>'
    found = codes(written, replace(made, html=made.html.replace("</body>", f"{drawn}</body>")))
    assert [one for one in found if one.startswith("image")] == ([code] if code else [])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("<script>1</script>", "html-refused"),
        ('<img src="cid:x">', "html-alt-missing"),
        ('<a href="#nowhere">there</a>', "anchor-dead"),
        ('<a href="https://example.org/"><img alt="" src="x"></a>', "html-link-wordless"),
        ("<h4>far below</h4>", "headings-skipped"),
    ],
)
def test_markup(body: str, code: str) -> None:
    """What a changed template may get wrong."""
    assert codes(issue(), edition(issue(), body)) == [code]


def test_sound_markup() -> None:
    """Decoration, anchors that are there, and links with a picture that speaks are no fault."""
    body = '<img alt="" src="x"><a href="#a1">up</a><a href="/"><img alt="home" src="x"></a>'
    assert codes(issue(), edition(issue(), body)) == []


def test_a_page_without_its_language() -> None:
    """Screen readers need to know."""
    written = issue()
    made = edition(written)
    made = replace(made, html=made.html.replace(' lang="en"', ""))
    assert codes(written, made) == ["html-language-missing"]


def test_both_parts_say_everything() -> None:
    """Words and links that a template forgets are named, in either part."""
    written = issue(article(words="An excerpt with money."))
    made = edition(written, text="An excerpt with A headline Read more")
    found = look(written, made)
    assert [finding.code for finding in found] == ["text-incomplete", "html-incomplete"]
    assert all(finding.severity is Severity.ERROR for finding in found)
    assert "money" in str(found[0].sentence)
    assert URL in str(found[0].sentence)
    assert URL not in str(found[1].sentence)


def test_what_a_browser_shows() -> None:
    """Tags part words only where they part lines; comments and styles are not read."""
    page = "<style>p{}</style><p>m<em>o</em>t</p><p>deux&nbsp;mots</p><!-- trois -->"
    assert words_of(shown(page)) == words_of("mot deux mots")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("vendredi 2 septembre 2011", None),
        ("Vendredi 3 septembre 2011", 5),
        ("jeudi 1er septembre 2011", None),
        ("lundi 1er août 2011", None),
        ("mardi 1er aout 2011", 0),
        ("Friday, 2 September 2011", None),
        ("Friday, September 3rd, 2011", 5),
        ("Saturday the 3rd of September 2011", None),
        ("الجمعة 2 شتنبر 2011", None),
        ("السبت 2 شتنبر 2011", 4),
        ("الأحد، 2 سبتمبر 2011", 4),
        ("vendredi 31 février 2011", None),
        ("vendredi 2 septembre", None),
        ("un vendredi de septembre 2011", None),
    ],
)
def test_days_of_the_week(text: str, wrong: int | None) -> None:
    """In three languages; what is no date is left alone."""
    assert [right for _, right in wrong_days(text)] == ([] if wrong is None else [wrong])


def test_a_wrong_day_is_found_where_it_stands() -> None:
    """The line is that of the article, and the right day is named in the issue's language."""
    written = issue(article("Friday 3 September 2011"))
    found = look(written, edition(written))
    assert [(finding.code, finding.line) for finding in found] == [("weekday-wrong", 9)]
    assert "Saturday" in str(found[0].sentence)


@given(st.text(max_size=80), st.text(max_size=80))
def test_whatever_is_written_the_look_ends(headline: str, words: str) -> None:
    """Hostile words are looked at like any other."""
    written = issue(article(headline, words))
    for finding in look(written, edition(issue())):
        assert finding.code
        assert str(finding.sentence)


def test_a_picture_says_its_words() -> None:
    """What stands for a picture in a sentence is no word lost."""
    assert words_of(shown("<p>a <img src='x' alt='two loaves'> b</p>")) == words_of(
        "a two loaves b"
    )
    assert shown('<img alt="" src="x">').strip() == ""

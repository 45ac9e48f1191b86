"""What pages say of themselves: written pages with the answers beside them, and hostile octets."""

import datetime as dt
import json
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashback.clips import Clip, Page, clip_of, settled
from flashback.clips.charset import text_of
from flashback.clips.dates import day_of
from flashback.clips.linked_data import linked_article
from flashback.clips.text import tidy

PAGES = Path(__file__).parents[1] / "corpus" / "pages"
NAMES = sorted(path.stem for path in PAGES.glob("*.html"))
URL = "https://www.matin.example/a"


def clip(html: str, url: str = URL) -> Clip:
    return clip_of(Page(url=url, octets=html.encode(), charset="utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_every_page_of_the_corpus_is_understood(name: str) -> None:
    """Headline, outlet, day, language, picture and address, in French, Arabic and English."""
    expected = json.loads((PAGES / f"{name}.json").read_text(encoding="utf-8"))
    octets = (PAGES / f"{name}.html").read_bytes()
    got = clip_of(Page(url=expected["url"], octets=octets, charset=expected["charset"]))
    assert {
        "headline": got.headline,
        "outlet": got.outlet,
        "date": got.date.isoformat() if got.date else None,
        "language": got.language,
        "image": got.image,
        "image_alt": got.image_alt,
        "description": got.description,
        "link": settled(expected["url"], got.own),
    } == {key: expected[key] for key in expected if key not in {"url", "charset"}}


def test_the_corpus_has_pages() -> None:
    """A moved folder does not turn the promise into silence."""
    assert len(NAMES) == 10


@pytest.mark.parametrize(
    ("html", "headline"),
    [
        ("<meta property=og:title content=A><title>B</title>", "A"),
        ("<script type=application/ld+json>{'a'</script><title>B</title>", "B"),
        ('<script type="ld+json">{"@type":"Report","name":"L"}</script><h1>B</h1>', "L"),
        ("<meta name=twitter:title content=T><h1>H</h1>", "T"),
        ("<h1>H <b>2</b></h1><title>B</title>", "H 2"),
        ("<h1>H</h1><h1>I</h1><title>B</title>", "B"),
        ("<h1> </h1><h1>I</h1><title>B</title>", "I"),
        ("<title>8, un peu de tension - suite</title>", "8, un peu de tension - suite"),
        ("<title>A | B | Matin</title>", "A | B"),
        ("<title>matin.example : A - B</title>", "A - B"),
        ("<meta property=og:site_name content='Le Soir'><title>A – LE SOIR</title>", "A"),
        ("<meta property=og:site_name content='Le Soir'><title>Le Soir</title>", ""),
        ("<meta property=og:title content='{{ t }}'><title>A</title>", "A"),
        ("<meta property=og:title content='__FB_READER_NAME__'><title>A</title>", "A"),
        ("<meta property=og:title><title></title>", ""),
    ],
)  # fmt: skip
def test_the_surest_headline_wins(html: str, headline: str) -> None:
    """Open Graph, then JSON-LD, then Twitter, then a single h1, then the title without the site."""
    assert clip(html).headline == headline


@pytest.mark.parametrize(
    ("html", "day"),
    [
        ("<meta property=article:published_time content=2011-09-08T23:59:59+01:00>", 8),
        ("<meta name=DC.Date content=2011.09.05>", 5),
        ("<time datetime=2011-09-01>a</time><time datetime=2011-09-02 pubdate>b</time>", 2),
        ("<time datetime=2011-09-01></time><article><time datetime=2011-09-03></time>", 3),
        ("<time datetime=2011-09-01></time>", 1),
        ("<time datetime=2011-09-01></time><time datetime=2011-09-02></time>", 0),
        ("<time>2011-09-01</time>", 0),
    ],
)
def test_the_surest_date_wins(html: str, day: int) -> None:
    """A date in the margin is no date of the article."""
    assert clip(html).date == (dt.date(2011, 9, day) if day else None)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2011-09-08", 8), (" 20110908T1200Z", 8), ("2011/09/08 12:00", 8), ("٢٠١١-٠٩-٠٨", 8),
        ("Thu, 08 Sep 2011 10:00:00 GMT", 8), ("8 SEP 2011", 8),
        ("08/09/2011", 0), ("2011-9-8", 0), ("2011-13-08", 0), ("8 Xyz 2011", 0), ("2011-09/08", 0),
        ("1970-01-01", 0), ("0001-01-01", 0), ("9999-01-01", 0), ("", 0), (None, 0), (20110908, 0),
    ],
)  # fmt: skip
def test_only_dates_that_mean_one_day_count(text: object, day: int) -> None:
    """Day and month are never guessed; the epoch and other slips are no dates."""
    assert day_of(text) == (dt.date(2011, 9, day) if day else None)


@pytest.mark.parametrize(
    ("html", "language"),
    [
        ("<html lang=fr-MA><title>Titre</title>", "fr"),
        ("<html lang=en><meta property=og:locale content=ar_MA><title>عنوان</title>", "ar"),
        ("<html lang=en><title>عنوان</title>", "ar"),
        ("<html lang=ar><meta http-equiv=content-language content=fr><title>Titre</title>", "fr"),
        ("<html lang=ar><title>Titre</title>", ""),
        ("<html lang=ES><title>12 %</title>", "es"),
        ("<html lang='not a tag'><title>Titre</title>", ""),
        ("<p>x", ""),
    ],
)
def test_a_language_must_fit_the_letters(html: str, language: str) -> None:
    """Many Arabic sites call their pages English; the headline's script knows better."""
    assert clip(html).language == language


@pytest.mark.parametrize(
    ("html", "image"),
    [
        ("<meta property=og:image content=/a.jpg>", "https://www.matin.example/a.jpg"),
        ("<base href=https://cdn.example/x/><meta property=og:image content=a.jpg>",
         "https://cdn.example/x/a.jpg"),
        ("<base href='http://['><meta property=og:image content=/a.jpg>",
         "https://www.matin.example/a.jpg"),
        ("<meta property=og:image content='https://['>", ""),
        ("<meta name=twitter:image content=https://u@cdn.example/a.jpg>", ""),
        ("<meta property=og:image content=data:image/png;base64,xx>", ""),
    ],
)  # fmt: skip
def test_only_sound_pictures_are_proposed(html: str, image: str) -> None:
    """A picture's address is absolute, https, and holds no name that deceives."""
    assert clip(html).image == image


@pytest.mark.parametrize(
    ("octets", "charset", "text"),
    [
        (b"\xef\xbb\xbf<p>\xc3\xa9", "windows-1252", "<p>é"),
        ("\ufeff<p>é".encode("utf-16-le"), "", "<p>é"),
        ("\ufeff<p>é".encode("utf-16-be"), "", "<p>é"),
        (b"<meta charset=windows-1256>\xe9", "ISO-8859-1", "<meta charset=windows-1256>é"),
        (b"<meta charset=windows-1256>\xe3", "", "<meta charset=windows-1256>م"),
        (b"<meta charset=utf-16>\xc3\xa9", "", "<meta charset=utf-16>é"),
        (b"<meta charset=unicode_escape>\\x41", "zlib_codec", "<meta charset=unicode_escape>\\x41"),
        (b"<p>\xe9\x92", "", "<p>é’"),
        (b"<html lang='ar-MA'>\xe3", "", "<html lang='ar-MA'>م"),
        (b"<p>\xe9", "utf-8", "<p>é"),
        (b"<p>\x81\xff", "utf-8", "<p>��"),
        (b"", "", ""),
    ],
)
def test_characters_are_found(octets: bytes, charset: str, text: str) -> None:
    """Byte-order mark, server, page, in this order; what does not fit is passed over."""
    assert text_of(octets, charset) == text


def test_texts_are_one_line_without_surprises() -> None:
    """Bidi controls, soft hyphens and control characters go; letters that join stay joined."""
    hostile = "\u202e\u2067a\u00ad\x00b\n \u200bc\u200d\ud800\u00a0?\u0301" + "\u0301" * 50
    assert tidy(hostile, most=100) == "a b c\u200d\u00a0?" + "\u0301" * 8
    assert tidy("Un deux, trois", most=9) == "Un deux…"
    assert tidy("Anticonstitutionnel", most=5) == "Anti…"
    assert tidy("A<br/>b <i>c</i> <script>", most=99) == "A b c <script>"
    assert tidy(["x"], most=9) == ""


def test_linked_data_may_be_anything() -> None:
    """Deep, endless and wrong JSON says nothing, and breaks nothing."""
    scripts = ["[" * 100_000, "{}", '{"@type": null}', "null", "1", '[{"@type":["x","Article"]}]']
    assert linked_article(scripts).headline == ""
    long = json.dumps([[[0] * 6_000], {"@type": "Article", "headline": "a"}])
    assert linked_article([long]).headline == "a"
    far = json.dumps([0] * 6_000 + [{"@type": "Article", "headline": "a"}])
    assert linked_article([far]).headline == ""
    lists = {"@type": "Article", "publisher": [], "image": [{"contentUrl": "u"}]}
    assert linked_article([json.dumps(lists)]).image == "u"


_PIECES = st.sampled_from(
    ["<html lang=", "ar", "<meta property=", "og:title", "og:image", "og:url", " content='", "'>",
     "<script type=application/ld+json>", '{"@type":"Article","headline":', '"x"}', "</script>",
     "<title>", "</title>", "<h1>", "<time datetime=", "2011-09-02", ">", "<base href=", "http://[",
     "<link rel=canonical href=", "{{", "&#0;", "&#xD800;", "\x00", "\u202e", "<!--", "<![CDATA["]
).map(str.encode)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(_PIECES | st.binary(max_size=12), max_size=40).map(b"".join), st.text(max_size=12))
def test_no_page_breaks_anything(octets: bytes, charset: str) -> None:
    """Whatever the octets, there is an answer, and every text in it is harmless."""
    got = clip_of(Page(url=URL, octets=octets, charset=charset))
    for text in (got.headline, got.outlet, got.image_alt, got.description):
        assert text == text.strip()
        assert not any(unicodedata.category(c) in {"Cc", "Cs"} or c in "\u202e\ufeff" for c in text)
        assert "{{" not in text
    for url in (*got.own, got.image, got.amp):
        assert url == "" or (url.isascii() and url.startswith(("http://", "https://")))


@pytest.mark.parametrize(
    "piece",
    ["<meta name=a content=b>", "<link rel=canonical href=/%d>", "<time datetime=x>", "<h1>", "<b>",
     "<title>x</title>", "<script type=ld+json>[{}]</script>", "<base href=http://[>", "<",
     "&lt;b"],
)  # fmt: skip
def test_a_page_of_one_thing_costs_no_more_than_another(piece: str) -> None:
    """A page as large as may be, made to be slow, is answered in seconds and says little."""
    html = "<html>" + "".join(piece.replace("%d", str(n)) for n in range(3_000_000 // len(piece)))
    begun = time.process_time()
    got = clip(html)
    assert time.process_time() - begun < 5
    assert len(got.own) <= 8

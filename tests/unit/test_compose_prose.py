"""Prose: one tree, read as XHTML and as lines of text."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from flashback.compose.lines import hang, wrap
from flashback.compose.links import archive, href
from flashback.compose.pictures import Shown
from flashback.compose.prose import Prose
from flashback.errors import IssueError
from flashback.model import (
    Block,
    Break,
    Code,
    Emphasis,
    Hyperlink,
    Inline,
    Items,
    Paragraph,
    Picture,
    Preformatted,
    Quotation,
    Strong,
    Subheading,
    Text,
    plain,
)

N = "\u00a0"
URL = "https://example.org/a"


def prose(*blocks: Block, language: str = "fr") -> Prose:
    return Prose(
        blocks=blocks,
        language=language,
        place="fr.md:7",
        level=4,
        widest=544,
        pictures={URL: Shown(URL), "a.png": Shown("cid:x@flashback", 100)},
    )


def line(*inlines: Inline, language: str = "fr") -> tuple[str, str]:
    """One paragraph's HTML without its element, and its text."""
    made = prose(Paragraph(inlines), language=language)
    return made.__html__().removeprefix('<p class="p">').removesuffix("</p>"), made.text


@pytest.mark.parametrize(
    ("inlines", "html", "text"),
    [
        ((Text("a < b & c"),), "a &lt; b &amp; c", "a < b & c"),
        ((Strong((Text("oui"),)), Text(" !")), f"<strong>oui</strong>{N}!", f"oui{N}!"),
        ((Text("l'"), Emphasis((Text("INDH"),))), 'l’<em class="em ltr">INDH</em>', "l’INDH"),
        (
            (Text("« "), Strong((Text("a"),)), Text(" »")),
            f"«{N}<strong>a</strong>{N}»",
            f"«{N}a{N}»",
        ),
        (
            (Text("«"), Strong((Text("l'"), Code("x"))), Text("»")),
            f'«{N}<strong>l’<code class="code" dir="ltr">x</code></strong>{N}»',
            f"«{N}l’x{N}»",
        ),
        ((Code("l'a : «b»"),), '<code class="code" dir="ltr">l&#39;a : «b»</code>', "l'a : «b»"),
        ((Text("a"), Break(), Text("b")), "a<br />b", "a\nb"),
        (
            (Hyperlink((Text("ici"),), "https://example.org/?a=1&b=é"),),
            '<a class="link" href="https://example.org/?a=1&amp;b=%C3%A9">ici</a>',
            "ici <https://example.org/?a=1&b=%C3%A9>",
        ),
        ((Hyperlink((Text(URL),), URL),), f'<a class="link" href="{URL}">{URL}</a>', f"<{URL}>"),
        (
            (Picture(URL, "l'image"),),
            f'<img class="picture" src="{URL}" alt="l’image" width="544" />',
            "[l'image]",
        ),
        (
            (Picture("a.png", ""), Text("x")),
            '<img class="picture" src="cid:x@flashback" alt="" width="100" />x',
            "x",
        ),
    ],
)
def test_inlines(inlines: tuple[Inline, ...], html: str, text: str) -> None:
    """Each kind of inline, with typography that looks across their borders."""
    assert line(*inlines) == (html, text)


def test_blocks() -> None:
    """Each kind of block, as HTML and as text."""
    made = prose(
        Subheading((Text("Titre"),)),
        Quotation((Paragraph((Text("un"),)), Paragraph((Text("deux"),)))),
        Items(((Paragraph((Text("a"),)),), (Paragraph((Text("b"),)), Preformatted("x")))),
        Items(((Preformatted("y"),),), start=3),
        Preformatted("a  \n  <b>\x00"),
    )
    assert made.__html__() == (
        '<h4 class="sub">Titre</h4>\n'
        '<blockquote class="quote ltr"><p class="p">un</p><p class="p">deux</p></blockquote>\n'
        '<ul class="list ltr"><li class="li">a</li>'
        '<li class="li">b<pre class="pre" dir="ltr">x</pre></li></ul>\n'
        '<ol class="list ltr" start="3">'
        '<li class="li"><pre class="pre" dir="ltr">y</pre></li></ol>\n'
        '<pre class="pre" dir="ltr">a  \n  &lt;b&gt;</pre>'
    )
    assert made.text == "Titre\n\n  un\n\n  deux\n\n- a\n- b\n  x\n\n3. y\n\na\n  <b>"
    assert not prose()


def test_excerpts_are_told_from_the_editor_s_words() -> None:
    """Each line of an excerpt is indented, and none is longer than 72 columns."""
    words = Paragraph((Text("mot " * 40),))
    deep = Items(((Quotation((words, Items(((words,),)))),),), start=9)
    for made in (prose(Quotation((words,))), prose(deep)):
        lines = made.text.split("\n")
        assert all(not line or line.startswith(("  ", "9. ")) for line in lines)
        assert 68 < max(map(len, lines)) <= 72


def test_pictures_fit_into_what_holds_them() -> None:
    """A list and an excerpt take their indentation from a picture; a deep one stays visible."""
    picture = Paragraph((Picture(URL, ""),))
    nested: Block = Items(((picture,),))
    deep: Block = picture
    for _ in range(30):
        deep = Items(((deep,),))
    made = prose(picture, Quotation((picture, nested)), nested, deep).__html__()
    assert re.findall('width="([0-9]+)"', made) == ["544", "523", "499", "520", "48"]


def test_arabic_prose() -> None:
    """Latin runs get a direction; emphasis, which Arabic does not slant, its class."""
    html, text = line(Text("قال CGAP "), Emphasis((Text("نعم"),)), language="ar")
    assert html == 'قال <span dir="ltr">CGAP</span> <em class="em rtl">نعم</em>'
    assert text == "قال \u2068CGAP\u2069 نعم"


def test_a_slot_cannot_be_put_together() -> None:
    """Not even from pieces that only meet when they are printed."""
    pieces = (Text("_"), Text("_FB_UNSUBSCRIBE_URL__ "), Code("_"), Code("_FB_A__"))
    for part in line(*pieces):
        assert "__FB_" not in part
    assert "__FB_" not in prose(Preformatted("__FB_A__")).text
    assert "__FB_" not in prose(Preformatted("__FB_A__")).__html__()


inlines = st.recursive(
    st.builds(Text, st.text(max_size=12)) | st.builds(Code, st.text(max_size=6)) | st.just(Break()),
    lambda inner: (
        st.builds(Emphasis, st.lists(inner, max_size=3).map(tuple))
        | st.builds(Strong, st.lists(inner, max_size=3).map(tuple))
        | st.builds(Hyperlink, st.lists(inner, max_size=3).map(tuple), st.just(URL))
    ),
    max_leaves=6,
)


def visible(text: str) -> str:
    """Without what typography may change or add, and without what no mail may hold."""
    text = text.replace("’", "'")
    return "".join(c for c in text if c.isprintable() and not c.isspace())


@given(st.lists(inlines, max_size=4).map(tuple), st.sampled_from(["fr", "ar", "en"]))
@settings(max_examples=150, deadline=None)
def test_nothing_is_lost(children: tuple[Inline, ...], language: str) -> None:
    """Whatever the editor wrote is in the HTML, and it is well-formed."""
    html, _ = line(*children, language=language)
    root = etree.fromstring(f"<p>{html}</p>")
    read = "".join(str(part) for part in root.itertext())
    assert visible(read) == visible(plain(children))


@given(st.text(alphabet="ab \u00a0-é", max_size=300))
@settings(max_examples=150, deadline=None)
def test_wrapping_breaks_at_plain_spaces_only(text: str) -> None:
    """No line is longer than 72 unless it is one word; a no-break space never ends up at an end."""
    lines = wrap(text, "fr").split("\n")
    assert re.sub(r"\s", "", "".join(lines)) == re.sub(r"\s", "", text)
    for each in lines:
        assert len(each) <= 72 or " " not in each.strip(" ")
        assert not each.endswith(" ")


def test_wrapping_in_arabic() -> None:
    """A run that is cut by a line end is isolated on both lines."""
    first, second = wrap("قال " + "abc " * 20, "ar").split("\n")
    for each in (first, second):
        assert each.count("\u2068") == each.count("\u2069") == 1
    assert wrap("IFC Report", "ar", "7. ", "   ") == "7. \u2068IFC Report\u2069"
    assert wrap("", "ar", "7. ") == "7."


def test_hanging() -> None:
    """A list mark stands before the first line, the others stand below it."""
    assert hang("a\nb", "10. ") == "10. a\n    b"
    assert wrap("", "fr") == ""


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("https://example.org/é?q=a b&c=%20", "https://example.org/%C3%A9?q=a%20b&c=%20"),
        ("HTTP://example.org/'\"<>", "HTTP://example.org/'%22%3C%3E"),
        ("mailto:nadia@example.org", "mailto:nadia@example.org"),
        (" https://example.org/__FB_X__\x00 ", "https://example.org/_%5FFB_X__"),
    ],
)
def test_links(typed: str, sent: str) -> None:
    """A link is sent in ASCII, and is never a slot."""
    assert href(typed, "fr.md:3") == sent


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "/a", "", "data:text/html,x", " java\x00script:x"]
)
def test_links_that_lead_nowhere(url: str) -> None:
    """Nothing but the web and mail is linked to; the place is named."""
    with pytest.raises(IssueError, match=r"^fr\.md:3: "):
        href(url, "fr.md:3")


def test_archive() -> None:
    """The address of an edition on the web, from number and language."""
    assert archive("https://x.example/{number}/{language}", number="35-36", language="ar") == (
        "https://x.example/35-36/ar"
    )
    assert archive("https://x.example/{number}", number="3/5 {language}", language="ar") == (
        "https://x.example/3%2F5%20%7Blanguage%7D"
    )
    assert archive("", number="35", language="fr") == ""

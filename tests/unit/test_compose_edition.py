"""Editions: complete, safe, the same every time, and with a way out for the reader."""

import datetime as dt
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from compose_samples import (
    LANGUAGES,
    LINKS,
    NEWSLETTER,
    article,
    composed,
    issue,
    paragraph,
    quote,
    theme,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from flashback.compose import compose
from flashback.compose.phrases import phrase
from flashback.errors import IssueError
from flashback.model import (
    Article,
    Edition,
    Emphasis,
    Hyperlink,
    Image,
    Issue,
    Items,
    Link,
    Paragraph,
    Section,
    Slot,
    Subheading,
    Text,
)

THEME = theme()
HERE = Path(__file__).parent


def tree(edition: Edition) -> Any:
    return etree.fromstring(edition.html.encode(), etree.HTMLParser(encoding="utf-8"))


def read(root: Any) -> str:
    """What a reader of the HTML reads."""
    return " ".join(str(part) for part in root.find("body").xpath(".//text()"))


def visible(text: str) -> str:
    """Characters that matter: no kinds of spaces, apostrophes, or invisible characters."""
    text = text.replace("’", "'")
    return "".join(c for c in text if c.isprintable() and not c.isspace() and c != "\u034f")


RICH = replace(
    issue(),
    sections=(
        *issue(
            replace(
                article("Premier", quote("« a »")), link=Link(words="", url="https://a.example/")
            )
        ).sections,
        Section(
            title="International",
            introduction=(Subheading((Text("Note"),)), paragraph("Ce mois-ci :")),
            articles=(
                replace(
                    article(
                        "5 ans de l'INDH : le bilan", quote("« (…) Oui. »"), paragraph("Avis.")
                    ),
                    related=(
                        Link(words="Les couacs", url="https://example.org/couacs", note="(Débat)"),
                        Link(words="", url="https://example.org/nu"),
                    ),
                    source="L'Économiste, 2 septembre 2011",
                ),
                article("فلاش باك", quote("نعم"), language="ar"),
                replace(article("Sans lien", paragraph("Seul.")), link=None),
            ),
        ),
        Section(
            title="Brèves",
            articles=(
                replace(article("Une brève", paragraph("Commentaire.")), brief=True, source="AFP"),
                replace(article("Sans", paragraph("Rien.")), brief=True, link=None),
                replace(article("فلاش", paragraph("نعم"), language="ar"), brief=True),
            ),
        ),
        Section(title="Vide"),
    ),
)


def test_structure() -> None:
    """One h1, sections below it, articles below those; numbers run through all sections."""
    root = tree(composed(RICH, THEME))
    assert [e.tag for e in root.iter("h1", "h2", "h3", "h4")] == [
        "h1", "h2", "h2", "h3", "h2", "h3", "h3", "h3", "h3", "h2", "h3", "h3", "h3", "h2",
    ]  # fmt: skip
    assert root.xpath("//ol/@start") == ["1", "2", "5"]
    targets = root.xpath("//a[starts-with(@href, '#')]/@href")
    assert targets == [f"#a{n}" for n in range(1, 8)]
    assert [f"#{e}" for e in root.xpath("//h3/@id")] == targets
    assert root.xpath("count(//blockquote)") == 3
    assert root.get("lang") == "fr"
    assert root.get("dir") == "ltr"
    assert "Lire l’article" in read(root)  # the theme's words where the editor wrote none


def test_layout_tables_are_presentation() -> None:
    """A screen reader hears no tables."""
    assert not tree(composed(RICH, THEME)).xpath("//table[not(@role='presentation')]")


def test_listeners_hear_where_a_link_leads() -> None:
    """The call to action names its article, and arrows are silent."""
    root = tree(composed(RICH, THEME))
    labels = root.xpath("//a[@aria-label]/@aria-label")
    assert "Lire l’article\u00a0: 5 ans de l’INDH\u00a0: le bilan" in labels
    (arrow, *_) = root.xpath("//span[.='→']")
    assert arrow.get("aria-hidden") == "true"


def test_another_language_keeps_its_own_way() -> None:
    """An Arabic article in a French edition is marked, turned and aligned as Arabic."""
    root = tree(composed(RICH, THEME))
    (found, brief) = root.xpath("//div[@lang='ar']")
    assert found.get("dir") == brief.get("dir") == "rtl"
    cell = found.getparent().getparent()
    assert cell.get("align") == "right"
    assert found.xpath(".//blockquote/@class") == ["quote rtl"]
    assert found.xpath(".//span[@aria-hidden]/text()") == ["←"]
    assert "border-right:3px" in found.xpath("string(.//blockquote/@style)")


def test_arabic_edition() -> None:
    """Direction stands on the root, on sections and on columns; French in it keeps its own."""
    french = article("L'UE aide", quote("« a »"))
    value = issue(article("«الأمانة» Oufouq", quote("نعم"), language="ar"), french, language="ar")
    edition = composed(replace(value, title="فلاش باك"), THEME)
    root = tree(edition)
    assert (root.get("lang"), root.get("dir")) == ("ar", "rtl")
    assert edition.direction == "rtl"
    styles = "".join(root.xpath("//@style"))
    assert "direction:rtl" in styles
    assert "direction:ltr" not in styles
    assert root.xpath("//div[@lang='fr']/@dir") == ["ltr"]
    assert root.xpath("string(//h3[@id='a1']/span[@dir='ltr'])") == "Oufouq"
    assert "الجمعة، 2 شتنبر 2011" in read(root)
    assert "letter-spacing" not in edition.html
    assert "uppercase" not in edition.html
    assert "\u2068__FB_READER_ADDRESS__\u2069" in edition.text


def test_links_to_other_editions() -> None:
    """Other editions are linked only where there is an archive, and never the own one."""
    edition = composed(RICH, THEME)
    root = tree(edition)
    assert root.xpath("//a[@hreflang]/@href") == [
        "https://lettre.example.org/35/ar.html",
        "https://lettre.example.org/35/en.html",
    ]
    assert edition.archive_url == "https://lettre.example.org/35/fr.html"
    assert edition.archive_url in edition.text
    bare = compose(
        RICH, THEME, newsletter=NEWSLETTER, links=replace(LINKS, archive=""), languages=LANGUAGES
    )
    assert "hreflang" not in bare.html
    assert "Voir en ligne" not in bare.html + bare.text
    assert bare.archive_url == ""


def test_the_way_out() -> None:
    """HTML and text carry the unsubscribe link and say to whom the mail was sent."""
    edition = composed(RICH, THEME)
    (link,) = tree(edition).xpath(f"//a[@href='{Slot.UNSUBSCRIBE_URL.mark}']")
    assert link.text == "Se désabonner"
    for part in (edition.html, edition.text):
        assert Slot.UNSUBSCRIBE_URL.mark in part
        assert Slot.READER_ADDRESS.mark in part
    assert edition.slots == {Slot.UNSUBSCRIBE_URL, Slot.READER_ADDRESS}


def test_who_publishes() -> None:
    """The issue's publisher goes before the newsletter's; the rest comes from the settings."""
    assert "Centre de microfinance" in composed(RICH, THEME).html
    own = composed(replace(RICH, publisher="Une autre maison"), THEME)
    assert own.publisher == "Une autre maison"
    assert "Centre de microfinance" not in own.html
    assert "10000 Rabat" in own.text
    assert "Vous recevez cette revue" in own.text
    given_reason = replace(NEWSLETTER, reason={"fr": "Parce que !"}, tagline={}, disclaimer={})
    other = compose(RICH, THEME, newsletter=given_reason, links=LINKS, languages=LANGUAGES)
    assert "Parce que\u00a0!" in other.text
    assert "Vous recevez" not in other.text


def test_preheader() -> None:
    """The line beside the subject is hidden in the mail, in a colour that filters can read."""
    edition = composed(RICH, THEME)
    (hidden,) = tree(edition).xpath("//div[@class='preheader']")
    assert hidden.text.startswith("Une ligne d’aperçu\u034f\u200c\u00a0")
    assert "display:none" in hidden.get("style")
    assert f"color:{THEME.tokens['light']['muted']}" in hidden.get("style")
    assert "aperçu" not in edition.text
    without = composed(replace(RICH, preview=""), THEME)
    assert without.preheader.startswith("Premier · 5 ans de l’INDH")


def test_dark_mode_says_so() -> None:
    """Metas announce it; a media query and Outlook's selectors carry it."""
    html = composed(RICH, THEME).html
    assert '<meta name="color-scheme" content="light dark">' in html
    assert "@media (prefers-color-scheme: dark) {" in html
    assert "[data-ogsc] .headline" in html
    assert "[data-ogsb] .card" in html


def test_head_css_fits_gmail() -> None:
    """All CSS of the head stays below 16 kB, in ASCII, without comments or nested at-rules."""
    for language in LANGUAGES:
        styles = re.findall(
            r"<style.*?</style>", composed(issue(language=language), THEME).html, re.DOTALL
        )
        joined = "".join(styles)
        assert len(joined.encode()) < 16_000
        assert joined.isascii()
        assert "/*" not in joined
        assert all(style.count("@media") <= 1 for style in styles)


def test_fonts_are_not_quoted() -> None:
    """A quoted font name would change the quotes around a whole style attribute."""
    for style in tree(composed(RICH, THEME)).xpath("//@style"):
        assert '"' not in style
        assert "'" not in style


def test_text_part_is_complete() -> None:
    """Every link, headline, note and number of the HTML is in the text, in lines of 72."""
    edition = composed(RICH, THEME)
    links = {str(url) for url in tree(edition).xpath("//a/@href") if not str(url).startswith("#")}
    for url in links:
        assert url in edition.text, url
    assert "\n  2. 5 ans de l’INDH\u00a0: le bilan\n" in edition.text
    assert "\n2. 5 ans de l’INDH\u00a0: le bilan\n\n  «\u00a0(…) Oui.\u00a0»\n" in edition.text
    assert "- Les couacs\n  (Débat)\n  https://example.org/couacs\n" in edition.text
    assert "\n- https://example.org/nu\n" in edition.text
    assert edition.text.count("https://example.org/nu") == 1
    for line in edition.text.split("\n"):
        assert line == line.rstrip(" \t")
        assert len(line) <= 72 or " " not in line.strip()
    assert "\r" not in edition.text
    assert edition.text.endswith("\n")
    assert "<" not in edition.text.replace("<https", "")


def test_a_brief_loses_nothing() -> None:
    """Picture, source and related links of a brief stand in the HTML as they do in the text."""
    brief = replace(
        article("Une brève", paragraph("Avis.")),
        brief=True,
        source="AFP",
        image=Image(source="https://example.org/p.png", alt="Une affiche"),
        related=(Link(words="Les couacs", url="https://example.org/couacs", note="(Débat)"),),
    )
    edition = composed(issue(brief), THEME)
    root = tree(edition)
    assert root.xpath("//img/@alt") == ["Une affiche"]
    assert root.xpath("//a[@href='https://example.org/couacs']/text()") == ["Les couacs"]
    for part in (read(root), edition.text):
        for words in ("Source\u00a0: AFP", "Lire aussi", "Les couacs", "(Débat)"):
            assert words in part


def test_the_last_of_several_briefs_has_room_below() -> None:
    """Before an article and at the end of a section, a brief does not touch what follows."""
    brief = replace(article("b", paragraph("x")), brief=True)
    root = tree(composed(issue(brief, brief, article("a"), brief), THEME))
    cells = root.xpath("//td[.//div[@class='short'] and @align and contains(@style, 'padding')]")
    below = [re.search(r"padding:[0-9]+px [0-9]+px ([0-9]+)px", td.get("style")) for td in cells]
    assert [found[1] for found in below if found] == ["6", "18", "18"]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("Lire l'article", "Lire l’article\u00a0:"),
        ("Voir p. 3 :", "Voir p.\u00a03\u00a0:"),
        ("La suite…", "La suite…"),
    ],
)
def test_calls_to_action_in_the_text_part(words: str, line: str) -> None:
    """A colon stands before the address, unless the words end with a mark of their own."""
    asked = replace(article(), link=Link(words=words, url="https://example.org/a"))
    assert f"\n{line}\nhttps://example.org/a\n" in composed(issue(asked), THEME).text


@pytest.mark.parametrize("sections", [0, 1, 2, 3, 5])
def test_any_number_of_sections(sections: int) -> None:
    """Contents stand in one or two columns; an issue without titles or articles is fine, too."""
    parts = tuple(Section(title=f"S{i}", articles=(article(),) * (i + 1)) for i in range(sections))
    root = tree(composed(replace(issue(), sections=parts), THEME))
    labels = [str(text) for text in root.xpath("//p[starts-with(@class, 'label')]/text()")]
    assert labels == [f"S{i}" for i in range(sections)]
    assert len(root.xpath("//ol")) == sections
    assert bool(root.xpath("//h2[@id='contents']")) == bool(sections)


def test_an_issue_without_rubrics() -> None:
    """A section without title has no band."""
    value = replace(issue(), sections=(Section(title="", articles=(article(),)),), introduction=())
    assert "rubric-name" not in composed(value, THEME).html.split("<body")[1]


def test_the_same_in_another_process() -> None:
    """The digest of an edition does not depend on the process or its hash seed."""
    code = (
        "import compose_samples as s; from test_compose_edition import RICH;"
        "print(s.composed(RICH).digest)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(HERE)])}
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**environment, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert digests == {composed(RICH, THEME).digest}


def test_a_language_without_catalogue() -> None:
    """An edition in a language that has no words is refused."""
    with pytest.raises(IssueError, match="no edition in “de”"):
        composed(issue(language="de"), THEME)


def test_nesting_without_end() -> None:
    """A list in a list in a list … ends in a sentence, not in a traceback."""
    block: Paragraph | Items = paragraph("x")
    for depth in range(1, 2000):
        block = Items(((block,),))
        if depth == 30:
            assert composed(issue(article("a", block)), THEME).html.count("<ul") == 30
    with pytest.raises(IssueError, match="nested too deeply"):
        composed(issue(article("a", block)), THEME)


HOSTILE = [
    "<script>alert(1)</script>",
    '" onmouseover="x" title=\'',
    "' onload='x",
    "]]><!-- <![endif]--> <!--[if mso]><script>",
    "{{ 7*7 }} {% include 'x' %} {# x #} {{ self.__init__ }}",
    "&lt;b&gt; &nbsp; &#34; & < > \\ \\u{a0}",
    "__FB_UNSUBSCRIBE_URL__ __FB_X__ __FB___FB_A____",
    "\u202eabc\u202c \u2066x\u2069 \u200f مرحبا",
    "👩‍👩‍👧 \U0001f600 e\u0301 \u00a0\u202f",
    "<mj-raw><script>x</script></mj-raw>",
    "</style></title></div></td></tr></table>",
    "${x} %s %(x)s {0} {x}",
]


def hostile(text: str) -> Issue:
    """An issue that says the text wherever an editor can say something."""
    piece: Article = replace(
        article(text, quote(text), Paragraph((Emphasis((Text(text),)),))),
        source=text,
        link=Link(words=text, url="https://example.org/?q=" + text),
        related=(Link(words=text, url="https://example.org/?r=" + text, note=text),),
    )
    return Issue(
        title=text or "x",
        number=text or "1",
        date=dt.date(2011, 9, 2),
        language="fr",
        subject=text,
        preview=text,
        publisher=text,
        introduction=(paragraph(text),),
        sections=(
            Section(
                title=text,
                introduction=(paragraph(text),),
                articles=(piece, replace(piece, brief=True)),
            ),
        ),
        file="fr.md",
    )


@given(st.sampled_from(HOSTILE) | st.text(max_size=30))
@settings(max_examples=30, deadline=None)
@example("".join(HOSTILE))
def test_hostile_words(text: str) -> None:
    """Whatever an editor types is text: no element, no attribute, no slot comes of it."""
    edition = composed(hostile(text), THEME)
    root = tree(edition)
    assert not list(root.iter("script", "iframe", "object", "form", "input"))
    names = {str(name) for element in root.iter() for name in element.attrib}
    assert not [name for name in names if name.startswith("on")]
    assert names <= {
        "align", "aria-hidden", "aria-label", "aria-roledescription", "border", "cellpadding",
        "cellspacing", "class", "content", "dir", "height", "href", "hreflang", "http-equiv", "id",
        "lang", "media", "name", "role", "start", "style", "type", "valign", "width",
        "xmlns", "xmlns:v", "xmlns:o",
    }  # fmt: skip
    assert edition.slots == {Slot.UNSUBSCRIBE_URL, Slot.READER_ADDRESS}
    assert edition.html.count(Slot.UNSUBSCRIBE_URL.mark) == 1
    wanted = visible(phrase(text, "fr").words)
    assert visible(read(root)).count(wanted) >= 9
    assert visible(edition.text).count(wanted) >= 9
    (headline, *_) = root.xpath("//h3[@id='a1']")
    assert visible("".join(headline.itertext())) == wanted


def test_structure_does_not_depend_on_words() -> None:
    """The same issue with harmless words has the same elements in the same places."""

    def shape(text: str) -> list[object]:
        root = tree(composed(hostile(text), THEME))
        return [e.tag for e in root.iter() if e.get("class") != "gap"]

    assert shape("".join(HOSTILE)) == shape("mot")


def test_hostile_settings() -> None:
    """What stands in flashback.toml is no markup and no slot either."""
    text = "".join(HOSTILE)
    newsletter = replace(
        NEWSLETTER,
        publisher=text,
        postal_address=text,
        tagline={"fr": text},
        reason={"fr": text},
        disclaimer={"fr": text},
    )
    value = replace(issue(), publisher="")
    edition = compose(value, THEME, newsletter=newsletter, links=LINKS, languages=LANGUAGES)
    assert not list(tree(edition).iter("script"))
    assert edition.slots == {Slot.UNSUBSCRIBE_URL, Slot.READER_ADDRESS}


def test_subject_is_the_editor_s() -> None:
    """The subject stays as it was typed, on one line, and is no slot."""
    edition = composed(replace(issue(), subject="L'an 1 :\r\nBcc: x __FB_A__"), THEME)
    assert edition.subject == "L'an 1 : Bcc: x _\u2060_FB_A__"


def test_a_wrong_link_names_its_line() -> None:
    """A link that cannot be sent stops the edition at its place."""
    bad = replace(article(), link=Link(words="x", url="javascript:alert(1)", line=44))
    with pytest.raises(IssueError, match=r"^issues/35/fr.md:44: "):
        composed(issue(bad), THEME)


def test_a_wrong_link_in_a_text_names_its_article() -> None:
    """The same holds for a link among the editor's words."""
    link = Hyperlink((Text("x"),), "ftp://example.org/")
    bad = replace(article("a", Paragraph((link,))), line=40)
    with pytest.raises(IssueError, match=r"^issues/35/fr.md:40: “ftp:"):
        composed(issue(bad), THEME)


def test_size_of_a_long_issue() -> None:
    """Thirty-five articles with excerpts of 450 characters stay below Gmail's 102 kB."""
    text = "« " + "Une enveloppe budgétaire de 1,7 million est mobilisée. " * 8 + "»"
    pieces = tuple(
        article(f"Un titre de longueur moyenne, numéro {i}", quote(text)) for i in range(35)
    )
    assert len(composed(issue(*pieces), THEME).html.encode()) < 102_000


def test_text_is_rendered_without_escaping() -> None:
    """Plain text is plain: nothing is escaped in it."""
    assert "l’un & l’autre <ici>" in composed(issue(article("l'un & l'autre <ici>")), THEME).text

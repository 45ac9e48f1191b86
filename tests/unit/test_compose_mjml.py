"""MJML and premailer: each trap that was measured, and that ours does not fall into it."""

import logging
import re
from typing import Any

import pytest
from compose_samples import composed, issue
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from markupsafe import escape

from flashback.compose.inline import inline_styles, slim
from flashback.compose.mjml import MjmlError, ascii_entities, compile_mjml
from flashback.resources import templates

BODY = "<mjml><mj-head><mj-title>t</mj-title>{head}</mj-head><mj-body>{body}</mj-body></mjml>"
TEXT = "<mj-section><mj-column><mj-text>{}</mj-text></mj-column></mj-section>"
CONDITIONAL = re.compile(r"<!--.*?-->", re.DOTALL)


def compiled(content: str, head: str = "") -> str:
    return compile_mjml(BODY.format(head=head, body=TEXT.format(content)))


def parsed(html: str) -> Any:
    return etree.fromstring(html.encode(), etree.HTMLParser(encoding="utf-8"))


def attribute(html: str, name: str = "title") -> str:
    (found,) = parsed(html).xpath(f"//p/@{name}")
    return str(found)


@pytest.mark.parametrize(
    "value",
    ["a\u00a0b", "12\u202f%", "\u2068Oufouq\u2069", "\u200fx", r"a\b\u{a0}", "é“”", "\U0001f600"],
)
def test_attributes_keep_their_characters(value: str) -> None:
    """No-break spaces, isolates and backslashes come through (mrml prints them for debugging)."""
    assert attribute(compiled(f'<p title="{value}">x</p>')) == value


@pytest.mark.parametrize("quoted", ['"a&#34;b"', '"a&quot;b"', "'a\"b'"])
def test_quotation_marks_stay_in_their_attribute(quoted: str) -> None:
    """A quotation mark cannot end an attribute, however it was written."""
    html = compiled(f"<p title={quoted}>x</p>")
    assert attribute(html) == 'a"b'
    assert set(parsed(html).xpath("//p")[0].attrib) == {"title"}


def test_attributes_on_two_lines() -> None:
    """A line end in a tag is a space."""
    assert attribute(compiled('<p\n\ttitle="a\nb">x</p>')) == "a b"


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=20))
@settings(max_examples=150, deadline=None)
def test_any_attribute(value: str) -> None:
    """Whatever stands in an attribute is read from the mail again."""
    if any(character in value for character in "\ufffe\uffff"):
        return
    found = attribute(compiled(f'<p title="{escape(value)}">x</p>'))
    assert found == value


def test_named_entities() -> None:
    """HTML's names may be used in a template; unknown ones are an error."""
    html = compiled("<p>a&nbsp;b &laquo;&amp;&lt;&LT;</p>")
    assert parsed(html).xpath("string(//p)") == "a\u00a0b «&<<"
    with pytest.raises(MjmlError, match="nobody"):
        compiled("<p>&nobody;</p>")


def test_ascii_only() -> None:
    """What mrml is handed is ASCII without backslashes."""
    source = ascii_entities('<p title="é\\">é\\</p>')
    assert source == '<p title="&#233;&#92;">&#233;&#92;</p>'


@pytest.mark.parametrize("padding", ["0 24px", "24px 0", "1px 0 2px", "0 0"])
def test_a_bare_zero_is_refused(padding: str) -> None:
    """Widths would be computed without such a padding, and a picture would overflow."""
    with pytest.raises(MjmlError, match="0px") as caught:
        compile_mjml(f'<mjml>\n <mj-section padding="{padding}">\n</mjml>')
    assert (caught.value.line, caught.value.column) == (2, 14)


def test_no_template_of_ours_has_one() -> None:
    """The shipped templates are free of it, in all their branches."""
    for path in templates("email").rglob("*.mjml.j2"):
        assert not re.search(r'\bpadding="[^"]*\b0[ "]', path.read_text(encoding="utf-8")), path


@pytest.mark.parametrize("source", ["<p>", "<mjml><a></mjml>", "<p/>", "<mjml>" + "<a>" * 20_000])
def test_what_is_no_mjml(source: str) -> None:
    """It is refused before mrml sees it; depth, too, for mrml's stack would overflow."""
    with pytest.raises(MjmlError) as caught:
        compile_mjml(source)
    assert caught.value.line


def test_no_remote_fonts() -> None:
    """No mail asks Google for a font."""
    html = composed(issue()).html
    assert "fonts.googleapis" not in html
    assert "@import" not in html
    assert "@font-face" not in html
    assert not parsed(html).xpath("//link")


def test_doctype() -> None:
    """The doctype is there, for without it browsers fall back to the nineties."""
    assert composed(issue()).html.startswith("<!DOCTYPE html>\n<html ")


HEAD = """<mj-raw><style>.x { color: red !important; } .a>b { color: red; }
@media print { .x { color: blue !important; } } [data-ogsc] .x { color: red !important; }</style>
</mj-raw>"""


def test_head_styles_stay_as_they_are() -> None:
    """``!important``, media queries, Outlook's selectors: premailer does not touch them."""
    before = compiled('<p class="x">a</p>', HEAD)
    after = inline_styles(before, ".x { color: green; }")
    styles = re.compile(r"<style.*?</style>", re.DOTALL)
    assert [s for s in styles.findall(after) if ".x" in s] == [
        s for s in styles.findall(before) if ".x" in s
    ]
    assert after.count("!important") == before.count("!important") > 3
    assert after.count("@media") == before.count("@media")
    assert '<p class="x" style="color:green">' in after
    assert "data-premailer" not in after


def test_conditional_comments_are_identical() -> None:
    """What Outlook reads is what MJML wrote, octet by octet, before and after."""
    html = compiled('<!--[if mso]><i style="x">&#9668;</i><![endif]--><p class="x">a</p>')
    before = CONDITIONAL.findall(html)
    assert any("<i style" in comment for comment in before)
    after = slim(inline_styles(html, ".x { color: green; }"))
    assert CONDITIONAL.findall(after) == before


def test_all_comments_of_an_issue() -> None:
    """Every comment of a finished mail is a conditional one, and they are balanced."""
    comments = CONDITIONAL.findall(composed(issue()).html)
    assert len(comments) > 20
    assert all("[if" in comment or "[endif]" in comment for comment in comments)
    joined = "".join(comments)
    assert joined.count("[if") == joined.count("[endif]")


def test_basic_attributes_are_not_invented() -> None:
    """No width or bgcolor appears on elements that have none."""
    css = ".x { width: 10px; background-color: #fff; text-align: right; }"
    html = inline_styles(compiled('<p class="x">a</p>'), css)
    assert set(parsed(html).xpath("//p")[0].attrib) == {"class", "style"}


def test_the_network_is_left_alone() -> None:
    """A style sheet somewhere else is not fetched."""
    html = inline_styles(
        '<html><head><link rel="stylesheet" href="http://127.0.0.1:9/x.css"></head><body></body></html>',
        ".a { color: red; }",
    )
    assert "127.0.0.1:9" in html


def test_slim_keeps_what_is_preformatted() -> None:
    """Line ends between words shrink; those of pre, style and comments stay."""
    kept = "<pre>a\n\n  b</pre><!-- a\n\n b --><style>a\n\n b</style>"
    assert slim(f"<p>a  b \n\n   c\u00a0\n</p>{kept}") == f"<p>a  b\nc\u00a0\n</p>{kept}"


def test_a_text_about_premailer() -> None:
    """An editor may write about anything, even about our own marks."""
    html = inline_styles(compiled('<p>a data-premailer="ignore" &lt;style&gt;</p>'), "")
    assert parsed(html).xpath("string(//p)") == 'a data-premailer="ignore" <style>'


def test_cssutils_is_quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Properties that only mail programs know cause no noise."""
    with caplog.at_level(logging.DEBUG):
        composed(issue())
    assert not caplog.records

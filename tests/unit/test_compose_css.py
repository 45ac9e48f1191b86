"""Plain style sheets, read without cssutils: as cssutils reads them, or not at all."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cssutils
import pytest
from compose_samples import LANGUAGES, composed, issue
from hypothesis import example, given, settings
from hypothesis import strategies as st
from premailer.cache import cache as premailers_cache

from flashback.compose import css, inline


def mostly(plain: str, *odd: str) -> st.SearchStrategy[str]:
    """One of the plain words, or now and then an odd one."""
    words = plain.split("|")
    return st.sampled_from([*words * (1 + 8 * len(odd) // len(words)), *odd])


PROPERTIES = mostly(
    "color|margin|font-family|float|src|filter|mso-hide|a|b",
    "Color", "-x", "--x", "a1", "a-", "x_y", "*zoom", "é", "",
)  # fmt: skip
WORDS = mostly(
    "red|Georgia|sans-serif|inherit|UNSET|and|url|progid|U|e|x|0|0px|0%|0em|10|10px|99999px|"
    "1.5|0.05px|10.25em|100%|7px|#ffffff|#aabbcd|#abc|#a0a0a0|#001122",
    "a-", "--a", "é", "010px", "-1px", "+1px", "1.50em", ".5", "1PX", "0pt", "2n", "100000px", "1.",
    "0.0px", "1.001px", "33.333333%", "#FFFFFF", "#aAbbcc", "#ab", "#aabbccdd", "12px/1.5",
    "'Noto'", '"a;b"', "url(a)", "rgb(1,2,3)", "calc(1px + 2px)", "!important", "\\61", "/**/",
)  # fmt: skip
GLUES = mostly(" |, ", "", "  ", " ,", ",", ", ,", "/", "\n", "\f", "\x0b", "\u00a0")
SPACES = mostly("| |\n|\t", "\f", "\x0b", "\x1c", "\u00a0")
VALUES = st.builds(
    lambda first, others: first + "".join(glue + word for glue, word in others),
    WORDS,
    st.lists(st.tuples(GLUES, WORDS), max_size=3),
)
DECLARATIONS = st.builds("{1}{0}{2}:{3}{0}".format, SPACES, PROPERTIES, SPACES, VALUES)
STYLES = st.builds(
    lambda declarations, end: ";".join(declarations) + end,
    st.lists(DECLARATIONS, min_size=1, max_size=4),
    mostly("|;|; ", ";;", "!important", "}", "{"),
)
SELECTORS = mostly(
    ".a|.a.b|.A-b_c1|.a, .b|.a,.b|.a , .b|.a-",
    ".1", "._a", ".a .b", ".a>.b", ".a:hover", "p", "p.a", "#a", "*", "", ".", ".a,", "@page",
)  # fmt: skip
RULES = st.builds("{0}{2}{{{1}}}{2}".format, SELECTORS, STYLES, SPACES)
SHEETS = st.lists(RULES, max_size=3).map("".join) | st.text(".a:;{}!@/* \n#0px", max_size=20)


@contextmanager
def all_by_cssutils() -> Iterator[None]:
    """As if nothing were plain; premailer remembers nothing of it, and did not before."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(css, "_plain_rules", lambda _css: None)
        patch.setattr(css, "_plain_style", lambda _css: None)
        premailers_cache.clear()
        yield
    premailers_cache.clear()


def seen(style: Any) -> list[tuple[str, str, str, str]]:
    """Declarations as premailer sees them: from a rule's style, or from an attribute's."""
    found = list(style)
    assert found == list(style.getProperties())
    return [(p.name, p.value, p.priority, p.propertyValue.cssText) for p in found]


@settings(deadline=None)
@given(STYLES)
@example("color: #ffffff; margin: 0px auto 10px; font-family: Noto Serif, Arial;")
@example("color:red;color:blue")
def test_a_plain_style_is_read_as_cssutils_reads_it(style: str) -> None:
    """Names, values and their order are the same, validated or not."""
    plain = css._plain_style(style)
    if plain is None:
        return
    cssutils.log.setLevel(logging.CRITICAL)
    for validate in (True, False):
        assert seen(plain) == seen(cssutils.parseStyle(style, validate=validate))


@settings(deadline=None)
@given(SHEETS)
@example(".a { color: #ffffff; }\n.b.c, .d { margin: 0px auto 10px }\n")
def test_plain_rules_are_read_as_cssutils_reads_them(sheet: str) -> None:
    """Selectors, declarations and the order of the rules are the same."""
    plain = css._plain_rules(sheet)
    if plain is None:
        return
    cssutils.log.setLevel(logging.CRITICAL)
    rules = list(cssutils.parseString(sheet, validate=False))
    assert all(r.type == r.STYLE_RULE for r in rules)
    assert all((r.STYLE_RULE, r.MEDIA_RULE) == (p.STYLE_RULE, p.MEDIA_RULE)
               for r, p in zip(rules, plain, strict=True))  # fmt: skip
    assert [(r.type, r.selectorText, seen(r.style)) for r in rules] == [
        (p.type, p.selectorText, seen(p.style)) for p in plain
    ]


@pytest.mark.parametrize(
    "sheet",
    [
        "p { color: red; }", ".a:hover { color: red; }", "@media print { .a { color: red; } }",
        ".a { color: red !important; }", ".a { font-family: 'Noto Serif'; }", ".a { }",
        ".a { color: red; /* why */ }", ".a { width: calc(1px + 2px); }", ".a { color: red;",
        ".a { color: red; color: blue; }", ".a { line-height: 1.50; }", "} .a { color: red; }",
    ],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_cssutils(sheet: str) -> None:
    """Who reads only a part of the language takes nothing that it might read wrong."""
    assert css._plain_rules(sheet) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_edition_is_the_same_either_way(language: str) -> None:
    """With the shipped theme, to the octet."""
    with all_by_cssutils():
        by_cssutils = composed(issue(language=language)).html
    assert by_cssutils.count("style=") > 50
    assert composed(issue(language=language)).html == by_cssutils


def test_a_sheet_that_is_not_plain_works_as_ever(caplog: pytest.LogCaptureFixture) -> None:
    """It is read by cssutils, without noise; what cannot be an attribute stays a style sheet."""
    sheet = (
        ".x { color: red !important; zoom: 1.0 } .x:hover { color: blue }"
        " @media print { .x { a: b } }"
    )
    page = "<!DOCTYPE html><html><head></head><body><p class='x'>a</p></body></html>"
    with caplog.at_level(logging.DEBUG):
        html = inline.inline_styles(page, sheet)
    assert 'style="zoom:1;color:red !important"' in html
    assert ".x:hover {color:blue !important}" in html
    assert "@media print" in html
    assert not caplog.records


def test_composing_an_edition_does_not_load_cssutils() -> None:
    """The shipped theme and MJML's own styles are plain; others still get the real library."""
    program = (
        "import sys; from compose_samples import composed, issue\n"
        "from flashback.compose import css; assert not hasattr(css, '__path__')\n"
        "assert composed(issue()).html; assert 'cssutils' not in sys.modules\n"
        "import cssutils; assert cssutils.parseStyle('a:b').cssText"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True,
        cwd=Path(__file__).parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr

"""Style into attributes: only rules that may match are parsed, and nothing can be fetched."""

import subprocess
import sys

import pytest
from compose_samples import composed, issue, theme
from hypothesis import given
from hypothesis import strategies as st

from flashback.compose import inline

NAMES = st.sampled_from(["a", "b", "c-d", "e_f", "title", "lead"])
SELECTORS = st.lists(
    st.lists(NAMES, min_size=1, max_size=2).map(lambda names: "".join(f".{n}" for n in names)),
    min_size=1,
    max_size=2,
).map(" ".join)
RULES = st.lists(
    st.tuples(st.lists(SELECTORS, min_size=1, max_size=2).map(", ".join), st.integers(0, 9)),
    max_size=6,
).map(lambda rules: "\n".join(f"{s} {{ padding: {n}px; }}" for s, n in rules))
PAGES = st.lists(
    st.lists(NAMES, max_size=2).map(lambda n: f'<p class="{" ".join(n)}">x <b class="a">y</b></p>'),
    max_size=4,
).map(lambda p: f"<!DOCTYPE html><html><head></head><body>{''.join(p)}</body></html>")


@given(PAGES, RULES)
def test_rules_left_out_would_have_matched_nothing(page: str, css: str) -> None:
    """The result is the one of all rules."""
    fewer = inline.inline_styles(page, css)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inline, "used", lambda css, _html: css)
        assert inline.inline_styles(page, css) == fewer


def test_half_of_the_themes_rules_are_not_parsed() -> None:
    """An edition has one direction; the rules of the other are left out."""
    css = "\n".join(f".{way} {{ color: #{n}{n}{n}; }}" for n, way in enumerate(("ltr", "rtl"), 1))
    html = composed(issue(), theme()).html
    assert ".rtl" not in inline.used(css, html)
    assert ".ltr" in inline.used(css, html)


def test_a_sheet_with_at_rules_is_taken_whole() -> None:
    """What is not a plain list of rules is premailer's to read."""
    css = "@media print { .a { color: red; } } .b { color: red; }"
    assert inline.used(css, "<p></p>") == css


def test_composing_cannot_fetch_anything() -> None:
    """The library that asks the web is not even loaded, and others still get the real one."""
    program = (
        "import sys, flashback.compose; assert 'requests' not in sys.modules;"
        " import requests; assert requests.get"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr

"""The reader's pages as text: three languages, one look, nothing that could do harm."""

import base64
import hashlib
import re
import tomllib
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashback import resources
from flashback.config import NewsletterConfig
from flashback.model import EDITION_LANGUAGES
from flashback.web.pages import Kind, Pages

TEMPLATES = resources.templates("web")
KINDS: tuple[Kind, ...] = get_args(Kind)


LETTER = NewsletterConfig(name="Flash-back", sender="f@example.org", list_id="f.example.org")
PAGES = Pages(TEMPLATES, LETTER)


def test_each_language_says_the_same_things() -> None:
    """Nobody reads less because of the language they read."""
    words = {
        language: tomllib.loads((TEMPLATES / "words" / f"{language}.toml").read_text("utf-8"))
        for language in EDITION_LANGUAGES
    }
    shapes = {
        language: {kind: sorted(texts) for kind, texts in tables.items()}
        for language, tables in words.items()
    }
    assert set(shapes["fr"]) == set(KINDS)
    assert shapes["fr"] == shapes["ar"] == shapes["en"]


@pytest.mark.parametrize("language", EDITION_LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_asks_nothing_of_anybody(kind: Kind, language: str) -> None:
    """No script, no picture, no link, no address of another site; one title, one direction."""
    html = PAGES.page(kind, language=language, address="n***@example.org")
    assert not re.search(r"<script|<img|<link|<a |https?:|javascript:|\son\w+=", html)
    assert html.count("<h1>") == 1
    assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}">' in html
    assert "{" not in html.partition("</style>")[2]
    assert ("<form" in html) == (kind == "ask")


def test_the_policy_names_the_very_style_of_the_page() -> None:
    """A browser that keeps the policy shows the page as it was drawn."""
    html = PAGES.page("ask", language="fr", address="n***@example.org")
    found = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert found
    digest = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
    assert PAGES.style_source == f"'sha256-{digest}'"


@settings(max_examples=100, deadline=None)
@given(name=st.text(min_size=1), address=st.text())
def test_names_are_words_and_never_markup(name: str, address: str) -> None:
    """Whatever a newsletter or an address is called, the page has the same elements."""
    plain = PAGES.page("ask", language="en", address="n***@example.org")
    html = Pages(TEMPLATES, replace(LETTER, name=name, publisher="p")).page(
        "ask", language="en", address=address
    )
    with_publisher = [*elements(plain)[:-2], "<div", "</div", *elements(plain)[-2:]]
    assert sorted(elements(html)) == sorted(with_publisher)


def elements(html: str) -> list[str]:
    return re.findall(r"</?[a-z!]+", html.partition("</style>")[2])


@pytest.mark.parametrize(
    ("wanted", "accepted", "spoken"),
    [
        ("ar", "en", "ar"),
        ("ar-MA", "", "ar"),
        ("", "en-GB,en;q=0.9,fr;q=0.8", "en"),
        ("es", "de, AR ;q=0.5", "ar"),
        ("", "de-DE,*;q=0.1", "fr"),
        ("", "", "fr"),
    ],
)
def test_the_page_speaks_the_readers_language(wanted: str, accepted: str, spoken: str) -> None:
    """The reader's own language first, then the browser's, then the newsletter's."""
    assert PAGES.language(wanted, accepted) == spoken


def test_a_newsletter_in_a_language_without_words_still_has_pages() -> None:
    """A newsletter may be in Spanish; its pages then speak French."""
    pages = Pages(TEMPLATES, replace(LETTER, language="es"))
    assert pages.language("es", "es") == "fr"


@settings(max_examples=200, deadline=None)
@given(wanted=st.text(), accepted=st.text())
def test_any_header_finds_a_language(wanted: str, accepted: str) -> None:
    """A browser may say what it likes."""
    assert PAGES.language(wanted, accepted) in EDITION_LANGUAGES


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_wear_the_colours_of_the_mail(scheme: str) -> None:
    """A reader who comes from a mail sees the same house."""
    tokens = tomllib.loads((resources.templates("email") / "tokens.toml").read_text("utf-8"))
    css = (TEMPLATES / "style.css").read_text("utf-8")
    block = css.split(":root {")[1 if scheme == "light" else 2].split("}")[0]
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))
    colours.pop("button-ink")
    assert len(colours) > 10
    assert colours == {name: tokens[scheme][name.replace("-", "_")] for name in colours}

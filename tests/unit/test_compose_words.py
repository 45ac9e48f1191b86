"""Words, plurals and dates: our small tables against Unicode's large ones."""

import datetime as dt
from pathlib import Path

import pytest
from babel import Locale
from babel.dates import format_date
from compose_samples import theme
from hypothesis import given, settings
from hypothesis import strategies as st

from flashback.compose.words import PLURALS
from flashback.errors import TemplateError

BABEL = {"fr": "fr_MA", "ar": "ar_MA", "en": "en_GB"}
PATTERN = {"fr": "EEEE d MMMM y", "ar": "EEEE، d MMMM y", "en": "EEEE d MMMM y"}
THEME = theme()


@pytest.mark.parametrize("language", ["fr", "ar", "en"])
@given(st.integers(min_value=0, max_value=999_999))
@settings(max_examples=300, deadline=None)
def test_plurals_are_unicode_s(language: str, number: int) -> None:
    """The category of any count is the one CLDR gives."""
    categories, rule = PLURALS[language]
    assert rule(number) == Locale.parse(BABEL[language]).plural_form(number)
    assert rule(number) in categories


@pytest.mark.parametrize("language", ["fr", "ar", "en"])
def test_dates_are_unicode_s(language: str) -> None:
    """Every day of a year reads as Babel writes it, but for the French "1er"."""
    for day in range(366):
        date = dt.date(2012, 1, 1) + dt.timedelta(days=day)
        wanted = format_date(date, PATTERN[language], locale=BABEL[language])
        if language == "fr":
            wanted = wanted.replace(" 1 ", " 1er ")
        told = THEME.words[language].date(date).words
        assert told.replace("\u00a0", " ") == wanted


def test_dates_as_printed() -> None:
    """The date of the example, in the three languages."""
    date = dt.date(2011, 9, 2)
    told = {language: THEME.words[language].date(date).words for language in BABEL}
    assert told == {
        "fr": "vendredi 2\u00a0septembre 2011",
        "ar": "الجمعة، 2 شتنبر 2011",
        "en": "Friday 2 September 2011",
    }


@pytest.mark.parametrize(
    ("language", "number", "words"),
    [
        ("fr", 0, "0 article"),
        ("fr", 1, "1 article"),
        ("fr", 11, "11 articles"),
        ("en", 1, "1 article"),
        ("en", 0, "0 articles"),
        ("ar", 2, "مقالان"),
        ("ar", 8, "8 مقالات"),
        ("ar", 11, "11 مقالاً"),
        ("ar", 100, "100 مقال"),
    ],
)
def test_counts(language: str, number: int, words: str) -> None:
    """A count picks its form."""
    assert THEME.words[language]("articles", count=number).words == words


def test_the_three_catalogues_say_the_same_things() -> None:
    """A word that one language has, all have, with the same fields."""
    french, arabic, english = (THEME.words[language].entries for language in ("fr", "ar", "en"))
    assert set(french) == set(arabic) == set(english)
    for key, word in french.items():
        assert word.fields == arabic[key].fields == english[key].fields, key


def write(folder: Path, name: str, text: str) -> Path:
    """A workspace with one file of its own."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return folder


def test_one_word_is_overridden(tmp_path: Path) -> None:
    """A workspace's catalogue holds only what it changes."""
    own = theme(write(tmp_path, "words/fr.toml", 'contents = "Dans ce numéro"\n'))
    assert str(own.words["fr"]["contents"]) == "Dans ce numéro"
    assert str(own.words["fr"]["unsubscribe"]) == "Se désabonner"
    assert str(own.words["en"]["contents"]) == "In this issue"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('contens = "x"', "contens.*Did you mean “contents”"),
        ('zzzzzzzzzzzzzz = "x"', "zzzzzz.*Known there"),
        ("contents = 3", "contents must be a text"),
        ('articles = "{count} articles"', "articles must be a table of plural forms"),
        ('[articles]\nother = "{count}"', "articles.one must be a text"),
        ('[articles]\none = "1"\nother = "n"\nfew = "f"', "articles.few"),
        ('[contents]\none = "a"\nother = "b"', "contents must be one text"),
        ('issue_number = "N° {numero}"', "numero.*Did you mean.*number"),
        ('contents = "{x}"', "contents: {x}.*Known there: -"),
        ('contents = "a { b"', "braces"),
        ('months = ["janvier"]', "months must be a list of 12 texts"),
        ("weekdays = [1, 2, 3, 4, 5, 6, 7]", "weekdays must be a list of 7 texts"),
        ("contents = ", "not valid TOML"),
    ],
)
def test_a_wrong_word_is_found_at_load(tmp_path: Path, text: str, said: str) -> None:
    """A hole in the catalogue is an error that names file and key, never a hole in the mail."""
    folder = write(tmp_path, "words/fr.toml", text)
    with pytest.raises(TemplateError, match=f"(?s)fr.toml.*{said}") as caught:
        theme(folder)
    assert str(caught.value.hint)


def test_a_word_of_one_s_own(tmp_path: Path) -> None:
    """A new word is welcome once a template says it, and then every language needs it."""
    write(tmp_path, "partials/introduction.mjml.j2", "<mj-raw><p>{{ words.hello }}</p></mj-raw>")
    folder = write(tmp_path, "words/fr.toml", 'hello = "Bonjour !"')
    with pytest.raises(TemplateError, match=r"introduction.mjml.j2:1: “hello” is not in words/ar"):
        theme(folder)
    write(folder, "words/ar.toml", 'hello = "مرحبا"')
    write(folder, "words/en.toml", 'hello = "Hello!"')
    assert str(theme(folder).words["fr"]["hello"]) == "Bonjour\u00a0!"

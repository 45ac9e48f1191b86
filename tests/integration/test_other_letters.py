"""Issues in other teams' styles: nothing that their authors wrote is lost from HTML or text.

Words and links are taken from the file as it was typed, by rules that know nothing of the
program's own reading.
"""

import html
import re
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from flashback import config
from flashback.compose import compose, load_theme
from flashback.issues import read_issues
from flashback.model import Edition, Issue
from flashback.preflight import look
from flashback.resources import example_settings, templates

LETTERS = Path(__file__).parents[1] / "corpus" / "issues"
SETTINGS = config.load(example_settings())
THEME = load_theme(templates=templates("email"))
URL = re.compile(r"\]\(((?:[^()\s]|\([^()\s]*\))+)\)")
WORD = re.compile(r"\w+")


def typed(path: Path) -> str:
    """The body of the file, below its header."""
    return path.read_text(encoding="utf-8").split("\n---\n", 1)[1]


def words(text: str) -> Counter[str]:
    return Counter(WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def words_typed(body: str) -> Counter[str]:
    """All words, without addresses, keys and the signs of Markdown."""
    text = URL.sub("] ", body)
    text = re.sub(r"^(?:source ?:|langue ?: \w+$)", "", text, flags=re.MULTILINE)
    # "Read also" and the numbers of a list may be said in the theme's own way.
    text = re.sub(r"^(Lire aussi|See also) ?:|^\d+\.(?= )", "", text, flags=re.MULTILINE)
    return words(text.replace("`", "").replace("*", "").replace("\\|", "|"))


def words_shown(markup: str) -> Counter[str]:
    """What a browser shows of the body, or says in place of a picture."""
    body = re.sub(r"<!--.*?-->|<head>.*?</head>", " ", markup, flags=re.DOTALL)
    body = re.sub(r'<img[^>]*?alt="([^"]*)"[^>]*>', r" \1 ", body)
    body = re.sub(r"</?(?:a|b|bdi|code|em|i|span|strong)\b[^>]*>", "", body)
    return words(html.unescape(re.sub(r"<[^>]*>", " ", body)))


@pytest.fixture(params=sorted(LETTERS.glob("*.md")), ids=lambda path: path.name)
def path(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


def composed(path: Path) -> tuple[Issue, Edition]:
    (reading,) = read_issues(path, language="en")
    assert reading.issue
    edition = compose(
        reading.issue, THEME, newsletter=SETTINGS.newsletter, links=SETTINGS.links,
        languages=(reading.issue.language,),
    )  # fmt: skip
    return reading.issue, edition


def test_there_are_letters() -> None:
    """Lists of links, an essay with code and pictures, tables."""
    assert len(list(LETTERS.glob("*.md"))) >= 3


def test_no_word_is_lost(path: Path) -> None:
    """Every word stands in both parts at least as often as it was typed."""
    _, edition = composed(path)
    body = words_typed(typed(path))
    assert sum(body.values()) > 60
    assert body - words(edition.text) == Counter()
    assert body - words_shown(edition.html) == Counter()


def test_no_link_is_lost(path: Path) -> None:
    """Every address stands in both parts, pictures in the HTML."""
    _, edition = composed(path)
    urls = URL.findall(typed(path))
    assert len(urls) >= 4
    markup = html.unescape(edition.html)
    assert [url for url in urls if url not in markup] == []
    pictures = re.compile(r"\.(?:png|jpg)$")
    assert [url for url in urls if url not in edition.text and not pictures.search(url)] == []


def test_nothing_is_said_against_them(path: Path) -> None:
    """Neither the reading nor the last look finds fault with an ordinary letter."""
    (reading,) = read_issues(path, language="en")
    assert reading.findings == ()
    assert look(*composed(path)) == ()

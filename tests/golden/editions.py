"""The three editions of the example issue, as the golden files hold them."""

from collections.abc import Iterator
from pathlib import Path

from flashback.compose import compose, load_theme
from flashback.config import LinksConfig, NewsletterConfig
from flashback.issues import read_issues
from flashback.model import Edition
from flashback.resources import example_issue, templates

HERE = Path(__file__).parent

NEWSLETTER = NewsletterConfig(
    name="Flash-back",
    sender="revue@flash-back.example",
    list_id="flash-back.example",
    postal_address="12, rue des Exemples, 10000 Rabat",
    tagline={
        "fr": "La revue de presse de la microfinance, au Maroc et dans le monde",
        "ar": "مجلة الصحافة حول التمويل الأصغر في المغرب والعالم",
        "en": "The press review of microfinance, in Morocco and around the world",
    },
    disclaimer={
        "fr": "Les articles cités n’engagent que leurs auteurs.",
        "ar": "المقالات المقتبسة لا تُلزم إلا أصحابها.",
        "en": "The articles quoted commit their authors only.",
    },
)
LINKS = LinksConfig(
    unsubscribe="https://flash-back.example/u/{token}",
    archive="https://flash-back.example/{number}/{language}.html",
)


def editions() -> Iterator[Edition]:
    """Compose the example issue once per language, with the shipped theme."""
    issues = [reading.issue for reading in read_issues(example_issue()) if reading.issue]
    theme = load_theme(templates=templates("email"))
    languages = tuple(issue.language for issue in issues)
    for issue in issues:
        yield compose(issue, theme, newsletter=NEWSLETTER, links=LINKS, languages=languages)


def files_of(edition: Edition) -> dict[Path, str]:
    """The golden files of one edition, and what they should hold."""
    return {
        HERE / f"{edition.language}.html": edition.html,
        HERE / f"{edition.language}.txt": edition.text,
    }

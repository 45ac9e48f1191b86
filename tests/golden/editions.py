"""The three editions of the example issue, as the golden files hold them."""

from collections.abc import Iterator
from pathlib import Path

from flashback import config
from flashback.compose import compose, load_theme
from flashback.issues import read_issues
from flashback.model import Edition
from flashback.resources import example_issue, example_settings, templates

HERE = Path(__file__).parent

SETTINGS = config.load(example_settings())


def editions() -> Iterator[Edition]:
    """Compose the example issue once per language, with the shipped theme."""
    issues = [reading.issue for reading in read_issues(example_issue()) if reading.issue]
    theme = load_theme(templates=templates("email"))
    languages = tuple(issue.language for issue in issues)
    for issue in issues:
        yield compose(
            issue, theme, newsletter=SETTINGS.newsletter, links=SETTINGS.links, languages=languages
        )


def files_of(edition: Edition) -> dict[Path, str]:
    """The golden files of one edition, and what they should hold."""
    return {
        HERE / f"{edition.language}.html": edition.html,
        HERE / f"{edition.language}.txt": edition.text,
    }

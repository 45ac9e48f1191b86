"""The three editions of the example issue, as the golden files hold them."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

from flashback import config
from flashback.compose import compose, load_theme
from flashback.issues import read_issues
from flashback.mime import Sender, build
from flashback.model import Address, Claim, Edition
from flashback.resources import example_issue, example_settings, templates
from flashback.tokens import SigningKey

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


def message(edition: Edition) -> bytes:
    """The message that one reader gets, on a day and with a key that never change."""
    sender = Sender.of(
        SETTINGS, key=SigningKey(bytes(16)), date=dt.datetime(2011, 9, 2, 9, tzinfo=dt.UTC)
    )
    claim = Claim(
        delivery_id=1, mailing_id=1, subscriber_id=1, name="Nadia", language=edition.language,
        address=Address(mailbox="nadia@example.org", key="nadia@example.org"),
        edition_digest=edition.digest, attempt=1, owner="",
    )  # fmt: skip
    return build(edition, claim, sending=sender).content


def files_of(edition: Edition) -> dict[Path, bytes]:
    """The golden files of one edition, and what they should hold."""
    return {
        HERE / f"{edition.language}.html": edition.html.encode(),
        HERE / f"{edition.language}.txt": edition.text.encode(),
        HERE / f"{edition.language}.eml": message(edition),
    }

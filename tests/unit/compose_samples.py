"""Issues and settings made by hand, for the tests of the room ``compose``."""

import datetime as dt
from pathlib import Path

from flashback.compose import Theme, compose, load_theme
from flashback.config import LinksConfig, NewsletterConfig
from flashback.model import (
    Article,
    Block,
    Edition,
    Issue,
    Link,
    Paragraph,
    Quotation,
    Section,
    Text,
)
from flashback.resources import templates

NEWSLETTER = NewsletterConfig(
    name="Flash-back",
    sender="revue@example.org",
    list_id="flash-back.example.org",
    publisher="Centre de microfinance",
    postal_address="12, rue des Exemples\n10000 Rabat",
    tagline={
        "fr": "La revue de presse de la microfinance, au Maroc et dans le monde",
        "ar": "مجلة التمويل الأصغر في المغرب والعالم",
        "en": "The microfinance press review, in Morocco and beyond",
    },
    disclaimer={
        "fr": "Les articles n'expriment que la vue de leur source.",
        "ar": "المقالات لا تعبّر إلا عن رأي مصادرها.",
        "en": "Articles express the views of their sources only.",
    },
)
LINKS = LinksConfig(
    unsubscribe="https://lettre.example.org/u/{token}",
    archive="https://lettre.example.org/{number}/{language}.html",
)
LANGUAGES = ("fr", "ar", "en")


def theme(overrides: Path | None = None) -> Theme:
    """The shipped theme, with a workspace's own files where given."""
    return load_theme(templates=templates("email"), overrides=overrides)


def quote(text: str) -> Quotation:
    """An excerpt of one paragraph."""
    return Quotation((Paragraph((Text(text),)),))


def paragraph(text: str) -> Paragraph:
    """A paragraph of the editor."""
    return Paragraph((Text(text),))


def article(
    headline: str = "Afrique : Six banques nominées", *blocks: Block, language: str = "fr"
) -> Article:
    """An article with a link."""
    return Article(
        headline=headline,
        language=language,
        blocks=blocks or (quote("« (…) L'année est à 12 % ; c'est « dit »."),),
        link=Link(words="Lire l'article", url="https://example.org/afrique?a=1&b=2"),
    )


def issue(*articles: Article, language: str = "fr", title: str = "Flash-back") -> Issue:
    """An issue of one section."""
    return Issue(
        title=title,
        number="35",
        date=dt.date(2011, 9, 2),
        language=language,
        subject=f"{title} n° 35",
        preview="Une ligne d'aperçu",
        introduction=(paragraph("Une introduction : la voici."),),
        sections=(Section(title="Maroc", articles=articles or (article(),)),),
        file="issues/35/fr.md",
    )


def composed(value: Issue, use: Theme | None = None) -> Edition:
    """The edition of an issue with the sample settings."""
    return compose(value, use or theme(), newsletter=NEWSLETTER, links=LINKS, languages=LANGUAGES)

"""An edition for paper: one HTML document that carries its own style, for a program that prints."""

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from flashback.archive.environment import environment_of, made
from flashback.archive.places import Places
from flashback.archive.sheets import Sheet
from flashback.archive.site import Newsletter


def paper(
    sheet: Sheet, places: Places, newsletter: Newsletter, *, templates: Sequence[Path]
) -> str:
    """The document; its pictures are named as on the page. Raises TemplateError."""
    environment = environment_of(templates)
    body = made(environment, "body.html.j2", {"issue": sheet.view, "words": sheet.words})
    return made(
        environment,
        "print.html.j2",
        {
            "sheet": sheet,
            "newsletter": newsletter,
            "tagline": newsletter.taglines.get(sheet.language, ""),
            "url": places.url(places.page(sheet.number, sheet.language)),
            "style": Markup(made(environment, "print.css.j2", {"tokens": newsletter.tokens})),  # noqa: S704
            "body": Markup(body),  # noqa: S704  # made by a template, escaped there
        },
    )

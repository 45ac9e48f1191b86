"""Pages for readers: one layout, a few words in three languages, no script, nothing from outside.

Everything is read and compiled when it is made, so that a request cannot meet a broken template.
"""

import base64
import hashlib
import tomllib
from pathlib import Path
from typing import Final, Literal

import jinja2
from markupsafe import Markup, escape

from flashback.config import NewsletterConfig
from flashback.model import EDITION_LANGUAGES, direction_of

#: What there is to say; each is a table of ``templates/web/words/*.toml``.
Kind = Literal["ask", "left", "nobody", "missing", "refused", "failed"]

_ADDRESS: Final = Markup('<bdi dir="ltr">{}</bdi>')
_NAME: Final = Markup("<bdi>{}</bdi>")


class Pages:
    """All pages of one newsletter."""

    def __init__(self, templates: Path, newsletter: NewsletterConfig) -> None:
        self._newsletter = newsletter
        self._page = _environment(templates).get_template("page.html.j2")
        self._style = Markup((templates / "style.css").read_text(encoding="utf-8"))  # noqa: S704  # our own file
        self._words = {
            language: tomllib.loads(
                (templates / "words" / f"{language}.toml").read_text(encoding="utf-8")
            )
            for language in EDITION_LANGUAGES
        }

    @property
    def style_source(self) -> str:
        """The style sheet as a Content-Security-Policy names it, by its hash."""
        digest = hashlib.sha256(self._style.encode()).digest()
        return f"'sha256-{base64.b64encode(digest).decode()}'"

    def language(self, wanted: str, accepted: str) -> str:
        """The language to speak: the reader's, else the browser's (Accept-Language), else ours.

        Browsers name their languages in order of preference, so the order decides.
        """
        browsers = (part.partition(";")[0] for part in accepted.split(","))
        ours = (self._newsletter.language, EDITION_LANGUAGES[0])
        primaries = (t.strip().partition("-")[0].lower() for t in (wanted, *browsers, *ours))
        return next(language for language in primaries if language in EDITION_LANGUAGES)

    def page(self, kind: Kind, *, language: str, address: str = "") -> str:
        """One page as HTML. ``language`` is one that ``language`` answered."""
        letter = self._newsletter
        fields = {"name": _NAME.format(letter.name), "address": _ADDRESS.format(address)}
        words = self._words[language][kind]
        return self._page.render(
            words={key: escape(text).format(**fields) for key, text in words.items()},
            name=letter.name,
            tagline=letter.tagline.get(language, ""),
            publisher=letter.publisher,
            language=language,
            direction=direction_of(language),
            style=self._style,
        )


def _environment(templates: Path) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

"""A phrase: words set in one language, to be read as HTML or as plain text.

In a template, ``{{ phrase }}`` gives markup where the template makes markup and characters where
it makes text; ``phrase.plain`` is for attributes, titles and preheaders.
"""

from dataclasses import dataclass

from markupsafe import Markup

from flashback.compose import typography


@dataclass(frozen=True, slots=True)
class Phrase:
    """Typeset words on one line."""

    words: str  #: typeset, neither escaped nor isolated
    language: str

    @property
    def plain(self) -> str:
        """For attributes and plain text; Latin runs are isolated by invisible characters."""
        return typography.isolate(self.words, self.language)

    def __html__(self) -> Markup:
        return typography.markup(self.words, self.language)

    def __str__(self) -> str:
        return self.plain

    def __bool__(self) -> bool:
        return bool(self.words)


def phrase(text: str, language: str) -> Phrase:
    """Set what an editor typed. It can never become a slot."""
    words = typography.typeset(typography.clean(text), language)
    return Phrase(typography.disarm(words), language)

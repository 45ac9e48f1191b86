"""Issue to Edition: typography, templates, MJML, inlined styles, and a plain text of its own."""

from flashback.compose.edition import compose, typeset
from flashback.compose.theme import Theme, load_theme

__all__ = ["Theme", "compose", "load_theme", "typeset"]

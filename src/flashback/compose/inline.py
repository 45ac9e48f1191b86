"""Class rules of a style sheet into ``style`` attributes, and white space out.

premailer works on a tree here: given text it loses the doctype, for MJML writes it in small
letters. MJML's own ``<style>`` elements are kept as they are, ``!important`` and all.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Final

from lxml import etree

from flashback.compose import css as css_module


@contextmanager
def _standing_in(modules: Mapping[str, ModuleType]) -> Iterator[None]:
    """Give other modules for some names to whoever is loaded meanwhile."""
    kept = {name: sys.modules[name] for name in modules if name in sys.modules}
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name in modules:
            del sys.modules[name]
        sys.modules.update(kept)


# premailer would load requests for style sheets on the web, and we have none: so it cannot fetch
# anything. It would load cssutils for the others, which few of ours need.
with _standing_in({"requests": ModuleType("requests"), "cssutils": css_module}):
    from premailer import Premailer

_STYLE: Final = re.compile(r"<style(?=[\s>])")
_IGNORED: Final = '<style data-premailer="ignore"'
#: What slimming leaves alone: conditional comments, preformatted text, style sheets.
_KEPT: Final = re.compile(r"(<!--.*?-->|<pre\b.*?</pre>|<style\b.*?</style>)", re.DOTALL)
#: A rule of a style sheet; one with at-rules is taken whole.
_RULE: Final = re.compile(r"([^{}]+)\{[^{}]*\}")
_CLASS: Final = re.compile(r"\.(-?[_a-zA-Z][\w-]*)")
_CLASSES: Final = re.compile(r"""\bclass=["']([^"']*)["']""")
_INDENT: Final = re.compile(r"[ \t]*\n[ \t\n]*")


def inline_styles(html: str, css: str) -> str:
    """Put the rules of ``css`` (classes only) on the elements they match."""
    marked = _STYLE.sub(_IGNORED, html)
    tree = etree.fromstring(marked.encode(), etree.HTMLParser(encoding="utf-8"))
    root = Premailer(
        css_text=[used(css, html)],
        keep_style_tags=False,
        disable_leftover_css=False,
        strip_important=False,
        disable_validation=True,
        allow_network=False,
        allow_loading_external_files=False,
        align_floating_images=False,
        remove_unset_properties=True,
        exclude_pseudoclasses=True,
        cache_css_parsing=True,
        disable_basic_attributes=["align", "valign", "width", "height", "bgcolor"],
    ).transform(tree, pretty_print=False)
    for element in root.iter():
        if style := element.get("style"):
            element.set("style", style.replace("; ", ";"))
    text = etree.tostring(root, method="html", encoding="unicode", doctype="<!DOCTYPE html>")
    return str(text).replace(_IGNORED, "<style")


def used(css: str, html: str) -> str:
    """The rules that may match something; to parse a rule takes longer than to see that."""
    if "@" in css:
        return css
    there = {name for names in _CLASSES.findall(html) for name in names.split()}
    rules = (rule for rule in _RULE.finditer(css) if _may_match(rule[1], there))
    return "\n".join(rule[0].strip() for rule in rules)


def _may_match(selectors: str, there: set[str]) -> bool:
    return any(there.issuperset(_CLASS.findall(one)) for one in selectors.split(","))


def slim(html: str) -> str:
    """Shorten runs of white space with a line end to that line end."""
    parts = _KEPT.split(html)
    for i in range(0, len(parts), 2):
        parts[i] = _INDENT.sub("\n", parts[i])
    return "".join(parts)

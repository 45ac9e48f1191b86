"""Style sheets for premailer: plain ones are read here, all others by cssutils.

This module stands in cssutils' place in premailer, and has what premailer asks of it under the
same names. To load cssutils takes longer than to typeset an edition, and the sheets of a mail are
nearly always plain: rules for classes, with values of words, numbers and colours. What is
taken here cssutils takes as well, and alike; a test holds the two against each other.
"""

import logging
import re
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

_SPACE: Final = " \t\n"
_SELECTOR: Final = re.compile(r"(?:\.[A-Za-z][A-Za-z0-9_-]*)+")
_PROPERTY: Final = re.compile(r"[a-z]+(?:-[a-z]+)*")
_NUMBER = r"(?:0|[1-9][0-9]{0,4})(?:\.[0-9]?[1-9])?(?:px|em|%)?"
_WORD = rf"(?:[A-Za-z]+(?:-[A-Za-z]+)*|{_NUMBER}|#(?:[0-9a-f]{{3}}){{1,2}})"
_VALUE: Final = re.compile(rf"{_WORD}(?:,? {_WORD})*")
#: What cssutils writes shorter: a colour of three pairs, and nothing in whatever unit.
_LONG: Final = re.compile(r"#([0-9a-f])\1([0-9a-f])\2([0-9a-f])\3\b|(?<![0-9.])(0)(?:px|em)\b")


class _Text(NamedTuple):
    cssText: str  # noqa: N815


class _Property(NamedTuple):
    name: str
    value: str
    priority: str = ""

    @property
    def propertyValue(self) -> _Text:  # noqa: N802
        return _Text(self.value)


class _Style(tuple[_Property, ...]):
    __slots__ = ()

    def getProperties(self) -> Iterable[_Property]:  # noqa: N802
        return self


class _Rule(NamedTuple):
    selectorText: str  # noqa: N815
    style: _Style
    type: int = 1
    STYLE_RULE: int = 1
    MEDIA_RULE: int = 4


def parseString(css: str, *, validate: bool) -> Any:  # noqa: N802
    """The rules of a style sheet."""
    rules = _plain_rules(css)
    return _cssutils().parseString(css, validate=validate) if rules is None else rules


def parseStyle(css: str, *, validate: bool) -> Any:  # noqa: N802
    """The declarations of a ``style`` attribute."""
    style = _plain_style(css)
    return _cssutils().parseStyle(css, validate=validate) if style is None else style


def __getattr__(name: str) -> Any:
    """Whatever else premailer may ask for, which it does for sheets that are not plain."""
    if name.startswith("_"):  # asked by Python's own machinery
        raise AttributeError(name)
    return getattr(_cssutils(), name)


def _cssutils() -> Any:
    import cssutils  # noqa: PLC0415  # heavy, and few need it

    cssutils.log.setLevel(logging.CRITICAL)
    return cssutils


def _plain_rules(css: str) -> list[_Rule] | None:
    """None when the sheet is not plain."""
    *blocks, rest = css.split("}")
    if rest.strip(_SPACE):
        return None
    rules = []
    for block in blocks:
        head, _, body = block.partition("{")
        selectors = [selector.strip(_SPACE) for selector in head.split(",")]
        style = _plain_style(body)
        if not style or not all(map(_SELECTOR.fullmatch, selectors)):
            return None
        rules.append(_Rule(", ".join(selectors), style))
    return rules


def _plain_style(css: str) -> _Style | None:
    """None when the declarations are not plain, or one property is set twice."""
    found: dict[str, _Property] = {}
    for declaration in css.rstrip(_SPACE).removesuffix(";").split(";"):
        name, _, value = (part.strip(_SPACE) for part in declaration.partition(":"))
        if name in found or not (_PROPERTY.fullmatch(name) and _VALUE.fullmatch(value)):
            return None
        found[name] = _Property(name, _LONG.sub(_shortened, value))
    return _Style(found.values())


def _shortened(match: re.Match[str]) -> str:
    return match[4] or f"#{match[1]}{match[2]}{match[3]}"

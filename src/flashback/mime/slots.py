"""Slots to a reader's own values: one pass, escaped for where they stand, never looked at again."""

import html
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final

from flashback.errors import TemplateError
from flashback.model import Edition, Slot
from flashback.model.edition import SLOT_PATTERN
from flashback.sentences import tr

_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)


def fill_html(template: str, values: Mapping[Slot, str]) -> str:
    """HTML with its slots filled, fit for text and for attributes between quotes.

    Raises TemplateError on a slot that nobody knows or that has no value.
    """
    return _fill(template, values, html.escape)


def fill_text(template: str, values: Mapping[Slot, str]) -> str:
    """Plain text with its slots filled. Raises TemplateError as ``fill_html`` does."""
    return _fill(template, values, str)


def parted(template: str) -> tuple[Sequence[str], Sequence[Slot]]:
    """What stands between the slots, and the slots; there is one slot less.

    Raises TemplateError on a slot that nobody knows.
    """
    pieces = SLOT_PATTERN.split(template)
    return pieces[::2], [_slot(name) for name in pieces[1::2]]


@lru_cache(maxsize=8)
def demand_way_out(edition: Edition) -> None:
    """Raise TemplateError unless both parts show the unsubscribe link."""
    way_out = Slot.UNSUBSCRIBE_URL
    # Outlook's conditional comments are read by Outlook alone.
    for part, shown in (("HTML", _COMMENT.sub(" ", edition.html)), ("text", edition.text)):
        # Found as it is when slots are filled: one mark can eat into the next.
        if way_out.value not in SLOT_PATTERN.findall(shown):
            raise TemplateError(
                tr(
                    "The {part} part of issue {number} ({language}) has no unsubscribe link.",
                    part=part,
                    number=edition.issue_number,
                    language=edition.language,
                ),
                hint=tr("Its template must show {mark}.", mark=way_out.mark),
            )


def _fill(template: str, values: Mapping[Slot, str], escape: Callable[[str], str]) -> str:
    escaped = {slot.value: escape(value) for slot, value in values.items()}
    try:
        # One pass: a reader called "__FB_READER_ADDRESS__" keeps that name.
        return SLOT_PATTERN.sub(lambda found: escaped[found[1]], template)
    except KeyError as error:
        raise _nobody_can_fill(error.args[0]) from error


def _slot(name: str) -> Slot:
    try:
        return Slot(name)
    except ValueError as error:
        raise _nobody_can_fill(name) from error


def _nobody_can_fill(name: str) -> TemplateError:
    return TemplateError(
        tr("The edition has a slot that nobody can fill: {slot}.", slot=name),
        hint=tr("The slots are: {list}.", list=", ".join(slot.mark for slot in Slot)),
    )

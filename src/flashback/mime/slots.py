"""Slots to a reader's own values: one pass, escaped for where they stand, never looked at again."""

import html
from collections.abc import Callable, Mapping

from flashback.errors import TemplateError
from flashback.model import Slot
from flashback.model.edition import SLOT_PATTERN
from flashback.sentences import tr


def fill_html(template: str, values: Mapping[Slot, str]) -> str:
    """HTML with its slots filled, fit for text and for attributes between quotes.

    Raises TemplateError on a slot that nobody knows or that has no value.
    """
    return _fill(template, values, html.escape)


def fill_text(template: str, values: Mapping[Slot, str]) -> str:
    """Plain text with its slots filled. Raises TemplateError as ``fill_html`` does."""
    return _fill(template, values, str)


def _fill(template: str, values: Mapping[Slot, str], escape: Callable[[str], str]) -> str:
    escaped = {slot.value: escape(value) for slot, value in values.items()}
    try:
        # One pass: a reader called "__FB_READER_ADDRESS__" keeps that name.
        return SLOT_PATTERN.sub(lambda found: escaped[found[1]], template)
    except KeyError as error:
        raise TemplateError(
            tr("The edition has a slot that nobody can fill: {slot}.", slot=error.args[0]),
            hint=tr("The slots are: {list}.", list=", ".join(slot.mark for slot in Slot)),
        ) from error

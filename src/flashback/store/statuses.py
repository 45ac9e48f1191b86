"""Who has a status, as a condition to which the index of those who are not confirmed answers."""

from typing import Final

from sqlalchemy import ColumnElement, String, and_, literal_column, type_coerce

from flashback.model import SubscriberStatus
from flashback.store.tables import subscribers

#: As a text, for what it is compared to need not be one; not by CAST, to which no index answers.
STATUS: Final[ColumnElement[str]] = type_coerce(subscribers.c.status, String)


def has_status(status: str) -> ColumnElement[bool]:
    """Whether somebody has a status, or a word that is none."""
    is_so = STATUS == status  # noqa: SIM300  a column, in spite of its capitals
    if status == SubscriberStatus.CONFIRMED:
        return is_so
    # A partial index answers only to its very words.
    return and_(is_so, subscribers.c.status != literal_column("'confirmed'"))

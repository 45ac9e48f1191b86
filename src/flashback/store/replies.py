"""What servers said about copies, when its time is over: the words go, the codes stay.

A code counts in the reports of old mailings and says nothing about anybody; words often repeat an
address. What this program itself wrote down (``skipped``, ``resent``) stays as well.
"""

import datetime as dt
import re
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    update,
)

from flashback.model import DeliveryState
from flashback.store import erasing
from flashback.store.mailings import CANCELLED, RESENT
from flashback.store.recovery import ASSUMED, ENDED, UNREAD
from flashback.store.tables import attempts, deliveries

_OUR_WORDS: Final = ("", "erased", CANCELLED, RESENT, ASSUMED, ENDED, UNREAD)
#: "550", "550 5.1.1" or "5.1.1", and then whatever a server wrote.
_ENHANCED: Final = r"\d\.\d{1,3}\.\d{1,3}(?!\S)"
_CODES: Final = re.compile(rf"\d{{3}}(?!\S)(?: {_ENHANCED})?|{_ENHANCED}", re.ASCII)

_TRIM: Final = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("delivery"))
    .values(reply=bindparam("said"), reason=bindparam("why"))
)


def codes(words: str) -> str:
    """The codes with which a server's words begin."""
    found = _CODES.match(words)
    return found[0] if found else ""


def count(connection: Connection, before: dt.datetime) -> tuple[int, dt.datetime | None]:
    """About how many copies words are kept that are older; and since when the oldest are."""
    is_due = _speaks_of_a_copy(before)
    copies, oldest = connection.execute(
        select(func.count(), func.min(deliveries.c.changed_at)).where(is_due)
    ).one()
    # Of a copy that is counted already, the tries count no more.
    others = case((~is_due, attempts.c.delivery_id))
    more, oldest_try = connection.execute(
        select(func.count(others.distinct()), func.min(attempts.c.at))
        .join_from(attempts, deliveries)
        .where(_speaks_of_a_try(before))
    ).one()
    return copies + more, min(filter(None, (oldest, oldest_try)), default=None)


def find(connection: Connection, after: int, limit: int, *, before: dt.datetime) -> Sequence[int]:
    """The next copies about which older words are kept, by number."""
    found: set[int] = set()
    statement: Select[Any]
    for statement in (
        select(deliveries.c.id)
        .where(deliveries.c.id > after, _speaks_of_a_copy(before))
        .order_by(deliveries.c.id),
        select(attempts.c.delivery_id)
        .distinct()
        .where(attempts.c.delivery_id > after, _speaks_of_a_try(before))
        .order_by(attempts.c.delivery_id),
    ):
        found.update(connection.scalars(statement.limit(limit)))
    return sorted(found)[:limit]


def forget(connection: Connection, numbers: Sequence[int], *, before: dt.datetime) -> int:
    """Take the older words about some copies away; how many copies it were."""
    erasing.vanish(connection)
    rows = connection.execute(
        select(deliveries.c.id, deliveries.c.state, deliveries.c.reply, deliveries.c.reason)
        .where(deliveries.c.id.in_(numbers), _speaks_of_a_copy(before))
        .order_by(deliveries.c.id)
        .with_for_update()
    )
    trimmed = [
        {
            "delivery": row.id,
            "said": codes(row.reply),
            "why": row.reason if _is_ours(row) else codes(row.reason),
        }
        for row in rows
    ]
    if trimmed:
        connection.execute(_TRIM, trimmed)
    connection.execute(
        update(attempts)
        .where(attempts.c.delivery_id.in_(numbers), _speaks_of_a_try(before))
        .values(reply_text="", detail="")
    )
    return len(numbers)


def _is_ours(row: Any) -> bool:
    return row.state is DeliveryState.SKIPPED or row.reason in _OUR_WORDS


def _speaks_of_a_copy(before: dt.datetime) -> ColumnElement[bool]:
    is_foreign = and_(
        deliveries.c.state != DeliveryState.SKIPPED, deliveries.c.reason.not_in(_OUR_WORDS)
    )
    return and_(
        deliveries.c.changed_at < before,
        or_(
            _has_words(deliveries.c.reply),
            and_(is_foreign, _has_words(deliveries.c.reason)),
        ),
    )


def _speaks_of_a_try(before: dt.datetime) -> ColumnElement[bool]:
    has_words = or_(attempts.c.reply_text != "", attempts.c.detail.not_in(_OUR_WORDS))
    return and_(attempts.c.at < before, has_words)


def _has_words(column: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether more than codes stands there: what ``codes`` leaves is none of it."""
    return func.rtrim(column, "0123456789. ") != ""

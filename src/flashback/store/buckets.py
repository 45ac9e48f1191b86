"""Token buckets that all senders of a store share: one row a key, one transaction a draw."""

import datetime as dt
import math
from typing import Final

from sqlalchemy import Connection, bindparam, select, update

from flashback.model import Grant
from flashback.store.once import insert_once
from flashback.store.tables import buckets

_ROW: Final = select(buckets).where(buckets.c.key == bindparam("name")).with_for_update()
_FILL: Final = (
    update(buckets)
    .where(buckets.c.key == bindparam("name"))
    .values(tokens=bindparam("left"), filled_at=bindparam("now"))
)
#: Sums of fractions miss a whole token by less than this.
_HAIR: Final = 1e-6


def draw(
    connection: Connection,
    key: str,
    *,
    per_minute: float,
    burst: int,
    wanted: int,
    now: dt.datetime,
) -> Grant:
    """Take up to ``wanted`` tokens, or give some back when it is negative.

    ``per_minute`` and ``burst`` are above zero.
    """
    connection.execute(
        insert_once(connection, buckets), {"key": key, "tokens": float(burst), "filled_at": now}
    )
    row = connection.execute(_ROW, {"name": key}).one()
    held, at = filled(row.tokens, row.filled_at, per_second=per_minute / 60, burst=burst, now=now)
    grant, left = granted(held, wanted=wanted, per_second=per_minute / 60)
    connection.execute(_FILL, {"name": key, "left": left, "now": at})
    return grant


def filled(
    tokens: float, at: dt.datetime, *, per_second: float, burst: int, now: dt.datetime
) -> tuple[float, dt.datetime]:
    """What a bucket holds now, and since when that is counted.

    A clock that is behind gains nothing until it has caught up; one that is behind by more than
    it takes to fill the bucket was set back, and counting begins there. Either way nobody gains
    or loses more than one burst.
    """
    passed = (now - at).total_seconds()
    if passed >= 0:
        return min(burst, tokens + passed * per_second), now
    return min(burst, tokens), at if -passed * per_second <= burst else now


def granted(held: float, *, wanted: int, per_second: float) -> tuple[Grant, float]:
    """What is given of what the bucket holds, and what is left."""
    if wanted < 0:
        return Grant(tokens=0, wait=dt.timedelta()), held - wanted
    tokens = max(0, min(wanted, math.floor(held + _HAIR)))
    if tokens or wanted <= 0:
        return Grant(tokens=tokens, wait=dt.timedelta()), max(0.0, held - tokens)
    microseconds = math.ceil((1 - held) / per_second * 1e6)
    return Grant(tokens=0, wait=dt.timedelta(microseconds=microseconds)), held

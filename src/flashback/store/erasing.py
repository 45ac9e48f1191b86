"""People taken away: the accounts of past mailings add up, and no octet of the address stays.

Functions over a connection. SQLite's write-ahead log is emptied by ``Store.forget_log`` afterwards.
"""

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import Connection, delete, select, update

from flashback.model import Subscriber
from flashback.store import people
from flashback.store.engine import Mark
from flashback.store.once import insert_once
from flashback.store.tables import attempts, deliveries, erasures, subscribers, suppressions


def erase(
    connection: Connection, gone: Sequence[Subscriber], now: dt.datetime, mark_of: Mark
) -> None:
    """Delete people; the deliveries stay counted, and no import brings the addresses back.

    What is left is a mark that the key of the workspace makes of each address. It cannot be turned
    back, and recognises the address when a list holds it.
    """
    forget(connection, gone)
    if gone:
        marks = [{"mark": mark_of(person.address.key), "at": now} for person in gone]
        connection.execute(insert_once(connection, erasures), marks)


def erase_key(connection: Connection, key: str, now: dt.datetime, mark_of: Mark) -> None:
    """The same for a suppressed address of nobody who is known."""
    vanish(connection)
    connection.execute(delete(suppressions).where(suppressions.c.key == key))
    connection.execute(insert_once(connection, erasures), {"mark": mark_of(key), "at": now})


def forget(connection: Connection, gone: Sequence[Subscriber]) -> None:
    """Delete people as ``erase`` does, and leave nothing by which an address is recognised."""
    vanish(connection)
    for start in range(0, len(gone), people.CHUNK):
        _forget(connection, gone[start : start + people.CHUNK])


def vanish(connection: Connection) -> None:
    """See to it that what this connection deletes is not found in pages that are free now."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")


def _forget(connection: Connection, gone: Sequence[Subscriber]) -> None:
    numbers = [person.id for person in gone]
    their_own = deliveries.c.subscriber_id.in_(numbers)
    # Servers like to repeat the address in their replies.
    connection.execute(
        update(attempts)
        .where(attempts.c.delivery_id.in_(select(deliveries.c.id).where(their_own)))
        .values(reply_text="", detail="")
    )
    connection.execute(update(deliveries).where(their_own).values(reply="", reason="erased"))
    connection.execute(delete(subscribers).where(subscribers.c.id.in_(numbers)))
    keys = [person.address.key for person in gone]
    connection.execute(delete(suppressions).where(suppressions.c.key.in_(keys)))

"""A store copied while it is used, and put back so that nobody is mailed who left since.

SQLite only: PostgreSQL has tools of its own. A copy is one file, made by SQLite's online backup
(sqlite.org/backup.html) while others read and write. In it, what was open is paused: a copy that
is put in place, by whatever means, does not go on sending by itself.
"""

import datetime as dt
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select, text

from flashback.errors import StoreError
from flashback.model import DeliveryState
from flashback.sentences import tr
from flashback.store import erasing, owners, people, schema
from flashback.store.engine import Mark, Store, no_marks, open_store
from flashback.store.subscribers import Subscribers
from flashback.store.tables import deliveries, senders

Told = Callable[[int, int], None]  #: pages done, of how many

_PAGES: Final = 2_000
#: Numbers that are left free when nobody can tell which were given since the copy was made.
_LEAP: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Copied:
    """What is in a copy."""

    people: int
    mailings: int
    paused: int  #: mailings that wait for a person to go on
    octets: int


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of putting a copy back."""

    copied: Copied
    left: int  #: who had left since the copy was made, and has left still
    suppressed: int  #: addresses to which mail was forbidden since
    erased: int  #: people who were erased since, and are again
    lost: int  #: people who came after the copy was made
    before: Path | None  #: the store as it was; None where there was none
    readable: bool  #: whether the store as it was could tell who left since


def snapshot(store: Store, path: Path, now: dt.datetime, told: Told) -> Copied:
    """Copy a store into a new file, whole or not at all, for its owner alone.

    Raises StoreError for PostgreSQL, with the command that does it there.
    """
    if not store.one_machine:
        raise StoreError(
            tr("{place} is copied by PostgreSQL's own tool.", place=store.place),
            hint=tr("Run: pg_dump --format=custom --file {path} “your url”", path=path),
        )
    return _copied(Path(store.place), path, now, told)


def _copied(source: Path, path: Path, now: dt.datetime, told: Told) -> Copied:
    with _beside(path) as temporary, _as_store_errors(source):
        _copy(source, temporary, told)
        with closing(sqlite3.connect(temporary)) as copy:
            reason = f"copied on {now:%Y-%m-%d %H:%M} UTC"
            copy.execute("PRAGMA journal_mode = DELETE")
            copy.execute(
                "UPDATE mailings SET state = 'paused', reason = ?"
                " WHERE state IN ('open', 'scheduled')",
                (reason,),
            )
            copy.commit()
            _refuse_damaged(copy, path)
            readers, letters, paused = (
                copy.execute(f"SELECT count(*) FROM {rows}").fetchone()[0]  # noqa: S608  our own
                for rows in ("subscribers", "mailings", "mailings WHERE state = 'paused'")
            )
        _sync(temporary)
        temporary.replace(path)
        _sync(path.parent)
    return Copied(readers, letters, paused, path.stat().st_size)


def restore(
    folder: Path,
    url: str,
    place: Path,
    backup: Path,
    *,
    mark_of: Mark,
    now: dt.datetime,
    told: Told,
) -> Restored:
    """Put a copy in the place of a store; who left, was suppressed or erased since stays so.

    The store as it was is kept beside it. Raises StoreError for what is no copy of a store, for
    one that a newer program wrote, and while somebody sends.
    """
    examine(backup)
    with _beside(place) as temporary:
        copied = _copied(backup, temporary, now, told)
        with _opened(
            f"sqlite:///{temporary}", folder, mark_of
        ) as copy:  # brings the schema up to date
            found = _carry_over(copy, url, folder, place, now)
        with closing(sqlite3.connect(temporary)) as plain:
            plain.execute("PRAGMA journal_mode = DELETE")
        before = _put(temporary, place, now, is_sound=found is not None) if place.exists() else None
        if before is None:
            temporary.replace(place)
            _sync(place.parent)
    left, suppressed, erased, lost = found or (0, 0, 0, 0)
    return Restored(copied, left, suppressed, erased, lost, before, found is not None)


def examine(path: Path) -> None:
    """Raise StoreError for a file that is no sound store, or that a newer program wrote."""
    with _as_store_errors(path), closing(_read_only(path)) as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        if schema.VERSION_TABLE not in tables:
            raise StoreError(
                tr("{place} is the database of another program.", place=path),
                hint=tr("Give a file that “flashback backup” wrote."),
            )
        found = connection.execute(f"SELECT version_num FROM {schema.VERSION_TABLE}").fetchone()  # noqa: S608
        if found and str(found[0]) > schema.HEAD:
            raise schema.newer(str(path))
        _refuse_damaged(connection, path)


def _carry_over(
    copy: Store, url: str, folder: Path, place: Path, now: dt.datetime
) -> tuple[int, int, int, int] | None:
    """Take over from the store as it is who must not be mailed; None when it cannot tell."""
    if not place.exists():
        return (0, 0, 0, 0)
    try:
        examine(place)
        with _opened(url, folder, no_marks) as live:
            sending = _is_sending(live)
    except StoreError:
        with copy.write() as connection:
            connection.execute(text("UPDATE sqlite_sequence SET seq = seq + :n"), {"n": _LEAP})
        return None
    if sending:
        raise StoreError(
            tr("A mailing is being sent from {place}.", place=place),
            hint=tr("Stop it first: flashback pause. Then run the same command again."),
        )
    with copy.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.execute("ATTACH DATABASE ? AS live", (str(place),))
        with connection.begin():
            counts = {
                name: connection.exec_driver_sql(statement).rowcount
                for name, statement in _CARRY.items()
            }
            lost: int = connection.exec_driver_sql(_LOST).scalar_one()
        driver.execute("DETACH DATABASE live")
    return counts["left"], counts["suppressed"], _erase_again(copy, now), lost


def _erase_again(copy: Store, now: dt.datetime) -> int:
    """Erase those of a copy who were erased after it was made; how many."""
    book = Subscribers(copy)
    erased = after = 0
    while page := book.list(limit=people.CHUNK, after=after):
        after = page[-1].id
        with copy.write() as connection:
            keys = [person.address.key for person in page]
            gone = people.erased_keys(connection, keys, copy.mark_of)
            them = [person for person in page if person.address.key in gone]
            erasing.erase(connection, them, now, copy.mark_of)
            erased += len(gone)
    return erased


#: In this order.
_CARRY: Final = {
    "numbers": """UPDATE sqlite_sequence SET seq = max(seq, COALESCE((SELECT l.seq
        FROM live.sqlite_sequence l WHERE l.name = sqlite_sequence.name), 0))""",
    "words": """INSERT INTO consents
        (subscriber_id, kind, at, source, wording, "by", version, network_address, evidence)
        SELECT s.id, c.kind, c.at, c.source, c.wording, c."by", c.version, c.network_address,
        c.evidence FROM live.consents c JOIN live.subscribers g ON g.id = c.subscriber_id
        JOIN main.subscribers s ON s.key = g.key
        WHERE g.status = 'unsubscribed' AND s.status <> 'unsubscribed' AND c.kind = 'withdrawn'
        AND c.id = (SELECT max(n.id) FROM live.consents n WHERE n.subscriber_id = g.id)""",
    "left": """UPDATE main.subscribers SET status = 'unsubscribed',
        changed_at = (SELECT g.changed_at FROM live.subscribers g WHERE g.key = subscribers.key)
        WHERE status <> 'unsubscribed' AND key IN
        (SELECT g.key FROM live.subscribers g WHERE g.status = 'unsubscribed')""",
    "suppressed": """INSERT OR IGNORE INTO main.suppressions (key, reason, at, note)
        SELECT key, reason, at, note FROM live.suppressions""",
    "marks": """INSERT OR IGNORE INTO main.erasures (mark, at)
        SELECT mark, at FROM live.erasures""",
}
_LOST: Final = """SELECT count(*) FROM live.subscribers
    WHERE key NOT IN (SELECT key FROM main.subscribers)"""


def _is_sending(store: Store) -> bool:
    """Whether a sender that may live holds claims."""
    holders = (
        select(senders.c.owner)
        .join(deliveries, deliveries.c.sender_id == senders.c.id)
        .where(deliveries.c.state == DeliveryState.CLAIMED, senders.c.gone_at.is_(None))
        .distinct()
    )
    with store.read() as connection:
        found = connection.scalars(holders).all()
    return any(not owners.is_dead(owner, one_machine=store.one_machine) for owner in found)


def _put(temporary: Path, place: Path, now: dt.datetime, *, is_sound: bool) -> Path:
    """Put a copy into a store's place, the store as it was kept; where it is kept."""
    before = place.with_name(f"{place.stem}.before-{now:%Y%m%d-%H%M%S}.db")
    if is_sound:
        _copied(place, before, now, lambda _done, _of: None)
        with _as_store_errors(place):
            _copy(temporary, place, lambda _done, _of: None)  # one transaction of the store's own
        return before
    for end in ("-wal", "-shm", ""):
        part = place.with_name(place.name + end)
        if part.exists():
            part.rename(before.with_name(before.name + end))
    temporary.replace(place)
    _sync(place.parent)
    return before


def _copy(source: Path, target: Path, told: Told) -> None:
    with (
        closing(_read_only(source)) as origin,
        closing(sqlite3.connect(target, timeout=10)) as copy,
    ):
        origin.backup(copy, pages=_PAGES, progress=lambda _, left, of: told(of - left, of))


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10)


def _refuse_damaged(connection: sqlite3.Connection, path: Path) -> None:
    found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise StoreError(
            tr("{place} is damaged: {reason}", place=path, reason=found),
            hint=tr("Put another backup back: flashback restore FILE"),
        )


@contextmanager
def _opened(url: str, folder: Path, mark_of: Mark) -> Iterator[Store]:
    store = open_store(url, folder=folder, mark_of=mark_of)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """An empty private file beside a path; gone at the end unless it took the path's name."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".db", dir=path.parent)
    except OSError as error:
        raise StoreError(
            tr("{path} cannot be written: {reason}.", path=path, reason=error.strerror),
            hint=tr("Check that the folder is there and yours, and that the disk is not full."),
        ) from error
    os.close(handle)
    try:
        yield Path(name)
    finally:
        for end in ("", "-wal", "-shm", "-journal"):
            Path(name + end).unlink(missing_ok=True)


@contextmanager
def _as_store_errors(place: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreError(
            tr("{place} cannot be copied: {reason}.", place=place, reason=error),
            hint=tr("Check that it is a store, and that the disk is not full."),
        ) from error


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

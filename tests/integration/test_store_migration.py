"""A store that an older program made goes on in this one, with what was in flight."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from flashback.errors import StoreError
from flashback.model import Account, DeliveryState, MailingState, Result
from flashback.store import Store, Subscribers, schema

from fixtures.stores import LEASE_OVER, MINUTE, NOW, ledger_of, opened, plan, settlement

S = DeliveryState


def migrate_to_the_first(connection: Connection) -> None:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    command.upgrade(config, "0001")


@pytest.fixture
def first(store_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store as the first release left it: claimed by a dead sender, two of it past the dot."""
    with monkeypatch.context() as patched:
        patched.setattr(schema, "HEAD", "0001")
        patched.setattr(schema, "_migrate", migrate_to_the_first)
        store = opened(store_url)
    at = "2011-09-02 09:00:00.000000" if store.one_machine else NOW
    with store.write() as connection:
        for statement in _OLD_ROWS:
            connection.execute(text(statement), {"at": at} if ":at" in statement else {})
    yield store
    store.close()


_OLD_ROWS = (
    *(
        f"""INSERT INTO subscribers (mailbox, key, status, fields, created_at, changed_at)
        VALUES ('r{n}@example.org', 'r{n}@example.org', 'confirmed', '{{}}', :at, :at)"""
        for n in range(6)
    ),
    """INSERT INTO consents (subscriber_id, kind, at, source)
    SELECT id, 'granted', :at, 'staff' FROM subscribers""",
    "INSERT INTO editions VALUES ('d', '35', '2011-09-02', 'fr', '', '', '', '', '', '', '')",
    """INSERT INTO mailings (issue_number, title, state, audience, opened_at, forced, sender)
    VALUES ('35', 'Flash-back', 'open', 6, :at, '[]', '{}')""",
    "INSERT INTO mailing_editions VALUES (1, 'fr', 'd')",
    """INSERT INTO senders (owner, host, pid, started_at, heartbeat_at)
    VALUES ('old', 'host', 7, :at, :at)""",
    """INSERT INTO deliveries
    (mailing_id, subscriber_id, language, state, attempts, sender_id, before_dot_at, changed_at)
    SELECT 1, id, 'fr', CASE WHEN id < 5 THEN 'claimed' ELSE 'planned' END, 1, 1,
    CASE WHEN id < 3 THEN changed_at END, changed_at FROM subscribers ORDER BY id""",
)


def test_what_was_in_flight(first: Store, store_url: str) -> None:
    """Past the dot: in doubt. Claimed before it: planned. All else as it was, and it goes on."""
    store = opened(store_url)
    ledger = ledger_of(store)
    assert ledger.mailing(1).state is MailingState.OPEN
    assert ledger.account(1) == Account({S.CLAIMED: 2, S.PLANNED: 4})
    assert ledger.recover(1, now=NOW + LEASE_OVER) == Account({S.IN_DOUBT: 2})
    doubtful = list(ledger.deliveries(1, S.IN_DOUBT))
    assert [delivery.id for delivery in doubtful] == [1, 2]
    claims = ledger.claim(1, owner="new", limit=9, now=NOW + LEASE_OVER)
    assert [claim.delivery_id for claim in claims] == [3, 4, 5, 6]
    ledger.settle([settlement(claim, Result.ACCEPTED) for claim in claims])
    assert ledger.resolve_doubt(1, resend=False, now=NOW) == 2
    ledger.finish(1, NOW)
    assert ledger.open(plan(), NOW).audience == 6
    store.close()


def test_references_still_hold(first: Store, store_url: str) -> None:
    """Tables made anew are still referred to, and the references checked."""
    store = opened(store_url)
    with pytest.raises(StoreError, match=r"(?i)foreign key"), store.write() as connection:
        connection.execute(text("DELETE FROM senders"))
    with pytest.raises(StoreError, match=r"(?i)foreign key"), store.write() as connection:
        connection.execute(text("UPDATE deliveries SET mailing_id = 7"))
    Subscribers(store).remove(1, now=NOW + MINUTE)
    assert ledger_of(store).delivery(1).address == ""
    store.close()


def test_a_dangling_reference_stops_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A SQLite store with rows that refer to nothing is left as it was."""
    url = f"sqlite:///{tmp_path}/store.db"
    with monkeypatch.context() as patched:
        patched.setattr(schema, "HEAD", "0001")
        patched.setattr(schema, "_migrate", migrate_to_the_first)
        store = opened(url)
    with store.engine.connect() as connection:
        connection.connection.driver_connection.executescript(  # type: ignore[union-attr]
            "PRAGMA foreign_keys = OFF;"
            "INSERT INTO attempts (delivery_id, number, at, result)"
            " VALUES (99, 1, '2011-09-02 09:00:00.000000', 'accepted');"
            "PRAGMA foreign_keys = ON;"
        )
    store.close()
    with pytest.raises(StoreError, match="refers to another that is not there"):
        opened(url)
    with store.read() as connection:
        assert schema.recorded(connection) == "0001"
    store.close()

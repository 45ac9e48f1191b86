"""The indices that find rows of ``tables`` other than by a key.

No statement names them. Whoever makes or compares the tables loads them: one condition of theirs
is in PostgreSQL's words, whose dialect a command on SQLite does without.
"""

from sqlalchemy import Index, text

from flashback.store.tables import deliveries, metadata, subscribers

__all__ = ["metadata"]

#: People of a language or an organisation, a page at a time in the order they came; each counts
#: them, and who of them is confirmed, without touching the rows.
Index(
    "ix_subscribers_language_id_status",
    subscribers.c.language,
    subscribers.c.id,
    subscribers.c.status,
)
Index(
    "ix_subscribers_organisation_id_status",
    subscribers.c.organisation,
    subscribers.c.id,
    subscribers.c.status,
)
#: The same of those who are not confirmed, hence few. Of all, it would tempt SQLite, which takes
#: any value of an index for rare, to read a million confirmed people by it.
Index(
    "ix_subscribers_unconfirmed",
    subscribers.c.status,
    subscribers.c.id,
    sqlite_where=text("status <> 'confirmed'"),
    postgresql_where=text("status <> 'confirmed'"),
)
#: How many joined before, on or after a day.
Index("ix_subscribers_created_at_status", subscribers.c.created_at, subscribers.c.status)
#: The next window of any state at any position of any mailing; counts without touching the rows.
Index(
    "ix_deliveries_mailing_id_state_id",
    deliveries.c.mailing_id,
    deliveries.c.state,
    deliveries.c.id,
)
#: Who is due again.
Index(
    "ix_deliveries_due",
    deliveries.c.mailing_id,
    deliveries.c.due_at,
    sqlite_where=text("state = 'deferred'"),
    postgresql_where=text("state = 'deferred'"),
)

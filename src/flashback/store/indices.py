"""The indices that find rows of ``tables`` other than by a key.

No statement names them. Whoever makes or compares the tables loads them: one condition of theirs
is in PostgreSQL's words, whose dialect a command on SQLite does without.
"""

from sqlalchemy import Index, text

from flashback.store.tables import deliveries, metadata

__all__ = ["metadata"]

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

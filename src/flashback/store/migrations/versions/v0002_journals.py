"""Senders keep journals: no note before the dot in each row, more mailing states, shared buckets.

A delivery that was claimed by an older program and had reached its final dot stays claimed by a
sender without a journal, so that recovery puts it in doubt; one that had not reached it cannot
leave any more, because that program finds no column to note it in: it is planned again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
STATES = ("scheduled", "open", "paused", "finished", "cancelled")


def _state(*values: str) -> sa.Enum:
    return sa.Enum(*values, name="state", native_enum=False, create_constraint=True, length=16)


def upgrade() -> None:
    """Add what the journals need, and take away what they replace."""
    _mailings()
    _senders()
    _deliveries()
    op.create_table(
        "buckets",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("tokens", sa.Float(53), nullable=False),
        sa.Column("filled_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_buckets")),
    )


def _words(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))


def _mailings() -> None:
    with op.batch_alter_table("mailings") as table:
        table.drop_constraint(op.f("ck_mailings_state"), type_="check")
        table.create_check_constraint(op.f("ck_mailings_state"), sa.column("state").in_(STATES))
        table.add_column(_words("reason"))
        table.add_column(sa.Column("not_before", TIME))
        table.add_column(sa.Column("not_after", TIME))


def _senders() -> None:
    # SQLite tells a default back otherwise than it was told, so it is told once more.
    with op.batch_alter_table("senders", copy_from=_first_senders()) as table:
        table.add_column(sa.Column("gone_at", TIME))
        table.add_column(_words("journal"))


def _first_senders() -> sa.Table:
    return sa.Table(
        "senders",
        sa.MetaData(),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        _words("host"),
        sa.Column("pid", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("heartbeat_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_senders")),
        sa.UniqueConstraint("owner", name=op.f("uq_senders_owner")),
    )


def _deliveries() -> None:
    op.execute(
        "UPDATE deliveries SET first_tried_at = COALESCE(first_tried_at, before_dot_at)"
        " WHERE state = 'claimed'"
    )
    op.execute(
        "UPDATE deliveries SET state = 'planned' WHERE state = 'claimed' AND before_dot_at IS NULL"
    )
    # Not by making the table anew: it may hold millions of rows.
    op.execute("ALTER TABLE deliveries DROP COLUMN before_dot_at")

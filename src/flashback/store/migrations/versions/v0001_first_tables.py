"""First tables: subscribers, editions, mailings and their deliveries.

A revision says what was true when it was written; it imports nothing that may change later.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

IDENTITY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
DOCUMENT = sa.JSON().with_variant(JSONB(), "postgresql")
TIME = sa.DateTime(timezone=True)


def _word(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=16)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _words(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default=sa.text("0"))


def upgrade() -> None:
    """Make all tables of the first schema."""
    _people()
    _editions()
    _mailings()
    _deliveries()


def _people() -> None:
    op.create_table(
        "subscribers",
        sa.Column("id", IDENTITY, nullable=False),
        _text("mailbox"),
        _text("key"),
        _words("name"),
        _words("language"),
        _words("organisation"),
        sa.Column(
            "status", _word("status", "unconfirmed", "confirmed", "unsubscribed"), nullable=False
        ),
        sa.Column("fields", DOCUMENT, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscribers")),
        sa.UniqueConstraint("key", name=op.f("uq_subscribers_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "consents",
        sa.Column("id", IDENTITY, nullable=False),
        sa.Column("subscriber_id", IDENTITY, nullable=False),
        sa.Column("kind", _word("kind", "granted", "withdrawn"), nullable=False),
        sa.Column("at", TIME, nullable=False),
        _text("source"),
        _words("wording"),
        _words("by"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
        sa.ForeignKeyConstraint(
            ["subscriber_id"],
            ["subscribers.id"],
            name=op.f("fk_consents_subscriber_id"),
            ondelete="CASCADE",
        ),
    )
    op.create_index(op.f("ix_consents_subscriber_id"), "consents", ["subscriber_id"])
    op.create_table(
        "suppressions",
        _text("key"),
        sa.Column("reason", _word("reason", "hard_bounce", "complaint", "manual"), nullable=False),
        sa.Column("at", TIME, nullable=False),
        _words("note"),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_suppressions")),
    )


def _editions() -> None:
    op.create_table(
        "editions",
        _text("digest"),
        _text("issue_number"),
        sa.Column("issue_date", sa.Date, nullable=False),
        _text("language"),
        _text("title"),
        _text("subject"),
        _text("preheader"),
        _text("html"),
        _text("text"),
        _text("publisher"),
        _text("archive_url"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_editions")),
    )
    op.create_table(
        "edition_images",
        _text("digest"),
        sa.Column("position", sa.Integer, autoincrement=False, nullable=False),
        _text("content_id"),
        _text("media_type"),
        _text("filename"),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("digest", "position", name=op.f("pk_edition_images")),
        sa.ForeignKeyConstraint(
            ["digest"], ["editions.digest"], name=op.f("fk_edition_images_digest")
        ),
    )


def _mailings() -> None:
    op.create_table(
        "mailings",
        sa.Column("id", IDENTITY, nullable=False),
        _text("issue_number"),
        _text("title"),
        sa.Column("state", _word("state", "open", "finished"), nullable=False),
        sa.Column("audience", sa.Integer, nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("finished_at", TIME),
        sa.Column("forced", DOCUMENT, nullable=False),
        sa.Column("sender", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailings")),
    )
    op.create_index(op.f("ix_mailings_issue_number"), "mailings", ["issue_number"])
    op.create_table(
        "mailing_editions",
        sa.Column("mailing_id", IDENTITY, nullable=False),
        _text("language"),
        _text("digest"),
        sa.PrimaryKeyConstraint("mailing_id", "language", name=op.f("pk_mailing_editions")),
        sa.ForeignKeyConstraint(
            ["mailing_id"], ["mailings.id"], name=op.f("fk_mailing_editions_mailing_id")
        ),
        sa.ForeignKeyConstraint(
            ["digest"], ["editions.digest"], name=op.f("fk_mailing_editions_digest")
        ),
    )
    op.create_table(
        "senders",
        sa.Column("id", IDENTITY, nullable=False),
        _text("owner"),
        _words("host"),
        _number("pid"),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("heartbeat_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_senders")),
        sa.UniqueConstraint("owner", name=op.f("uq_senders_owner")),
    )


def _deliveries() -> None:
    states = ["planned", "claimed", "accepted", "deferred"]
    states += ["refused", "in_doubt", "skipped", "bounced"]
    op.create_table(
        "deliveries",
        sa.Column("id", IDENTITY, nullable=False),
        sa.Column("mailing_id", IDENTITY, nullable=False),
        sa.Column("subscriber_id", IDENTITY),
        _text("language"),
        sa.Column("state", _word("state", *states), nullable=False),
        _number("attempts"),
        sa.Column("sender_id", IDENTITY),
        sa.Column("before_dot_at", TIME),
        sa.Column("first_tried_at", TIME),
        sa.Column("due_at", TIME),
        sa.Column("changed_at", TIME, nullable=False),
        _words("reply"),
        _words("reason"),
        _words("queue_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.ForeignKeyConstraint(
            ["mailing_id", "language"],
            ["mailing_editions.mailing_id", "mailing_editions.language"],
            name=op.f("fk_deliveries_mailing_id_language"),
        ),
        sa.ForeignKeyConstraint(
            ["subscriber_id"],
            ["subscribers.id"],
            name=op.f("fk_deliveries_subscriber_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["sender_id"], ["senders.id"], name=op.f("fk_deliveries_sender_id")
        ),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_deliveries_attempts")),
        sa.CheckConstraint(
            "state <> 'claimed' OR sender_id IS NOT NULL", name=op.f("ck_deliveries_claimed_by")
        ),
        sa.CheckConstraint(
            "state <> 'deferred' OR due_at IS NOT NULL", name=op.f("ck_deliveries_deferred_until")
        ),
        sa.UniqueConstraint(
            "subscriber_id", "mailing_id", name=op.f("uq_deliveries_subscriber_id_mailing_id")
        ),
    )
    op.create_index(
        "ix_deliveries_mailing_id_state_id", "deliveries", ["mailing_id", "state", "id"]
    )
    deferred = sa.text("state = 'deferred'")
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["mailing_id", "due_at"],
        sqlite_where=deferred,
        postgresql_where=deferred,
    )
    op.create_table(
        "attempts",
        sa.Column("id", IDENTITY, nullable=False),
        sa.Column("delivery_id", IDENTITY, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("at", TIME, nullable=False),
        _words("host"),
        _words("stage"),
        sa.Column(
            "result",
            _word("result", "accepted", "temporary", "permanent", "unknown", "untried"),
            nullable=False,
        ),
        sa.Column("reply_code", sa.Integer),
        _words("reply_enhanced"),
        _words("reply_text"),
        _words("detail"),
        _words("queue_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["deliveries.id"], name=op.f("fk_attempts_delivery_id")
        ),
    )
    op.create_index(op.f("ix_attempts_delivery_id"), "attempts", ["delivery_id"])

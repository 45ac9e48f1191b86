"""The tables, as SQLAlchemy Core values; ``docs/store.md`` tells what each column promises.

``migrations`` builds them, and a test compares the two; ``indices`` has what finds rows in them
other than by a key. Rows of ``deliveries``, ``attempts``, ``mailings`` and ``editions`` are never
deleted; ``consents`` and ``attempts`` only grow, except that erasing a person removes that
person's words from them, and a purge what servers said.
"""

from typing import Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from flashback.model import (
    ConsentKind,
    DeliveryState,
    MailingState,
    Result,
    SubscriberStatus,
    SuppressionReason,
)
from flashback.store.columns import Document, Identity, UtcDateTime, word

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_EMPTY: Final = text("''")
_NONE: Final = text("0")


def _words(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default=_EMPTY)


subscribers: Final = Table(
    "subscribers",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("mailbox", Text, nullable=False),
    Column("key", Text, nullable=False),
    _words("name"),
    _words("language"),
    _words("organisation"),
    Column("status", word(SubscriberStatus, "status"), nullable=False),
    Column("fields", Document, nullable=False),
    Column("tags", Document, nullable=False, server_default=text("'[]'")),
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    UniqueConstraint("key"),
    # An unsubscribe link names a number and lives for years: no number is ever given twice.
    sqlite_autoincrement=True,
)

consents: Final = Table(
    "consents",
    metadata,
    Column("id", Identity, primary_key=True),
    Column(
        "subscriber_id",
        Identity,
        ForeignKey("subscribers.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("kind", word(ConsentKind, "kind"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("source", Text, nullable=False),
    _words("wording"),
    _words("by"),
    _words("version"),
    _words("network_address"),
    _words("evidence"),
)

suppressions: Final = Table(
    "suppressions",
    metadata,
    Column("key", Text, primary_key=True),
    Column("reason", word(SuppressionReason, "reason"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    _words("note"),
)

#: Who was erased: no address, only what the workspace's key makes of it.
erasures: Final = Table(
    "erasures",
    metadata,
    Column("mark", Text, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
)

editions: Final = Table(
    "editions",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("issue_number", Text, nullable=False),
    Column("issue_date", Date, nullable=False),
    Column("language", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("preheader", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("publisher", Text, nullable=False),
    Column("archive_url", Text, nullable=False),
)

edition_images: Final = Table(
    "edition_images",
    metadata,
    Column("digest", Text, ForeignKey("editions.digest"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("content_id", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("filename", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

mailings: Final = Table(
    "mailings",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("issue_number", Text, nullable=False, index=True),
    Column("title", Text, nullable=False),
    Column("state", word(MailingState, "state"), nullable=False),
    Column("audience", Integer, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("forced", Document, nullable=False),
    Column("sender", Document, nullable=False),
    _words("reason"),
    Column("not_before", UtcDateTime),
    Column("not_after", UtcDateTime),
)

mailing_editions: Final = Table(
    "mailing_editions",
    metadata,
    Column("mailing_id", Identity, ForeignKey("mailings.id"), primary_key=True),
    Column("language", Text, primary_key=True),
    Column("digest", Text, ForeignKey("editions.digest"), nullable=False),
)

senders: Final = Table(
    "senders",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("owner", Text, nullable=False),
    _words("host"),
    Column("pid", Integer, nullable=False, server_default=_NONE),
    Column("started_at", UtcDateTime, nullable=False),
    Column("heartbeat_at", UtcDateTime, nullable=False),
    # Set when others took its claims away; whoever finds it set has lost them.
    Column("gone_at", UtcDateTime),
    _words("journal"),
    UniqueConstraint("owner"),
)

buckets: Final = Table(
    "buckets",
    metadata,
    Column("key", Text, primary_key=True),
    Column("tokens", Float(53), nullable=False),
    Column("filled_at", UtcDateTime, nullable=False),
)

deliveries: Final = Table(
    "deliveries",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("mailing_id", Identity, nullable=False),
    # Null once the person was erased; the row stays, or the account would not add up.
    Column("subscriber_id", Identity, ForeignKey("subscribers.id", ondelete="SET NULL")),
    Column("language", Text, nullable=False),
    Column("state", word(DeliveryState, "state"), nullable=False),
    Column("attempts", Integer, nullable=False, server_default=_NONE),
    Column("sender_id", Identity, ForeignKey("senders.id")),
    Column("first_tried_at", UtcDateTime),
    Column("due_at", UtcDateTime),
    Column("changed_at", UtcDateTime, nullable=False),
    _words("reply"),
    _words("reason"),
    _words("queue_id"),
    ForeignKeyConstraint(
        ["mailing_id", "language"], ["mailing_editions.mailing_id", "mailing_editions.language"]
    ),
    CheckConstraint("attempts >= 0", name="attempts"),
    CheckConstraint("state <> 'claimed' OR sender_id IS NOT NULL", name="claimed_by"),
    CheckConstraint("state <> 'deferred' OR due_at IS NOT NULL", name="deferred_until"),
    # In this order it also finds all deliveries of one person.
    UniqueConstraint("subscriber_id", "mailing_id"),
)

attempts: Final = Table(
    "attempts",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("delivery_id", Identity, ForeignKey("deliveries.id"), nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    _words("host"),
    _words("stage"),
    Column("result", word(Result, "result"), nullable=False),
    Column("reply_code", Integer),
    _words("reply_enhanced"),
    _words("reply_text"),
    _words("detail"),
    _words("queue_id"),
)

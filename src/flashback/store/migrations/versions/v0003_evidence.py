"""Tags, and what a consent can be checked against."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns that are empty for whoever is there already."""
    document = sa.JSON().with_variant(JSONB(), "postgresql")
    # Not by making the tables anew: each may hold millions of rows.
    op.add_column(
        "subscribers",
        sa.Column("tags", document, nullable=False, server_default=sa.text("'[]'")),
    )
    for name in ("version", "network_address", "evidence"):
        op.add_column(
            "consents", sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))
        )

"""Run the revisions on the connection, and inside the transaction, that ``schema`` hands over."""

from alembic import context

from flashback.store import schema
from flashback.store.indices import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=schema.VERSION_TABLE,
    # Our SQLite transactions are begun by hand, so they hold DDL as well.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()

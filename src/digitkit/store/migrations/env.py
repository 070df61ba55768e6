"""Alembic runs this; `digitkit.store.migrating` has opened the connection, the transaction and the lock before."""

from alembic import context

from digitkit.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite changes a table by making it anew
    transactional_ddl=True,  # all versions or none, on SQLite too
)
context.run_migrations()

"""What Alembic runs for every command: the connection is the caller's, and so is the transaction."""

from alembic import context

from pushserver.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()

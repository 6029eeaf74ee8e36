"""What Alembic runs: always within the connection and transaction of `database.open_database`."""

from __future__ import annotations

from alembic import context

from microgrid_lib.consumers.tables import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()

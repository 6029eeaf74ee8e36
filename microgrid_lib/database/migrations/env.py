"""What Alembic runs: always within the connection and transaction of `schema.upgrade`."""

from __future__ import annotations

from alembic import context

from microgrid_lib.database.schema import Schema

schema: Schema = context.config.attributes["schema"]
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=schema.metadata,
    version_table=schema.version_table,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()

"""Schema changes of the consumers' tables (Alembic), one module each, oldest first."""

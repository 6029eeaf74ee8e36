"""Schema changes of the accounts' table (Alembic), one module each, oldest first."""

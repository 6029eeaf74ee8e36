"""Schema changes of the deliveries' table (Alembic), one module each, oldest first."""

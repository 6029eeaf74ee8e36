"""Schema changes of the schedule's tables (Alembic), one module each, oldest first."""

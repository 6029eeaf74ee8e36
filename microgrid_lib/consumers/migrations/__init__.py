"""Schema changes of the consumers database (Alembic); run by `database.open_database`."""

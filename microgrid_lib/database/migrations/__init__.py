"""What Alembic runs for every schema; the changes themselves lie with their tables."""

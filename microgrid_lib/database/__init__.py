"""The database of what people enter: consumers, accounts. SQLite in the home, or PostgreSQL.

`open_database(settings, schema)` (in `connections`) is the way in.
"""

"""Consumers of a microgrid: who draws power, where, and how much it matters.

`ConsumerStore.open(settings)` (in `store`) is the way in; `exchange` writes files, `importing`
reads them. Modules are imported by name, so that the database library loads only where it's used.
"""

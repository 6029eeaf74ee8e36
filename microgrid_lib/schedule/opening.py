"""The database with all that a scheduler keeps in it."""

from __future__ import annotations

from microgrid_lib.database.connections import Database, open_database
from microgrid_lib.delivery.tables import SCHEMA as DELIVERIES
from microgrid_lib.schedule.tables import SCHEMA
from microgrid_lib.settings import Settings


def open_state(settings: Settings) -> Database:
    """Open the database of the settings, with the tables of the schedule and of deliveries.

    Raises
    ------
    SettingsError, StoreError, BusyError
        See `open_database`.
    """
    open_database(settings, DELIVERIES).close()
    return open_database(settings, SCHEMA)

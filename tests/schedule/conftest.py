"""A world on each database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from microgrid_lib.settings import Settings
from tests.schedule.world import World


@pytest.fixture
def world(home: Path, settings: Settings, tmp_path: Path) -> Iterator[World]:
    """A world on SQLite in the home of the test."""
    folder = tmp_path / "reports"
    folder.mkdir()
    made = World.at(settings, folder)
    yield made
    made.database.close()


@pytest.fixture
def both_worlds(database_settings: Settings, tmp_path: Path) -> Iterator[World]:
    """A world on SQLite, and one on a real PostgreSQL."""
    folder = tmp_path / "reports"
    folder.mkdir()
    made = World.at(database_settings, folder)
    yield made
    made.database.close()

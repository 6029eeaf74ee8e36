"""A store on every database there is: a SQLite file, and a real PostgreSQL server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from microgrid_lib.consumers.access import Actor, Role
from microgrid_lib.consumers.store import ConsumerStore
from microgrid_lib.settings import Settings

NewSettings = Callable[[], Settings]


@pytest.fixture
def sqlite_settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def settings(database_settings: Settings) -> Settings:
    """Settings of an empty database; a test that asks for them runs on both."""
    return database_settings


@pytest.fixture
def store(settings: Settings) -> Iterator[ConsumerStore]:
    with ConsumerStore.open(settings) as opened:
        yield opened


@pytest.fixture
def sqlite_store(sqlite_settings: Settings) -> Iterator[ConsumerStore]:
    with ConsumerStore.open(sqlite_settings) as opened:
        yield opened


@pytest.fixture
def operator() -> Actor:
    return Actor("olga", Role.operator)


@pytest.fixture
def viewer() -> Actor:
    return Actor("victor", Role.viewer)


@pytest.fixture
def admin() -> Actor:
    return Actor("ada", Role.admin)

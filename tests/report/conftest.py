"""A home with a demo month, once for all tests of reports."""

from __future__ import annotations

from pathlib import Path

import pytest

from microgrid_lib.api import open_site
from microgrid_lib.settings import Settings

JUNE = "2022-06"


@pytest.fixture(scope="session")
def stocked(demo_month: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that holds the demo month; not to be changed."""
    folder = tmp_path_factory.mktemp("stocked")
    site = open_site("mesa_del_sol", settings=Settings(home=folder))
    site.ingest(sorted(demo_month.glob("*.csv")))
    site.refresh()
    return folder


@pytest.fixture
def stocked_home(stocked: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, as the home of the test."""
    monkeypatch.setenv("MICROGRID_HOME", str(stocked))
    monkeypatch.delenv("MICROGRID_CONFIG", raising=False)
    return stocked

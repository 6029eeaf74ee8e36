"""The page on site files is current, and its example works as it says."""

from __future__ import annotations

import csv
import importlib.util
import re
import tomllib
from datetime import datetime
from pathlib import Path
from types import ModuleType

import pytest

from microgrid_lib.site import Site, load_site
from microgrid_lib.site.schema import normal_spelling

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "sites.md").read_text(encoding="utf-8")


def _block(language: str) -> str:
    blocks = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1
    return str(blocks[0])


@pytest.fixture
def farm(tmp_path: Path) -> Site:
    path = tmp_path / "ferme_du_ried.toml"
    path.write_text(_block("toml"), encoding="utf-8")
    return load_site(path)


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "site_reference", ROOT / "scripts" / "site_reference.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_on_the_page_is_current(script: ModuleType) -> None:
    assert script.page_with(PAGE, script.reference()) == PAGE


def test_a_stale_reference_would_be_noticed(script: ModuleType) -> None:
    assert script.page_with(PAGE, script.reference() + "| `new` |") != PAGE


def test_every_key_of_the_reference_has_a_meaning(script: ModuleType) -> None:
    rows = re.findall(r"^\| `.*\|$", script.reference(), re.MULTILINE)
    assert len(rows) > 100
    assert [row for row in rows if row.endswith("|  |")] == []


def test_the_example_reads_its_own_rows_to_the_numbers_on_the_page(farm: Site) -> None:
    source = farm.sources[0]
    text = _block("csv").encode(source.encoding).decode(source.encoding)
    header, *rows = csv.reader(text.splitlines(), delimiter=source.delimiter)
    folded = [normal_spelling(name) for name in header]
    at = {
        channel: folded.index(normal_spelling(columns[0]))
        for channel, columns in farm.channels_of(source).items()
    }
    times = folded.index(normal_spelling(source.time_columns[0]))
    assert datetime.strptime(rows[0][times], source.time_formats[0]) == datetime(2023, 10, 1, 12)

    def value(row: list[str], channel: str) -> float:
        number = float(row[at[channel]].replace(source.decimal, "."))
        assert number not in farm.sentinels
        return number * farm.channels[channel].factor

    values = {channel: value(rows[0], channel) for channel in at}
    for role, expression in farm.profile().expressions.items():
        values[role] = expression.evaluate(values)
    assert values["battery"] == -12.0
    assert values["grid"] == -31.7
    assert values["load"] == pytest.approx(37.7, abs=1e-9)
    assert values["bus_voltage"] == 399.8
    assert {float(rows[2][i]) for i in at.values()} == set(farm.sentinels)


def test_the_example_says_nothing_that_is_there_by_default(farm: Site) -> None:
    written = tomllib.loads(_block("toml"))
    defaults = {"note", "doubled_hour", "live", "limits", "evidence", "plant"}
    assert set(Site.model_fields) - set(written) == defaults
    assert not farm.profile().grid_is_derived

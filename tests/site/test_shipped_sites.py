"""The shipped sites, and the one written by following the page."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from microgrid_lib.errors import UnknownNameError
from microgrid_lib.site import Site, list_sites, load_site
from microgrid_lib.site.expression import parse_expression
from microgrid_lib.site.schema import CHANNELS, normal_spelling

HERE = Path(__file__).resolve().parent
REAL = HERE.parents[1] / "../shared/data"
PUBLISHED = [
    "Battery_Active_Power",
    "Battery_Active_Power_Set_Response",
    "PVPCS_Active_Power",
    "GE_Body_Active_Power",
    "GE_Active_Power",
    "GE_Body_Active_Power_Set_Response",
    "FC_Active_Power_FC_END_Set",
    "FC_Active_Power",
    "FC_Active_Power_FC_end_Set_Response",
    "Island_mode_MCCB_Active_Power",
    "MG-LV-MSB_AC_Voltage",
    "Receiving_Point_AC_Voltage",
    "Island_mode_MCCB_AC_Voltage",
    "Island_mode_MCCB_Frequency",
    "MG-LV-MSB_Frequency",
    "Inlet_Temperature_of_Chilled_Water",
    "Outlet_Temperature",
]


@pytest.fixture
def mds(tmp_path: Path) -> Site:
    return load_site("mesa_del_sol", home=tmp_path)


@pytest.fixture
def trade(tmp_path: Path) -> Site:
    return load_site("trade_street", home=tmp_path)


def _header(path: Path) -> list[str]:
    if not path.is_file():
        pytest.skip(f"the real data {path.name} isn't beside the checkout")
    with path.open(encoding="utf-8-sig", newline="") as file:
        return next(csv.reader(file))


def _channels(site: Site, source: str, header: list[str]) -> list[str]:
    spellings = {
        normal_spelling(column): channel
        for channel, columns in site.channels_of(site.source(source)).items()
        for column in columns
    }
    return [spellings[normal_spelling(name)] for name in header]


def test_both_sites_are_shipped(tmp_path: Path) -> None:
    assert {"mesa_del_sol", "trade_street"} <= set(list_sites(tmp_path))


def test_the_published_columns_are_the_channels_in_their_order(mds: Site) -> None:
    assert _channels(mds, "plant", PUBLISHED) == list(CHANNELS)


def test_the_readmes_spellings_mean_the_same_columns(mds: Site) -> None:
    spaced = [name.replace("_", " ").lower() for name in PUBLISHED]
    spaced[6] = "FC Active Power (FC-end) Set"
    spaced[8] = "FC Active Power (FC-end) Set Response"
    assert _channels(mds, "plant", spaced) == list(CHANNELS)


def test_as_published_derives_the_grid_and_gas_engine_meters_it(mds: Site) -> None:
    published, engine = mds.profile(), mds.profile("gas_engine")
    assert published.name == "as_published"
    assert published.grid_is_derived
    assert published.has("grid")
    assert not published.has("genset")
    assert published.expressions["load"].text == "ge_power_total"
    assert published.expressions["critical_load"].text == "ge_power_body"
    assert not engine.grid_is_derived
    assert engine.expressions["genset"].text == "ge_power_total"
    assert engine.expressions["grid"].text == "mccb_power"
    assert set(engine.spec.reasons) == {"load", "critical_load"}


def test_the_two_readings_of_ge_close_the_balance_as_documented(mds: Site) -> None:
    path = REAL / "mesa_del_sol" / "Apr_2023_head.csv"
    header = _header(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))[1:]
    names = _channels(mds, "plant", header[1:])
    residuals = {}
    for reading in mds.evidence[0].readings:
        expression = parse_expression(reading.residual)
        each = [
            abs(expression.evaluate(dict(zip(names, map(float, row[1:]), strict=True))))
            for row in rows
        ]
        residuals[reading.name] = sum(each) / len(each)
    assert residuals["load"] == pytest.approx(187, abs=0.5)
    assert residuals["source"] == pytest.approx(36, abs=0.5)


def test_trade_streets_battery_is_turned_round_and_gives_the_load(trade: Site) -> None:
    assert trade.channels["battery_power"].factor == -1.0
    load = trade.profile().expressions["load"]
    assert load.evaluate({"grid_power": 20.0, "pv_power": 50.0, "battery_power": -10.0}) == 60.0
    assert trade.battery.capacity_kwh is None
    assert trade.ratings.model_dump(exclude_none=True) == {}


@pytest.mark.parametrize(
    ("file", "source", "channel"),
    [
        ("TradeStreetPV.csv", "pv", "pv_power"),
        ("TradeStreetBattery.csv", "battery", "battery_power"),
        ("TradeStreetTotal.csv", "total", "grid_power"),
    ],
)
def test_trade_streets_real_columns_are_known(
    file: str, source: str, channel: str, trade: Site
) -> None:
    header = _header(REAL / "trade_street" / file)
    assert header[0] in trade.source(source).time_columns
    assert _channels(trade, source, header[1:]) == [channel]


def test_the_site_written_by_the_page_knows_the_hourly_columns() -> None:
    site = load_site(HERE / "data" / "hourly_mds.toml")
    header = _header(REAL / "mesa_del_sol" / "Aug_2022_hourly.csv")
    assert set(_channels(site, "hourly", header[1:])) == set(site.channels)
    assert len(site.channels) == 9


def test_a_reason_for_the_grid_keeps_it_from_being_derived() -> None:
    profile = load_site(HERE / "data" / "hourly_mds.toml").profile()
    assert profile.has("load")
    assert not profile.grid_is_derived
    assert not profile.has("grid")


def test_an_unknown_profile_lists_the_known_ones(mds: Site) -> None:
    with pytest.raises(UnknownNameError, match="'guess'; known: as_published, gas_engine"):
        mds.profile("guess")


def test_a_fingerprint_changes_with_what_summaries_depend_on(mds: Site) -> None:
    before = mds.profile().fingerprint
    assert mds.profile().fingerprint == before
    assert mds.profile("gas_engine").fingerprint != before
    renamed = mds.model_copy(update={"title": "Another"})
    assert renamed.profile().fingerprint == before
    for change in (
        {"battery": mds.battery.model_copy(update={"deadband_kw": 1.0})},
        {"nominal": mds.nominal.model_copy(update={"voltage_v": 400.0})},
        {"display_timezone": "UTC"},
        {"interval_s": 60},
    ):
        assert mds.model_copy(update=change).profile().fingerprint != before


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("FC Active Power (FC-end) Set", "FC_Active_Power_FC_END_Set", True),
        ("\ufeffDateTime", "datetime", True),
        ("Größe", "GRO\u0308SSE", True),
        ("P+", "P-", False),
        ("GE Active Power", "GE Body Active Power", False),
    ],
)
def test_spellings_of_one_column_fold_to_the_same(left: str, right: str, same: bool) -> None:
    assert (normal_spelling(left) == normal_spelling(right)) is same

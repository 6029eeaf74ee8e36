"""Kinds of alerts and where they stand: limits as the rules have them, and reasons."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from microgrid_lib.kpi.access import Access
from microgrid_lib.kpi.alert_kinds import AlertLimit, kinds_of
from microgrid_lib.kpi.alert_rules import Rule, rules_of
from microgrid_lib.kpi.alert_states import AlertState, states_of
from microgrid_lib.kpi.alerts import alerts_of
from microgrid_lib.site.profile import Site
from microgrid_lib.store.engines import DuckDBEngine
from microgrid_lib.window import Window
from tests.kpi.lakes import BATTERY, make_lake, make_site, rows_from, utc

START = utc("2023-03-01T00:00")
ROLES = (
    *("battery", "battery_setpoint", "fuel_cell", "fuel_cell_setpoint"),
    *("bus_voltage", "mccb_voltage", "bus_frequency", "mccb_frequency"),
)
FINE = {
    "battery": 0.0,
    "battery_setpoint": 0.0,
    "fuel_cell": 38.0,
    "fuel_cell_setpoint": 40.0,
    "bus_voltage": 480.0,
    "mccb_voltage": 480.0,
    "bus_frequency": 60.0,
    "mccb_frequency": 60.0,
}


def charged(soc: float, uncertainty: float) -> dict[str, Any]:
    """A battery whose state of charge is known at the first sample."""
    anchor = {"time": START, "soc": soc, "uncertainty": uncertainty}
    return BATTERY | {"soc_anchors": [anchor]}


def site_of(roles: tuple[str, ...] = ROLES, **options: Any) -> Site:
    ratings = {"fuel_cell_kw": 80.0, "battery_kw": 100.0}
    given = {"interval_s": 10, "ratings": ratings, "battery": charged(0.8, 0.05)}
    return make_site(roles, **given | options)


def states(
    engine: DuckDBEngine, folder: Path, site: Site, slots: list[dict[str, float]]
) -> dict[str, AlertState]:
    snapshot = make_lake(folder, site.profile(), rows_from(site, START, slots))
    access = Access(engine, snapshot, site.profile())
    until = START + timedelta(seconds=10 * len(slots))
    return judged(access, until)


def judged(access: Access, until: datetime) -> dict[str, AlertState]:
    found = alerts_of(access, Window(START, until), until)
    report = states_of(access, [alert for alert in found if alert.active], until)
    return {state.name: state for state in report.states}


def test_every_kind_stands_once_and_well(engine: DuckDBEngine, tmp_path: Path) -> None:
    found = states(engine, tmp_path, site_of(), [FINE] * 60)
    assert {name: state.state for name, state in found.items()} == dict.fromkeys(
        (
            *("battery_low", "battery_empty", "fuel_cell_failed", "battery_not_following"),
            *("bus_voltage", "bus_frequency", "voltage_gap", "data_stale"),
        ),
        "ok",
    )


def test_an_alert_that_lasts_is_the_state(engine: DuckDBEngine, tmp_path: Path) -> None:
    found = states(engine, tmp_path, site_of(), [FINE] * 30 + [FINE | {"bus_voltage": 430.0}] * 30)
    state = found["bus_voltage"]
    assert state.state == "critical"
    assert state.alert is not None
    assert state.alert.start == START + timedelta(seconds=300)
    assert state.reason is None
    assert found["bus_frequency"].state == "ok"


def test_an_alert_that_ended_is_no_state(engine: DuckDBEngine, tmp_path: Path) -> None:
    found = states(engine, tmp_path, site_of(), [FINE | {"bus_voltage": 430.0}] * 30 + [FINE] * 30)
    assert found["bus_voltage"].state == "ok"


def test_what_has_sent_nothing_lately_is_not_called_ok(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    silent = {k: v for k, v in FINE.items() if k != "bus_voltage"}
    found = states(engine, tmp_path, site_of(), [FINE] * 60 + [silent] * 30)
    reason = found["bus_voltage"].reason
    assert found["bus_voltage"].state is None
    assert reason is not None
    assert (reason.code, reason.params["minutes"]) == ("no_recent_data", 5.0)
    assert found["voltage_gap"].state is None
    assert found["bus_frequency"].state == "ok"
    assert found["data_stale"].state == "ok"


def test_a_site_gone_silent_is_stale_and_all_else_unknown(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    site = site_of()
    snapshot = make_lake(tmp_path, site.profile(), rows_from(site, START, [FINE] * 60))
    found = judged(Access(engine, snapshot, site.profile()), START + timedelta(hours=1))
    assert found["data_stale"].state == "warning"
    assert {s.state for name, s in found.items() if name != "data_stale"} == {None}


@pytest.mark.parametrize(
    ("soc", "uncertainty", "low", "empty"),
    [
        (0.515, 0.49, None, None),
        (0.40, 0.08, None, "ok"),
        (0.40, 0.04, "ok", "ok"),
        (0.20, 0.04, "warning", "critical"),
        (0.32, 0.01, "warning", "ok"),
        (0.32, 0.05, "warning", None),
        (0.20, 0.40, "warning", "critical"),
    ],
)
def test_a_battery_is_only_called_charged_where_its_whole_band_is(
    engine: DuckDBEngine,
    tmp_path: Path,
    soc: float,
    uncertainty: float,
    low: str | None,
    empty: str | None,
) -> None:
    site = site_of(battery=charged(soc, uncertainty))
    # An hour, so that a battery below a limit has been there for long enough.
    found = states(engine, tmp_path, site, [FINE] * 360)
    assert (found["battery_low"].state, found["battery_empty"].state) == (low, empty)
    others = {state.state for name, state in found.items() if not name.startswith("battery_")}
    assert others == {"ok"}
    for name, limit in (("battery_low", 0.35), ("battery_empty", 0.30)):
        reason = found[name].reason
        within = soc - uncertainty < limit <= soc + uncertainty
        assert (reason.code if reason else None) == ("soc_band" if within else None)
        if reason is not None:
            assert reason.params["limit"] == limit
            assert reason.params["low"] == pytest.approx(max(0, soc - uncertainty), abs=0.01)
            assert reason.params["high"] == pytest.approx(soc + uncertainty, abs=0.01)


def test_a_limit_at_the_lower_end_of_the_band_cannot_be_passed_and_at_the_upper_end_can(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    battery = charged(0.5, 0.5) | {"soc_min": 0.0, "soc_max": 1.0}
    site = site_of(battery=battery)
    spec = site.profiles["plain"]
    alerts = spec.alerts.model_copy(update={"battery_low_soc": 1.0})
    profiles = {"plain": spec.model_copy(update={"alerts": alerts})}
    found = states(engine, tmp_path, site.model_copy(update={"profiles": profiles}), [FINE] * 6)
    assert found["battery_empty"].state == "ok"
    reason = found["battery_low"].reason
    assert reason is not None
    assert reason.params == {"low": 0.0, "high": 1.0, "limit": 1.0}


def test_without_a_capacity_only_the_charge_is_unknown(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    found = states(engine, tmp_path, site_of(battery={}), [FINE] * 60)
    unknown = {name for name, state in found.items() if state.state is None}
    assert unknown == {"battery_low", "battery_empty"}
    reason = found["battery_low"].reason
    assert reason is not None
    assert reason.code == "battery_capacity_unknown"


def test_before_the_first_sample_nothing_is_known(engine: DuckDBEngine, tmp_path: Path) -> None:
    profile = site_of().profile()
    report = states_of(Access(engine, make_lake(tmp_path, profile, []), profile), [], START)
    known = {state.name for state in report.states if state.state is not None}
    assert known == {"data_stale"}


@pytest.mark.parametrize(("interval_s", "for_s"), [(10, 300.0), (150, 450.0), (900, 2700.0)])
def test_a_battery_is_low_after_five_minutes_and_three_intervals_at_least(
    interval_s: int, for_s: float
) -> None:
    kinds = {kind.name: kind for kind in kinds_of(site_of(interval_s=interval_s).profile())}
    assert kinds["battery_low"].for_s == kinds["battery_empty"].for_s == for_s


def test_a_kind_knows_the_limit_of_a_severity() -> None:
    kinds = {kind.name: kind for kind in kinds_of(site_of().profile())}
    mild, hard = kinds["bus_voltage"].limits
    assert kinds["bus_voltage"].limit("warning") == mild
    assert kinds["bus_voltage"].limit("critical") == hard
    assert kinds["bus_voltage"].limit("info") is None


@pytest.mark.parametrize(
    ("options", "name", "code"),
    [
        ({"roles": ("battery",), "battery": {}}, "battery_low", "battery_capacity_unknown"),
        ({"roles": ("bus_voltage",)}, "battery_empty", "no_role"),
        ({"roles": ("fuel_cell",)}, "fuel_cell_failed", "no_role"),
        (
            {"roles": ("battery", "battery_setpoint"), "ratings": {}},
            "battery_not_following",
            "rating_unknown",
        ),
        ({"roles": ("battery",)}, "battery_not_following", "no_role"),
        ({"roles": ("bus_voltage",)}, "voltage_gap", "no_role"),
        ({"roles": ("bus_voltage",)}, "bus_frequency", "no_role"),
    ],
)
def test_a_kind_that_a_site_cannot_have_says_why(
    options: dict[str, Any], name: str, code: str
) -> None:
    kinds = {kind.name: kind for kind in kinds_of(site_of(**options).profile())}
    lacks = kinds[name].lacks
    assert lacks is not None
    assert lacks.code == code


def test_a_site_has_the_rules_of_the_kinds_it_does_not_lack() -> None:
    for roles in (ROLES, ("battery",), ("bus_voltage", "bus_frequency"), ROLES[:4]):
        profile = site_of(roles).profile()
        kinds = {kind.name for kind in kinds_of(profile) if kind.lacks is None}
        counted = {"battery_low", "battery_empty", "data_stale"}
        assert {rule.name for rule in rules_of(profile)} == kinds - counted


def on(rule: Rule, severity: str, values: dict[str, float]) -> bool:
    columns = {name: np.array([value]) for name, value in (FINE | values).items()}
    columns["islanded"] = np.array([False])
    condition = dict(rule.levels)[severity]  # type: ignore[index]
    return bool(condition(columns)[0])


def watched(name: str, value: float, limit: AlertLimit) -> dict[str, float]:
    """Values of the roles at which the watched one is at `value`."""
    if name == "battery_not_following":
        return {"battery": value}
    if name == "voltage_gap":
        return {"mccb_voltage": 480.0 + value}
    return {"fuel_cell" if limit.of else name: value * (40.0 if limit.of else 1.0)}


def test_limits_are_those_of_the_rules() -> None:
    profile = site_of().profile()
    kinds = {kind.name: kind for kind in kinds_of(profile)}
    sides = 0
    for rule in rules_of(profile):
        assert [limit.severity for limit in kinds[rule.name].limits] == [s for s, _ in rule.levels]
        for limit in kinds[rule.name].limits:
            for edge, outwards in ((limit.low, -1), (limit.high, 1)):
                if edge is None:
                    continue
                sides += 1
                beyond = edge * (1 + outwards * 1e-4)
                assert not on(rule, limit.severity, watched(rule.name, edge, limit))
                assert on(rule, limit.severity, watched(rule.name, beyond, limit))
    assert sides == 11

"""Conditions of alerts exactly at their thresholds, over slots and over buckets of summaries."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from microgrid_lib.kpi.alert_rules import Rule, rules_of, slots_needed
from tests.kpi.lakes import make_site

ROLES = (
    *("battery", "battery_setpoint", "fuel_cell", "fuel_cell_setpoint"),
    *("bus_voltage", "mccb_voltage", "bus_frequency", "mccb_frequency"),
)


def rule(name: str) -> Rule:
    """A rule of a plant of 480 V, 60 Hz and a battery of 100 kW, with the default thresholds."""
    site = make_site(ROLES, ratings={"fuel_cell_kw": 80.0, "battery_kw": 100.0})
    (found,) = (rule for rule in rules_of(site.profile()) if rule.name == name)
    return found


def over(names: Sequence[str], rows: Sequence[tuple[float, ...]]) -> dict[str, np.ndarray]:
    return {name: np.array(column) for name, column in zip(names, zip(*rows), strict=True)}  # noqa: B905


def holds(condition: Callable[..., np.ndarray], names: str, *rows: tuple[float, ...]) -> list[bool]:
    found: list[bool] = condition(over(names.split(), rows)).tolist()
    return found


@pytest.mark.parametrize(
    ("for_s", "step_s", "slots"),
    [(60, 10, 6), (60.000000001, 10, 6), (60.001, 10, 7), (65, 10, 7), (20, 10, 3), (60, 300, 3)],
)
def test_a_time_is_as_many_slots_as_cover_it_and_three_at_least(
    for_s: float, step_s: int, slots: int
) -> None:
    assert slots_needed(for_s, step_s) == slots


def test_a_fuel_cell_fails_below_a_tenth_and_runs_above_half_of_what_it_was_told() -> None:
    cell = rule("fuel_cell_failed")
    ((_, failed),) = cell.levels
    slot, bucket = "fuel_cell_setpoint fuel_cell", "fuel_cell_setpoint__max fuel_cell__min"
    below = ((40.0, 3.9), (40.0, 4.0), (0.5, 0.04), (0.0, -1.0))
    assert holds(failed, slot, *below) == [True, False, True, False]
    half = ((40.0, 20.0), (40.0, 20.1), (0.5, 0.2), (0.0, -1.0))
    assert holds(cell.off, slot, *half) == [False, True, False, True]
    # Of a bucket only the extremes are known: what equals the threshold may be beyond it.
    least = ((40.0, 4.0), (40.0, 4.1), (0.5, 0.05), (0.0, 0.0))
    assert holds(cell.maybe_on, bucket, *least) == [True, False, True, False]
    least = ((40.0, 20.0), (40.0, 20.1), (0.5, 0.25), (0.0, 0.0))
    assert holds(cell.maybe_not_off, bucket, *least) == [True, False, True, False]
    assert cell.badness({"fuel_cell": np.array([3.0, 1.0])}).argmax() == 1


def test_a_battery_leaves_its_set_point_beyond_10_kw_and_follows_below_5() -> None:
    battery = rule("battery_not_following")
    ((_, lost),) = battery.levels
    slot = "battery battery_setpoint"
    rows = ((20.0, 10.0), (20.5, 10.0), (-20.5, -10.0), (10.0, -0.5))
    assert holds(lost, slot, *rows) == [False, True, True, True]
    rows = ((15.0, 10.0), (14.5, 10.0), (-5.0, -10.0), (-14.5, -10.0))
    assert holds(battery.off, slot, *rows) == [False, True, False, True]
    assert battery.value(over(slot.split(), rows)).tolist() == [5.0, 4.5, 5.0, 4.5]


def test_the_farthest_of_a_bucket_is_from_extreme_to_extreme() -> None:
    battery = rule("battery_not_following")
    names = "battery__min battery__max battery_setpoint__min battery_setpoint__max"
    rows = ((0.0, 4.0, -6.5, 5.0), (-9.0, 0.0, 0.0, 1.5), (0.0, 4.0, -6.0, 5.0))
    assert holds(battery.maybe_on, names, *rows) == [True, True, False]
    rows = ((0.0, 4.0, -1.0, 2.0), (-3.0, 0.0, 0.0, 2.0), (0.0, 4.0, -0.5, 2.0))
    assert holds(battery.maybe_not_off, names, *rows) == [True, True, False]


@pytest.mark.parametrize(
    ("name", "nominal", "warning", "critical", "ends"),
    [
        ("bus_voltage", 480.0, (456.0, 504.0), (440.0, 508.0), (458.4, 501.6)),
        ("bus_frequency", 60.0, (59.4, 60.6), (58.8, 61.2), (59.52, 60.48)),
    ],
)
def test_limits_are_inside_and_an_alert_ends_at_its_hysteresis(
    name: str,
    nominal: float,
    warning: tuple[float, float],
    critical: tuple[float, float],
    ends: tuple[float, float],
) -> None:
    limited = rule(name)
    for (_, condition), (low, high) in zip(limited.levels, (warning, critical), strict=True):
        rows = ((low,), (low - 0.01,), (high,), (high + 0.01,), (nominal,))
        assert holds(condition, name, *rows) == [False, True, False, True, False]
    low, high = ends
    rows = ((low,), (low - 0.01,), (high,), (high + 0.01,), (nominal,))
    assert holds(limited.off, name, *rows) == [True, False, True, False, True]
    for maybe, (low, high) in ((limited.maybe_on, warning), (limited.maybe_not_off, ends)):
        buckets = ((low, high), (low - 0.01, nominal), (nominal, high + 0.01))
        assert holds(maybe, f"{name}__min {name}__max", *buckets) == [False, True, True]
    bad = limited.badness({name: np.array([nominal - 2.0, nominal + 3.0])})
    assert bad.tolist() == [2.0, 3.0]


def test_a_voltage_gap_opens_beyond_4_8_v_and_closes_below_2_4_or_islanded() -> None:
    voltage = rule("voltage_gap")
    ((_, opens),) = voltage.levels

    def slots(*gaps: float, islanded: bool = False) -> dict[str, np.ndarray]:
        bus = np.full(len(gaps), 480.0)
        state = np.full(len(gaps), islanded)
        return {"bus_voltage": bus, "mccb_voltage": bus + gaps, "islanded": state}

    assert opens(slots(4.8, 4.81, -4.81, 0.0)).tolist() == [False, True, True, False]
    assert not opens(slots(4.8, 4.81, islanded=True)).any()
    assert voltage.off(slots(2.41, 2.39, -2.41)).tolist() == [False, True, False]
    assert voltage.off(slots(2.41, 9.0, islanded=True)).all()
    # Exactly at a threshold: neither open nor closed.
    on_v, off_v = 0.01 * 480.0 * (1 + 1e-7), 0.005 * 480.0
    at = {"bus_voltage": np.zeros(2), "mccb_voltage": np.array([on_v, off_v])}
    at["islanded"] = np.zeros(2, dtype=np.bool_)
    assert not opens(at)[0]
    assert not voltage.off(at)[1]
    assert holds(voltage.maybe_on, "voltage_gap__gap", (on_v,)) == [False]
    assert voltage.value(slots(-3.0, 3.0)).tolist() == [3.0, 3.0]
    assert holds(voltage.maybe_on, "voltage_gap__gap", (4.8,), (4.81,)) == [False, True]
    closed = ((2.4,), (2.39,))
    assert holds(voltage.maybe_not_off, "voltage_gap__gap", *closed) == [True, False]

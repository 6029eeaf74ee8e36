"""The tables of rules and trips, number by number."""

from __future__ import annotations

import pytest

from microgrid_lib.kpi.compliance_rules import TRIPS, quality_rules
from tests.kpi.lakes import make_site


def test_rules_have_the_ranges_shares_and_periods_of_their_standards() -> None:
    rules = quality_rules(make_site(["bus_voltage"]).profile())
    assert {r.name: (r.limits, r.required, r.period, r.state) for r in rules} == {
        "en50160_voltage": (((0.90, 1.10), (0.85, 1.10)), (0.95, 1.0), "week", "grid"),
        "en50160_frequency_grid": (((0.99, 1.01), (0.94, 1.04)), (0.995, 1.0), "year", "grid"),
        "en50160_frequency_island": (((0.98, 1.02), (0.85, 1.15)), (0.95, 1.0), "week", "island"),
        "ansi_c84_1_a": (((0.95, 1.05), None), (1.0, None), "none", "any"),
        "ansi_c84_1_b": (((110 / 120, 127 / 120), None), (1.0, None), "none", "any"),
    }


def test_trips_have_the_default_thresholds_and_clearing_times_of_category_iii() -> None:
    assert {t.function: (t.unit, t.threshold, t.clearing_s, t.over) for t in TRIPS} == {
        "OV1": ("V", 1.10, 13.0, True),
        "OV2": ("V", 1.20, 0.16, True),
        "UV1": ("V", 0.88, 21.0, False),
        "UV2": ("V", 0.50, 2.0, False),
        "OF1": ("Hz", pytest.approx(1.02), 300.0, True),
        "OF2": ("Hz", 62 / 60, 0.16, True),
        "UF1": ("Hz", pytest.approx(0.975), 300.0, False),
        "UF2": ("Hz", 56.5 / 60, 0.16, False),
    }

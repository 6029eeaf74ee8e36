"""A simulated day as values: stacks, steps, metrics with limits, words for every note."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import microgrid_lib
from microgrid_lib.present.charts import stacked
from microgrid_lib.present.simulation import KINDS, Pair, simulation_charts
from microgrid_lib.present.simulation_tables import (
    LIMITS_OF_THE_MODEL,
    METRICS,
    loss_rows,
    metric_rows,
)
from microgrid_lib.present.texts import LANGUAGES, texts_for
from microgrid_lib.simulation.contingency import n_minus_1
from microgrid_lib.simulation.presets import presets
from microgrid_lib.simulation.scenario import SOURCES, Scenario
from microgrid_lib.simulation.simulate import simulate
from microgrid_lib.site import load_site
from tests.simulation.sites import constant_day, mds_plant, measured_like_day

EN = texts_for("en")
NAN = float("nan")
SITE = load_site("mesa_del_sol")
PACKAGE = Path(microgrid_lib.__file__).resolve().parent


def pair(scenario: Scenario) -> Pair:
    day = measured_like_day()
    return Pair(simulate(mds_plant(), day), simulate(mds_plant(), day, scenario))


def test_a_stack_grows_both_ways_from_zero() -> None:
    values = (np.array([10.0, 10.0]), np.array([-4.0, 5.0]), np.array([-3.0, NAN]))
    parts = [(name, name, value) for name, value in zip("abc", values, strict=True)]
    a, b, c = stacked(parts, np.array([0.0, 1.0]))
    assert (a.low.tolist(), a.high.tolist()) == ([0.0, 0.0], [10.0, 10.0])
    assert (b.low.tolist(), b.high.tolist()) == ([-4.0, 10.0], [0.0, 15.0])
    assert (c.low[0], c.high[0]) == (-7.0, -4.0)
    assert np.isnan(c.low[1])
    assert b.y.tolist() == [-4.0, 5.0]


def test_the_stack_reaches_what_the_load_takes() -> None:
    chart = simulation_charts(pair(Scenario(load_scale=1.2)), SITE, EN)["power"]
    top = np.max([layer.high for layer in chart.layers], axis=0)
    bottom = np.min([layer.low for layer in chart.layers], axis=0)
    # But for the kilowatt that these meters leave open.
    assert np.abs(top + bottom - chart.lines[0].y).max() < 3.0


def test_steps_are_means_of_their_minutes() -> None:
    load = np.arange(1440.0)
    day = constant_day(load=load)
    both = Pair(simulate(mds_plant(battery=None), day), simulate(mds_plant(battery=None), day))
    line = simulation_charts(both, SITE, EN)["power"].lines[0]
    assert line.x[:2].tolist() == [90.0, 270.0]
    assert line.y[:2].tolist() == [1.0, 4.0]
    assert len(line.x) == 480


def test_metrics_say_what_is_beyond_its_limit() -> None:
    rows = {row.name: row for row in metric_rows(pair(Scenario(lost=("grid",), load_scale=3)), EN)}
    assert rows["unserved"].broken
    assert rows["unserved"].limit == "≤ 0.0\N{NO-BREAK SPACE}kWh"
    assert not rows["soc_min"].broken
    assert rows["soc_min"].limit == "≥ 30.0\N{NO-BREAK SPACE}%"
    assert rows["grid_import"].value == 0.0
    assert rows["grid_import"].difference.startswith("−")
    assert rows["nadir"].base == "–"


def test_minutes_outside_a_range_are_not_zero_where_no_voltage_is_known() -> None:
    plant, day = mds_plant(network=None), constant_day(load=100.0, battery=0.0)
    both = Pair(simulate(plant, day), simulate(plant, day))
    rows = {row.name: row for row in metric_rows(both, EN)}
    assert rows["minutes_outside_a"].value is None
    assert not rows["minutes_outside_a"].broken


def test_a_transient_has_limits_on_both_sides_and_says_when_it_does_not_settle() -> None:
    day = constant_day(load=20.0, pv=90.0, battery=0.0)
    plant = mds_plant(genset=None)
    both = Pair(simulate(plant, day), simulate(plant, day, Scenario(island="10:00-11:00")))
    rows = {row.name: row for row in metric_rows(both, EN)}
    assert rows["nadir"].limit == "≥ 56.50\N{NO-BREAK SPACE}Hz, ≤ 62.00\N{NO-BREAK SPACE}Hz"
    assert rows["nadir"].value is not None
    assert rows["nadir"].value > 60.0
    assert not rows["nadir"].broken
    assert (rows["settling"].base, rows["settling"].scenario) == ("–", "doesn't settle")
    raised = both.scenario.metrics.model_copy(
        update={
            "frequency_hz": both.scenario.metrics.frequency_hz.model_copy(update={"nadir": 62.5})
        }
    )
    above = Pair(both.base, replace(both.scenario, metrics=raised))
    assert {row.name: row for row in metric_rows(above, EN)}["nadir"].broken


def test_a_loss_that_is_survived_says_to_the_end() -> None:
    rows = loss_rows(n_minus_1(mds_plant(), measured_like_day()), EN)
    assert rows[0].lost == "nothing"
    assert rows[0].survives == "to the end"


def test_a_voltage_that_collapses_is_no_survival() -> None:
    day = constant_day(load=1000.0, battery=0.0)
    lost = loss_rows(n_minus_1(mds_plant(), day, Scenario(load_scale=5.0)), EN)
    assert lost[0].survives == "voltage collapses"
    both = Pair(simulate(mds_plant(), day), simulate(mds_plant(), day, Scenario(load_scale=5.0)))
    assert {row.name: row for row in metric_rows(both, EN)}["survival"].scenario == (
        "voltage collapses"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_the_simulation_says_has_its_words(language: str) -> None:
    texts = texts_for(language)
    keys = [f"metric.{metric.name}" for metric in METRICS]
    keys += [f"source.{name}" for name in (*SOURCES, "load")]
    keys += [f"preset.{name}" for name in presets(mds_plant(), measured_like_day())]
    keys += [f"simulation.limit.{name}" for name in LIMITS_OF_THE_MODEL]
    keys += [f"chart.simulation_{kind}" for kind in KINDS]
    keys += [f"origin.{name}" for name in ("measured", "calibrated", "nameplate", "assumed")]
    source = "".join(
        path.read_text(encoding="utf-8") for path in (PACKAGE / "simulation").glob("*.py")
    )
    codes = set(re.findall(r'_note\(\s*"(\w+)"', source))
    codes |= set(re.findall(r'code="simulation\.(\w+)"', source))
    codes -= {"few_power_steps", "source_not_asked"}
    assert len(codes) > 15
    for code in codes:
        one = f"note.simulation.{code}"
        kinds = [f"{one}.{kind}" for kind in ("islanding", "source_loss", "load_step")]
        keys += [one] if texts.has(one) else kinds
    assert [key for key in keys if not texts.has(key)] == []

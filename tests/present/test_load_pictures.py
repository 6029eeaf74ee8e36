"""The load's pictures: numbers of the library in words, colours and tables."""

from __future__ import annotations

import numpy as np
import pytest

from microgrid_lib.kpi.load_shape import DurationCurve, WeekProfile
from microgrid_lib.kpi.model import Kpi, Note
from microgrid_lib.present.load_pictures import duration_picture, split_picture, week_picture
from microgrid_lib.present.pictures import HeatMap, heat_colour, heat_steps
from microgrid_lib.present.texts import texts_for
from microgrid_lib.report.pictures import picture_block

EN, FR = texts_for("en"), texts_for("fr")


def kpis(share: float | None, critical: float | None, other: float | None) -> dict[str, Kpi]:
    note = Note(
        code="critical_exceeds_load",
        params={"slots": 5, "of": 10, "mean_excess_kw": 2.0},
        text="exceeds",
    )
    return {
        "critical_share": Kpi(value=share, unit="1", warning=note),
        "critical_load_energy": Kpi(value=critical, unit="kWh", covered_h=24.0),
        "other_load_energy": Kpi(value=other, unit="kWh", covered_h=24.0),
    }


def test_the_donut_says_what_the_card_says() -> None:
    donut = split_picture(kpis(0.6, 600.0, 400.0), EN)
    assert donut is not None
    assert donut.middle == "60.0 %"
    assert [(s.value, s.share) for s in donut.slices] == [(600.0, 0.6), (400.0, 0.4)]
    assert "exceeds the total load in 5 of 10 values" in donut.note
    assert donut.rows == (("critical load", "600.0", "60.0"), ("other load", "400.0", "40.0"))
    assert donut.summary == "critical load: 600 kWh · 60.0 %; other load: 400 kWh · 40.0 %"


def test_there_is_no_donut_of_what_is_no_whole() -> None:
    assert split_picture(kpis(None, None, None), EN) is None
    assert split_picture(kpis(-0.2, -20.0, 120.0), EN) is None


def test_ticks_of_a_small_load_differ() -> None:
    share = np.linspace(0, 1, 201)
    curve = duration_picture(DurationCurve(share, 0.8 - 0.5 * share, 300, 24.0, 1.0), EN)
    labels = [tick.label for tick in curve.y_ticks]
    assert len(set(labels)) == len(labels)
    mean = np.linspace(0.41, 0.48, 168).reshape(7, 24)
    week = week_picture(WeekProfile(mean, np.ones((7, 24)), 1.0), EN)
    assert len(set(week.step_ticks)) == len(week.step_ticks)


def test_the_curve_says_on_how_many_hours_it_rests() -> None:
    share = np.linspace(0, 1, 201)
    curve = DurationCurve(share, 200 - 150 * share, 300, 715.2, 0.9933)
    picture = duration_picture(curve, EN)
    assert "715 h with data (coverage 99.3 %); 5 min values" in picture.subtitle
    assert picture.y_range == (0.0, 200.0)
    assert [tick.label for tick in picture.x_ticks] == [
        "0 %",
        "20 %",
        "40 %",
        "60 %",
        "80 %",
        "100 %",
    ]
    assert picture.rows[0] == ("0 %", "200.0")
    assert picture.rows[-1] == ("100 %", "50.0")
    assert len(picture.rows) == 21
    assert "10 % of the time: 185.0 kW or more" in picture.summary


def week(mean: float = 40.0) -> WeekProfile:
    values = np.full((7, 24), mean)
    values[0, 14] = 96.0
    values[6, 3] = 3.0
    values[2, 5] = np.nan
    return WeekProfile(values, np.where(np.isfinite(values), 4.0, 0.0), 0.99)


def test_the_week_names_its_extremes_and_its_holes() -> None:
    picture = week_picture(week(), EN)
    assert picture.summary == "highest Monday 14:00: 96.0 kW; lowest Sunday 03:00: 3.00 kW"
    assert picture.colours[2][5] == -1
    assert picture.texts[2][5] == "Wednesday 05:00: no data"
    assert picture.rows[2][6] == "n/a"
    assert picture.note.startswith("167 of 168 hours")
    assert week_picture(week(), FR).texts[0][14] == "lundi 14:00\N{NO-BREAK SPACE}: 96,0 kW"


def test_every_colour_means_the_values_of_its_step() -> None:
    picture = week_picture(week(), EN)
    assert picture.step_ticks == ("0", "20", "40", "60", "80", "100")
    assert picture.colours[6][3] == 0
    assert picture.colours[0][14] == 6
    assert len({step.colour for step in picture.steps}) == len(picture.steps)


@pytest.mark.parametrize("values", [[5.0], [0.0, 0.0], [-20.0, 130.0], [0.001, 0.0099]])
def test_steps_cover_all_values_without_gaps(values: list[float]) -> None:
    steps = heat_steps(np.array([*values, np.nan]))
    assert steps[0].low <= min(values)
    assert steps[-1].high >= max(values)
    assert [s.high for s in steps[:-1]] == [s.low for s in steps[1:]]
    assert len(steps) <= 7
    assert heat_colour(max(values), steps) >= heat_colour(min(values), steps)
    assert heat_colour(float("nan"), steps) == -1


def test_a_document_has_the_week_on_its_side() -> None:
    picture = week_picture(week(), EN)
    assert isinstance(picture, HeatMap)
    table = picture_block(picture)
    assert [column.title for column in table.columns] == ["Weekday", *picture.row_names]
    assert len(table.rows) == 24
    assert table.rows[14][1] == "96.0"

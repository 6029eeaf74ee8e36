"""Charts: lines, gaps, ranges, by hand."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from microgrid_lib.present.charts import Band, Chart, ChartSpec, LineSpec, bucket_text, make_chart
from microgrid_lib.present.texts import texts_for
from microgrid_lib.window import Window, parse_window

EN = texts_for("en")
LA = ZoneInfo("America/Los_Angeles")
DAY = parse_window("2022-07-01", "2022-07-02", LA)
NAN = float("nan")
SPEC = ChartSpec(
    "battery",
    "kW",
    (
        LineSpec("battery", "battery", "line.power"),
        LineSpec("battery_setpoint", "battery", "line.set_response", setpoint=True),
    ),
    signed=True,
)


@dataclass(frozen=True)
class OneSeries:
    role: str
    unit: str
    bucket_s: int
    frame: pd.DataFrame


def series(values: list[float], bucket_s: int = 21600, window: Window = DAY) -> OneSeries:
    mean = np.array(values)
    times = pd.date_range(
        window.start_utc, periods=len(values), freq=pd.Timedelta(seconds=bucket_s)
    )
    frame = pd.DataFrame(
        {"time": times.tz_convert(LA), "mean": mean, "min": mean - 1, "max": mean + 2}
    )
    return OneSeries("any", "kW", bucket_s, frame)


def battery(values: list[float], interval_s: int = 10, **others: OneSeries) -> Chart:
    return make_chart(SPEC, {"battery": series(values)} | others, DAY, EN, interval_s=interval_s)


def test_a_mean_lies_in_the_middle_of_its_bucket() -> None:
    line = battery([1.0, 2.0, 3.0, 4.0]).lines[0]
    assert line.x.tolist() == [10800.0, 32400.0, 54000.0, 75600.0]
    assert line.y.tolist() == [1.0, 2.0, 3.0, 4.0]


def test_buckets_longer_than_a_sample_have_an_envelope() -> None:
    line = battery([1.0, 2.0, 3.0, 4.0]).lines[0]
    assert line.low is not None
    assert line.low.tolist() == [0.0, 1.0, 2.0, 3.0]
    assert "6 h means" in battery([1.0, 2.0]).subtitle


def test_buckets_of_one_sample_have_none() -> None:
    chart = battery([1.0, 2.0, 3.0, 4.0], interval_s=21600)
    assert chart.lines[0].low is None
    assert "means" not in chart.subtitle


def test_neighbouring_empty_buckets_are_one_gap() -> None:
    assert battery([NAN, NAN, 1.0, NAN]).gaps == ((0.0, 43200.0), (64800.0, 86400.0))


def test_time_that_has_not_come_yet_is_no_gap() -> None:
    chart = battery([1.0, 2.0])
    assert chart.gaps == ()
    assert chart.x_range == (0.0, 86400.0)


def test_a_set_point_is_grey_and_dashed() -> None:
    chart = battery([1.0, 2.0], battery_setpoint=series([1.0, 2.0]))
    assert [(line.setpoint, line.source) for line in chart.lines] == [
        (False, "battery"),
        (True, "setpoint"),
    ]
    assert chart.title == "Battery power against its set response"


def test_without_a_set_point_the_title_does_not_speak_of_one() -> None:
    assert battery([1.0, 2.0]).title == "Battery power"


def test_where_signs_matter_zero_and_both_signs_are_there() -> None:
    chart = battery([20.0, 24.0])
    assert chart.zero_line
    assert chart.y_range[0] < 0 < chart.y_range[1]


def test_the_envelope_and_limits_fit_into_the_range() -> None:
    spec = ChartSpec("voltage", "V", (LineSpec("bus", "grid", "line.bus"),))
    chart = make_chart(
        spec,
        {"bus": series([485.0, 487.0])},
        DAY,
        EN,
        interval_s=10,
        bands=(Band(456.0, 504.0, "A"),),
    )
    assert chart.y_range[0] <= 456
    assert chart.y_range[1] >= 504


@pytest.mark.parametrize(("lowest", "bottom"), [(-0.3, 0.0), (-30.0, -100.0)])
def test_a_meters_offset_below_zero_gets_no_axis_of_its_own(lowest: float, bottom: float) -> None:
    spec = ChartSpec("pv", "kW", (LineSpec("pv", "pv", "role.pv"),), from_zero=True)
    found = series([lowest, 200.0], bucket_s=900)
    chart = make_chart(spec, {"pv": found}, DAY, EN, interval_s=900)
    assert chart.y_range[0] == bottom


def test_nothing_to_draw_is_said_and_has_no_scale() -> None:
    chart = battery([NAN, NAN, NAN, NAN])
    assert chart.empty
    assert chart.y_ticks == ()
    assert chart.summary == "No data in this period."


def test_the_summary_says_what_the_picture_shows() -> None:
    assert battery([-24.25, 24.0]).summary == "power: −24.2 to 24.0 kW"


def test_a_zoomed_stretch_counts_from_the_whole_charts_origin() -> None:
    hour = parse_window("2022-07-01T10:00", "2022-07-01T11:00", LA)
    chart = make_chart(
        SPEC,
        {"battery": series([1.0, NAN], bucket_s=1800, window=hour)},
        hour,
        EN,
        interval_s=10,
        origin=DAY.start_utc,
    )
    assert chart.x_range == (36000.0, 39600.0)
    assert chart.lines[0].x.tolist() == [36900.0, 38700.0]
    assert chart.gaps == ((37800.0, 39600.0),)


@pytest.mark.parametrize(
    ("seconds", "text"), [(10, "10 s"), (300, "5 min"), (7200, "2 h"), (86400, "1 d")]
)
def test_buckets_in_words(seconds: int, text: str) -> None:
    assert bucket_text(seconds, EN) == text


def test_the_coverage_of_a_chart_is_that_of_its_first_line() -> None:
    known = series([1.0, 2.0])
    known.frame["coverage"] = [1.0, 0.5]
    chart = make_chart(SPEC, {"battery": known}, DAY, EN, interval_s=10)
    assert chart.coverage == 0.75
    assert battery([1.0, 2.0]).coverage is None

"""A forecast as the page shows it: what was measured, what is said, what isn't known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from microgrid_lib.errors import NoDataError
from microgrid_lib.forecast.errors import NoRecentDataError
from microgrid_lib.forecast.forecast import forecast
from microgrid_lib.forecast.history import HourlyHistory
from microgrid_lib.forecast.shapes import BacktestReport, Choice, ForecastReport, ModelScore
from microgrid_lib.present.forecast import (
    HISTORY_DAYS,
    ForecastContent,
    describe_forecast,
    forecast_rows,
    refusal_text,
)
from microgrid_lib.present.texts import texts_for
from tests.dashboard.fakes import load_site
from tests.forecast.histories import made_up, with_values


def voltage(days: float = 60) -> HourlyHistory:
    history = made_up(days, "bus_voltage", noise=0.5)
    volts = with_values(history, 480 + (history.values - 50) / 10)
    return replace(volts, unit="V")


@pytest.fixture(scope="module")
def history() -> HourlyHistory:
    return voltage()


@pytest.fixture(scope="module")
def report(history: HourlyHistory) -> ForecastReport:
    return forecast(history)


def described(
    report: ForecastReport, history: HourlyHistory, language: str = "en"
) -> ForecastContent:
    return describe_forecast(report, history, load_site("mesa_del_sol"), texts_for(language))


def score(kind: str, mae: float, skill: float, low: float, high: float) -> ModelScore:
    return ModelScore(
        kind=kind,
        mae=mae,
        rmse=mae,
        bias=0.0,
        skill=skill,
        skill_interval=(low, high),
        coverage80=0.8,
        coverage95=None,
        daily_mae=mae,
        pinball=None,
    )


def judged(report: ForecastReport, *, low: float, earlier: bool) -> ForecastReport:
    scores = {
        "gradient_boosting": score("model", 1.284, 0.04, low, 0.09),
        "climatology_28d": score("baseline", 1.333, 0.0, 0.0, 0.0),
        "random_forest": score("model", 1.35, -0.01, -0.05, 0.03),
    }
    backtest = BacktestReport(
        site=report.site,
        profile=report.profile,
        role=report.role,
        unit="V",
        timezone=report.timezone,
        origins=24,
        horizon_h=120,
        origin_times=[report.origin, report.origin],
        refit_days=30,
        hours=2863,
        best_baseline="climatology_28d",
        served_model="gradient_boosting",
        choice=Choice(origins=24, first=report.origin, last=report.origin, earlier=earlier),
        models=scores,
    )
    return report.model_copy(
        update={
            "model": "gradient_boosting",
            "baseline": "climatology_28d",
            "scores": scores,
            "backtest": backtest,
        }
    )


def test_the_picture_ends_what_was_measured_where_the_forecast_begins(
    report: ForecastReport, history: HourlyHistory
) -> None:
    chart = described(report, history).chart
    measured, ahead = chart.lines[0].y, chart.lines[1].y
    split = HISTORY_DAYS * 24
    assert np.isfinite(measured[:split]).all()
    assert np.isnan(measured[split:]).all()
    assert np.isnan(ahead[:split]).all()
    np.testing.assert_array_equal(measured[:split], history.values[-split:])
    np.testing.assert_array_equal(ahead[split:], [hour.p50 for hour in report.hourly])
    assert chart.origin.timestamp() + chart.lines[0].x[split] == pytest.approx(
        report.origin.timestamp() + 1800
    )


def test_intervals_are_ribbons_the_wide_one_below(
    report: ForecastReport, history: HourlyHistory
) -> None:
    ribbons = described(report, history).chart.ribbons
    names = [ribbon.label for ribbon in ribbons]
    assert names[-1] == "80 % interval"
    if len(ribbons) == 2:
        assert (ribbons[0].low[-120:] <= ribbons[1].low[-120:]).all()


def test_missing_hours_are_gaps(history: HourlyHistory) -> None:
    values = history.values.copy()
    values[-30:-24] = np.nan
    gapped = with_values(history, values)
    chart = described(forecast(gapped), gapped).chart
    start = (HISTORY_DAYS * 24 - 30) * 3600.0
    assert chart.gaps == ((start, start + 6 * 3600.0),)


def test_without_a_model_it_says_that_a_simple_method_is_shown_and_why(
    report: ForecastReport, history: HourlyHistory
) -> None:
    content = described(report, history)
    assert content.words[0].startswith("A simple method is shown")
    assert any("microgrid train" in text for text in content.warnings)
    assert content.backtest is None


def test_a_backtest_is_said_in_plain_words(report: ForecastReport, history: HourlyHistory) -> None:
    content = described(judged(report, low=0.01, earlier=True), history)
    first, second, *_ = content.words
    assert first == (
        "On 24 past periods of 5 days, gradient boosting was off by 1.28 V on average; the best "
        "simple method (mean of the hour over 28 days) was off by 1.33 V."
    )
    assert second == "That is 4 % better than the simple method (95 % interval: 1 to 9 %)."
    assert content.words[-1] == "The Random Forest was off by 1.35 V."
    assert len(content.words) == 3


def test_a_difference_that_may_be_chance_is_called_so(
    report: ForecastReport, history: HourlyHistory
) -> None:
    content = described(judged(report, low=-0.01, earlier=False), history)
    assert "may be chance" in content.words[1]
    assert "optimistic" in content.words[2]


def test_the_table_marks_what_is_shown_and_leaves_nothing_out(
    report: ForecastReport, history: HourlyHistory
) -> None:
    table = described(judged(report, low=0.01, earlier=True), history).backtest
    assert table is not None
    assert [row[0] for row in table.rows] == [
        "gradient boosting",
        "mean of the hour over 28 days (simple)",
        "Random Forest",
    ]
    assert table.marked == (0,)
    assert table.rows[0][5] == "n/a"


def test_where_the_sun_is_forecast_the_hours_with_sun_are_judged_on_their_own(
    report: ForecastReport, history: HourlyHistory
) -> None:
    sunny = judged(report, low=0.01, earlier=True)
    backtest = sunny.backtest
    assert backtest is not None
    scores = {
        name: one.model_copy(update={"coverage80_daylight": 0.62})
        for name, one in backtest.models.items()
    }
    sunny = sunny.model_copy(update={"backtest": backtest.model_copy(update={"models": scores})})
    table = described(sunny, history).backtest
    assert table is not None
    at = table.columns.index("Inside 80 %, sun up")
    assert [row[at] for row in table.rows] == ["62 %"] * 3
    assert {len(row) for row in table.rows} == {len(table.columns)}


def test_voltages_have_a_chance_of_leaving_their_limits_and_loads_have_none(
    report: ForecastReport, history: HourlyHistory
) -> None:
    days = described(report, history).days
    assert len(days.rows) == 5
    assert days.columns[-2:] == (
        "Chance of an hourly mean outside ANSI A, 456–504 V, in the worst hour",
        "Chance of an hourly mean outside ANSI B, 440–508 V, in the worst hour",
    )
    assert days.rows[0][-1].startswith("at most")
    load = made_up(60, "load")
    simple = forecast(load)
    assert all(day.random_forest is None for day in simple.daily)
    assert described(simple, load).days.columns == ("Day", "Mean [kW]", "80 % interval [kW]")


def test_french_is_french(report: ForecastReport, history: HourlyHistory) -> None:
    content = described(judged(report, low=0.01, earlier=True), history, "fr")
    assert "1,28\u00a0V" in content.words[0] or "1,28 V" in content.words[0]
    assert "s’est trompé" in content.words[0]


def test_rows_of_the_file_are_the_hours_in_full(
    report: ForecastReport, history: HourlyHistory
) -> None:
    head, *rows = forecast_rows(report)
    assert head[:2] == ("time", "p2_5 [V]")
    assert len(rows) == 120
    assert float(rows[0][3]) == report.hourly[0].p50
    assert rows[0][0] == report.hourly[0].time.isoformat()


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "nothing was measured in the 7 days before 12 Aug 2022 00:00"),
        ("fr", "rien n’a été mesuré dans les 7 jours avant le 12 août 2022 00:00"),
    ],
)
def test_why_there_is_no_forecast_is_said_in_the_readers_language(
    language: str, expected: str
) -> None:
    before = datetime(2022, 8, 12, tzinfo=UTC)
    error = NoRecentDataError("mesa_del_sol, load", 7, before)
    assert refusal_text(error, texts_for(language)) == expected
    assert refusal_text(NoDataError("as it is"), texts_for(language)) == "as it is"

"""train, backtest, forecast: what they print, where models go, and how mistakes end."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from microgrid_lib.api import open_site
from microgrid_lib.cli.forecast import TrainReport
from microgrid_lib.forecast.shapes import BacktestReport, ForecastReport
from tests.cli.outcome import DemoHome, Outcome, call

SMALL = """
schema_version = 1
name = "small"
title = "Small"
interval_s = 3600
source_timezone = "Europe/Paris"
display_timezone = "Europe/Paris"
latitude = 48.4
longitude = 7.6
default_profile = "metered"
[nominal]
voltage_v = 400.0
frequency_hz = 50.0
[[sources]]
name = "meter"
files = ["*.csv"]
time_columns = ["time"]
time_formats = ["%Y-%m-%d %H:%M"]
[channels.load_power]
columns = ["load"]
unit = "kW"
range = [0.0, 500.0]
[channels.pv_power]
columns = ["pv"]
unit = "kW"
range = [0.0, 500.0]
[profiles.metered]
title = "Metered"
[profiles.metered.roles]
load = "load_power"
pv = "pv_power"
"""
FIRST, DAYS, PV_DAYS = date(2022, 5, 1), 40, 3
SITE = ("--site", "small", "--role", "load")


def pattern_kw(hour: int) -> float:
    """Load of every day by local hour."""
    return 10.0 + hour


def midnight(day: int) -> datetime:
    """Start of a day of the data, counted from 0, as it is printed."""
    return datetime.fromisoformat(f"{FIRST + timedelta(days=day)}T00:00:00+02:00")


@pytest.fixture(scope="module")
def small_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with 40 days of hourly load that repeats every day, and 3 days of PV."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "sites").mkdir()
    (folder / "sites" / "small.toml").write_text(SMALL, encoding="utf-8")
    lines = ["time,load,pv"]
    for day in range(DAYS):
        at = FIRST + timedelta(days=day)
        pv = "1.0" if day < PV_DAYS else ""
        lines += [f"{at} {hour:02d}:00,{pattern_kw(hour)},{pv}" for hour in range(24)]
    (folder / "load.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MICROGRID_HOME", str(folder))
        patch.delenv("MICROGRID_CONFIG", raising=False)
        call("ingest", "--site", "small", str(folder / "load.csv")).done()
    return folder


@pytest.fixture
def small(small_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of the small site; models are trained one by one in this process."""
    monkeypatch.setenv("MICROGRID_HOME", str(small_home))
    monkeypatch.setenv("MICROGRID_JOBS", "1")
    monkeypatch.delenv("MICROGRID_CONFIG", raising=False)
    return small_home


@pytest.fixture(scope="module")
def trained(small_home: Path) -> Outcome:
    """What training said."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MICROGRID_HOME", str(small_home))
        patch.setenv("MICROGRID_JOBS", "1")
        patch.delenv("MICROGRID_CONFIG", raising=False)
        return call("train", "--site", "small", "--days", "3", "--json")


def test_without_a_model_a_baseline_is_served_and_a_warning_says_so(demo: DemoHome) -> None:
    done = call("forecast", "--role", "pv", "--profile", "gas_engine", "--days", "2", "--json")
    assert done.code == 0
    assert done.err.startswith("microgrid: a baseline is served: ")
    assert done.err.count("\n") == 1
    assert "run `microgrid train" in done.err
    report = done.shaped(ForecastReport)
    assert "model_refused" in {note.code for note in report.notes}
    assert report.training is None
    assert report.model == report.baseline


def test_forecast_prints_what_the_library_forecasts(demo: DemoHome) -> None:
    printed = call("forecast", "--role", "pv", "--json")
    assert printed.err == ""
    report = printed.shaped(ForecastReport)
    assert report == open_site("mesa_del_sol").forecast("pv")
    assert report.origin == datetime.fromisoformat("2022-07-01T00:00:00-07:00")
    assert [hour.time for hour in report.hourly] == list(
        pd.date_range(report.origin, periods=120, freq="h")
    )
    assert [day.date for day in report.daily] == [date(2022, 7, day) for day in range(1, 6)]
    # Shipped models have seen later data.
    assert "model_knows_later_data" in {note.code for note in report.notes}
    assert report.notes[-1].code == "synthetic_data"
    words = call("forecast", "--role", "pv").done()
    assert "synthetic demo data" in words.splitlines()[0]
    mean = report.daily[0].mean
    assert mean is not None
    assert f"2022-07-01  {mean:.4g}" in words


def test_a_load_that_repeats_is_forecast_as_it_was(small: Path, trained: Outcome) -> None:
    assert trained.code == 0
    done = call("forecast", *SITE, "--days", "3", "--origin", "2022-06-08", "--json")
    report = done.shaped(ForecastReport)
    assert report.origin == midnight(38)
    hours = [(hour.time.hour, hour.p50) for hour in report.hourly]
    assert hours == [(n % 24, pytest.approx(pattern_kw(n % 24))) for n in range(72)]
    assert [day.mean for day in report.daily] == [pytest.approx(10 + 11.5)] * 3


def test_what_was_trained_is_in_the_home_and_is_served(small: Path, trained: Outcome) -> None:
    report = trained.shaped(TrainReport)
    folder = small / "models" / "small" / "metered"
    assert report.folder == str(folder)
    load = report.roles["load"]
    assert {path.name for path in folder.glob("load_*.pkl")} == set(load.files.values())
    assert (load.start, load.end) == (midnight(0), midnight(DAYS))
    assert not load.synthetic
    served = call("forecast", *SITE, "--days", "3", "--json")
    assert served.err == ""
    forecast = served.shaped(ForecastReport)
    assert (forecast.model, forecast.origin) == (load.served_model, midnight(DAYS))
    assert forecast.scores[forecast.model] == load.backtest.models[forecast.model]
    assert forecast.notes == [] or {n.code for n in forecast.notes} == {"few_windows"}


def test_train_in_words_names_what_is_served(small: Path, trained: Outcome) -> None:
    served = trained.shaped(TrainReport).roles["load"].served_model
    words = call("train", *SITE, "--days", "3").done().splitlines()
    assert words[0].startswith(f"load: {served} is served, MAE ")
    assert words[1].startswith("models in ")


def test_backtest_starts_where_it_was_told(small: Path) -> None:
    asked = ("--first", "2022-05-20", "--last", "2022-06-01", "--every", "4d", "--days", "2")
    report = call("backtest", *SITE, *asked, "--json").shaped(BacktestReport)
    assert report.origin_times == [midnight(day) for day in (19, 23, 27, 31)]
    assert (report.origins, report.horizon_h, report.hours) == (4, 48, 4 * 48)
    assert report.models["seasonal_24h"].mae == 0.0
    # Repeating the last hour, 33 kW: the mean of 33 - (10 + hour).
    assert report.models["last_value"].mae == pytest.approx(11.5)
    assert report.models["last_value"].bias == pytest.approx(11.5)


def test_backtest_without_times_takes_the_newest_origins(small: Path) -> None:
    report = call("backtest", *SITE, "--json").shaped(BacktestReport)
    # Two weeks of history before the first, five days inside the data after the last.
    assert report.origin_times == [midnight(day) for day in (15, 20, 25, 30, 35)]
    words = call("backtest", *SITE).done()
    assert words.splitlines()[0] == "Small (metered)"
    assert "load: 5 origins from 2022-05-16 to 2022-06-05, 120 h ahead" in words
    assert f"best baseline: {report.best_baseline}" in words


def test_backtest_up_to_a_day_takes_the_newest_before_it(small: Path) -> None:
    asked = ("--last", "2022-05-30", "--every", "7", "--days", "1", "--json")
    report = call("backtest", *SITE, *asked).shaped(BacktestReport)
    assert report.origin_times == [midnight(day) for day in (15, 22, 29)]


def test_a_weather_file_brings_a_model_that_uses_it(small: Path, tmp_path: Path) -> None:
    hours = pd.date_range(midnight(0), midnight(DAYS), freq="h", inclusive="left")
    table = pd.DataFrame({"issue_time": midnight(0) - timedelta(days=1), "time": hours, "ghi": 5.0})
    file = tmp_path / "weather.csv"
    table.map(lambda cell: cell.isoformat() if hasattr(cell, "isoformat") else cell).to_csv(file)
    asked = ("--first", "2022-06-03", "--last", "2022-06-04", "--every", "1d", "--days", "1")
    with_it = call("backtest", *SITE, *asked, "--weather", str(file), "--json")
    without = call("backtest", *SITE, *asked, "--json")
    extra = set(json.loads(with_it.out)["models"]) - set(json.loads(without.out)["models"])
    assert extra == {"gradient_boosting_weather"}


def test_a_role_with_too_little_data_is_left_out_unless_it_was_named(
    small: Path, trained: Outcome
) -> None:
    report = trained.shaped(TrainReport)
    # The grid is load - pv, so it is known no longer than PV is.
    assert (set(report.roles), set(report.skipped)) == ({"load"}, {"pv", "grid"})
    assert "small, pv: 3.0 days of data; training needs 14" in report.skipped["pv"]
    named = call("train", "--site", "small", "--role", "load", "--role", "pv")
    assert "small, pv: 3.0 days of data" in named.refused(3)
    words = call("train", "--site", "small", "--days", "3")
    assert words.out.startswith("load: ")
    assert words.err.splitlines() == [
        f"microgrid: {name} left out: {report.skipped[name]}" for name in ("grid", "pv")
    ]


MISUSE = [
    (("forecast",), 2, "Missing option '--role'"),
    (("backtest",), 2, "Missing option '--role'"),
    (("forecast", "--role", "moon"), 2, "'moon'; known: pv, "),
    (("train", "--role", "moon"), 2, "'moon'; known: pv, "),
    (("forecast", "--role", "pv", "--days", "0"), 2, "0 days isn't possible; use 1 to 14 days"),
    (("backtest", "--role", "pv", "--days", "15"), 2, "15 days isn't possible; use 1 to 14 days"),
    (("train", "--role", "pv", "--days", "15"), 2, "15 days isn't possible"),
    (("forecast", "--role", "pv", "--origin", "soon"), 2, "'soon' isn't a time"),
    (("forecast", "--role", "pv", "--origin", "2022-06-20T12:30"), 2, "isn't the start of an hour"),
    (("forecast", "--role", "pv", "--origin", "2022-05-20"), 2, "isn't after the first data"),
    (("forecast", "--role", "pv", "--origin", "2023-05-20"), 3, "no data in the 7 days before"),
    (("forecast", "--role", "pv", "--weather", "no.csv"), 2, "no.csv: can't be read"),
    (("forecast", "--role", "pv", "--profile", "nope"), 2, "known: as_published, gas_engine"),
    (("backtest", "--role", "pv", "--every", "0d"), 2, "--every '0d' isn't a number of days"),
    (("backtest", "--role", "pv", "--every", "5h"), 2, "--every '5h' isn't a number of days"),
    (("backtest", "--role", "pv", "--first", "x"), 2, "'x' isn't a time"),
    (
        ("backtest", "--role", "pv", "--first", "2022-06-25", "--last", "2022-06-20"),
        2,
        "the first origin must not be after the last",
    ),
    (
        ("backtest", "--role", "pv", "--first", "2022-06-02", "--last", "2022-06-03"),
        3,
        "no origin from 2022-06-02 to 2022-06-03 has 14 days of data before it",
    ),
]


@pytest.mark.parametrize(
    ("arguments", "code", "says"), MISUSE, ids=[" ".join(a) for a, _, _ in MISUSE]
)
def test_misuse_is_one_line(
    demo: DemoHome, arguments: tuple[str, ...], code: int, says: str
) -> None:
    assert says in call(*arguments).refused(code)


@pytest.mark.parametrize("command", ["forecast", "backtest", "train"])
def test_an_empty_store_ends_with_3_and_says_what_to_do(home: Path, command: str) -> None:
    assert "microgrid ingest" in call(command, "--role", "pv").refused(3)


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("MICROGRID_JOBS", "0", "MICROGRID_JOBS='0': "),
        ("MICROGRID_PARALLEL_BACKEND", "cloud", "MICROGRID_PARALLEL_BACKEND='cloud': "),
    ],
)
def test_misuse_of_settings_names_the_setting(
    demo: DemoHome, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, says: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert says in call("forecast", "--role", "pv").refused(2)


def test_the_settings_say_how_training_is_shared_out(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[tuple[object, object]] = []

    def spy(*_: object, jobs: object, backend: object, **__: object) -> None:
        used.append((jobs, backend))
        raise InterruptedError

    monkeypatch.setattr("microgrid_lib.forecast.train.train", spy)
    monkeypatch.setenv("MICROGRID_JOBS", "3")
    monkeypatch.setenv("MICROGRID_PARALLEL_BACKEND", "threading")
    with pytest.raises(InterruptedError):
        open_site("small").train("load")
    assert used == [(3, "threading")]

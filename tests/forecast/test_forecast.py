"""Training, the registry, and what is served: honest about what can't be."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_lib.errors import MicrogridError, StoreError
from microgrid_lib.forecast.baselines import BASELINES
from microgrid_lib.forecast.entry import Entry
from microgrid_lib.forecast.errors import (
    ForecastRequestError,
    HistoryError,
    ModelRefusedError,
    ShortHistoryError,
)
from microgrid_lib.forecast.forecast import forecast
from microgrid_lib.forecast.history import HourlyHistory
from microgrid_lib.forecast.models import (
    DEVIATION,
    ENSEMBLE,
    FITTED,
    RANDOM_FOREST,
    WEATHER_BOOSTING,
)
from microgrid_lib.forecast.registry import (
    REGISTRY,
    check_entry,
    find_entry,
    load_model,
    write_models,
)
from microgrid_lib.forecast.shapes import ForecastReport
from microgrid_lib.forecast.train import Trained, train, train_and_write, train_sites
from microgrid_lib.forecast.weather import WeatherTable
from tests.forecast.histories import made_up, with_values

DAYS = 50
QUANTILES = ("p2_5", "p10", "p50", "p90", "p97_5")


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train(made_up(DAYS))


@pytest.fixture
def folder(trained: Trained, tmp_path: Path) -> Path:
    write_models(tmp_path / "models", trained.entry, trained.models)
    return tmp_path / "models"


def served_by(name: str, trained: Trained, folder: Path) -> Path:
    """A folder whose backtest was won by one forecast."""
    ranking = [name, *(other for other in trained.entry.ranking if other != name)]
    write_models(folder, trained.entry.model_copy(update={"ranking": ranking}), trained.models)
    return folder


def codes(report: ForecastReport) -> list[str]:
    return [note.code for note in report.notes]


def medians(report: ForecastReport) -> np.ndarray:
    return np.array([np.nan if hour.p50 is None else hour.p50 for hour in report.hourly])


def test_the_winner_of_the_stored_backtest_is_served(trained: Trained, folder: Path) -> None:
    report = forecast(made_up(DAYS), [folder])
    scores = trained.entry.backtest.models
    best = min(scores, key=lambda name: scores[name].mae or np.inf)
    assert report.model == best == trained.entry.ranking[0]
    assert report.baseline == trained.entry.backtest.best_baseline
    assert codes(report) == ["few_windows"] or codes(report) == []
    assert report.training is not None
    assert report.training.data_hash == made_up(DAYS).data_hash


@pytest.mark.parametrize("name", [*FITTED, ENSEMBLE, "climatology_14d"])
def test_each_forecast_can_be_served(name: str, trained: Trained, tmp_path: Path) -> None:
    report = forecast(made_up(DAYS), [served_by(name, trained, tmp_path)])
    assert report.model == name
    assert (report.training is None) == (name in BASELINES)
    assert len(report.hourly) == report.horizon_h == 120
    for hour in report.hourly:
        values = [value for q in QUANTILES if (value := getattr(hour, q)) is not None]
        assert len(values) >= 3
        assert values == sorted(values)
        assert hour.random_forest is not None
    times = [hour.time for hour in report.hourly]
    assert times[0] == report.origin
    assert report.origin.isoformat() == "2022-06-20T00:00:00-07:00"
    assert len(report.daily) == 5
    means = medians(report).reshape(5, 24).mean(axis=1)
    for day, mean in zip(report.daily, means, strict=True):
        assert day.mean == pytest.approx(mean)
        assert day.p10 is not None
        assert day.p90 is not None
        assert day.p10 <= day.mean <= day.p90


@pytest.mark.parametrize("name", [*FITTED, ENSEMBLE, "climatology_14d"])
def test_a_stored_model_serves_nothing_below_what_was_observed(
    name: str, trained: Trained, tmp_path: Path
) -> None:
    history = made_up(DAYS)
    assert trained.entry.calibration[name]["floor"] == history.values.min()
    # As in registries written before intervals of consumption had a floor.
    old = {one: {**c, "floor": None} for one, c in trained.entry.calibration.items()}
    entry = trained.entry.model_copy(update={"calibration": old, "ranking": [name]})
    write_models(tmp_path, entry, trained.models)
    values = np.maximum(history.values, 55.0)
    report = forecast(with_values(history, values), [tmp_path])
    assert report.model == name
    ends = [value for hour in report.hourly for q in QUANTILES if (value := getattr(hour, q))]
    assert min(ends) >= 55.0
    assert all(55.0 <= (day.p10 or 0) <= (day.mean or 0) <= (day.p90 or 0) for day in report.daily)


def test_a_forecast_has_the_promised_shape(folder: Path) -> None:
    content = json.loads(forecast(made_up(DAYS), [folder], days=2).model_dump_json())
    assert set(content) >= {
        "site",
        "role",
        "unit",
        "origin",
        "model",
        "baseline",
        "hourly",
        "daily",
    }
    assert set(content["hourly"][0]) >= {"time", *QUANTILES, "baseline"}
    assert set(content["daily"][0]) >= {"date", "mean", "p10", "p90"}
    assert [day["date"] for day in content["daily"]] == ["2022-06-20", "2022-06-21"]
    assert len(content["hourly"]) == 48


def test_a_forecast_as_a_table_has_nan_for_null() -> None:
    report = forecast(made_up(9))
    hourly, daily = report.hourly_frame(), report.daily_frame()
    assert hourly["p10"].isna().all()
    assert hourly["p50"].tolist() == [hour.p50 for hour in report.hourly]
    assert hourly.index[0] == report.origin
    assert daily["mean"].tolist() == [day.mean for day in report.daily]
    assert set(hourly.dtypes) == set(daily.dtypes) == {np.dtype("float64")}


def test_what_was_written_forecasts_as_what_was_trained(trained: Trained, folder: Path) -> None:
    entry = find_entry(folder, "made_up", "default", "load")
    assert entry is not None
    for name, model in trained.models.items():
        again = load_model(folder, entry, name)
        assert again.columns == model.columns
        assert entry.models[name].size == (folder / entry.models[name].file).stat().st_size
        assert entry.models[name].size < 5_000_000
    again_trained = train(made_up(DAYS))
    write_models(folder.parent / "again", again_trained.entry, again_trained.models)
    one, two = (forecast(made_up(DAYS), [f]) for f in (folder, folder.parent / "again"))
    np.testing.assert_allclose(medians(one), medians(two), rtol=0, atol=1e-12)


@given(origin=st.integers(16 * 24, DAYS * 24), seed=st.integers(0, 99))
@settings(max_examples=8, deadline=None)
def test_changing_the_future_never_changes_what_is_served(origin: int, seed: int) -> None:
    history = made_up(DAYS, seed=seed)
    rng = np.random.default_rng(seed)
    changed = history.values.copy()
    changed[origin:] = rng.normal(1000, 100, len(changed) - origin)
    at = history.time(origin)
    one, two = (
        forecast(history, [], origin=at),
        forecast(with_values(history, changed), [], origin=at),
    )
    assert one.model_dump_json() == two.model_dump_json()


def test_a_model_that_has_seen_the_future_is_not_served(folder: Path) -> None:
    history = made_up(DAYS)
    report = forecast(history, [folder], origin=history.time(24 * 40))
    assert codes(report)[0] == "model_knows_later_data"
    assert report.model in BASELINES
    assert report.training is None
    assert not np.isnan(medians(report)).any()


def test_later_data_without_a_new_training_are_forecast_by_the_old_model(folder: Path) -> None:
    longer = made_up(DAYS + 10)
    values = np.append(made_up(DAYS).values, longer.values[-240:])
    report = forecast(with_values(longer, values), [folder])
    assert report.model not in BASELINES
    assert report.origin.isoformat() == "2022-06-30T00:00:00-07:00"


@pytest.mark.parametrize("days", [0, -3, 15, 60])
def test_a_horizon_beyond_reason_is_one_clear_line(folder: Path, days: int) -> None:
    with pytest.raises(ForecastRequestError, match=f"horizon of {days} days isn't possible"):
        forecast(made_up(DAYS), [folder], days=days)
    with pytest.raises(ForecastRequestError, match="use 1 to 14"):
        train(made_up(DAYS), days=days)


def test_a_horizon_that_was_not_judged_is_a_baseline(folder: Path) -> None:
    report = forecast(made_up(DAYS), [folder], days=7)
    assert codes(report)[0] == "horizon_not_judged"
    assert report.model in BASELINES
    assert len(report.hourly) == 168


def test_without_a_model_the_best_baseline_of_the_past_is_served(tmp_path: Path) -> None:
    report = forecast(made_up(DAYS), [tmp_path / "nothing"])
    assert report.model == report.baseline
    assert report.model in BASELINES
    assert "run `microgrid train --site made_up --role load`" in report.notes[0].text
    assert all(hour.p10 is not None for hour in report.hourly)
    assert report.scores == {}


def test_less_than_two_weeks_give_a_baseline_without_intervals() -> None:
    report = forecast(made_up(9))
    assert report.model == "climatology_7d"
    assert "short_history" in codes(report)
    assert not np.isnan(medians(report)).any()
    assert all(getattr(hour, q) is None for hour in report.hourly for q in QUANTILES if q != "p50")
    with pytest.raises(ShortHistoryError, match=r"9\.0 days of data; training needs 14 and 5 more"):
        train(made_up(9))


def test_hours_never_observed_have_no_forecast() -> None:
    values = made_up(9).values.copy()
    values[13::24] = np.nan
    report = forecast(with_values(made_up(9), values))
    assert "hours_without_forecast" in codes(report)
    assert [hour.p50 is None for hour in report.hourly] == [i % 24 == 13 for i in range(120)]
    assert [day.mean is None for day in report.daily] == [False] * 5
    values[14::24] = np.nan
    report = forecast(with_values(made_up(9), values))
    assert [day.mean is None for day in report.daily] == [True] * 5


def test_too_little_too_old_and_nothing_at_all_are_refused() -> None:
    with pytest.raises(ShortHistoryError, match=r"47 hours of data before .* needs at least 48"):
        forecast(made_up(5), origin=made_up(5).time(47))
    values = made_up(DAYS).values.copy()
    values[-24 * 8 :] = np.nan
    gone = with_values(made_up(DAYS), values)
    with pytest.raises(ShortHistoryError, match="no data in the 7 days before 2022-06-20"):
        forecast(gone, origin=gone.end)
    with pytest.raises(ShortHistoryError, match="no data in the 7 days"):
        forecast(made_up(DAYS), origin=made_up(DAYS).end + pd.Timedelta(days=8))
    with pytest.raises(HistoryError, match="every hour is missing"):
        forecast(with_values(made_up(DAYS), np.full(24 * DAYS, np.nan)))
    with pytest.raises(HistoryError, match="every hour is missing"):
        train(with_values(made_up(DAYS), np.full(24 * DAYS, np.nan)))
    with pytest.raises(ForecastRequestError, match="isn't after the first data"):
        forecast(made_up(DAYS), origin=made_up(DAYS).start)
    with pytest.raises(ForecastRequestError, match="isn't the start of an hour"):
        forecast(made_up(DAYS), origin=made_up(DAYS).time(700) + pd.Timedelta(minutes=5))


def test_a_gap_over_the_origin_is_bridged_by_a_baseline_from_before_it(folder: Path) -> None:
    longer = made_up(DAYS + 3)
    values = np.append(made_up(DAYS).values, np.full(72, np.nan))
    gap = forecast(with_values(longer, values), [folder], origin=longer.end)
    assert codes(gap)[0] == "gap_before_origin"
    assert "72 h" in gap.notes[0].text
    assert gap.model in BASELINES
    # An origin after the end of the data is the same as missing hours up to it.
    after = forecast(made_up(DAYS), [folder], origin=longer.end)
    assert medians(after).tolist() == medians(gap).tolist()
    # A short gap is served by the model.
    values[24 * DAYS : -6] = made_up(DAYS).values[:66]
    assert forecast(with_values(longer, values), [folder], origin=longer.end).model not in BASELINES


def test_an_origin_inside_a_day_says_that_scores_do_not_speak_of_it(folder: Path) -> None:
    history = made_up(DAYS + 0.25)
    default = forecast(history, [folder])
    assert default.origin.isoformat() == "2022-06-20T00:00:00-07:00"
    report = forecast(history, [folder], origin=history.end)
    assert "origin_not_midnight" in codes(report)
    assert len(report.daily) == 4
    assert report.daily[0].date.isoformat() == "2022-06-21"


def test_training_inside_a_day_serves_from_its_midnight(tmp_path: Path) -> None:
    history = made_up(30.6)
    entry = train_and_write(history, tmp_path)
    assert entry.end.isoformat() == "2022-05-31T07:00:00+00:00"
    assert "model_knows_later_data" not in codes(forecast(history, [tmp_path]))


def refusal(history: HourlyHistory, folder: Path) -> str:
    """What the note of a forecast says that had to fall back, one line."""
    report = forecast(history, [folder])
    assert report.model in BASELINES
    assert not np.isnan(medians(report)).any()
    assert report.notes[0].code == "model_refused"
    text = report.notes[0].text
    assert "\n" not in text
    assert "microgrid train" in text
    return text


def served_file(folder: Path) -> Path:
    entry = find_entry(folder, "made_up", "default", "load")
    assert entry is not None
    return folder / entry.models[RANDOM_FOREST].file


def test_a_file_altered_by_one_byte_is_not_opened(folder: Path) -> None:
    path = served_file(folder)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert "SHA-256 differs" in refusal(made_up(DAYS), folder)


class Bomb:
    """A pickle from elsewhere: opening it would run this."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path(self.path),))  # type: ignore[return-value]

    path = ""


def test_a_pickle_from_elsewhere_is_not_opened(folder: Path, tmp_path: Path) -> None:
    Bomb.path = str(tmp_path / "exploded")
    joblib.dump(Bomb(), served_file(folder))
    assert "SHA-256 differs" in refusal(made_up(DAYS), folder)
    assert not (tmp_path / "exploded").exists()
    joblib.load(served_file(folder))
    assert (tmp_path / "exploded").exists()


def test_a_missing_file_is_named(folder: Path) -> None:
    served_file(folder).unlink()
    assert "load_random_forest.pkl: can't be read" in refusal(made_up(DAYS), folder)


def test_a_registered_path_can_not_leave_the_folder(folder: Path) -> None:
    path = folder / REGISTRY
    path.write_text(path.read_text().replace('"load_random_forest.pkl"', '"../load.pkl"'))
    shutil.copy(folder / "load_random_forest.pkl", folder.parent / "load.pkl")
    assert "isn't a name" in refusal(made_up(DAYS), folder)


@pytest.mark.parametrize("content", ["{", "[]", '{"entries": [{"format": 2}]}'])
def test_a_broken_registry_is_one_clear_line(folder: Path, content: str) -> None:
    (folder / REGISTRY).write_text(content)
    assert "isn't a registry of this version" in refusal(made_up(DAYS), folder)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"fingerprint": "beef"}, "another version of the site's file"),
        ({"zone": "UTC"}, "another version of the site's file"),
        ({"synthetic": True}, "synthetic demo data, these are measurements"),
    ],
)
def test_models_for_something_else_are_refused(
    trained: Trained, tmp_path: Path, change: dict[str, object], problem: str
) -> None:
    entry = trained.entry.model_copy(update=change)
    write_models(tmp_path, entry, trained.models)
    assert problem in refusal(made_up(DAYS), tmp_path)


def test_models_of_measurements_do_not_forecast_demo_data(folder: Path) -> None:
    assert "these are synthetic demo data" in refusal(made_up(DAYS, synthetic=True), folder)


def test_another_scikit_learn_is_refused_before_a_file_is_opened(
    trained: Trained, tmp_path: Path
) -> None:
    versions = trained.entry.versions.model_copy(update={"scikit_learn": "0.1"})
    entry = trained.entry.model_copy(update={"versions": versions})
    write_models(tmp_path, entry, trained.models)
    served_file(tmp_path).unlink()
    assert "made with scikit-learn 0.1" in refusal(made_up(DAYS), tmp_path)


def test_another_site_or_profile_is_refused(trained: Trained, folder: Path) -> None:
    with pytest.raises(ModelRefusedError, match="trained for made_up, profile default"):
        check_entry(folder, trained.entry, made_up(DAYS, profile="other"))
    assert "no model of load" in refusal(made_up(DAYS, profile="other"), folder)


def test_training_again_replaces_its_role_and_keeps_others(folder: Path, tmp_path: Path) -> None:
    other = train_and_write(made_up(30, "grid", seed=1), folder)
    assert find_entry(folder, "made_up", "default", "grid") == other
    assert find_entry(folder, "made_up", "default", "load") is not None
    again = train_and_write(made_up(30, "grid", seed=2), folder)
    found = find_entry(folder, "made_up", "default", "grid")
    assert found == again
    assert found != other
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_the_first_folder_that_has_the_role_counts(folder: Path, tmp_path: Path) -> None:
    assert forecast(made_up(DAYS), [tmp_path / "empty", folder]).model not in BASELINES


def test_a_model_that_is_too_large_is_not_written(trained: Trained, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="more than 1000"):
        write_models(tmp_path / "new", trained.entry, trained.models, largest=1000)
    assert not (tmp_path / "new").exists()


def test_the_mission_s_model_has_its_name_and_its_card(tmp_path: Path) -> None:
    entry = train_and_write(made_up(30, "bus_voltage", synthetic=True), tmp_path)
    assert entry.models[RANDOM_FOREST].file == "random_forest_model.pkl"
    text = (tmp_path / "random_forest_model.md").read_text(encoding="utf-8")
    for part in (entry.data_hash, "synthetic demo data", entry.models[RANDOM_FOREST].sha256):
        assert part in text
    for name in entry.backtest.models:
        assert f"\n| {name} |" in text
    assert {"deviation_24h", "hour"} <= set(entry.models[RANDOM_FOREST].features)


def test_several_sites_are_trained_at_once(tmp_path: Path) -> None:
    tasks = [(made_up(25, seed=seed), tmp_path / str(seed)) for seed in (1, 2)]
    entries = train_sites(tasks, jobs=2, backend="threading")
    assert [entry.data_hash for entry in entries] == [h.data_hash for h, _ in tasks]
    alone = train(made_up(25, seed=2)).entry
    assert alone.ranking == entries[1].ranking


def test_without_weather_the_next_best_is_served(tmp_path: Path) -> None:
    history = made_up(40, "pv")
    hours = history.series.index.as_unit("ns").asi8
    values = np.column_stack([100 * history.values, np.full(len(hours), 20.0)])
    issued = hours - 6 * 86_400 * 10**9
    trained = train(history, weather=WeatherTable(issued, hours, values))
    served_by(WEATHER_BOOSTING, trained, tmp_path)
    second = next(name for name in trained.entry.ranking if name != WEATHER_BOOSTING)
    without = forecast(history, [tmp_path])
    assert codes(without)[0] == "weather_missing"
    assert without.model == second
    later = np.append(hours, hours[-1] + 3600 * 10**9 * np.arange(1, 121))
    ahead = WeatherTable(later - 6 * 86_400 * 10**9, later, np.full((len(later), 2), 500.0))
    assert forecast(history, [tmp_path], weather=ahead).model == WEATHER_BOOSTING
    # Issued after the origin: as good as none.
    late = WeatherTable(later, later, np.full((len(later), 2), 500.0))
    assert forecast(history, [tmp_path], weather=late).model == second


def test_a_forest_without_the_other_roles_it_learned_from_is_not_served(tmp_path: Path) -> None:
    history = made_up(30)
    others = pd.DataFrame({"pv": history.values}, index=history.series.index)
    trained = train(made_up(30, covariates=others))
    served_by(RANDOM_FOREST, trained, tmp_path)
    assert forecast(made_up(30, covariates=others), [tmp_path]).model == RANDOM_FOREST
    without = forecast(history, [tmp_path])
    assert without.notes[0].code == "input_missing"
    assert without.model != RANDOM_FOREST
    assert all(hour.random_forest is None for hour in without.hourly)


def test_a_served_forecast_takes_less_than_a_second(folder: Path) -> None:
    forecast(made_up(DAYS), [folder])
    start = time.process_time()
    forecast(made_up(DAYS), [folder])
    assert time.process_time() - start < 1.0


def test_errors_are_the_users(folder: Path) -> None:
    assert issubclass(ModelRefusedError, MicrogridError)
    entry = find_entry(folder, "made_up", "default", "load")
    assert isinstance(entry, Entry)
    with pytest.raises(ModelRefusedError, match="no model 'wizard' is registered"):
        load_model(folder, entry, "wizard")


def test_light_modules_import_no_machine_learning() -> None:
    code = (
        "import sys, microgrid_lib.forecast\n"
        "from microgrid_lib.forecast import calendar, history, shapes, weather\n"
        "from microgrid_lib.forecast import backtest, forecast, train\n"
        "print(sorted({'sklearn', 'joblib', 'scipy', 'pvlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_the_deviation_model_is_a_table_of_numbers(trained: Trained) -> None:
    estimator = trained.models[DEVIATION].estimator
    assert isinstance(estimator, np.ndarray)
    assert estimator.shape == (5, 6)

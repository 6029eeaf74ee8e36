from __future__ import annotations

import csv
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from microgrid_lib.kpi.evidence import evidence
from microgrid_lib.site.load import load_site
from microgrid_lib.site.profile import Profile
from microgrid_lib.site.schema import normal_spelling
from microgrid_lib.store.engines import DuckDBEngine
from microgrid_lib.window import Window
from tests.kpi.lakes import Row, make_lake, make_site, rows_from, utc

DATA = Path(__file__).resolve().parents[2] / "../shared/data"
START = utc("2023-03-01T00:00")
READINGS = [
    {"name": "load", "residual": "ge - pv - tie"},
    {"name": "source", "residual": "ge + pv + tie"},
]


def doubtful(entry: dict[str, object], *more_channels: str, interval_s: int = 900) -> Profile:
    return make_site(
        ["pv", "battery", "grid"],
        more_channels=more_channels,
        evidence=[entry],
        interval_s=interval_s,
    ).profile()


def test_the_reading_that_closes_the_balance_better_is_favoured(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    entry = {"channel": "ge", "setpoint": "told", "readings": READINGS}
    profile = doubtful(entry, "ge", "told", "tie")
    slots: list[dict[str, float | None]] = [
        {"ge": 100.0, "pv": 10.0, "tie": -100.0, "told": 103.0},
        {"ge": 50.0, "pv": 0.0, "tie": -60.0, "told": 49.0},
        {"ge": 50.0, "pv": 0.0, "tie": None, "told": 45.0},
    ]
    lake = make_lake(tmp_path, profile, rows_from(profile.site, START, slots))
    (found,) = evidence(engine, lake, profile, Window(START, START + timedelta(hours=1)))
    assert [(r.name, r.n) for r in found.readings] == [("load", 2), ("source", 2)]
    assert found.readings[0].mean_abs_residual_kw == pytest.approx((190 + 110) / 2)
    assert found.readings[1].mean_abs_residual_kw == pytest.approx((10 + 10) / 2)
    assert found.favoured == "source"
    assert found.setpoint_mean_abs_kw == pytest.approx((3 + 1 + 5) / 3)
    assert found.setpoint_n == 3
    assert found.indicative
    assert found.note.code == "evidence_readings"
    assert found.note.text == (
        "read as source, ge closes the power balance within 10.0 kW on average; read as load, "
        "within 150.0 kW (2 values; indicative: less than a day of values)"
    )
    assert [note.code for note in found.notes] == ["evidence_readings", "evidence_setpoint"]


@pytest.mark.parametrize(("tie_kw", "favoured"), [(0.0, None), (0.001, None), (-0.1, "source")])
def test_readings_that_close_the_balance_alike_are_undecided(
    engine: DuckDBEngine, tmp_path: Path, tie_kw: float, favoured: str | None
) -> None:
    profile = doubtful({"channel": "ge", "readings": READINGS}, "ge", "tie")
    slots: list[dict[str, float | None]] = [{"ge": 40.0, "pv": 0.0, "tie": tie_kw}] * 3
    lake = make_lake(tmp_path, profile, rows_from(profile.site, START, slots))
    (found,) = evidence(engine, lake, profile, Window(START, START + timedelta(hours=1)))
    assert found.favoured == favoured
    if favoured is None:
        assert found.note.code == "evidence_undecided"
        assert found.note.text == (
            "read as load or as source, ge closes the power balance within 40.0 kW on average: "
            "the data don't tell which it is (3 values; indicative: less than a day of values)"
        )


def test_a_reading_without_another_is_what_the_data_say(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    profile = doubtful({"channel": "ge", "readings": READINGS[:1]}, "ge", "tie")
    slots: list[dict[str, float | None]] = [{"ge": 40.0, "pv": 0.0, "tie": 40.0}] * 3
    lake = make_lake(tmp_path, profile, rows_from(profile.site, START, slots))
    (found,) = evidence(engine, lake, profile, Window(START, START + timedelta(hours=1)))
    assert found.favoured == READINGS[0]["name"]
    assert [reading.n for reading in found.readings] == [3]


def test_a_balance_that_both_readings_close_entirely_is_undecided(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    profile = doubtful({"channel": "ge", "readings": READINGS}, "ge", "tie")
    slots: list[dict[str, float | None]] = [{"ge": 0.0, "pv": 0.0, "tie": 0.0}] * 3
    lake = make_lake(tmp_path, profile, rows_from(profile.site, START, slots))
    (found,) = evidence(engine, lake, profile, Window(START, START + timedelta(hours=1)))
    assert found.favoured is None


def test_a_day_of_values_is_no_longer_indicative(engine: DuckDBEngine, tmp_path: Path) -> None:
    entry = {"channel": "ge", "readings": READINGS}
    profile = doubtful(entry, "ge", "tie")
    slots = [{"ge": 1.0, "pv": 1.0, "tie": 1.0}] * 96
    lake = make_lake(tmp_path, profile, rows_from(profile.site, START, slots))
    (found,) = evidence(engine, lake, profile, Window(START, START + timedelta(days=1)))
    assert not found.indicative
    assert "indicative" not in found.note.text
    assert (found.setpoint_mean_abs_kw, found.setpoint_n) == (None, 0)


def test_months_and_their_parts_give_the_same_evidence(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    entry = {"channel": "ge", "setpoint": "told", "readings": READINGS}
    profile = doubtful(entry, "ge", "told", "tie", interval_s=3600)
    rng = np.random.default_rng(3)
    start = utc("2023-02-15T00:00")
    slots = [
        {
            c: float(v)
            for c, v in zip(("ge", "pv", "tie", "told"), rng.normal(0, 50, 4), strict=True)
        }
        for _ in range(24 * 60)
    ]
    lake = make_lake(tmp_path, profile, rows_from(profile.site, start, slots))
    window = Window(start + timedelta(days=3), start + timedelta(days=50))
    inside = slots[3 * 24 : 50 * 24]
    for _ in range(2):
        (found,) = evidence(engine, lake, profile, window)
        expected = np.mean([abs(s["ge"] + s["pv"] + s["tie"]) for s in inside])
        assert found.readings[1].mean_abs_residual_kw == pytest.approx(expected)
        assert found.readings[1].n == len(inside)
        assert found.setpoint_mean_abs_kw == pytest.approx(
            np.mean([abs(s["ge"] - s["told"]) for s in inside])
        )


def test_without_values_the_evidence_says_so(engine: DuckDBEngine, tmp_path: Path) -> None:
    profile = doubtful({"channel": "ge", "readings": READINGS}, "ge", "tie")
    lake = make_lake(tmp_path, profile, rows_from(profile.site, START, [{"pv": 1.0}] * 4))
    (found,) = evidence(engine, lake, profile, Window(START, START + timedelta(hours=1)))
    assert found.favoured is None
    assert found.note.code == "evidence_no_data"


def test_a_set_point_without_values_is_no_finding(engine: DuckDBEngine, tmp_path: Path) -> None:
    profile = doubtful({"channel": "ge", "setpoint": "told"}, "ge", "told")
    slots: list[dict[str, float | None]] = [{"ge": 1.0, "told": None}] * 4
    lake = make_lake(tmp_path, profile, rows_from(profile.site, START, slots))
    (found,) = evidence(engine, lake, profile, Window(START, START + timedelta(hours=1)))
    assert (found.setpoint_mean_abs_kw, found.setpoint_n) == (None, 0)
    assert [note.code for note in found.notes] == ["evidence_no_data"]


def test_a_month_without_values_adds_nothing_and_a_window_in_a_gap_has_none(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    entry = {"channel": "ge", "setpoint": "told", "readings": READINGS}
    profile = doubtful(entry, "ge", "told", "tie")
    silent: list[dict[str, float | None]] = [{"ge": 9.0, "pv": 9.0, "tie": None, "told": None}] * 4
    later = START + timedelta(days=60)
    said = [{"ge": 50.0, "pv": 0.0, "tie": -60.0, "told": 47.0}]
    rows = rows_from(profile.site, START, silent) + rows_from(profile.site, later, said)
    lake = make_lake(tmp_path, profile, rows)
    (found,) = evidence(engine, lake, profile, Window(START, later + timedelta(hours=1)))
    assert [(r.mean_abs_residual_kw, r.n) for r in found.readings] == [(110.0, 1), (10.0, 1)]
    assert (found.setpoint_mean_abs_kw, found.setpoint_n) == (3.0, 1)
    gap = Window(START + timedelta(days=40), START + timedelta(days=50))
    (none,) = evidence(engine, lake, profile, gap)
    assert [(r.mean_abs_residual_kw, r.n) for r in none.readings] == [(None, 0), (None, 0)]


def test_of_three_readings_the_two_that_close_best_are_in_the_note(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    third = {"name": "half", "residual": "ge / 2 + tie"}
    profile = doubtful({"channel": "ge", "readings": [*READINGS, third]}, "ge", "tie")
    slots: list[dict[str, float | None]] = [{"ge": 50.0, "pv": 10.0, "tie": -60.0}]
    lake = make_lake(tmp_path, profile, rows_from(profile.site, START, slots))
    (found,) = evidence(engine, lake, profile, Window(START, START + timedelta(hours=1)))
    note = found.note.params
    assert (note["better"], note["better_kw"], note["worse"], note["worse_kw"]) == (
        *("source", 0.0),
        *("half", 35.0),
    )


def step_rows(profile: Profile, start: datetime, n: int, slope: float, seed: int) -> list[Row]:
    rng = np.random.default_rng(seed)
    battery = np.cumsum(rng.choice([-40.0, 0.0, 2.0, 40.0], n))
    pv = np.cumsum(rng.normal(0, 10, n)) - 0.4 * battery
    grid = slope * battery - pv
    return rows_from(
        profile.site,
        start,
        [
            {"battery": float(b), "pv": float(p), "grid": float(g)}
            for b, p, g in zip(battery, pv, grid, strict=True)
        ],
    )


STEPS = {"channel": "battery", "step_of": "battery", "step_with": "grid"}


def test_the_slope_of_steps_is_found_beside_the_steps_of_pv(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    profile = doubtful(STEPS)
    start = utc("2023-03-25T00:00")
    lake = make_lake(tmp_path, profile, step_rows(profile, start, 96 * 14, -0.8, seed=1))
    (found,) = evidence(engine, lake, profile, Window(start, start + timedelta(days=14)))
    assert [slope.quarter for slope in found.slopes] == ["2023-Q1", "2023-Q2", "all"]
    for slope in found.slopes:
        assert slope.slope == pytest.approx(-0.8)
        assert slope.standard_error == pytest.approx(0.0, abs=1e-6)
    assert found.slopes[0].n + found.slopes[1].n == found.slopes[2].n
    assert found.note.code == "evidence_steps"
    assert "slope -0.800" in found.note.text


def test_steps_over_a_gap_and_small_steps_are_left_out(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    profile = doubtful(STEPS)
    battery = [0.0, 10.0, 14.0, None, 50.0, 60.0]
    slots = [{"battery": b, "pv": float(i**2), "grid": 1.0 * i} for i, b in enumerate(battery)]
    rows = rows_from(profile.site, START, slots)
    later = rows_from(profile.site, START + timedelta(hours=9), [slots[0], slots[1]])
    lake = make_lake(tmp_path, profile, rows + later)
    (found,) = evidence(engine, lake, profile, Window(START, START + timedelta(days=1)))
    # 0 -> 10, 50 -> 60, and 0 -> 10 again; 10 -> 14 is small, 14 -> 50 and 60 -> 0 span a gap.
    assert [(s.quarter, s.n) for s in found.slopes] == [("2023-Q1", 3), ("all", 3)]
    assert found.slopes[0].slope is None


@pytest.mark.parametrize(("step_kw", "n"), [(5.0, 1), (5.5, 3), (-5.0, 1), (-5.5, 3)])
def test_a_step_is_larger_than_5_kw(
    engine: DuckDBEngine, tmp_path: Path, step_kw: float, n: int
) -> None:
    profile = make_site(["battery", "grid"], evidence=[STEPS]).profile()
    battery = [0.0, step_kw, 2 * step_kw, 2 * step_kw, 2 * step_kw + 20.0]
    slots: list[dict[str, float | None]] = [{"battery": b, "grid": 1.0} for b in battery]
    lake = make_lake(tmp_path, profile, rows_from(profile.site, START, slots))
    (found,) = evidence(engine, lake, profile, Window(START, START + timedelta(hours=2)))
    assert found.slopes[-1].n == n


def test_the_note_has_the_lowest_and_the_highest_slope_of_quarters(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    profile = make_site(["battery", "grid"], evidence=[STEPS]).profile()
    start = utc("2023-03-31T00:00")
    # A day of March answers with -0.5, the next of April with -0.9; each ends where it began.
    battery = [0.0, 10.0, 0.0, -20.0] * 48
    slots: list[dict[str, float | None]] = [
        {"battery": b, "grid": b * (-0.5 if i < 96 else -0.9)} for i, b in enumerate(battery)
    ]
    lake = make_lake(tmp_path, profile, rows_from(profile.site, start, slots))
    (found,) = evidence(engine, lake, profile, Window(start, start + timedelta(days=2)))
    first, second, whole = found.slopes
    assert (first.quarter, second.quarter) == ("2023-Q1", "2023-Q2")
    # The first slot has none before it, so there is one step fewer than slots.
    assert (first.n, second.n, whole.n) == (95, 96, 191)
    assert found.note.params["lowest"] == second.slope == pytest.approx(-0.9, abs=0.01)
    assert found.note.params["highest"] == first.slope == pytest.approx(-0.5)
    assert found.note.params["n"] == 191


def test_a_slope_needs_more_steps_than_it_has_unknowns(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    profile = make_site(["battery", "grid"], evidence=[STEPS]).profile()
    battery, grid = [0.0, 10.0, 0.0, 20.0], [0.0, -9.0, 0.0, -17.0]
    for count, n in ((3, 2), (4, 3)):
        slots: list[dict[str, float | None]] = [
            {"battery": b, "grid": g} for b, g in zip(battery[:count], grid, strict=False)
        ]
        lake = make_lake(tmp_path, profile, rows_from(profile.site, START, slots))
        (found,) = evidence(engine, lake, profile, Window(START, START + timedelta(hours=1)))
        assert found.slopes[-1].n == n
        assert (found.slopes[-1].slope is None) == (n == 2)
    # Steps 10, -10, 20 and answers -9, 9, -17: 20/3 and -17/3 on average.
    x = np.array([10, -10, 20]) - 20 / 3
    y = np.array([-9, 9, -17]) + 17 / 3
    slope = (x @ y) / (x @ x)
    assert found.slopes[-1].slope == pytest.approx(slope)
    error = np.sqrt(3 / (3 - 2) * np.sum(x**2 * (y - slope * x) ** 2)) / (x @ x)
    assert found.slopes[-1].standard_error == pytest.approx(error)


def test_what_answers_is_not_fitted_beside_itself(engine: DuckDBEngine, tmp_path: Path) -> None:
    roles = {"battery": "battery", "grid": "grid", "genset": "grid"}
    profile = make_site(roles, evidence=[STEPS]).profile()
    battery = [0.0, 10.0, 0.0, -20.0, 30.0, 10.0]
    slots: list[dict[str, float | None]] = [{"battery": b, "grid": -0.8 * b} for b in battery]
    lake = make_lake(tmp_path, profile, rows_from(profile.site, START, slots))
    (found,) = evidence(engine, lake, profile, Window(START, START + timedelta(hours=2)))
    assert found.slopes[-1].slope == pytest.approx(-0.8)


def test_standard_errors_are_robust_to_unequal_variance(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    profile = make_site(["battery", "grid"], evidence=[STEPS]).profile()
    rng = np.random.default_rng(5)
    steps = rng.choice([-30.0, -10.0, 10.0, 30.0], 300)
    answers = -0.7 * steps + rng.normal(0, 1, 300) * np.abs(steps) / 5
    battery, grid = np.cumsum(steps), np.cumsum(answers)
    slots = [{"battery": float(b), "grid": float(g)} for b, g in zip(battery, grid, strict=True)]
    lake = make_lake(tmp_path, profile, rows_from(profile.site, START, slots))
    (found,) = evidence(engine, lake, profile, Window(START, START + timedelta(days=4)))
    x, y = np.diff(battery), np.diff(grid)
    centred = x - x.mean()
    slope = (centred @ y) / (centred @ centred)
    residual = y - y.mean() - slope * centred
    n = len(x)
    variance = n / (n - 2) * np.sum(centred**2 * residual**2) / (centred @ centred) ** 2
    assert found.slopes[-1].slope == pytest.approx(slope)
    assert found.slopes[-1].standard_error == pytest.approx(np.sqrt(variance))


def test_ten_real_rows_read_ge_as_a_source(engine: DuckDBEngine, tmp_path: Path) -> None:
    path = DATA / "mesa_del_sol/Apr_2023_head.csv"
    if not path.exists():
        pytest.skip("the real data aren't beside this checkout (../shared/data)")
    profile = load_site("mesa_del_sol").profile()
    spelled = profile.site.spellings()
    rows: list[Row] = []
    with path.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            at = datetime.strptime(line.pop("Timestamp"), "%Y/%m/%d %H:%M:%S").replace(tzinfo=UTC)
            row: Row = {"time": at + timedelta(hours=7), "source": "plant"}
            for name, text in line.items():
                row[spelled[normal_spelling(name)]] = None if text == "-999999.0" else float(text)
            rows.append(row)
    lake = make_lake(tmp_path, profile, rows)
    start = utc("2023-04-01T07:00")
    (found,) = evidence(engine, lake, profile, Window(start, start + timedelta(days=1)))
    load, source = found.readings
    assert (load.n, source.n) == (10, 10)
    assert load.mean_abs_residual_kw == pytest.approx(187, abs=1)
    assert source.mean_abs_residual_kw == pytest.approx(36, abs=1)
    assert found.favoured == "source"
    assert found.indicative


def test_trade_streets_battery_sign_is_confirmed_in_every_quarter(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    folder = DATA / "trade_street"
    if not folder.exists():
        pytest.skip("the real data aren't beside this checkout (../shared/data)")
    profile = load_site("trade_street").profile()
    zone = profile.site.source_zone
    rows: list[Row] = []
    for name, source, channel in (
        ("PV", "pv", "pv_power"),
        ("Battery", "battery", "battery_power"),
        ("Total", "total", "grid_power"),
    ):
        factor = profile.site.channels[channel].factor
        with (folder / f"TradeStreet{name}.csv").open(encoding="utf-8-sig", newline="") as file:
            seen: set[datetime] = set()
            for line in csv.DictReader(file):
                local = datetime.strptime(line["DateTime"], "%m/%d/%Y %H:%M")
                value = factor * float(line["RealPower"] or "nan")
                if 2017 <= local.year <= 2018 and local not in seen and not math.isnan(value):
                    seen.add(local)
                    at = local.replace(tzinfo=zone).astimezone(UTC)
                    rows.append({"time": at, "source": source, channel: value})
    lake = make_lake(tmp_path, profile, rows)
    window = Window(
        datetime(2017, 1, 1, tzinfo=zone),
        datetime(2018, 10, 1, tzinfo=zone),
    )
    (found,) = evidence(engine, lake, profile, window)
    quarters = {s.quarter: s for s in found.slopes}
    assert {"2017-Q1", "2017-Q4", "2018-Q3", "all"} <= set(quarters)
    for slope in quarters.values():
        assert slope.slope is not None
        assert slope.standard_error is not None
        assert -1.0 < slope.slope < -0.6
        assert slope.standard_error < 0.03
        assert slope.n > 1500

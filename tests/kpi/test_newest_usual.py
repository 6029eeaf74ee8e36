"""The newest sample of each role, and what a role usually does, by hand."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from microgrid_lib.errors import NoDataError
from microgrid_lib.kpi.access import Access
from microgrid_lib.kpi.newest import newest_samples
from microgrid_lib.kpi.usual import usual
from microgrid_lib.store.engines import DuckDBEngine
from microgrid_lib.window import Window
from tests.kpi.lakes import make_lake, make_site, rows_from, utc

START = utc("2023-03-01T00:00")
QUARTER = timedelta(minutes=15)
Slots = list[dict[str, float | None]]


def access_of(
    engine: DuckDBEngine, folder: Path, roles: tuple[str, ...], slots: Slots, **options: object
) -> Access:
    site = make_site(roles, **options)
    rows = rows_from(site, START, slots)
    return Access(
        engine, make_lake(folder, site.profile(), rows, summarised=engine), site.profile()
    )


def test_each_role_has_its_own_newest_sample(engine: DuckDBEngine, tmp_path: Path) -> None:
    slots: Slots = [{"load": 10.0 + i, "pv": 1.0} for i in range(200)]
    slots[199]["pv"] = None
    for slot in slots[100:]:
        slot["battery"] = None
    slots[99]["battery"] = 5.0
    newest = newest_samples(access_of(engine, tmp_path, ("load", "pv", "battery"), slots))
    assert newest.time == START + 200 * QUARTER
    load, pv, battery = (newest.samples[role] for role in ("load", "pv", "battery"))
    assert load is not None
    assert (load.value, load.time) == (209.0, START + 200 * QUARTER)
    assert pv is not None
    assert (pv.value, pv.time) == (1.0, START + 199 * QUARTER)
    # Older than a day: found in the months' summaries.
    assert battery is not None
    assert (battery.value, battery.time) == (5.0, START + 100 * QUARTER)
    grid = newest.samples["grid"]
    assert grid is not None
    assert (grid.value, grid.time) == (109.0 - 1.0 - 5.0, START + 100 * QUARTER)


def test_a_role_that_never_had_a_sample_has_none(engine: DuckDBEngine, tmp_path: Path) -> None:
    slots: Slots = [{"load": 1.0}] * 3
    newest = newest_samples(access_of(engine, tmp_path, ("load", "pv"), slots))
    assert newest.samples["pv"] is None
    assert newest.soc is None


def test_the_residual_is_what_all_powers_leave(engine: DuckDBEngine, tmp_path: Path) -> None:
    slots: Slots = [{"pv": 20.0, "genset": 200.0, "battery": -10.0, "grid": -185.0}] * 4
    slots = [*slots, {"pv": 20.0, "genset": None, "battery": -10.0, "grid": -185.0}]
    access = access_of(engine, tmp_path, ("pv", "genset", "battery", "grid"), slots)
    residual = newest_samples(access).residual_kw
    assert residual is not None
    assert residual.value == 25.0
    assert residual.time == START + 4 * QUARTER


def test_with_a_load_there_is_no_residual(engine: DuckDBEngine, tmp_path: Path) -> None:
    slots: Slots = [{"pv": 1.0, "load": 1.0, "grid": 0.5}]
    access = access_of(engine, tmp_path, ("pv", "load", "grid"), slots)
    assert newest_samples(access).residual_kw is None


def test_the_very_first_slot_of_the_data_is_searched(engine: DuckDBEngine, tmp_path: Path) -> None:
    slots: Slots = [{"load": 1.0, "pv": 7.0}, *({"load": 1.0, "pv": None} for _ in range(99))]
    pv = newest_samples(access_of(engine, tmp_path, ("load", "pv"), slots)).samples["pv"]
    assert pv is not None
    assert (pv.value, pv.time) == (7.0, START + QUARTER)


def test_usual_is_the_mean_of_the_same_hours(engine: DuckDBEngine, tmp_path: Path) -> None:
    # Each day's PV is its number by day, 0 by night; day 4 lacks most of its samples.
    slots: Slots = []
    for day in range(9):
        for quarter in range(96):
            missing = day == 4 and quarter % 4
            slots.append({"pv": None if missing else float(day) if 32 <= quarter < 64 else 0.0})
    access = access_of(engine, tmp_path, ("pv",), slots)
    morning = Window(START + timedelta(days=8, hours=8), START + timedelta(days=8, hours=12))
    found = usual(access, "pv", morning)
    assert found is not None
    assert found.days == 6
    assert found.mean_kw == pytest.approx((1 + 2 + 3 + 5 + 6 + 7) / 6)
    day = Window(START + timedelta(days=8), START + timedelta(days=9))
    whole = usual(access, "pv", day)
    assert whole is not None
    assert whole.mean_kw == pytest.approx((1 + 2 + 3 + 5 + 6 + 7) / 6 / 3)


def test_the_last_day_s_hours_end_with_a_whole_summary_as_the_others_do(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    day: Slots = [{"pv": kw} for kw in [1.0] * 5 + [11.0] * 5 + [0.0] * 1430]
    access = access_of(engine, tmp_path, ("pv",), day * 8, interval_s=60)
    window = Window(START + timedelta(days=7), START + timedelta(days=7, minutes=6))
    found = usual(access, "pv", window)
    assert found is not None
    assert (found.days, found.mean_kw) == (7, pytest.approx(6.0))


def test_a_day_of_which_half_is_valid_counts(engine: DuckDBEngine, tmp_path: Path) -> None:
    slots: Slots = [{"pv": 1.0} for _ in range(96 * 3)]
    # Of day 1 four quarter hours of eight are left, of day 0 three.
    for number in (*range(5), *range(96, 100)):
        slots[number]["pv"] = None
    for number in range(100, 104):
        slots[number]["pv"] = 4.0
    morning = Window(START + timedelta(days=3), START + timedelta(days=3, hours=2))
    access = access_of(engine, tmp_path, ("pv",), [*slots, {"pv": 1.0}])
    assert usual(access, "pv", morning) is None
    slots[4]["pv"] = 7.0
    found = usual(access_of(engine, tmp_path, ("pv",), [*slots, {"pv": 1.0}]), "pv", morning)
    assert found is not None
    # 4 kW of day 1 four times, 1 kW of day 2 eight times, and of day 0 7 kW once, 1 kW three times.
    assert (found.days, found.mean_kw) == (3, pytest.approx((16 + 8 + 7 + 3) / 16))


def test_few_days_or_a_long_window_tell_nothing(engine: DuckDBEngine, tmp_path: Path) -> None:
    access = access_of(engine, tmp_path, ("pv",), [{"pv": 1.0}] * (96 * 4))
    third = Window(START + timedelta(days=2), START + timedelta(days=3))
    assert usual(access, "pv", third) is None
    fourth = Window(START + timedelta(days=3), START + timedelta(days=4))
    assert usual(access, "pv", fourth) is not None
    assert usual(access, "pv", Window(START + timedelta(days=2), fourth.end)) is None


def test_a_role_that_is_not_there_is_no_data(engine: DuckDBEngine, tmp_path: Path) -> None:
    access = access_of(engine, tmp_path, ("pv",), [{"pv": 1.0}] * 96)
    with pytest.raises(NoDataError, match="no battery"):
        usual(access, "battery", Window(START, START + timedelta(hours=1)))

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from microgrid_lib.site.profile import Profile
from microgrid_lib.store.engines import Scan
from microgrid_lib.store.slots import (
    anchor_s,
    epoch_us,
    first_slot_us,
    from_epoch_us,
    slot_end,
    slot_start,
    slot_table,
    slots_between,
)
from tests.kpi.lakes import Row, engine, make_lake, make_site, rows_from, utc

START = utc("2023-03-01T00:00")


def slots_of(
    folder: Path, profile: Profile, rows: list[Row], leave_out: Sequence[str] = ()
) -> pd.DataFrame:
    lake = make_lake(folder, profile, rows, leave_out=leave_out)
    scans = [Scan(tuple(part.path for part in lake.parts))] if lake.parts else [Scan(())]
    columns = engine().fetch(
        "slots", lambda table, _: slot_table(table, profile), profile, scans, ()
    )
    return pd.DataFrame(columns).sort_values("slot").reset_index(drop=True)


def test_the_first_sample_of_a_slot_counts_with_what_it_is_missing(tmp_path: Path) -> None:
    site = make_site(["pv", "load"], interval_s=10)
    rows: list[Row] = [
        {"time": START + timedelta(seconds=7), "source": "plant", "pv": 9.0, "load": 9.0},
        {"time": START + timedelta(seconds=3), "source": "plant", "pv": None, "load": 1.0},
        {"time": START + timedelta(seconds=12), "source": "plant", "pv": 2.0, "load": 2.0},
    ]
    found = slots_of(tmp_path, site.profile(), rows)
    assert list(found["slot"]) == [pd.Timestamp("2023-03-01"), pd.Timestamp("2023-03-01 00:00:10")]
    assert found["load"].tolist() == [1.0, 2.0]
    assert found["pv"].isna().tolist() == [True, False]


def test_sources_complete_each_other_within_a_slot(tmp_path: Path) -> None:
    site = make_site(["pv", "load"], sources={"sun": ["pv"], "house": ["load"]})
    rows: list[Row] = [
        {"time": START, "source": "sun", "pv": 5.0},
        {"time": START + timedelta(minutes=1), "source": "house", "load": 7.0},
        {"time": START + timedelta(minutes=15), "source": "house", "load": 8.0},
    ]
    found = slots_of(tmp_path, site.profile(), rows)
    assert found["load"].tolist() == [7.0, 8.0]
    assert found["grid"].tolist()[0] == 2.0
    assert found[["pv", "grid", "grid_import"]].isna().to_numpy().tolist() == [
        [False, False, False],
        [True, True, True],
    ]


def test_import_export_charge_and_discharge_are_parts_of_one_sign(tmp_path: Path) -> None:
    site = make_site(["battery", "grid"])
    rows = rows_from(site, START, [{"battery": 4.0, "grid": -3.0}, {"battery": -6.0, "grid": 2.0}])
    found = slots_of(tmp_path, site.profile(), rows)
    assert found["battery_discharge"].tolist() == [4.0, 0.0]
    assert found["battery_charge"].tolist() == [0.0, 6.0]
    assert found["grid_import"].tolist() == [0.0, 2.0]
    assert found["grid_export"].tolist() == [3.0, 0.0]


@pytest.mark.parametrize(
    ("expression", "values", "expected"),
    [
        ("min(pv, load)", {"pv": 2.0, "load": 5.0}, 2.0),
        ("min(pv, load)", {"pv": None, "load": 5.0}, None),
        ("max(pv, load) - 1", {"pv": 2.0, "load": None}, None),
        ("abs(pv) + load", {"pv": -2.0, "load": 5.0}, 7.0),
        ("pv / load", {"pv": 2.0, "load": 4.0}, 0.5),
        ("pv / load", {"pv": 2.0, "load": 0.0}, None),
        ("pv / load", {"pv": 0.0, "load": 0.0}, None),
    ],
)
def test_an_expression_is_missing_where_a_value_is_or_it_is_not_finite(
    tmp_path: Path, expression: str, values: dict[str, float | None], expected: float | None
) -> None:
    site = make_site({"pv": "pv", "load": "load", "grid": expression})
    found = slots_of(tmp_path, site.profile(), rows_from(site, START, [values]))["grid"].tolist()
    assert [None if pd.isna(v) else v for v in found] == [expected]


def test_a_channel_that_the_files_lack_is_missing(tmp_path: Path) -> None:
    site = make_site(["pv", "load"])
    rows = rows_from(site, START, [{"pv": 1.0}])
    frame = slots_of(tmp_path, site.profile(), rows, leave_out=["load"])
    assert frame["pv"].tolist() == [1.0]
    assert frame["load"].isna().all()


def test_a_channel_that_some_files_lack_is_missing_in_these(tmp_path: Path) -> None:
    profile = make_site(["pv", "load"]).profile()
    old = make_lake(
        tmp_path, profile, rows_from(profile.site, START, [{"pv": 1.0}]), leave_out=["load"]
    )
    later = START + timedelta(hours=1)
    new = make_lake(tmp_path, profile, rows_from(profile.site, later, [{"pv": 2.0, "load": 3.0}]))
    scan = Scan((old.parts[0].path, new.parts[0].path))
    columns = engine().fetch("slots", lambda table, _: slot_table(table, profile), profile, [scan])
    frame = pd.DataFrame(columns).sort_values("slot")
    assert frame["pv"].tolist() == [1.0, 2.0]
    assert frame["load"].isna().tolist() == [True, False]


def test_no_files_are_an_empty_table_of_the_right_columns(tmp_path: Path) -> None:
    frame = slots_of(tmp_path, make_site(["pv", "load"]).profile(), [])
    assert len(frame) == 0
    assert {"slot", "pv", "load", "grid"} <= set(frame.columns)


def test_a_folder_may_have_quotes_and_stars(tmp_path: Path) -> None:
    folder = tmp_path / 'it\'s [a] "lake" *?'
    site = make_site(["pv"])
    assert slots_of(folder, site.profile(), rows_from(site, START, [{"pv": 1.0}]))["pv"][0] == 1.0


def test_unique_means_at_most_one_row_of_a_source_in_a_slot(tmp_path: Path) -> None:
    site = make_site(["pv", "load"], sources={"a": ["pv"], "b": ["load"]}, interval_s=10)
    rows: list[Row] = [
        {"time": START + timedelta(seconds=s), "source": source, "pv": 1.0}
        for s in range(1, 4000, 10)
        for source in "ab"
    ]
    run = engine()

    def unique(of: list[Row]) -> bool:
        paths = [part.path for part in make_lake(tmp_path, site.profile(), of).parts]
        return run.unique(site, paths)

    assert unique(rows)
    assert not unique([*rows, rows[-1] | {"time": rows[-1]["time"] + timedelta(seconds=1)}])


@pytest.mark.parametrize(
    ("zone", "interval_s", "anchor"),
    [
        ("UTC-07:00", 10, 0),
        ("Asia/Kolkata", 900, 0),
        ("Asia/Kolkata", 3600, 1800),
        ("America/Los_Angeles", 3600, 0),
        ("America/Los_Angeles", 86400, 28800),
        ("Europe/Paris", 86400, 82800),
    ],
)
def test_slots_start_on_the_zones_standard_time(zone: str, interval_s: int, anchor: int) -> None:
    site = make_site(["pv"], display_timezone=zone, source_timezone=zone, interval_s=interval_s)
    assert anchor_s(site) == anchor


def test_slots_between_counts_starts_only() -> None:
    site = make_site(["pv"], interval_s=10)
    assert slots_between(site, START, START + timedelta(seconds=10)) == 1
    assert slots_between(site, START + timedelta(seconds=1), START + timedelta(seconds=10)) == 0
    assert slots_between(site, START + timedelta(seconds=1), START + timedelta(seconds=11)) == 1
    assert slots_between(site, START + timedelta(seconds=5), START) == 0


def test_a_local_day_has_23_24_or_25_hours_of_slots() -> None:
    site = make_site(["pv"], display_timezone="America/Los_Angeles")
    zone = site.display_zone
    for day, hours in (("2023-03-12", 23), ("2023-03-13", 24), ("2023-11-05", 25)):
        start = pd.Timestamp(day).to_pydatetime().replace(tzinfo=zone)
        assert slots_between(site, start, start + timedelta(days=1)) == hours * 4


def test_the_end_of_a_slot_is_after_every_instant_in_it() -> None:
    site = make_site(["pv"], interval_s=10)
    assert slot_end(site, START) == START + timedelta(seconds=10)
    assert slot_end(site, START + timedelta(seconds=9)) == START + timedelta(seconds=10)
    assert slot_start(site, START + timedelta(seconds=9)) == START


def test_instants_are_exact_to_the_microsecond() -> None:
    at = utc("2023-03-01T12:34:56.789123")
    assert from_epoch_us(epoch_us(at)) == at
    assert first_slot_us(make_site(["pv"], interval_s=10), at) == epoch_us(utc("2023-03-01T12:35"))


def test_importing_the_store_and_the_kpis_does_not_import_ibis() -> None:
    code = (
        "import sys, microgrid_lib.store.series, microgrid_lib.kpi.report, "
        "microgrid_lib.kpi.compare, microgrid_lib.kpi.evidence\n"
        "print(sorted({'ibis', 'matplotlib', 'sklearn', 'ipywidgets'} & set(sys.modules)))"
    )
    run: Any = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout.strip() == "[]", run.stderr

"""The synthetic plant: its files, its truth, and that the one follows from the other."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_lib.errors import FileProblem, MicrogridError
from microgrid_lib.ingest.demo import DemoPlan, write, write_demo
from microgrid_lib.ingest.demo.battery import soc_steps
from microgrid_lib.ingest.demo.calendar import month_calendar
from microgrid_lib.ingest.demo.noise import trailing_mean, wander
from microgrid_lib.ingest.demo.plan import COLUMNS
from microgrid_lib.ingest.demo.plant import two_bus_voltage
from microgrid_lib.ingest.demo.text import HEADER, float32_text
from microgrid_lib.site.schema import CHANNELS

REAL_ROWS = (
    Path(__file__).resolve().parents[2] / "../shared/data/mesa_del_sol/Apr_2023_head.csv"
).resolve()
ROW = re.compile(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d1(,-?(0|[1-9]\d*)\.(0|\d{0,5}[1-9])){17}\n")
UTC_MINUS_LOCAL = timedelta(hours=7)
SLOTS_PER_HOUR = 360


class Month:
    """A file read naively: accepted rows by time, and counts taken on the way."""

    def __init__(self, path: Path) -> None:
        seen: dict[str, list[str]] = {}
        self.rows: dict[datetime, list[float]] = {}
        self.counts = dict.fromkeys(
            ["rows_read", "rows_accepted", "rows_duplicate", "rows_rejected"], 0
        ) | {"values_missing": 0, "values_out_of_range": 0}
        self.rejected = {"impossible_date": 0, "conflict": 0}
        limits = [(CHANNELS[channel].low, CHANNELS[channel].high) for channel in COLUMNS]
        with path.open(newline="") as stream:
            reader = csv.reader(stream)
            self.header = next(reader)
            for stamp, *texts in reader:
                self.counts["rows_read"] += 1
                try:
                    time = datetime.strptime(stamp, "%Y/%m/%d %H:%M:%S")
                except ValueError:
                    self.counts["rows_rejected"] += 1
                    self.rejected["impossible_date"] += 1
                    continue
                if stamp in seen:
                    same = seen[stamp] == texts
                    self.counts["rows_duplicate" if same else "rows_rejected"] += 1
                    self.rejected["conflict"] += not same
                    continue
                seen[stamp] = texts
                self.counts["rows_accepted"] += 1
                values = [float(text) for text in texts]
                for i, value in enumerate(values):
                    if value == -999999.0:
                        self.counts["values_missing"] += 1
                        values[i] = np.nan
                    elif not limits[i][0] <= value <= limits[i][1]:
                        self.counts["values_out_of_range"] += 1
                        values[i] = np.nan
                self.rows[time] = values


class Demo:
    """Two months on the grid of slots: one array per channel, NaN where there is nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.truth: dict[str, Any] = json.loads((folder / "truth.json").read_text())
        self.months = {name: Month(folder / name) for name in self.truth["files"]}
        self.first = datetime(2022, 5, 1)
        n = (date(2022, 7, 1) - date(2022, 5, 1)).days * 8640
        grid = np.full((n, len(COLUMNS)), np.nan)
        for month in self.months.values():
            for time, values in month.rows.items():
                grid[self.slot(time)] = values
        self.channels = dict(zip(COLUMNS, grid.T, strict=True))

    def slot(self, local: datetime) -> int:
        return int((local - self.first).total_seconds() // 10)

    def window(self, event: dict[str, Any]) -> tuple[int, int]:
        start, end = (
            self.slot(datetime.strptime(event[key], "%Y-%m-%dT%H:%M:%SZ") - UTC_MINUS_LOCAL)
            for key in ("start", "end")
        )
        return start, end

    def windows(self, kind: str) -> list[tuple[int, int]]:
        return [self.window(e) for e in self.truth["events"] if e["kind"] == kind]

    def alerts(self, alert: str, severities: Iterable[str]) -> list[tuple[int, int]]:
        return [
            self.window(e)
            for e in self.truth["events"]
            if e["alert"] == alert and e["severity"] in severities
        ]

    def __getitem__(self, channel: str) -> np.ndarray:
        return self.channels[channel]

    def islanded(self) -> np.ndarray:
        mask = np.zeros(len(self["pv_power"]), dtype=bool)
        for start, end in self.windows("islanding"):
            mask[start:end] = True
        return mask

    def soc(self) -> list[float]:
        soc = [0.5]
        for power in self["battery_power"].tolist():
            step = 0.0
            if power <= -0.5:
                step = -power * 0.9 / 360 / 160
            elif power >= 0.5:
                step = -power / 0.9 / 360 / 160
            soc.append(soc[-1] + step)
        return soc


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = tmp_path_factory.mktemp("demo")
    assert write_demo(folder, DemoPlan(months=2)) == folder / "truth.json"
    return Demo(folder)


@pytest.fixture(scope="module")
def longer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("longer")
    write_demo(folder, DemoPlan(months=3))
    return folder


@pytest.fixture
def copy(demo: Demo, tmp_path: Path) -> Path:
    return Path(shutil.copytree(demo.folder, tmp_path / "copy"))


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def replay(on: np.ndarray, off: np.ndarray, shortest: int) -> list[tuple[int, int]]:
    """Alerts by on and off conditions and a shortest duration, one slot after the other."""
    found, since = [], None
    for i, (begins, ends) in enumerate(zip(on.tolist(), off.tolist(), strict=True)):
        if since is None and begins:
            since = i
        elif since is not None and ends:
            if i - since >= shortest:
                found.append((since, i))
            since = None
    return found


# The files


def test_header_is_the_published_one(demo: Demo) -> None:
    if not REAL_ROWS.exists():
        pytest.skip("the real rows (../shared/data) aren't here")
    with REAL_ROWS.open() as stream:
        assert stream.readline().strip() == HEADER
    for month in demo.months.values():
        assert ",".join(month.header) == HEADER


def test_columns_are_the_channels_of_the_schema() -> None:
    assert list(COLUMNS) == list(CHANNELS)


def test_rows_look_like_real_rows(demo: Demo) -> None:
    for name in demo.months:
        with (demo.folder / name).open(newline="") as stream:
            next(stream)
            wrong = [line for line in stream if not ROW.fullmatch(line)]
        assert wrong == []


def test_real_rows_match_the_same_pattern_and_texts() -> None:
    if not REAL_ROWS.exists():
        pytest.skip("the real rows (../shared/data) aren't here")
    with REAL_ROWS.open(newline="") as stream:
        next(stream)
        for line in stream:
            assert ROW.fullmatch(line)
            for text in line.strip().split(",")[1:]:
                assert float32_text(float(text)) == text


@given(st.integers(-99999, 99999))
def test_printed_value_reads_back_as_the_same_float32(hundredths: int) -> None:
    value = np.float32(hundredths / 100)
    assert float(float32_text(float(value))) == pytest.approx(float(value), abs=5e-7)


def test_truth_counts_are_what_a_naive_reader_counts(demo: Demo) -> None:
    for name, month in demo.months.items():
        truth = demo.truth["files"][name]
        assert {key: truth[key] for key in month.counts} == month.counts
        assert truth["rejected"] == month.rejected
        assert truth["rows_read"] == (
            truth["rows_accepted"] + truth["rows_duplicate"] + truth["rows_rejected"]
        )


def test_every_fault_of_the_real_files_is_there(demo: Demo) -> None:
    may, june = (demo.truth["files"][name] for name in ("May_2022.csv", "Jun_2022.csv"))
    for counted in (may, june):
        assert counted["rows_duplicate"] > 0
        assert counted["rejected"]["conflict"] > 0
        assert counted["values_out_of_range"] > 0
        assert counted["values_missing"] > 0
        assert counted["rows_absent"] > 0
    assert may["rejected"]["impossible_date"] == 0
    assert june["rejected"]["impossible_date"] > 0
    assert may["rows_accepted"] + may["rows_absent"] == 31 * 8640


def test_rows_out_of_order_are_as_many_as_stated_at_most(demo: Demo) -> None:
    stamps = []
    with (demo.folder / "May_2022.csv").open(newline="") as stream:
        next(stream)
        stamps = [line[:19] for line in stream]
    steps_back = sum(later < earlier for earlier, later in pairwise(stamps))
    assert 10 < steps_back < demo.truth["files"]["May_2022.csv"]["rows_shuffled"]


def test_hashes_are_those_of_the_files(demo: Demo) -> None:
    for name, entry in demo.truth["files"].items():
        assert sha256(demo.folder / name) == entry["sha256"]


def test_a_month_is_the_same_however_many_follow(demo: Demo, longer: Path) -> None:
    truth = json.loads((longer / "truth.json").read_text())
    for name, entry in demo.truth["files"].items():
        assert truth["files"][name] == entry
        assert sha256(longer / name) == entry["sha256"]
    n = len(demo.truth["events"])
    assert truth["events"][:n] == demo.truth["events"]
    hours = len(demo.truth["soc"]["soc"])
    assert truth["soc"]["soc"][:hours] == demo.truth["soc"]["soc"]


def test_another_seed_gives_other_data(demo: Demo, tmp_path: Path) -> None:
    write_demo(tmp_path, DemoPlan(months=1, seed=7))
    assert sha256(tmp_path / "May_2022.csv") != demo.truth["files"]["May_2022.csv"]["sha256"]


def test_truth_is_labelled_and_complete(demo: Demo) -> None:
    assert demo.truth["synthetic"] is True
    assert demo.truth["complete"] is True
    assert demo.truth["generator"] == {
        "version": "1",
        "site": "mesa_del_sol",
        "start": "2022-05",
        "months": 2,
        "seed": 20220501,
    }
    assert demo.truth["parameters"]["r_receiving_to_bus_ohm"] == 0.0079


# The plant


def test_balance_closes_with_ge_as_a_source_and_not_as_a_load(demo: Demo) -> None:
    others = demo["fc_power"] + demo["pv_power"] + demo["battery_power"]
    as_source = demo["ge_power_total"] + others + demo["mccb_power"]
    as_load = demo["ge_power_total"] - others - demo["mccb_power"]
    as_source, as_load = (x[np.isfinite(x)] for x in (as_source, as_load))
    assert as_source.mean() == pytest.approx(25.0, abs=0.2)
    assert as_source.std() < 2.5
    assert as_load.std() > 50


def test_body_of_the_engine_is_two_kilowatts_above_its_net_output(demo: Demo) -> None:
    running = demo["ge_power_total"] > 0
    difference = (demo["ge_power_body"] - demo["ge_power_total"])[running]
    difference = difference[np.isfinite(difference)]
    assert difference.mean() == pytest.approx(2.0, abs=0.02)
    assert difference.std() == pytest.approx(0.4, abs=0.03)
    assert 0.1 < running.mean() < 0.7


def test_engine_follows_its_set_response(demo: Demo) -> None:
    setpoint = demo["ge_body_set_response"]
    settled = np.flatnonzero(
        (setpoint[6:] > 0) & np.all([setpoint[6:] == setpoint[k : k - 6] for k in range(6)], axis=0)
    )
    error = (demo["ge_power_body"] - setpoint)[settled + 6]
    assert np.sqrt(np.nanmean(error**2)) < 3


@pytest.mark.parametrize(
    ("channel", "low", "high"),
    [
        ("pv_power", 0, 50),
        ("ge_power_body", 0, 240),
        ("ge_power_total", 0, 240),
        ("fc_power", 0, 80),
        ("battery_power", -100, 100),
        ("mg_lv_voltage", 400, 504),
        ("receiving_voltage", 400, 504),
        ("mccb_voltage", 400, 504),
        ("mccb_frequency", 59.4, 60.6),
        ("mg_lv_frequency", 58.8, 61.2),
        ("temp_inlet", 0, 40),
        ("temp_outlet", 0, 40),
    ],
)
def test_ratings_and_plausible_ranges_are_respected(
    demo: Demo, channel: str, low: float, high: float
) -> None:
    assert np.nanmin(demo[channel]) >= low
    assert np.nanmax(demo[channel]) <= high


def test_pv_makes_power_at_noon_and_none_at_midnight(demo: Demo) -> None:
    by_hour = demo["pv_power"].reshape(-1, 24, SLOTS_PER_HOUR)
    assert np.nanmax(by_hour[:, [22, 23, 0, 1, 2, 3]]) == 0
    assert np.nanmean(by_hour[:, 11:13]) > 25


def test_idle_battery_shows_only_meter_offset(demo: Demo) -> None:
    idle = (demo["battery_set_response"] == 0) & ~demo.islanded()
    assert np.nanmax(np.abs(demo["battery_power"][idle])) < 0.5


def test_true_state_of_charge_is_what_a_plain_loop_over_the_file_gives(demo: Demo) -> None:
    looped = demo.soc()
    hourly = looped[: len(demo["pv_power"]) : SLOTS_PER_HOUR]
    assert demo.truth["soc"]["soc"] == pytest.approx(hourly, abs=1e-6)
    assert 0.30 < min(looped) < 0.35
    assert max(looped) == pytest.approx(0.95, abs=0.002)
    assert demo.truth["soc"]["time"][0] == "2022-05-01T07:00:00Z"
    assert len(demo.truth["soc"]["time"]) == (31 + 30) * 24


def test_full_charge_tapers_into_the_dead_band_while_charging_is_commanded(demo: Demo) -> None:
    windows = demo.windows("battery_full_charge")
    assert len(windows) == 2
    soc = demo.soc()
    for start, end in windows:
        assert (demo["battery_set_response"][start:end] < 0).all()
        assert demo["battery_power"][start] == -4.0
        assert (np.abs(demo["battery_power"][end - 180 : end]) < 0.5).all()
        assert soc[end] == pytest.approx(0.95, abs=0.002)


def test_impedance_and_its_split_can_be_recovered(demo: Demo) -> None:
    generation = sum(demo[c] for c in ("ge_power_total", "fc_power", "pv_power", "battery_power"))
    bus, receiving, mccb = (demo[c] for c in ("mg_lv_voltage", "receiving_voltage", "mccb_voltage"))
    gap = np.zeros(len(bus), dtype=bool)
    for start, end in demo.windows("voltage_gap"):
        gap[start:end] = True
    use = ~demo.islanded() & ~gap & np.isfinite(generation + bus + receiving + mccb)
    volts_per_ohm = ((25.0 - generation) * 1e3 / bus)[use]
    drop, to_mccb = (receiving - bus)[use], (receiving - mccb)[use]
    r = volts_per_ohm @ drop / (volts_per_ohm @ volts_per_ohm)
    assert r == pytest.approx(0.0079, rel=0.01)
    assert volts_per_ohm @ to_mccb / (volts_per_ohm @ drop) == pytest.approx(0.5, abs=0.01)


def ten_minute_frequency_gap(demo: Demo) -> tuple[np.ndarray, np.ndarray]:
    difference = (demo["mccb_frequency"] - demo["mg_lv_frequency"]).reshape(-1, 60)
    enough = np.isfinite(difference).sum(axis=1) >= 30
    return np.abs(np.nanmean(difference[enough], axis=1)), demo.islanded().reshape(-1, 60)[enough]


def test_frequencies_agree_when_synchronous_and_differ_when_islanded(demo: Demo) -> None:
    gap, islanded = ten_minute_frequency_gap(demo)
    assert islanded.all(axis=1).sum() == islanded.any(axis=1).sum() >= 12
    assert gap[islanded.any(axis=1)].min() > 0.03
    assert gap[~islanded.any(axis=1)].max() < 0.002


def test_an_islanded_tie_carries_nothing_and_the_engine_is_off(demo: Demo) -> None:
    (window,) = demo.windows("islanding")
    island = slice(*window)
    assert (demo["mccb_power"][island] == 0).all()
    assert (demo["ge_power_body"][island] == 0).all()
    supplied = (demo["fc_power"] + demo["pv_power"] + demo["battery_power"])[island]
    assert supplied.mean() == pytest.approx(25.0, abs=1.5)


# The events


@pytest.mark.parametrize(
    ("alert", "severities", "minutes", "conditions"),
    [
        (
            "bus_voltage",
            ("warning", "critical"),
            1,
            lambda d: (
                (d["mg_lv_voltage"] < 456) | (d["mg_lv_voltage"] > 504),
                (d["mg_lv_voltage"] >= 458.28) & (d["mg_lv_voltage"] <= 501.48),
            ),
        ),
        (
            "bus_voltage",
            ("critical",),
            1,
            lambda d: (
                (d["mg_lv_voltage"] < 440) | (d["mg_lv_voltage"] > 508),
                (d["mg_lv_voltage"] >= 442.2) & (d["mg_lv_voltage"] <= 505.46),
            ),
        ),
        (
            "bus_frequency",
            ("warning",),
            1,
            lambda d: (
                np.abs(d["mg_lv_frequency"] - 60) > 0.6,
                np.abs(d["mg_lv_frequency"] - 60) < 0.48,
            ),
        ),
        (
            "voltage_gap",
            ("info",),
            1,
            lambda d: (
                (np.abs(d["mccb_voltage"] - d["mg_lv_voltage"]) > 4.8) & ~d.islanded(),
                (np.abs(d["mccb_voltage"] - d["mg_lv_voltage"]) < 2.4) | d.islanded(),
            ),
        ),
        (
            "fuel_cell_failed",
            ("critical",),
            5,
            lambda d: (
                (d["fc_setpoint"] > 0) & (d["fc_power"] < 0.1 * d["fc_setpoint"]),
                d["fc_power"] > 0.5 * d["fc_setpoint"],
            ),
        ),
        (
            "battery_not_following",
            ("warning",),
            5,
            lambda d: (
                np.abs(d["battery_power"] - d["battery_set_response"]) > 10,
                np.abs(d["battery_power"] - d["battery_set_response"]) < 5,
            ),
        ),
        (
            "battery_low",
            ("warning",),
            5,
            lambda d: (np.array(d.soc()[:-1]) < 0.35, np.array(d.soc()[:-1]) >= 0.40),
        ),
        (
            "data_stale",
            ("warning",),
            5,
            lambda d: (
                np.all([np.isnan(c) for c in d.channels.values()], axis=0),
                np.any([np.isfinite(c) for c in d.channels.values()], axis=0),
            ),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_replayed_alerts_are_the_true_events_one_for_one(
    demo: Demo,
    alert: str,
    severities: tuple[str, ...],
    minutes: int,
    conditions: Callable[[Demo], tuple[np.ndarray, np.ndarray]],
) -> None:
    on, off = conditions(demo)
    expected = demo.alerts(alert, severities)
    assert expected
    assert replay(on, off, minutes * 6) == expected


def test_extremes_are_those_of_the_file(demo: Demo) -> None:
    extreme: dict[str, Callable[[slice], float]] = {
        "voltage_sag_a": lambda w: demo["mg_lv_voltage"][w].min(),
        "voltage_sag_b": lambda w: demo["mg_lv_voltage"][w].min(),
        "frequency_excursion": lambda w: demo["mg_lv_frequency"][w].min(),
        "fuel_cell_failed": lambda w: demo["fc_power"][w].min(),
        "outage": lambda w: (w.stop - w.start) * 10,
    }
    for event in demo.truth["events"]:
        if event["kind"] in extreme:
            value = extreme[event["kind"]](slice(*demo.window(event)))
            assert event["extreme"] == pytest.approx(value, abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**9), st.integers(2000, 2060), st.integers(1, 12))
def test_no_fault_falls_on_the_day_of_an_event(seed: int, year: int, month: int) -> None:
    calendar = month_calendar(seed, year, month)
    days = set(calendar.event_day.values())
    assert len(days) == len(calendar.event_day)
    faulty = {w.start // 8640 for w in calendar.outages + calendar.row_gaps}
    faulty |= {(w.stop - 1) // 8640 for w in calendar.outages + calendar.row_gaps}
    faulty |= {calendar.duplicate_day, calendar.conflict_day, calendar.shuffle_day}
    faulty |= set(calendar.bad_value_days)
    assert len(faulty) == 12
    assert not faulty & days
    for window in calendar.events.values():
        assert window.start // 8640 == (window.stop - 1) // 8640


# The formulas


@pytest.mark.parametrize(("tenths", "change"), [(500, -0.3472222), (-500, 0.28125), (4, 0.0)])
def test_an_hour_of_power_changes_the_state_of_charge(tenths: int, change: float) -> None:
    hour = np.full(SLOTS_PER_HOUR, tenths)
    assert soc_steps(hour).sum() == pytest.approx(change, abs=1e-7)


@pytest.mark.parametrize(
    ("r", "x", "kw", "volts"),
    [
        (0.01, 0.0, 100.0, 477.9075450674),
        (0.01, 0.0, -50.0, 481.0394158639),
        (0.0, 0.02, 100.0, 479.9819138056),
    ],
)
def test_two_bus_voltage_meets_the_exact_cases(r: float, x: float, kw: float, volts: float) -> None:
    found = two_bus_voltage(np.array([480.0]), np.array([kw]), r, x)
    assert found[0] == pytest.approx(volts, abs=1e-9)


@given(st.lists(st.floats(-300, 300), min_size=6, max_size=40), st.integers(1, 6))
def test_trailing_mean_is_the_naive_one(values: list[float], slots: int) -> None:
    naive = [sum(values[i - slots + 1 : i + 1]) / slots for i in range(slots - 1, len(values))]
    assert trailing_mean(np.array(values), slots) == pytest.approx(naive, abs=1e-9)


def test_noise_goes_on_over_the_end_of_a_month() -> None:
    both = wander(1, 2, date(2022, 5, 1), 32, 24)
    june = wander(1, 2, date(2022, 6, 1), 1, 24)
    assert np.array_equal(both[31 * 8640 :], june)
    assert np.abs(np.diff(both)).max() < 0.05


# Writing


def test_a_folder_with_this_plan_is_left_untouched(copy: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in copy.iterdir()}
    write_demo(copy, DemoPlan(months=2))
    assert {path.name: path.stat().st_mtime_ns for path in copy.iterdir()} == before


def test_files_of_an_earlier_plan_are_removed(copy: Path) -> None:
    write_demo(copy, DemoPlan(months=1))
    assert sorted(path.name for path in copy.iterdir()) == ["May_2022.csv", "truth.json"]


def test_interrupted_writing_leaves_whole_labelled_files_and_can_be_repeated(
    demo: Demo, tmp_path: Path
) -> None:
    def interrupt(done: int, total: int, name: str) -> None:
        assert (done, total, name) == (1, 2, "May_2022.csv")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_demo(tmp_path, DemoPlan(months=2), interrupt)
    truth = json.loads((tmp_path / "truth.json").read_text())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["May_2022.csv", "truth.json"]
    assert truth["synthetic"] is True
    assert truth["complete"] is False
    assert truth["files"]["May_2022.csv"]["sha256"] == sha256(tmp_path / "May_2022.csv")

    write_demo(tmp_path, DemoPlan(months=2))
    assert json.loads((tmp_path / "truth.json").read_text()) == demo.truth


def test_a_full_disk_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Path.write_bytes

    def fill_disk(path: Path, content: bytes) -> int:
        if "May_2022.csv" in path.name:
            whole(path, content[:1000])
            raise OSError(28, "No space left on device", str(path))
        return whole(path, content)

    monkeypatch.setattr(Path, "write_bytes", fill_disk)
    with pytest.raises(FileProblem, match="No space left on device"):
        write_demo(tmp_path, DemoPlan(months=1))
    assert [path.name for path in tmp_path.iterdir()] == ["truth.json"]


def test_a_file_that_isnt_the_demos_is_never_overwritten(tmp_path: Path) -> None:
    theirs = tmp_path / "May_2022.csv"
    theirs.write_text("real data")
    with pytest.raises(FileProblem, match=r"May_2022\.csv: isn't the demo's"):
        write_demo(tmp_path, DemoPlan(months=1))
    assert theirs.read_text() == "real data"
    assert list(tmp_path.iterdir()) == [theirs]


def test_a_demo_file_changed_by_hand_is_never_overwritten(copy: Path) -> None:
    (copy / "Jun_2022.csv").write_text("edited")
    with pytest.raises(FileProblem, match="changed since"):
        write_demo(copy, DemoPlan(months=2))
    assert (copy / "Jun_2022.csv").read_text() == "edited"
    assert (copy / "May_2022.csv").exists()


@pytest.mark.parametrize("content", ["", "[]", '{"synthetic": false}', '{"synthetic": true}'])
def test_a_truth_file_of_something_else_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "truth.json").write_text(content)
    with pytest.raises(FileProblem, match="move it away"):
        write_demo(tmp_path, DemoPlan(months=1))
    assert (tmp_path / "truth.json").read_text() == content


def test_data_of_another_generator_version_is_renewed(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(*_: object) -> None:
        raise InterruptedError("writes anew")

    monkeypatch.setattr(write, "_write_months", start)
    truth = json.loads((copy / "truth.json").read_text())
    truth["generator"]["version"] = "0"
    (copy / "truth.json").write_text(json.dumps(truth))
    with pytest.raises(FileProblem, match="writes anew"):
        write_demo(copy, DemoPlan(months=2))


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"site": "trade_street"}, "trade_street"),
        ({"start": "2022-13"}, "2022-13"),
        ({"start": "May 2022"}, "May 2022"),
        ({"months": 0}, "months"),
        ({"seed": -1}, "seed"),
    ],
)
def test_a_plan_that_makes_no_sense_is_named_in_one_line(
    fields: dict[str, Any], named: str
) -> None:
    with pytest.raises(MicrogridError, match=named) as caught:
        DemoPlan(**fields)
    assert "\n" not in str(caught.value)


def test_months_go_on_over_the_end_of_a_year() -> None:
    plan = DemoPlan(start="2022-11", months=3)
    assert plan.year_months() == [(2022, 11), (2022, 12), (2023, 1)]


def test_importing_the_demo_imports_no_heavy_library() -> None:
    code = (
        "import sys, microgrid_lib.ingest.demo; "
        "print(*({'pvlib', 'pandas', 'pyarrow', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""

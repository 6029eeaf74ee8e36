"""Every command: what it prints, in words and as JSON, and how it ends."""

from __future__ import annotations

import csv
import importlib.metadata
import io
import math
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

import microgrid_lib
from microgrid_lib.api import DataReport, open_site
from microgrid_lib.cli.compliance import ComplianceExcursions
from microgrid_lib.cli.shapes import DemoFiles, DoctorReport, SeriesReport, SitesReport
from microgrid_lib.ingest.result import IngestResult
from microgrid_lib.kpi.compliance import ComplianceReport
from microgrid_lib.kpi.model import KpiReport
from microgrid_lib.kpi.report import definitions
from tests.cli.outcome import DemoHome, call

ROOT = Path(__file__).resolve().parents[2]
JUNE = ("--start", "2022-06", "--end", "2022-07")
DAY = ("--start", "2022-06-15", "--end", "2022-06-15T24:00")
COMMANDS = (
    "demo",
    "sites",
    "fetch",
    "ingest",
    "data",
    "kpi",
    "series",
    "train",
    "backtest",
    "forecast",
    "simulate",
    "consumers",
    "dashboard",
    "lab",
    "doctor",
)
TEN_ROWS = "Timestamp,PVPCS_Active_Power\n" + "".join(
    f"2022/08/01 00:00:{second:02d},1.5\n" for second in (1, 11, 21, 31, 41, 51)
)


def same_number(first: float | None, second: float | None) -> bool:
    """Whether two are equal; threads add up in any order, so but for the last digits."""
    if first is None or second is None:
        return first is second
    return math.isclose(first, second, rel_tol=1e-12)


def test_demo_reports_every_row_of_every_file(demo: DemoHome) -> None:
    assert demo.made.code == 0
    result = demo.made.shaped(IngestResult)
    (june,) = result.files
    assert (june.file, june.status, june.error) == ("Jun_2022.csv", "ingested", None)
    assert june.rows_read == june.rows_accepted + june.rows_duplicate + june.rows_rejected
    assert result.totals.rows_read == june.rows_read > 250_000
    assert (result.totals.files, result.totals.ingested) == (1, 1)


def test_demo_a_second_time_finds_everything_there(demo: DemoHome) -> None:
    said = call("demo", "--start", "2022-06", "--months", "1").done()
    assert "Jun_2022.csv: unchanged" in said
    assert said.endswith("1 file: 0 ingested, 1 unchanged, 0 failed, 0 removed\n")


def test_demo_out_writes_files_and_ingests_nothing(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "files"
    made = call("demo", "--start", "2022-06", "--months", "1", "--out", str(out), "--json")
    truth = Path(made.shaped(DemoFiles).truth)
    assert truth == out / "truth.json"
    assert sorted(path.name for path in out.iterdir()) == ["Jun_2022.csv", "truth.json"]
    assert "nothing ingested" in call("doctor").done()


def test_ingest_then_remove_leaves_nothing(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "aug.csv"
    file.write_text(TEN_ROWS, encoding="utf-8")

    first = call("ingest", str(file), "--json").shaped(IngestResult)
    assert (first.totals.rows_read, first.totals.rows_accepted) == (6, 6)
    again = call("ingest", str(tmp_path), "--json").shaped(IngestResult)
    assert again.totals.unchanged == 1

    removed = call("ingest", "--remove", "aug.csv")
    assert "aug.csv: removed" in removed.done()
    assert "nothing ingested" in call("doctor").done()


def test_ingest_with_a_bad_file_reports_all_files_and_ends_with_2(
    home: Path, tmp_path: Path
) -> None:
    (tmp_path / "good.csv").write_text(TEN_ROWS, encoding="utf-8")
    (tmp_path / "wrong.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    done = call("ingest", str(tmp_path), "--json")
    assert done.code == 2
    by_name = {file.file: file for file in done.shaped(IngestResult).files}
    assert by_name["good.csv"].status == "ingested"
    (wrong,) = [file for file in by_name.values() if file.status == "failed"]
    assert "wrong.csv" in wrong.file
    assert wrong.error


def test_sites_lists_profiles_and_marks_the_default(demo: DemoHome) -> None:
    listed = {site.name: site for site in call("sites", "--json").shaped(SitesReport).sites}
    mesa = listed["mesa_del_sol"]
    assert (mesa.interval_s, mesa.timezone, mesa.error) == (10, "UTC-07:00", None)
    assert set(mesa.profiles) == {"as_published", "gas_engine"}
    assert f"  as_published: {mesa.profiles['as_published']} (default)\n" in call("sites").done()


def test_sites_and_doctor_name_a_broken_site_file_and_go_on(home: Path) -> None:
    (home / "sites").mkdir()
    (home / "sites" / "broken.toml").write_text("name = 'broken'\n", encoding="utf-8")
    listed = {site.name: site for site in call("sites", "--json").shaped(SitesReport).sites}
    assert "broken.toml" in listed["broken"].error
    assert listed["broken"].profiles == {}
    assert listed["mesa_del_sol"].error is None
    assert "broken: broken: " in call("sites").done()
    stored = call("doctor", "--json").shaped(DoctorReport).sites
    assert "broken.toml" in stored["broken"].error
    assert stored["mesa_del_sol"].error is None


def test_kpi_prints_what_the_library_computes(demo: DemoHome) -> None:
    data = open_site("mesa_del_sol")
    report = data.kpis("2022-06", "2022-07")
    printed = call("kpi", *JUNE, "--json").shaped(KpiReport)
    assert (printed.site, printed.profile, printed.window) == (
        report.site,
        report.profile,
        report.window,
    )
    assert list(printed.kpis) == list(report.kpis)
    for name, kpi in report.kpis.items():
        shown = printed.kpis[name]
        assert (shown.unit, shown.time, shown.coverage) == (kpi.unit, kpi.time, kpi.coverage), name
        assert same_number(shown.value, kpi.value), name
        assert same_number(shown.uncertainty, kpi.uncertainty), name
        for said, meant in ((shown.reason, kpi.reason), (shown.warning, kpi.warning)):
            assert (said and said.text) == (meant and meant.text), name
    words = call("kpi", *JUNE).done()
    assert "synthetic demo data" in words.splitlines()[0]
    elsewhere = "the profile as_published has no generator; gas_engine has"
    assert f"genset_energy                  n/a: {elsewhere}\n" in words
    pv = report.kpis["pv_energy"]
    assert pv.value is not None
    assert f"pv_energy                      {pv.value:.6g} kWh" in words
    share, cycles = report.kpis["renewable_share"].value, report.kpis["equivalent_cycles"].value
    assert share is not None
    assert cycles is not None
    assert f"renewable_share                {100 * share:.6g} %" in words
    assert f"equivalent_cycles              {cycles:.6g}  coverage" in words
    efficiency = report.kpis["battery_round_trip_efficiency"]
    assert efficiency.value is not None
    assert efficiency.uncertainty is not None
    value, width = 100 * efficiency.value, 100 * efficiency.uncertainty
    assert f"battery_round_trip_efficiency  {value:.1f} ± {width:.1f} %" in words


def test_kpi_of_sections_has_those_in_the_order_of_pages(demo: DemoHome) -> None:
    asked = call("kpi", *JUNE, "--section", "quality", "--section", "storage", "--json")
    known = definitions(open_site("mesa_del_sol").profile).values()
    wanted = [d.name for d in known if d.section in ("storage", "quality")]
    assert list(asked.shaped(KpiReport).kpis) == wanted


def test_kpi_without_times_is_about_the_last_day_of_data(demo: DemoHome) -> None:
    window = call("kpi", "--json").shaped(KpiReport).window
    span = open_site("mesa_del_sol").span()
    assert span is not None
    assert window.end == span[1]
    assert (window.end - window.start).total_seconds() == 86_400


def test_kpi_follows_the_profile(demo: DemoHome) -> None:
    report = call("kpi", *JUNE, "--profile", "gas_engine", "--json").shaped(KpiReport)
    assert report.profile == "gas_engine"
    assert report.kpis["peak_load"].value is None
    assert report.kpis["peak_load"].reason.text == "the building behind the tie isn't metered"
    assert report.kpis["genset_energy"].value > 0


def test_series_is_the_same_in_csv_and_json_and_in_the_file(demo: DemoHome) -> None:
    rows = list(csv.DictReader(io.StringIO(call("series", "--role", "pv", *DAY).done())))
    assert list(rows[0]) == ["time", "mean", "min", "max", "coverage"]
    shaped = call("series", "--role", "pv", *DAY, "--json").shaped(SeriesReport).series["pv"]
    assert len(rows) == len(shaped.points)
    for row, point in zip(rows, shaped.points, strict=True):
        assert same_number(float(row["mean"]), point.mean)

    hourly = call("series", "--role", "pv", *DAY, "--points", "24", "--json")
    noon = hourly.shaped(SeriesReport).series["pv"].points[12]
    assert noon.time == datetime.fromisoformat("2022-06-15T12:00:00-07:00")
    raw = pd.read_csv(demo.path / "demo" / "mesa_del_sol" / "Jun_2022.csv", low_memory=False)
    hour = raw[raw["Timestamp"].str.startswith("2022/06/15 12:")].drop_duplicates("Timestamp")
    valid = hour["PVPCS_Active_Power"].astype(float)
    valid = valid[valid != -999999.0]
    assert noon.mean == pytest.approx(valid.mean(), rel=1e-9)
    assert (noon.min, noon.max) == (valid.min(), valid.max())
    assert noon.coverage == len(valid) / 360


def test_series_of_two_roles_names_each_row(demo: DemoHome) -> None:
    asked = call("series", "--role", "pv", "--role", "load", *DAY, "--points", "4")
    rows = list(csv.DictReader(io.StringIO(asked.done())))
    assert [row["role"] for row in rows] == ["pv"] * 4 + ["load"] * 4


def test_data_accounts_for_coverage_quarantine_and_evidence(demo: DemoHome) -> None:
    report = call("data", *JUNE, "--json").shaped(DataReport)
    channels = open_site("mesa_del_sol").site.channels
    assert [entry.channel for entry in report.coverage] == list(channels)
    assert all(entry.coverage == entry.valid / entry.expected for entry in report.coverage)
    assert {entry.expected for entry in report.coverage} == {30 * 8640}
    assert [file.file for file in report.files] == ["Jun_2022.csv"]
    assert {"impossible_date", "out_of_range"} <= {entry.reason for entry in report.quarantine}
    assert report.evidence[0].favoured == "source"
    words = call("data", *JUNE).done()
    assert words.startswith("Mesa del Sol (as_published) · synthetic demo data\n2022-06-01T00:00")
    assert report.evidence[0].note.text in words
    assert "impossible_date: " in words


def test_doctor_says_what_is_installed_and_ingested(demo: DemoHome) -> None:
    report = call("doctor", "--json").shaped(DoctorReport)
    assert report.version == microgrid_lib.__version__
    assert (report.home, report.home_writable) == (str(demo.path), True)
    assert report.packages["core"]["pandas"] == pd.__version__
    mesa = report.sites["mesa_del_sol"]
    assert (mesa.files, mesa.synthetic) == (1, True)
    assert mesa.end == datetime.fromisoformat("2022-07-01T00:00:00-07:00")
    assert report.sites["trade_street"].start is None
    words = call("doctor").done()
    assert "synthetic demo data" in words
    assert "site trade_street: nothing ingested\n" in words


def test_doctor_says_what_an_optional_package_is_for(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(package: str) -> str:
        if package in ("pyspark", "pandas"):
            raise importlib.metadata.PackageNotFoundError(package)
        return "1.0"

    monkeypatch.setattr(importlib.metadata, "version", version)
    words = call("doctor").done().splitlines()
    assert "spark: pyspark not installed (optional: work on a Spark cluster)" in words
    assert "mqtt: paho-mqtt 1.0" in words
    assert any(line.startswith("core: pandas not installed (needed), duckdb 1.0") for line in words)
    assert call("doctor", "--json").shaped(DoctorReport).packages["spark"] == {"pyspark": None}


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_the_command(command: str) -> None:
    assert f" {command} " in call(command, "--help").done().splitlines()[0]


def test_help_is_what_comes_without_a_command() -> None:
    assert call().done() == call("--help").done()
    assert set(COMMANDS) <= set(call("--help").done().split())


def test_version_is_the_library_s() -> None:
    assert call("--version").done() == f"{microgrid_lib.__version__}\n"


MISUSE = [
    (("nonsense",), "No such command 'nonsense'"),
    (("kpi", "--bogus"), "No such option: --bogus"),
    (("kpi", "extra"), "extra argument"),
    (("kpi", "--site", "nowhere"), "unknown site 'nowhere'; known: mesa_del_sol, trade_street"),
    (("kpi", "--site", "no/such.toml"), "no/such.toml: no such file"),
    (("kpi", "--profile", "nope"), "'nope'; known: as_published, gas_engine"),
    (("data", "--profile", "nope"), "'nope'; known: as_published, gas_engine"),
    (("kpi", "--section", "nope"), "'nope' is not one of 'production'"),
    (("kpi", "--engine", "oracle"), "unknown engine 'oracle'"),
    (("kpi", "--start", "2022-06-02", "--end", "2022-06-01"), "must be before the end"),
    (("kpi", "--start", "2022-06-01", "--end", "2022-06-01"), "must be before the end"),
    (("kpi", "--start", "yesterday"), "'yesterday' isn't a time"),
    (("kpi", "--start", ""), "'' isn't a time"),
    (("kpi", "--end", "2022-02-30"), "'2022-02-30': there is no such day"),
    (("data", "--start", "2022-13"), "'2022-13': there is no such month"),
    (("kpi", "--start", "9999-01-01"), "is outside 1970-2200"),
    (("series",), "Missing option '--role'"),
    (("series", "--role", "moon"), "'moon'; known: pv, "),
    (("series", "--role", "genset"), "'genset'; known: pv, "),
    (("series", "--role", "pv", "--points", "0"), "'--points'"),
    (("series", "--role", "pv", "--points", "many"), "'--points'"),
    (("ingest",), "name at least one file, folder or pattern"),
    (("ingest", "no_such.csv"), "no_such.csv: no such file"),
    (("ingest", "--remove", "no_such.csv"), "no_such.csv: no file of this name is ingested"),
    (("ingest", "a.csv", "--remove", "b.csv"), "not both"),
    (("demo", "--months", "0"), "'--months'"),
    (("demo", "--months", "61"), "'--months'"),
    (("demo", "--start", "2022"), "demo start '2022' isn't a month"),
    (("demo", "--seed", "-1"), "'--seed'"),
    (("dashboard", "--port", "99999"), "'--port'"),
]


@pytest.mark.parametrize(("arguments", "says"), MISUSE, ids=[" ".join(a) for a, _ in MISUSE])
def test_misuse_is_one_line_and_exit_code_2(
    demo: DemoHome, arguments: tuple[str, ...], says: str
) -> None:
    assert says in call(*arguments).refused(2)


@pytest.mark.parametrize("command", ["kpi", "data", "series"])
def test_misuse_prints_no_json(demo: DemoHome, command: str) -> None:
    role = ("--role", "pv") if command == "series" else ()
    assert "isn't a time" in call(command, *role, "--start", "soon", "--json").refused(2)


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("MICROGRID_ENGINE", "oracle", "MICROGRID_ENGINE='oracle': "),
        ("MICROGRID_THREADS", "0", "MICROGRID_THREADS='0': "),
        ("MICROGRID_SITE", "nowhere", "unknown site 'nowhere'"),
    ],
)
def test_misuse_of_settings_names_the_setting(
    demo: DemoHome, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, says: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert says in call("kpi").refused(2)


def test_an_engine_that_cannot_compute_yet_is_refused_not_replaced(
    demo: DemoHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MICROGRID_ENGINE", "spark")
    assert "unknown engine 'spark'; known: duckdb" in call("kpi").refused(2)


@pytest.mark.parametrize("command", ["kpi", "compliance", "alerts"])
def test_a_window_that_data_fill_in_part_says_so_below_the_heading(
    demo: DemoHome, command: str
) -> None:
    ends = "! data end 2022-07-01 00:00: numbers are of the window up to there"
    begin = "! data begin 2022-06-01 00:00: before that nothing is known"

    def said(start: str, end: str) -> list[str]:
        lines = call(command, "--start", start, "--end", end).done().splitlines()[2:]
        return [line for line in lines if line.startswith("! data")]

    assert said("2022-06-25", "2022-07-05") == [ends]
    assert said("2022-05-30", "2022-06-03") == [begin]
    assert said("2022-05-30", "2022-07-01T00:00:10") == [begin, ends]
    assert said("2022-06-01", "2022-07-01") == []


def test_a_series_beyond_the_data_stays_a_table_and_says_so_beside_it(demo: DemoHome) -> None:
    asked = ("series", "--role", "pv", "--start", "2022-06-30", "--end", "2022-07-02")
    printed = call(*asked)
    said = "data end 2022-07-01 00:00: numbers are of the window up to there"
    assert (printed.code, printed.err) == (0, f"microgrid: {said}\n")
    assert printed.out.startswith("time,mean,min,max,coverage\n2022-06-30T00:00")
    assert "data end" not in call(*asked, "--json").done()


def test_a_state_of_charge_has_the_digits_of_its_band(demo: DemoHome) -> None:
    lines = call("kpi", "--section", "storage").done().splitlines()
    (soc,) = [line.split() for line in lines if line.startswith("  soc ")]
    assert soc[2] == "±"
    value, half_width = soc[1], soc[3]
    assert len(value.partition(".")[2]) == len(half_width.partition(".")[2])
    assert len(half_width.replace(".", "").lstrip("0")) == 2


def test_compliance_lists_excursions_where_it_is_asked_to(demo: DemoHome) -> None:
    day = ("compliance", "--start", "2022-06", "--end", "2022-07")
    found = open_site("mesa_del_sol").excursions("2022-06", "2022-07")
    assert found
    printed = call(*day, "--excursions", "--json").shaped(ComplianceExcursions)
    assert printed.excursions == found
    words = call(*day, "--excursions").done().splitlines()
    assert words[-len(found) - 1].startswith(f"{len(found)} excursion")
    first = words[-len(found)].split()
    assert first[:5] == [
        *(found[0].start.isoformat(), "to", found[0].end.isoformat()),
        *(found[0].point, found[0].limit),
    ]
    call(*day, "--json").shaped(ComplianceReport)
    assert "excursion" not in call(*day).done()


@pytest.mark.parametrize("command", ["kpi", "data", "series"])
def test_a_window_outside_the_data_ends_with_3_and_says_what_there_is(
    demo: DemoHome, command: str
) -> None:
    role = ("--role", "pv") if command == "series" else ()
    asked = call(command, *role, "--start", "2030-01-01", "--end", "2030-01-02")
    assert "2022-06-01" in asked.refused(3)


@pytest.mark.parametrize("command", ["kpi", "data", "series"])
def test_an_empty_store_ends_with_3_and_says_what_to_do(home: Path, command: str) -> None:
    role = ("--role", "pv") if command == "series" else ()
    assert "microgrid ingest" in call(command, *role).refused(3)


def test_a_role_without_a_valid_sample_in_the_window_ends_with_3(
    home: Path, tmp_path: Path
) -> None:
    (tmp_path / "aug.csv").write_text(TEN_ROWS, encoding="utf-8")
    call("ingest", str(tmp_path / "aug.csv")).done()
    assert "no data of bus_voltage" in call("series", "--role", "bus_voltage").refused(3)


def test_a_window_shorter_than_a_sample_ends_with_3(demo: DemoHome) -> None:
    instant = ("--start", "2022-06-15T12:00:01", "--end", "2022-06-15T12:00:02")
    assert "shorter than" in call("kpi", *instant).refused(3)


def test_a_home_that_is_a_file_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.write_text("", encoding="utf-8")
    monkeypatch.setenv("MICROGRID_HOME", str(file))
    (tmp_path / "aug.csv").write_text(TEN_ROWS, encoding="utf-8")
    done = call("ingest", str(tmp_path / "aug.csv"))
    assert done.code in (1, 2)
    assert str(file) in done.refused(done.code)
    assert call("doctor", "--json").shaped(DoctorReport).home_writable is False


def test_a_fault_of_ours_is_one_line_and_its_details_are_in_a_log(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr("microgrid_lib.api.open_site", fail)
    said = call("kpi").refused(1)
    assert "unexpected fault: RuntimeError: two lines" in said
    (log,) = (home / "logs").iterdir()
    assert str(log) in said
    assert "Traceback" in log.read_text(encoding="utf-8")


def test_an_interruption_ends_with_130_and_says_what_is_kept(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("microgrid_lib.api.open_site", interrupt)
    assert "what was finished is kept" in call("kpi").refused(130)


def test_the_installed_program_ends_with_these_codes(demo: DemoHome) -> None:
    command = [sys.executable, "-m", "microgrid_lib", "kpi", "--site", "nowhere"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("microgrid: unknown site 'nowhere'")


def test_a_reader_that_stops_early_is_no_fault(demo: DemoHome) -> None:
    command = [sys.executable, "-m", "microgrid_lib", "series", "--role", "pv", *JUNE]
    command += ["--points", "50000"]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline() == b"time,mean,min,max,coverage\n"
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode == 0

"""Several reports at once: which are missing, what one failure does to the others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from microgrid_lib.api import open_site
from microgrid_lib.cli.main import run
from microgrid_lib.errors import MicrogridError, NoDataError
from microgrid_lib.report import Kind, ReportOrder, Status, periods
from microgrid_lib.report.batch import make_all, missed, sites_with_data
from microgrid_lib.report.manifest import read_manifest
from microgrid_lib.report.orders import whole_periods
from microgrid_lib.report.periods import newest_period, periods_with_data
from microgrid_lib.site.load import load_site
from microgrid_lib.site.zones import zone

SITE = "mesa_del_sol"
DENVER = zone("America/Denver")
SITE_ZONE = load_site(SITE).display_zone

TOML = """schema_version = 1
name = "{name}"
title = "{name}"
interval_s = 3600
source_timezone = "UTC"
display_timezone = "America/Denver"
latitude = 35.0
longitude = -106.6
default_profile = "default"

[nominal]
voltage_v = 480.0
frequency_hz = 60.0

[ratings]

[[sources]]
name = "meter"
files = ["*.csv"]
time_columns = ["t"]
time_formats = ["%Y-%m-%d %H:%M:%S"]
columns = {{ pv_power = "pv", load_power = "load" }}

[channels.pv_power]

[channels.load_power]
columns = ["load"]
unit = "kW"
range = [0.0, 1000.0]

[profiles.default]
title = "Default"

[profiles.default.roles]
pv = "pv_power"
load = "load_power"
"""


def test_periods_are_named_by_local_time() -> None:
    start = datetime(2022, 6, 15, tzinfo=DENVER)
    assert whole_periods(Kind.monthly, start, datetime(2022, 8, 1, tzinfo=DENVER)) == [
        "2022-06",
        "2022-07",
    ]
    assert whole_periods(Kind.weekly, start, datetime(2022, 6, 27, tzinfo=DENVER)) == [
        "2022-W24",
        "2022-W25",
    ]
    # An hour before local midnight the day isn't over, though it is in UTC.
    late = datetime(2022, 6, 17, 5, tzinfo=UTC).astimezone(DENVER)
    assert whole_periods(Kind.daily, start, late) == ["2022-06-15"]
    assert whole_periods(Kind.daily, start, late + timedelta(hours=1)) == [
        "2022-06-15",
        "2022-06-16",
    ]


@pytest.mark.usefixtures("stocked_home")
def test_the_newest_period_is_the_last_that_the_data_reach() -> None:
    assert newest_period(ReportOrder(Kind.monthly, SITE)).period == "2022-06"
    assert newest_period(ReportOrder(Kind.daily, SITE)).period == "2022-06-30"
    assert newest_period(ReportOrder(Kind.section, SITE, section="storage")).period == "2022-06"
    early = datetime(2022, 6, 20, tzinfo=UTC)
    with pytest.raises(NoDataError, match="is over yet"):
        newest_period(ReportOrder(Kind.monthly, SITE), early)


class Spanned:
    """A site whose data reach from one time to another."""

    def __init__(self, first: datetime, last: datetime) -> None:
        self.site = load_site(SITE)
        self._span = (first, last)

    def span(self) -> tuple[datetime, datetime]:
        return self._span


@pytest.mark.parametrize(
    ("last", "newest", "weeks"),
    [
        # Thursday 0:00: three of seven days aren't half of a week.
        (datetime(2022, 9, 1, tzinfo=SITE_ZONE), "2022-W34", ["2022-W33", "2022-W34"]),
        # Four days are worth a report, yet the week isn't whole.
        (datetime(2022, 9, 2, tzinfo=SITE_ZONE), "2022-W34", ["2022-W33", "2022-W34", "2022-W35"]),
        (datetime(2022, 9, 5, tzinfo=SITE_ZONE), "2022-W35", ["2022-W33", "2022-W34", "2022-W35"]),
    ],
)
def test_a_week_that_data_barely_touch_is_nobodys_report(
    monkeypatch: pytest.MonkeyPatch, last: datetime, newest: str, weeks: list[str]
) -> None:
    # Saturday: two days of week 32.
    first = datetime(2022, 8, 13, tzinfo=SITE_ZONE)
    monkeypatch.setattr(periods, "open_site", lambda *_: Spanned(first, last))
    order, now = ReportOrder(Kind.weekly, SITE), datetime(2022, 11, 1, tzinfo=UTC)
    assert newest_period(order, now).period == newest
    assert [one.period for one in periods_with_data(order, now)] == weeks


@pytest.mark.usefixtures("home")
def test_without_data_there_is_no_newest_period() -> None:
    with pytest.raises(NoDataError, match="no data of site mesa_del_sol"):
        newest_period(ReportOrder(Kind.monthly, SITE))
    with pytest.raises(NoDataError, match="no site has data"):
        sites_with_data()


@pytest.mark.usefixtures("stocked_home")
def test_what_is_missing_begins_with_the_first_report_made(tmp_path: Path) -> None:
    order = ReportOrder(Kind.daily, SITE)
    everything = [one.period for one in periods_with_data(order)]
    assert [one.period for one in missed(order, tmp_path)] == everything
    days = [ReportOrder(Kind.daily, SITE, f"2022-06-{day}") for day in (26, 29)]
    results = make_all(days, tmp_path)
    assert [one.status for one in results] == [Status.made, Status.made]
    assert [one.period for one in missed(order, tmp_path)] == [
        "2022-06-27",
        "2022-06-28",
        "2022-06-30",
    ]


@pytest.mark.usefixtures("stocked_home")
def test_one_failure_does_not_keep_the_others_from_being_made(tmp_path: Path) -> None:
    orders = [
        ReportOrder(Kind.consumers, SITE),
        ReportOrder(Kind.consumers, "nowhere"),
        ReportOrder(Kind.consumers, SITE, language="fr"),
    ]
    told: list[tuple[int, int]] = []
    results = make_all(orders, tmp_path, progress=lambda done, of, _: told.append((done, of)))
    assert [one.status for one in results] == [Status.made, Status.failed, Status.made]
    assert "unknown site 'nowhere'" in results[1].reason
    assert [one.order for one in results] == orders
    assert told == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.usefixtures("stocked_home")
def test_more_reports_than_a_process_makes_are_all_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("microgrid_lib.report.batch.REPORTS_PER_WORKER", 1)
    monkeypatch.setenv("MICROGRID_JOBS", "1")
    orders = [
        ReportOrder(Kind.consumers, SITE, language=language, profile=profile)
        for language in ("en", "fr")
        for profile in ("as_published", "gas_engine")
    ]
    results = make_all(orders, tmp_path)
    assert [one.status for one in results] == [Status.made] * 4
    assert len({one.file for one in results}) == 4


@pytest.mark.usefixtures("stocked_home")
def test_several_reports_do_not_go_into_one_file(tmp_path: Path) -> None:
    orders = [ReportOrder(Kind.consumers, SITE, language=name) for name in ("en", "fr")]
    with pytest.raises(MicrogridError, match="is one file, and 2 reports are wanted"):
        make_all(orders, tmp_path / "one.pdf")


@pytest.mark.usefixtures("stocked_home")
def test_the_command_prints_what_it_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "brief.pdf"
    command = ["report", "daily", "--day", "2022-06-05", "--out", str(out), "--json", "--html"]
    assert run(command) == 0
    (entry,) = json.loads(capsys.readouterr().out)["reports"]
    assert (entry["file"], entry["status"]) == (str(out), "made")
    assert entry["pages"] >= 1
    assert entry["seconds"] > 0
    assert out.with_suffix(".html").read_text(encoding="utf-8").count("<h1>") == 1
    assert run(command) == 0
    assert json.loads(capsys.readouterr().out)["reports"][0]["status"] == "unchanged"


@pytest.mark.usefixtures("stocked_home")
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["monthly", "--month", "2199-01"], 2, "the period 2199-01 is in the future"),
        (["monthly", "--month", "July"], 2, "'July' isn't the period of a monthly report"),
        (["monthly", "--site", "nowhere"], 2, "unknown site 'nowhere'"),
        (["daily", "--day", "2021-01-01"], 3, "There are no data for 1 Jan 2021"),
        (["daily", "--lang", "de"], 2, "'de'"),
        (["section"], 2, "--section"),
        (["section", "--section", "storage", "--period", "x/y"], 2, "'x' isn't a time"),
        (["monthly", "--all-sites", "--site", SITE], 2, "goes with neither"),
        (["monthly", "--catch-up", "--month", "2022-06"], 2, "finds the periods itself"),
        (["consumers", "--out", "/dev/null/reports"], 1, "/dev/null/reports can't be written"),
    ],
)
def test_a_mistake_is_one_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    said: str,
) -> None:
    out = [] if "--out" in arguments else ["--out", str(tmp_path)]
    assert run(["report", *arguments, *out]) == code
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert "Traceback" not in error


def test_a_template_that_raises_is_named_and_its_traceback_kept(
    stocked_home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import nbformat

    from microgrid_lib.report import making

    notebook = nbformat.read(making.template_of(Kind.consumers), as_version=4)
    notebook.cells[-1].source = "report.consumers()\n[][1]"
    broken = tmp_path / "consumers.ipynb"
    nbformat.write(notebook, broken)
    monkeypatch.setattr(making, "template_of", lambda _: broken)
    assert run(["report", "consumers", "--out", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert "consumers.ipynb: cell 3 (report.consumers()) raised IndexError" in error
    assert error.count("\n") == 1
    assert not list(tmp_path.glob("*.pdf"))
    logs = sorted((stocked_home / "logs").glob("report-*.log"))
    assert "[][1]" in logs[-1].read_text(encoding="utf-8")


def test_every_site_with_data_gets_its_report(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "sites").mkdir()
    for name in ("alpha", "beta", "empty"):
        (home / "sites" / f"{name}.toml").write_text(TOML.format(name=name), encoding="utf-8")
        if name == "empty":
            continue
        first = datetime(2022, 6, 1, tzinfo=UTC)
        rows = [f"{first + timedelta(hours=n):%Y-%m-%d %H:%M:%S},{n % 24},{5}" for n in range(760)]
        path = tmp_path / f"{name}.csv"
        path.write_text("t,pv,load\n" + "\n".join(rows) + "\n", encoding="utf-8")
        open_site(name).ingest([path])
    out = tmp_path / "out"
    assert sites_with_data() == ["alpha", "beta"]
    arguments = ["report", "monthly", "--all-sites", "--month", "2022-06", "--out", str(out)]
    assert run([*arguments, "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)["reports"]
    assert [(one["site"], one["status"]) for one in entries] == [
        ("alpha", "made"),
        ("beta", "made"),
    ]
    for one in entries:
        manifest = read_manifest(Path(one["file"]).with_suffix(".json"))
        assert manifest is not None
        assert manifest.site == one["site"]


def test_a_mistake_is_one_line_although_a_helper_had_begun_to_get_ready(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "microgrid_lib", "report", "monthly", "--site", "nowhere"]
    environment = os.environ | {"MICROGRID_HOME": str(tmp_path)}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "microgrid: unknown site 'nowhere'; known: mesa_del_sol, trade_street"
    ]

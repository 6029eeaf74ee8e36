"""Reports: the whole command, a notebook as PDF beside webpdf, fifty sites in one run."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import nbformat

from benchmarks.measure import Samples, alternate, python, run_process
from benchmarks.notebook_pdf import chromium
from benchmarks.table import Row
from microgrid_lib.api import open_site
from microgrid_lib.report.making import template_of
from microgrid_lib.report.notebook.execute import execute
from microgrid_lib.report.orders import Kind
from microgrid_lib.resources import resource_path
from microgrid_lib.settings import Settings

BUDGET_MONTHLY_S = 10.0
BUDGET_RATIO = 1.0
BUDGET_FLEET_MIB = 700
SITES = 50
MONTH = "2022-07"
_HOURS = 24 * 31


def _microgrid(home: Path, *arguments: str) -> tuple[float, float]:
    command = [sys.executable, "-m", "microgrid_lib", *arguments]
    return run_process(command, {"MICROGRID_HOME": str(home)})


def run(home: Path, repeat: int) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="microgrid-reports-") as folder:
        work = Path(folder)
        rows = [_monthly(home, work, repeat), *_beside_webpdf(home, work, repeat)]
        return [*rows, _fleet(work)]


def _monthly(home: Path, work: Path, repeat: int) -> Row:
    month = ("report", "monthly", "--month", MONTH, "--force", "--out", str(work))
    found = Samples("ours")
    for _ in range(repeat):
        seconds, mib = _microgrid(home, *month)
        found.seconds.append(seconds)
        found.peak_mib = max(found.peak_mib or 0.0, mib)
    return Row("monthly report, whole command", found, None, "", budget_s=BUDGET_MONTHLY_S)


def _beside_webpdf(home: Path, work: Path, repeat: int) -> list[Row]:
    if chromium() is None:
        return []
    import os

    os.environ["MICROGRID_HOME"] = str(home)
    notebook = work / "executed.ipynb"
    nbformat.write(execute(template_of(Kind.monthly), {"period": MONTH}), notebook)

    def contender(way: str) -> float:
        out = str(work / f"{way}.pdf")
        return run_process(python("notebook_pdf", way, str(notebook), out), {})[0]

    found = alternate(
        {way: lambda way=way: contender(way) for way in ("ours", "webpdf")},  # type: ignore[misc]
        repeat,
    )
    what = "executed monthly notebook to PDF, whole process"
    return [Row(what, found["ours"], found["webpdf"], "nbconvert webpdf", BUDGET_RATIO)]


def _fleet(work: Path) -> Row:
    home = work / "fleet"
    _settle(home)
    arguments = ("report", "monthly", "--all-sites", "--month", MONTH, "--out", str(work / "out"))
    seconds, mib = _microgrid(home, *arguments)
    made = len(list((work / "out").glob("*.pdf")))
    if made != SITES:
        raise RuntimeError(f"{made} of {SITES} reports were made")
    found = Samples("ours", [seconds / SITES], mib)
    return Row(
        f"{SITES} hourly sites in one run: a report; largest process",
        found,
        None,
        "",
        budget_mib=BUDGET_FLEET_MIB,
    )


def _settle(home: Path) -> None:
    """Make small sites with a month of hourly data each."""
    (home / "sites").mkdir(parents=True)
    shipped = resource_path("data/sites/trade_street.toml").read_text(encoding="utf-8")
    hourly = shipped.replace("interval_s = 900", "interval_s = 3600")
    for number in range(SITES):
        name = f"site_{number:02d}"
        text = hourly.replace('"trade_street"', f'"{name}"').replace('"Trade Street"', f'"{name}"')
        (home / "sites" / f"{name}.toml").write_text(text, encoding="utf-8")
        files = []
        for source in ("PV", "Battery", "Total"):
            path = home / f"{name}_{source}.csv"
            rows = (
                f"{7:02d}/{1 + hour // 24:02d}/2022 {hour % 24:02d}:00,{(hour * 7 + number) % 90}"
                for hour in range(_HOURS)
            )
            path.write_text("DateTime,RealPower\n" + "\n".join(rows) + "\n", encoding="utf-8")
            files.append(path)
        open_site(name, settings=Settings(home=home)).ingest(files)

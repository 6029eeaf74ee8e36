"""Write the demo's files and truth, whole or not at all, and never over anybody's data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from microgrid_lib.errors import FileProblem
from microgrid_lib.ingest.demo.calendar import month_calendar
from microgrid_lib.ingest.demo.faults import disturb
from microgrid_lib.ingest.demo.plan import PLANT, DemoPlan, file_name
from microgrid_lib.ingest.demo.plant import generate_month
from microgrid_lib.ingest.demo.text import csv_bytes
from microgrid_lib.ingest.demo.truth import (
    empty_truth,
    generator_of,
    hourly_soc,
    month_events,
    parameters_of,
)

TRUTH_NAME = "truth.json"


def write_demo(
    folder: Path,
    plan: DemoPlan = DemoPlan(),  # noqa: B008 - frozen, so one default can be shared
    progress: Callable[[int, int, str], None] | None = None,
) -> Path:
    """Write the monthly CSV files and `truth.json`.

    Repeatable: a folder that holds this plan already (same plan, generator version and file
    hashes) is left untouched; demo files of another plan are replaced. Every file appears whole or
    not at all, and is listed in `truth.json` as synthetic before it appears.

    Parameters
    ----------
    folder : pathlib.Path
        Where to write; made if absent.
    plan : DemoPlan
        What to generate.
    progress : callable, optional
        Called with (months done, months in all, name of the file) after each month.

    Returns
    -------
    pathlib.Path
        Path of `truth.json`.

    Raises
    ------
    FileProblem
        A file of the demo's name is there and isn't the demo's, or the folder can't be written.
    """
    path = folder / TRUTH_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        old = _read_truth(path)
        if old is not None and _is_current(old, plan, folder):
            return path
        _make_room(folder, plan, old)
        _write_months(folder, plan, progress)
    except OSError as error:
        problem = error.strerror or str(error)
        raise FileProblem(error.filename or folder, problem) from error
    return path


def _write_months(
    folder: Path, plan: DemoPlan, progress: Callable[[int, int, str], None] | None
) -> None:
    truth = empty_truth(plan)
    path, soc = folder / TRUTH_NAME, PLANT.battery_soc_start
    months = plan.year_months()
    for done, (year, month) in enumerate(months, start=1):
        calendar = month_calendar(plan.seed, year, month)
        plant = generate_month(plan.seed, calendar, soc)
        soc = float(plant.battery.soc[-1])
        truth["events"] += month_events(calendar, plant)
        times, charge = hourly_soc(calendar, plant)
        truth["soc"]["time"] += times
        truth["soc"]["soc"] += charge
        rows = disturb(plan.seed, calendar, plant.values)
        content = csv_bytes(rows, year, month)
        name = file_name(year, month)
        truth["files"][name] = {"sha256": hashlib.sha256(content).hexdigest(), **rows.counts}
        # First the list, then the file: nothing synthetic is ever there without its label.
        _replace(path, json.dumps(truth, separators=(",", ":")).encode())
        _replace(folder / name, content)
        if progress:
            progress(done, len(months), name)
    truth["complete"] = True
    _replace(path, json.dumps(truth, separators=(",", ":")).encode())


def _replace(path: Path, content: bytes) -> None:
    """Write a file under another name and rename it, so that half of it is never seen."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _read_truth(path: Path) -> dict[str, Any] | None:
    """Truth of an earlier run, or None where there is none.

    Raises
    ------
    FileProblem
        A file of that name isn't a demo's truth.
    """
    if not path.exists():
        return None
    try:
        truth = json.loads(path.read_bytes())
    except ValueError as error:
        raise FileProblem(path, "isn't the truth file of a demo; move it away") from error
    if not isinstance(truth, dict) or truth.get("synthetic") is not True:
        raise FileProblem(path, "isn't the truth file of a demo; move it away")
    if not isinstance(truth.get("files"), dict):
        raise FileProblem(path, "lists no files; move it away")
    return truth


def _is_current(truth: dict[str, Any], plan: DemoPlan, folder: Path) -> bool:
    """Whether the folder holds exactly this plan, by this generator."""
    names = [file_name(year, month) for year, month in plan.year_months()]
    return (
        truth.get("complete") is True
        and truth.get("generator") == generator_of(plan)
        and truth.get("parameters") == parameters_of(plan)
        and list(truth["files"]) == names
        and all(_matches(folder / name, truth["files"][name]) for name in names)
    )


def _matches(path: Path, entry: dict[str, Any]) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == entry.get("sha256")


def _make_room(folder: Path, plan: DemoPlan, old: dict[str, Any] | None) -> None:
    """Remove the demo files of an earlier run; refuse to touch files that aren't the demo's."""
    listed: dict[str, Any] = old["files"] if old else {}
    mine = {name for name, entry in listed.items() if _matches(folder / name, entry)}
    planned = {file_name(year, month) for year, month in plan.year_months()}
    for name in sorted(planned | set(listed)):
        if (folder / name).exists() and name not in mine:
            raise FileProblem(folder / name, "isn't the demo's, or was changed since; move it away")
    for name in sorted(mine):
        (folder / name).unlink()

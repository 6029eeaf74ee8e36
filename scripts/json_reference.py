"""Write the shapes of every `--json` into docs/json.md, from the models themselves.

Usage: `python scripts/json_reference.py` rewrites the page; `--check` only says whether it is
current (exit code 1 where it isn't).
"""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Literal, Union, get_args, get_origin

import generated
from pydantic import BaseModel

from microgrid_lib.api import DataReport
from microgrid_lib.cli.compliance import ComplianceExcursions
from microgrid_lib.cli.forecast import TrainReport
from microgrid_lib.cli.report_shapes import ReportsMade
from microgrid_lib.cli.shapes import DemoFiles, DoctorReport, SeriesReport, SitesReport
from microgrid_lib.cli.simulate import ContingencyReport
from microgrid_lib.forecast.shapes import BacktestReport, ForecastReport
from microgrid_lib.ingest.download import FetchResult
from microgrid_lib.ingest.result import IngestResult
from microgrid_lib.kpi.alerts import AlertReport
from microgrid_lib.kpi.compliance import ComplianceReport
from microgrid_lib.kpi.model import KpiReport
from microgrid_lib.schedule.shapes import CheckReport, HistoryReport, OnceReport
from microgrid_lib.simulation.calibration_report import CalibrationReport
from microgrid_lib.simulation.metrics import SimulationReport, SimulationSeriesReport

SCRIPT = "json_reference.py"
PAGE = generated.DOCS / "json.md"
COMMANDS: dict[str, type[BaseModel]] = {
    "demo": IngestResult,
    "demo --out FOLDER": DemoFiles,
    "ingest": IngestResult,
    "kpi": KpiReport,
    "series": SeriesReport,
    "alerts": AlertReport,
    "compliance": ComplianceReport,
    "compliance --excursions": ComplianceExcursions,
    "data": DataReport,
    "forecast": ForecastReport,
    "backtest": BacktestReport,
    "train": TrainReport,
    "simulate": SimulationReport,
    "simulate --series": SimulationSeriesReport,
    "simulate --n-1": ContingencyReport,
    "calibrate": CalibrationReport,
    "report KIND": ReportsMade,
    "schedule --once": OnceReport,
    "schedule --check": CheckReport,
    "schedule history": HistoryReport,
    "sites": SitesReport,
    "doctor": DoctorReport,
    "fetch": FetchResult,
}
KINDS = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true, false",
    date: "day (YYYY-MM-DD)",
    datetime: "time (ISO 8601 with offset)",
    type(None): "null",
}
# What the models' own docstrings don't say, or not of each key.
MEANINGS = {
    "KpiReport.site": "Name of the site.",
    "KpiReport.profile": "Name of the profile the channels were read with.",
    "KpiReport.window": "The window as asked.",
    "KpiReport.synthetic": "Whether the stored data are made-up demo data.",
    "KpiReport.kpis": "KPI -> its value, in the order of pages.",
    "WindowModel.start": "First instant, in the display zone.",
    "WindowModel.end": "End, not included.",
    "WindowModel.timezone": "The display zone.",
    "IngestResult.files": "One entry per file, in order.",
    "IngestResult.totals": "Sums over these files.",
    "FileResult.file": "Name of the file.",
    "FileResult.sha256": "Hash of its bytes; null where it couldn't be read.",
    "FileResult.status": "What became of it; `unchanged`: the same bytes were there already.",
    "FileResult.rows_read": "rows_accepted + rows_duplicate + rows_rejected.",
    "FileResult.rows_accepted": "Rows that are in the store.",
    "FileResult.rows_duplicate": "Rows equal in every value to an accepted row of the same time.",
    "FileResult.rows_rejected": "Rows that are in quarantine.",
    "FileResult.values_missing": "Missing values of accepted rows.",
    "FileResult.values_out_of_range": "Values of accepted rows refused as implausible.",
    "Totals.files": "Number of files.",
    "Totals.ingested": "Files with this status.",
    "Totals.unchanged": "Files with this status.",
    "Totals.failed": "Files with this status.",
    "Totals.removed": "Files with this status.",
    "Totals.rows_read": "rows_accepted + rows_duplicate + rows_rejected.",
    "Totals.rows_accepted": "Rows that are in the store.",
    "Totals.rows_duplicate": "Rows equal in every value to an accepted row of the same time.",
    "Totals.rows_rejected": "Rows that are in quarantine.",
    "Totals.values_missing": "Missing values of accepted rows.",
    "Totals.values_out_of_range": "Values of accepted rows refused as implausible.",
    "DataReport.site": "Name of the site.",
    "DataReport.profile": "Name of the profile.",
    "DataReport.window": "The window as asked; null where no row was ever accepted.",
    "DataReport.coverage": "By channel and local month, inside the window.",
    "DataReport.files": "All ingested files.",
    "DataReport.quarantine": "What was refused of all ingested files.",
    "DataReport.evidence": "What the window's data say about doubtful channels.",
    "ChannelCoverage.month": "Local month, YYYY-MM.",
    "ChannelCoverage.channel": "The channel.",
    "ChannelCoverage.valid": "Slots with a valid value.",
    "ChannelCoverage.expected": "Slots of the month inside window and data.",
    "ChannelCoverage.coverage": "valid over expected, 0-1.",
    "FileEntry.file": "Name of the file.",
    "FileEntry.source": "Source of the site file it belongs to.",
    "FileEntry.sha256": "Hash of its bytes.",
    "FileEntry.start": "Time of the first accepted row.",
    "FileEntry.end": "Time of the last accepted row.",
    "FileEntry.coverage": "Accepted rows over slots between start and end, 0-1.",
    "FileEntry.synthetic": "Whether it is made-up demo data.",
    "FileEntry.outdated": "Whether it was read under older rules of the site file.",
    "FileEntry.notes": "What a reader should know.",
    "FileEntry.rows_read": "rows_accepted + rows_duplicate + rows_rejected.",
    "FileEntry.rows_accepted": "Rows that are in the store.",
    "FileEntry.rows_duplicate": "Rows equal in every value to an accepted row of the same time.",
    "FileEntry.rows_rejected": "Rows that are in quarantine.",
    "FileEntry.values_missing": "Missing values of accepted rows.",
    "FileEntry.values_out_of_range": "Values of accepted rows refused as implausible.",
    "EvidenceResult.setpoint": "The channel it may follow.",
    "EvidenceResult.setpoint_mean_abs_kw": "Mean absolute difference from it [kW].",
    "EvidenceResult.setpoint_n": "Slots in which both are valid.",
    "ReadingResult.name": "The reading.",
    "ReadingResult.residual": "Expression that is 0 where the reading is right.",
    "ForecastReport.site": "Name of the site.",
    "ForecastReport.profile": "Name of the profile.",
    "ForecastReport.role": "The role that is forecast.",
    "ForecastReport.unit": "Unit of its values and errors.",
    "ForecastReport.timezone": "The display zone.",
    "BacktestReport.site": "Name of the site.",
    "BacktestReport.profile": "Name of the profile.",
    "BacktestReport.role": "The role that is forecast.",
    "BacktestReport.unit": "Unit of its values and errors.",
    "BacktestReport.timezone": "The display zone.",
    "ForecastReport.horizon_h": "Hours forecast.",
    "ForecastReport.data_hash": "SHA-256 of the hourly means before the origin.",
    "ForecastReport.hourly": "Forecast of each hour.",
    "ForecastReport.daily": "Forecast of each whole local day.",
    "HourForecast.time": "Start of the hour, in the display zone.",
    "HourForecast.p2_5": "Quantile 2.5 %.",
    "HourForecast.p10": "Quantile 10 %.",
    "HourForecast.p50": "What is served, the middle of the intervals.",
    "HourForecast.p90": "Quantile 90 %.",
    "HourForecast.p97_5": "Quantile 97.5 %.",
    "HourForecast.baseline": "What the best baseline says.",
    "DayForecast.date": "The local day.",
    "DayForecast.mean": "Mean of the day's hours.",
    "DayForecast.p10": "Quantile 10 % of the mean.",
    "DayForecast.p90": "Quantile 90 % of the mean.",
    "DayForecast.random_forest": "What the mission's Random Forest says.",
    "BacktestReport.choice": "On which forecasts the served model was chosen.",
    "BacktestReport.models": "Forecast -> its scores.",
    "BacktestReport.notes": "What to know of the scores.",
    "Metrics.energy_kwh": "Energies of the day.",
    "Metrics.voltage_v": "Voltages of the feeder.",
    "Metrics.frequency_hz": "Frequency at the bus.",
    "Metrics.soc": "State of charge.",
    "Metrics.max_balance_error_kw": "Largest gap of a minute between sources and uses [kW].",
    "Energies.load": "Demand.",
    "Energies.pv": "From PV.",
    "Energies.fuel_cell": "From the fuel cell.",
    "Energies.genset": "From the genset.",
    "Energies.battery_charge": "Into the battery.",
    "Energies.battery_discharge": "Out of the battery.",
    "Energies.grid_import": "From the grid.",
    "Energies.grid_export": "To the grid.",
    "Energies.shed": "Non-critical demand not served.",
    "Energies.unserved": "Critical demand not served.",
    "Energies.curtailed": "PV held back.",
    "Voltages.bus": "At the microgrid's bus.",
    "Voltages.mccb": "At the breaker.",
    "Voltages.receiving": "At the receiving point.",
    "Range.min": "Lowest one-minute value.",
    "Range.max": "Highest one-minute value.",
    "Soc.min": "Lowest, 0-1.",
    "Soc.end": "At the end of the day, 0-1.",
    "SimulationSeriesReport.series": "Every minute of the day.",
    "SeriesStep.time": "Start of the minute, in the display zone.",
    "SeriesStep.load": "Demand [kW].",
    "SeriesStep.pv": "Power of PV [kW].",
    "SeriesStep.fuel_cell": "Power of the fuel cell [kW].",
    "SeriesStep.genset": "Power of the genset [kW].",
    "SeriesStep.battery": "Power of the battery, discharge positive [kW].",
    "SeriesStep.grid": "Power from the grid, import positive [kW].",
    "SeriesStep.shed": "Non-critical demand not served [kW].",
    "SeriesStep.unserved": "Critical demand not served [kW].",
    "SeriesStep.curtailed": "PV held back [kW].",
    "SeriesStep.soc": "State of charge at the end of the minute, 0-1.",
    "SeriesStep.bus_voltage": "Line to line at the bus [V].",
    "SeriesStep.mccb_voltage": "At the breaker [V].",
    "SeriesStep.receiving_voltage": "At the receiving point [V].",
    "SeriesStep.frequency": "Mean frequency at the bus [Hz].",
    "SeriesStep.frequency_min": "Lowest, transients included [Hz].",
    "SeriesStep.frequency_max": "Highest, transients included [Hz].",
    "SeriesStep.islanded": "Whether the site is without the grid.",
    "QuarantineCount.reason": "Code of the reason.",
    "QuarantineCount.channel": "The channel, null where the whole row was refused.",
    "QuarantineCount.count": "How often.",
    "QuarantineCount.first": "Local time of the earliest.",
    "QuarantineCount.example": "One of them, with file, row, value and what is allowed.",
}


def reference() -> str:
    """Markdown of what each command prints, then of every shape once."""
    rows = [
        (f"`microgrid {command} --json`", f"[{model.__name__}](#{model.__name__.lower()})")
        for command, model in COMMANDS.items()
    ]
    found: dict[type[BaseModel], None] = {}
    for model in COMMANDS.values():
        found |= dict.fromkeys(_models(model))
    return "\n\n".join([generated.table(("command", "prints"), rows), *map(_shape, found)]) + "\n"


def shapes() -> dict[str, type[BaseModel]]:
    """Every shape by name."""
    return {model.__name__: model for top in COMMANDS.values() for model in _models(top)}


def keys(model: type[BaseModel]) -> list[str]:
    """Keys a shape is printed with."""
    return [name for name, field in model.model_fields.items() if not field.exclude]


def _models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for name in keys(model):
        for inner in _models_in(model.model_fields[name].annotation):
            yield from _models(inner)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def _shape(model: type[BaseModel]) -> str:
    rows = [
        (
            f"`{name}`",
            kind(model.model_fields[name].annotation),
            meaning(model, name),
        )
        for name in keys(model)
    ]
    listed = generated.table(("key", "value", "meaning"), rows)
    return f"### {model.__name__}\n{generated.first_line(model)}\n\n{listed}"


def meaning(model: type[BaseModel], key: str) -> str:
    """What a key means; empty where nobody says it."""
    known = MEANINGS.get(f"{model.__name__}.{key}", "")
    for documented in model.__mro__:
        known = known or generated.meanings(documented).get(key, "")
    return re.sub(r"\bNone\b", "null", known)


def kind(annotation: Any) -> str:
    """Say in words what values an annotation allows."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return " or ".join(kind(part) for part in inner)
    if origin is Literal:
        return ", ".join(f'`"{value}"`' for value in inner)
    if origin is list:
        return f"list of {kind(inner[0])}"
    if origin is tuple:
        return f"list [{', '.join(map(kind, inner))}]"
    if origin is dict:
        return "object" if inner[1] is Any else f"object: name -> {kind(inner[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"[{annotation.__name__}](#{annotation.__name__.lower()})"
    return KINDS[annotation]


if __name__ == "__main__":
    sys.exit(generated.main(PAGE, reference(), SCRIPT, sys.argv[1:]))

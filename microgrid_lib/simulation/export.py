"""A simulated day as CSV, the same from the command line and from the page."""

from __future__ import annotations

import csv
import io

from microgrid_lib.simulation.metrics import SeriesStep
from microgrid_lib.simulation.simulate import SimulationResult


def series_csv(result: SimulationResult) -> str:
    """Write every minute: times in the display zone with offset, empty where there is no data."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(SeriesStep.model_fields)
    for step in result.series_report().series:
        first, *rest = dict(step).values()
        writer.writerow([first.isoformat(), *("" if value is None else value for value in rest)])
    return text.getvalue()

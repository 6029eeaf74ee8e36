"""Many scenarios of one day as one frame, for notebooks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import pandas as pd

from microgrid_lib.simulation.day import DayFrame
from microgrid_lib.simulation.network import Engine
from microgrid_lib.simulation.plant import Plant
from microgrid_lib.simulation.scenario import Scenario
from microgrid_lib.simulation.simulate import SimulationResult, Simulator


def run_batch(
    plant: Plant,
    day: DayFrame,
    scenarios: Iterable[Scenario],
    *,
    progress: bool | Callable[[int, int], None] = True,
    engine: Engine = "closed_form",
) -> pd.DataFrame:
    """Simulate many scenarios of one day.

    Parameters
    ----------
    plant, day
        As in `simulate.simulate`.
    scenarios
        The scenarios, such as from `scenario.scenario_grid`.
    progress
        True: a progress bar; a function: called with (done, total).
    engine
        Power-flow engine; the closed form is the fastest, and the same within 1e-6 V.

    Returns
    -------
    DataFrame
        A row per scenario: its settings, `feasible`, and the metrics, named with their unit as
        `grid_import_kwh`, `bus_voltage_min_v`, `nadir_hz`; NaN where undefined.

    Raises
    ------
    ScenarioError
        A scenario asks for something this site or plant doesn't have.
    """
    listed = list(scenarios)
    simulator = Simulator(plant, day, engine)
    rows = []
    with _reporter(progress, len(listed)) as report:
        for done, scenario in enumerate(listed, start=1):
            rows.append(_row(simulator.run(scenario)))
            report(done, len(listed))
    return pd.DataFrame(rows)


def _row(result: SimulationResult) -> dict[str, object]:
    metrics, details = result.metrics, result.details
    row: dict[str, object] = dict(result.scenario.as_dict())
    row["lost"] = ",".join(result.scenario.lost)
    row["feasible"] = result.feasible
    row |= {f"{name}_kwh": value for name, value in metrics.energy_kwh}
    numbers: dict[str, float | None] = {}
    for place, span in metrics.voltage_v:
        numbers |= {f"{place}_voltage_min_v": span.min, f"{place}_voltage_max_v": span.max}
    frequency = metrics.frequency_hz
    numbers |= {
        "frequency_min_hz": frequency.min,
        "frequency_max_hz": frequency.max,
        "nadir_hz": frequency.nadir,
        "rocof_hz_per_s": frequency.rocof,
        "soc_min": metrics.soc.min,
        "soc_end": metrics.soc.end,
        "peak_import_kw": details.peak_import_kw,
        "survival_h": details.survival_h,
        "max_balance_error_kw": metrics.max_balance_error_kw,
    }
    return row | {name: float("nan") if value is None else value for name, value in numbers.items()}


@contextmanager
def _reporter(
    progress: bool | Callable[[int, int], None], total: int
) -> Iterator[Callable[[int, int], None]]:
    if callable(progress):
        yield progress
    elif not progress:
        yield _silent
    else:
        from rich.progress import Progress

        with Progress() as bar:
            task = bar.add_task("Scenarios", total=total)

            def show(done: int, _total: int) -> None:
                bar.update(task, completed=done)

            yield show


def _silent(_done: int, _total: int) -> None:
    """Report nothing."""

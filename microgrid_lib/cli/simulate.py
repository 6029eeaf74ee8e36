"""The command that simulates a day."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from microgrid_lib.cli.options import JsonOption, ProfileOption, SiteOption, print_json
from microgrid_lib.errors import MicrogridError
from microgrid_lib.kpi.notes import decimals_seen
from microgrid_lib.simulation.contingency import Contingency
from microgrid_lib.simulation.errors import ScenarioError
from microgrid_lib.simulation.metrics import Frequencies, Range, SimulationReport
from microgrid_lib.simulation.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Sequence

    from microgrid_lib.api import SiteData
    from microgrid_lib.simulation.day import DayFrame
    from microgrid_lib.simulation.plant import Plant
    from microgrid_lib.simulation.simulate import SimulationResult


_NAMES = tuple(field.name for field in fields(Scenario))
# A setting stands first in what is said about it; elsewhere one word may be just a word.
_SETTING = re.compile(rf"^(?:{'|'.join(_NAMES)})\b|\bload_step\b")


class BatteryName(StrEnum):
    """What the connected battery does."""

    measured = "measured"
    import_target = "import_target"


class SourceName(StrEnum):
    """Sources that can be lost."""

    grid = "grid"
    pv = "pv"
    fuel_cell = "fuel_cell"
    genset = "genset"
    battery = "battery"


class ContingencyReport(SimulationReport):
    """What `microgrid simulate --n-1 --json` prints.

    Attributes
    ----------
    contingencies
        The scenario as it is, then with each source lost all day, or from `lost_from` on.
    """

    contingencies: list[Contingency]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(simulate)


def simulate(
    date: Annotated[str | None, typer.Option("--date", help="The local day, YYYY-MM-DD.")] = None,
    average: Annotated[
        str | None,
        typer.Option(help="Instead: the average of the days FIRST/LAST, YYYY-MM-DD/YYYY-MM-DD."),
    ] = None,
    load_scale: Annotated[float, typer.Option(help="Factor on the measured load.")] = 1.0,
    pv_scale: Annotated[float, typer.Option(help="Factor on the measured PV power.")] = 1.0,
    fuel_cell_kw: Annotated[
        float | None, typer.Option(help="Set point of the fuel cell, kW; default: as measured.")
    ] = None,
    island: Annotated[
        str | None,
        typer.Option(help="Without the grid, local: HH:MM-HH:MM; several with commas."),
    ] = None,
    battery: Annotated[
        BatteryName, typer.Option(help="While connected: as measured, or keep the import.")
    ] = BatteryName.measured,
    import_target_kw: Annotated[
        float, typer.Option(help="Grid import the battery aims at, kW.")
    ] = 0.0,
    battery_kw: Annotated[
        float | None, typer.Option(help="Battery power limit, kW; default: the plant's.")
    ] = None,
    soc_start: Annotated[
        float | None, typer.Option(help="State of charge at the start, 0 to 1.")
    ] = None,
    soc_reserve: Annotated[
        float | None, typer.Option(help="Charge kept for islands while connected, 0 to 1.")
    ] = None,
    load_step_kw: Annotated[float, typer.Option(help="Load added at --load-step, kW.")] = 0.0,
    load_step: Annotated[
        str | None, typer.Option(help="When load is added, local: HH:MM-HH:MM.")
    ] = None,
    lost: Annotated[
        list[SourceName] | None, typer.Option("--lost", help="Source lost, repeatable.")
    ] = None,
    lost_from: Annotated[
        str | None, typer.Option(help="From when it is lost, local HH:MM; default: all day.")
    ] = None,
    critical_by_consumers: Annotated[
        bool,
        typer.Option(
            "--critical-by-consumers", help="Critical share of the load: by consumers' rated power."
        ),
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of the grid's frequency noise.")] = 0,
    series: Annotated[
        bool, typer.Option("--series", help="Every minute: as CSV, or in the JSON.")
    ] = False,
    n_1: Annotated[
        bool,
        typer.Option(
            "--n-1", help="Also lose each source in turn, all day or from --lost-from on."
        ),
    ] = False,
    site: SiteOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Simulate a measured day under a scenario: dispatch, voltages, frequency."""
    from microgrid_lib.api import open_site
    from microgrid_lib.simulation.contingency import n_minus_1
    from microgrid_lib.simulation.export import series_csv
    from microgrid_lib.simulation.simulate import simulate as run

    if series and n_1:
        raise MicrogridError("either --series or --n-1, not both")
    with _named_as_options():
        scenario = Scenario(
            load_scale=load_scale,
            pv_scale=pv_scale,
            fuel_cell_kw=fuel_cell_kw,
            island=island,
            battery=battery.value,
            import_target_kw=import_target_kw,
            battery_kw=battery_kw,
            soc_start=soc_start,
            soc_reserve=soc_reserve,
            load_step_kw=load_step_kw,
            load_step=load_step,
            lost=tuple(name.value for name in lost or ()),
            lost_from=lost_from,
            seed=seed,
        )
    site_data = open_site(site, profile)
    day = _day(site_data, date, average)
    plant = _plant(site_data, critical_by_consumers)
    with _named_as_options():
        result = run(plant, day, scenario)
        rows = n_minus_1(plant, day, scenario) if n_1 else ()
    if series:
        if as_json:
            print_json(result.series_report())
        else:
            typer.echo(series_csv(result), nl=False)
    elif as_json:
        report = result.report()
        print_json(ContingencyReport(**dict(report), contingencies=list(rows)) if n_1 else report)
    else:
        _print_result(site_data, result)
        _print_contingencies(rows)


@contextmanager
def _named_as_options() -> Iterator[None]:
    """Name the settings of a scenario in errors as the options that set them."""
    try:
        yield
    except ScenarioError as error:
        raise ScenarioError(_SETTING.sub(_option, str(error))) from None


def _option(found: re.Match[str]) -> str:
    return f"--{found.group().replace('_', '-')}"


def _day(site_data: SiteData, date: str | None, average: str | None) -> DayFrame:
    if (date is None) == (average is None):
        raise MicrogridError("either --date DAY or --average FIRST/LAST")
    if date is not None:
        return site_data.simulation_day(date)
    first, slash, last = str(average).partition("/")
    if not slash:
        raise MicrogridError(f"{average!r} isn't a period; use FIRST/LAST, both included")
    return site_data.average_day(first, last)


def _plant(site_data: SiteData, by_consumers: bool) -> Plant:
    from microgrid_lib.simulation.plant import with_critical_share

    plant = site_data.plant()
    if not by_consumers:
        return plant
    rated = site_data.critical_share_of_consumers()
    if rated is None:
        raise MicrogridError(f"no consumer of {site_data.site.name} states a rated power")
    return with_critical_share(plant, rated.share, f"rated power of {rated.counted} consumers")


def _print_result(site_data: SiteData, result: SimulationResult) -> None:
    label = " · synthetic demo data" if site_data.synthetic else ""
    typer.echo(f"{site_data.site.title} ({site_data.profile.name}){label}")
    changes = ", ".join(
        f"{name} {', '.join(value) if isinstance(value, tuple) else value}"
        for name, value in result.scenario.changes().items()
    )
    verdict = "feasible" if result.feasible else "not feasible"
    typer.echo(f"{result.day.label}, {changes or 'nothing changed'}: {verdict}")
    metrics = result.metrics
    for name, value in metrics.energy_kwh:
        typer.echo(f"  {name:<20} {_kwh(value)} kWh")
    for name, span in metrics.voltage_v:
        typer.echo(f"  {name + ' voltage':<20} {_span(span, 'V')}")
    frequency = metrics.frequency_hz
    typer.echo(f"  {'frequency':<20} {_span(frequency, 'Hz')}")
    if result.events:
        typer.echo(f"  {'nadir [Hz]':<20} {_number(frequency.nadir)}")
        typer.echo(f"  {'rocof [Hz/s]':<20} {_number(frequency.rocof)}")
    soc = metrics.soc
    typer.echo(
        f"  {'state of charge':<20} lowest {_number(soc.min)}, at the end {_number(soc.end)}"
    )
    for note in result.warnings:
        # The heading says it already.
        if note.code != "synthetic_data":
            typer.echo(f"  ! {note.text}")


def _print_contingencies(rows: Sequence[Contingency]) -> None:
    if not rows:
        return
    typer.echo("lost        survives   unserved kWh   shed kWh   import kWh   nadir Hz")
    for row in rows:
        lives = "yes" if row.survives else "no"
        if row.survival_h is not None:
            lives = f"{row.survival_h:.1f} h"
        typer.echo(
            f"{row.lost or '-':<11} {lives:<10} {_kwh(row.unserved_kwh):<14} "
            f"{_kwh(row.shed_kwh):<10} "
            f"{row.grid_import_kwh:<12.1f} {_number(row.nadir_hz)}"
        )


def _span(span: Range | Frequencies, unit: str) -> str:
    if span.min is None or span.max is None:
        return "n/a"
    return f"{span.min:.6g} to {span.max:.6g} {unit}"


def _kwh(value: float) -> str:
    return f"{value:.{decimals_seen(value, 1)}f}"


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.4g}"

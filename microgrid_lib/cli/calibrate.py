"""The command that fits the feeder's impedance to measured voltages."""

from __future__ import annotations

import typer

from microgrid_lib.cli.options import (
    EndOption,
    JsonOption,
    ProfileOption,
    SiteOption,
    StartOption,
    print_heading,
    print_json,
)
from microgrid_lib.simulation.calibrate import Resistance, Score


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(calibrate)


def calibrate(
    start: StartOption = None,
    end: EndOption = None,
    site: SiteOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fit the impedance from the receiving point to the bus; validate it on days held out.

    Without times: the last 31 days of data.
    """
    from datetime import timedelta

    from microgrid_lib.api import open_site

    site_data = open_site(site, profile)
    window = site_data.window(start, end)
    if start is None:
        window = site_data.window(window.end - timedelta(days=31), window.end)
    report = site_data.calibration(window)
    if as_json:
        print_json(report)
        return
    print_heading(site_data, report.window)
    found = report.calibration
    typer.echo(f"means of {report.interval_s} s, {found.days} days")
    typer.echo(
        f"  line              {_ohm(found.line)}, own consumption {found.own_consumption_kw:.1f} kW"
    )
    if found.mccb_fraction is not None:
        typer.echo(f"  before breaker    {found.mccb_fraction:.3f} of it")
    if found.source is not None:
        typer.echo(f"  source            {_ohm(found.source)}")
    elif found.source_reason is not None:
        typer.echo(f"  source            n/a: {found.source_reason.text}")
    typer.echo("predicted on days held out: RMSE (baselines: receiving voltage; with its offset)")
    for name, score in (
        ("synchronous", found.held_out),
        ("all with data", found.held_out_all),
        ("excluded", found.excluded),
        ("islanded", found.islanded),
        ("genset on", found.genset_on),
        ("genset off", found.genset_off),
    ):
        if score is not None:
            typer.echo(f"  {name:<17} {_score(score)}")


def _ohm(found: Resistance) -> str:
    return f"{1e3 * found.value_ohm:.3f} ± {1e3 * found.std_error_ohm:.3f} mohm"


def _score(score: Score) -> str:
    if score.rmse_v is None:
        return "no interval"
    return (
        f"{score.rmse_v:.3f} V ({score.baseline_receiving_v:.3f}; {score.baseline_offset_v:.3f}) "
        f"in {score.intervals} intervals"
    )

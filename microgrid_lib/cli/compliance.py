"""The command that judges grid quality: compliance."""

from __future__ import annotations

import typer

from microgrid_lib.cli.options import (
    EndOption,
    JsonOption,
    ProfileOption,
    SiteOption,
    StartOption,
    print_json,
)
from microgrid_lib.kpi.compliance import RuleResult, TripResult


def compliance(
    start: StartOption = None,
    end: EndOption = None,
    site: SiteOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge voltages and frequencies of a period by EN 50160, ANSI C84.1 and IEEE 1547."""
    from microgrid_lib.api import open_site

    site_data = open_site(site, profile)
    report = site_data.compliance(site_data.window(start, end))
    if as_json:
        print_json(report)
        return
    shown = report.window
    label = " · synthetic demo data" if site_data.synthetic else ""
    typer.echo(f"{site_data.site.title} ({report.profile}){label}")
    typer.echo(f"{shown.start.isoformat()} to {shown.end.isoformat()} ({shown.timezone})")
    for result in report.rules:
        typer.echo(_rule(result))
    for trip in report.trips:
        typer.echo(_trip(trip))
    typer.echo(f"islands: {report.island_method or 'not told'}")
    for note in report.not_observable:
        typer.echo(note.text)


def _rule(result: RuleResult) -> str:
    reason = f" ({result.reason.text})" if result.reason else ""
    share = "n/a" if result.share_inside is None else f"{100 * result.share_inside:.3f} %"
    outer = "" if result.n2 is None else f" N2 {result.n2}"
    return (
        f"  {result.rule:<25} {result.point:<18} {result.verdict or 'n/a'}{reason}: "
        f"{share} inside {result.inner[0]:g}-{result.inner[1]:g} {result.unit}; "
        f"N {result.n} N1 {result.n1}{outer} invalid {result.n_invalid}"
    )


def _trip(result: TripResult) -> str:
    return (
        f"  {result.function:<25} {result.point:<18} {result.verdict or 'n/a'}: "
        f"{result.beyond} samples beyond {result.threshold:g} {result.unit}, "
        f"longest {result.longest_s:g} s of {result.clearing_s:g} s"
    )

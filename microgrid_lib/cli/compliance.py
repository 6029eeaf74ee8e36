"""The command that judges grid quality: compliance."""

from __future__ import annotations

from typing import Annotated

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
from microgrid_lib.cli.words import counted
from microgrid_lib.kpi.compliance import ComplianceReport, RuleResult, TripResult
from microgrid_lib.kpi.excursions import Excursion


class ComplianceExcursions(ComplianceReport):
    """What `microgrid compliance --excursions --json` prints.

    Attributes
    ----------
    excursions
        Runs of samples outside a limit of the site file, the earliest first.
    """

    excursions: list[Excursion]


def compliance(
    start: StartOption = None,
    end: EndOption = None,
    site: SiteOption = None,
    profile: ProfileOption = None,
    list_excursions: Annotated[
        bool,
        typer.Option("--excursions", help="Also list every run of samples outside a limit."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Judge voltages and frequencies of a period by EN 50160, ANSI C84.1 and IEEE 1547."""
    from microgrid_lib.api import open_site

    site_data = open_site(site, profile)
    window = site_data.window(start, end)
    report = site_data.compliance(window)
    found = site_data.excursions(window) if list_excursions else []
    if as_json:
        whole = ComplianceExcursions(**dict(report), excursions=found)
        print_json(whole if list_excursions else report)
        return
    print_heading(site_data, report.window)
    for result in report.rules:
        typer.echo(_rule(result))
    for trip in report.trips:
        typer.echo(_trip(trip))
    typer.echo(f"islands: {report.island_method or 'not told'}")
    for note in report.not_observable:
        typer.echo(note.text)
    if list_excursions:
        _print_excursions(found)


def _print_excursions(found: list[Excursion]) -> None:
    typer.echo(f"{counted(len(found), 'excursion')}, samples outside a limit of the site file:")
    for one in found:
        typer.echo(
            f"  {one.start.isoformat()} to {one.end.isoformat()}  {one.point:<18} {one.limit:<18} "
            f"{one.direction} {one.threshold:g} {one.unit}, extreme {one.extreme:.6g} {one.unit}"
        )


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

"""Commands that print numbers: kpi, series."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from microgrid_lib.cli.options import (
    EndOption,
    JsonOption,
    ProfileOption,
    SiteOption,
    StartOption,
    beyond_data,
    print_heading,
    print_json,
    print_outdated,
)
from microgrid_lib.cli.shapes import RoleSeries, SeriesReport
from microgrid_lib.cli.words import with_band
from microgrid_lib.errors import NoDataError, UnknownNameError
from microgrid_lib.kpi.model import SECTIONS, Kpi, WindowModel


class SectionName(StrEnum):
    """Sections of KPIs."""

    production = "production"
    storage = "storage"
    distribution = "distribution"
    quality = "quality"


MAX_POINTS = 100_000
ENGINES = ("duckdb",)
"""What can compute by now."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(kpi)
    app.command()(series)


def kpi(
    start: StartOption = None,
    end: EndOption = None,
    section: Annotated[
        list[SectionName] | None, typer.Option("--section", help="Only these sections.")
    ] = None,
    engine: Annotated[
        str | None, typer.Option("--engine", help="Where to compute; default: the setting.")
    ] = None,
    site: SiteOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the KPIs of a period (default: the last 24 hours of data)."""
    from microgrid_lib.api import open_site
    from microgrid_lib.kpi.report import definitions

    site_data = open_site(site, profile)
    chosen = engine or site_data.settings.engine
    if chosen not in ENGINES:
        raise UnknownNameError("engine", chosen, list(ENGINES))
    wanted = [name for name in SECTIONS if name in section] if section else None
    report = site_data.kpis(site_data.window(start, end), sections=wanted)
    if as_json:
        print_json(report)
        return
    print_heading(site_data, report.window)
    print_outdated(report.outdated_files)
    known = definitions()
    for name, value in report.kpis.items():
        # A number without a unit that adds up over time is a count, such as cycles.
        share = value.unit == "1" and known[name].compare != "rate"
        typer.echo(f"  {name:<30} {_text(value, share=share)}")


def _text(value: Kpi, *, share: bool) -> str:
    coverage = "" if value.coverage is None else f"  coverage {100 * value.coverage:.1f} %"
    if value.value is None:
        reason = value.reason.text if value.reason else "no reason given"
        return f"n/a: {reason}{coverage}"
    unit = " %" if share else "" if value.unit == "1" else f" {value.unit}"
    factor = 100 if share else 1
    if value.uncertainty is None:
        text = f"{factor * value.value:.6g}"
    else:
        text = with_band(factor * value.value, factor * value.uncertainty)
    text += unit
    if value.time is not None:
        text += f" at {value.time.isoformat()}"
    warning = f"  ! {value.warning.text}" if value.warning else ""
    return text + coverage + warning


def series(
    role: Annotated[list[str], typer.Option("--role", help="Role, may be repeated.")],
    start: StartOption = None,
    end: EndOption = None,
    points: Annotated[
        int, typer.Option(help="At most this many points.", min=1, max=MAX_POINTS)
    ] = 1000,
    site: SiteOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print mean, minimum and maximum of a role over time, as CSV or JSON."""
    from microgrid_lib.api import open_site

    site_data = open_site(site, profile)
    window = site_data.window(start, end)
    found = site_data.series(role, window, points)
    if all(one.frame["mean"].isna().all() for one in found.values()):
        raise NoDataError(
            f"no data of {', '.join(role)} between {window.start.isoformat()} "
            f"and {window.end.isoformat()}"
        )
    if as_json:
        print_json(
            SeriesReport(
                site=site_data.site.name,
                profile=site_data.profile.name,
                window=WindowModel(
                    start=window.start, end=window.end, timezone=site_data.site.display_timezone
                ),
                series={name: RoleSeries.of(one) for name, one in found.items()},
            )
        )
        return
    # Not on stdout, which is a table for other programs.
    for line in beyond_data(site_data, window.start, window.end):
        typer.echo(f"microgrid: {line}", err=True)
    single = len(found) == 1
    typer.echo(("" if single else "role,") + "time,mean,min,max,coverage")
    for name, one in found.items():
        for at, mean, low, high, share in one.frame[
            ["time", "mean", "min", "max", "coverage"]
        ].itertuples(index=False):
            cells = [at.isoformat(), *(_cell(v) for v in (mean, low, high, share))]
            typer.echo(",".join(cells if single else [name, *cells]))


def _cell(value: float) -> str:
    return "" if value != value else repr(float(value))

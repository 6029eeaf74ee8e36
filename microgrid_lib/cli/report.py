"""Commands that make reports: microgrid report monthly, weekly, daily, section, consumers."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from microgrid_lib.cli.options import (
    JsonOption,
    ProfileOption,
    SiteOption,
    print_json,
    progress_bar,
)
from microgrid_lib.cli.report_shapes import ReportEntry, ReportsMade
from microgrid_lib.errors import MicrogridError
from microgrid_lib.settings import load_settings

if TYPE_CHECKING:
    from microgrid_lib.report.orders import ReportOrder, ReportResult


class LanguageName(StrEnum):
    """Languages of reports."""

    en = "en"
    fr = "fr"


class SectionName(StrEnum):
    """Sections that a report may be about."""

    overview = "overview"
    production = "production"
    storage = "storage"
    distribution = "distribution"
    quality = "quality"


AllSitesOption = Annotated[
    bool, typer.Option("--all-sites", help="A report for every site that has data.")
]
LanguageOption = Annotated[
    LanguageName | None, typer.Option("--lang", help="Language; default: the setting.")
]
OutOption = Annotated[
    str | None,
    typer.Option(
        "--out",
        metavar="FILE|FOLDER",
        help="Where to: a file that ends in .pdf, or a folder; default: reports in the home.",
    ),
]
HtmlOption = Annotated[bool, typer.Option("--html", help="Write the same as HTML beside the PDF.")]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Make it again, also where nothing has changed.")
]
CatchUpOption = Annotated[
    bool,
    typer.Option(
        "--catch-up",
        help="Make what is missing since the first report made, or else since the first data.",
    ),
]
PeriodOption = Annotated[
    str | None,
    typer.Option(
        "--period",
        help="YYYY-MM, YYYY-Www, YYYY-MM-DD or START/END; default: the newest whole month.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, add_completion=False)
    for command in (monthly, weekly, daily, section, consumers):
        group.command()(command)
    app.add_typer(group, name="report", help="Make PDF reports.")


def monthly(
    month: Annotated[
        str | None, typer.Option("--month", help="YYYY-MM; default: the newest whole month.")
    ] = None,
    site: SiteOption = None,
    all_sites: AllSitesOption = False,
    profile: ProfileOption = None,
    language: LanguageOption = None,
    out: OutOption = None,
    html: HtmlOption = False,
    force: ForceOption = False,
    catch_up: CatchUpOption = False,
    as_json: JsonOption = False,
) -> int:
    """Make the report on a month."""
    wanted = Wanted("monthly", month, site, all_sites, profile, language, catch_up)
    return _make(wanted, Output(out, html, force, as_json))


def weekly(
    week: Annotated[
        str | None,
        typer.Option("--week", help="ISO week YYYY-Www; default: the newest whole week."),
    ] = None,
    site: SiteOption = None,
    all_sites: AllSitesOption = False,
    profile: ProfileOption = None,
    language: LanguageOption = None,
    out: OutOption = None,
    html: HtmlOption = False,
    force: ForceOption = False,
    catch_up: CatchUpOption = False,
    as_json: JsonOption = False,
) -> int:
    """Make the report on a week."""
    wanted = Wanted("weekly", week, site, all_sites, profile, language, catch_up)
    return _make(wanted, Output(out, html, force, as_json))


def daily(
    day: Annotated[
        str | None, typer.Option("--day", help="YYYY-MM-DD; default: the newest whole day.")
    ] = None,
    site: SiteOption = None,
    all_sites: AllSitesOption = False,
    profile: ProfileOption = None,
    language: LanguageOption = None,
    out: OutOption = None,
    html: HtmlOption = False,
    force: ForceOption = False,
    catch_up: CatchUpOption = False,
    as_json: JsonOption = False,
) -> int:
    """Make the brief on a day."""
    wanted = Wanted("daily", day, site, all_sites, profile, language, catch_up)
    return _make(wanted, Output(out, html, force, as_json))


def section(
    section: Annotated[SectionName, typer.Option("--section", help="Which section.")],
    period: PeriodOption = None,
    site: SiteOption = None,
    all_sites: AllSitesOption = False,
    profile: ProfileOption = None,
    language: LanguageOption = None,
    out: OutOption = None,
    html: HtmlOption = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> int:
    """Make the report on one section of the dashboard."""
    wanted = Wanted("section", period, site, all_sites, profile, language, section=section)
    return _make(wanted, Output(out, html, force, as_json))


def consumers(
    site: SiteOption = None,
    all_sites: AllSitesOption = False,
    language: LanguageOption = None,
    out: OutOption = None,
    html: HtmlOption = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> int:
    """Make the list of consumers, as it is now."""
    wanted = Wanted("consumers", "", site, all_sites, None, language)
    return _make(wanted, Output(out, html, force, as_json))


@dataclass(frozen=True)
class Wanted:
    """Which reports a command asks for; a period of None is the newest."""

    kind: str
    period: str | None
    site: str | None
    all_sites: bool
    profile: str | None
    language: str | None
    catch_up: bool = False
    section: str = ""


@dataclass(frozen=True)
class Output:
    """Where they go, and how the command says so."""

    out: str | None
    html: bool
    force: bool
    as_json: bool


def _make(wanted: Wanted, output: Output) -> int:
    from microgrid_lib.report.aside import drawing_aside

    out = None if output.out is None else Path(output.out)
    several = wanted.all_sites or wanted.catch_up
    # One report begins with its helper: it gets ready while this process does.
    with nullcontext() if several else drawing_aside():
        from microgrid_lib.report.batch import make_all

        orders = _orders(wanted, out)
        with progress_bar("Making reports") as bar:
            results = make_all(orders, out, force=output.force, html=output.html, progress=bar)
    if output.as_json:
        print_json(ReportsMade(reports=[ReportEntry.of(one) for one in results]))
    _say(results, quiet=output.as_json)
    return _exit_code(results)


def _orders(wanted: Wanted, out: Path | None) -> list[ReportOrder]:
    from microgrid_lib.report.batch import missed, sites_with_data
    from microgrid_lib.report.orders import Kind, ReportOrder

    if wanted.all_sites and (wanted.site or wanted.profile):
        raise MicrogridError("--all-sites goes with neither --site nor --profile")
    if wanted.catch_up and wanted.period is not None:
        raise MicrogridError("--catch-up finds the periods itself")
    settings = load_settings()
    names = sites_with_data() if wanted.all_sites else [wanted.site or settings.site]
    found: list[ReportOrder] = []
    for name in names:
        order = ReportOrder(
            Kind(wanted.kind),
            name,
            wanted.period or "",
            wanted.profile,
            wanted.section,
            wanted.language or settings.language,
        )
        found += missed(order, out) if wanted.catch_up else [order]
    return found


def _say(results: Sequence[ReportResult], *, quiet: bool) -> None:
    from microgrid_lib.report.orders import Status

    for one in results:
        if one.status is not Status.failed and not quiet:
            typer.echo(f"{one.status}: {one.file} ({_pages(one.pages)}, {one.seconds:.1f} s)")
        if one.reason:
            site = f"{one.order.site}: " if one.order and len(results) > 1 else ""
            sys.stderr.write(f"microgrid: {site}{one.reason}\n")
    if not results and not quiet:
        typer.echo("nothing is missing")


def _pages(count: int) -> str:
    return f"{count} page" if count == 1 else f"{count} pages"


def _exit_code(results: Sequence[ReportResult]) -> int:
    """The worst of what failed; no data only where that is all there is to say."""
    from microgrid_lib.report.orders import Status

    failed = [one.exit_code for one in results if one.status is Status.failed]
    if failed:
        return min(failed)
    codes = {one.exit_code for one in results}
    return codes.pop() if len(codes) == 1 else 0

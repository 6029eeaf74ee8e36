"""Commands that bring data in and say what is there: demo, sites, ingest, data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from microgrid_lib.cli.options import (
    EndOption,
    JsonOption,
    ProfileOption,
    SiteOption,
    StartOption,
    print_heading,
    print_json,
    print_outdated,
    progress_bar,
)
from microgrid_lib.cli.shapes import DemoFiles, SiteEntry, SitesReport
from microgrid_lib.cli.words import counted
from microgrid_lib.errors import MicrogridError, SiteError
from microgrid_lib.ingest.result import IngestResult
from microgrid_lib.settings import load_settings
from microgrid_lib.site.load import list_sites, load_site

if TYPE_CHECKING:
    from microgrid_lib.ingest.inventory import ChannelCoverage

MAX_DEMO_MONTHS = 60


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(demo)
    app.command()(sites)
    app.command()(ingest)
    app.command(name="data")(data)


def demo(
    months: Annotated[
        int,
        typer.Option(
            help="How many months; below 15 forecasts are baselines.", min=1, max=MAX_DEMO_MONTHS
        ),
    ] = 15,
    start: Annotated[str, typer.Option(help="First month, YYYY-MM.")] = "2022-05",
    seed: Annotated[int, typer.Option(help="Seed of the random numbers.", min=0)] = 20220501,
    out: Annotated[
        str | None,
        typer.Option(help="Only write the files and truth.json into this folder, don't ingest."),
    ] = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="Take demo data out of the store again.")
    ] = False,
    if_empty: Annotated[
        bool, typer.Option("--if-empty", help="Do nothing where the site has data of its own.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make synthetic demo data, ingest it, ready to look at (fast the second time)."""
    from microgrid_lib.api import open_site
    from microgrid_lib.ingest.demo import DemoPlan, write_demo
    from microgrid_lib.ingest.load import remove as remove_files

    settings = load_settings()
    plan = DemoPlan(start=start, months=months, seed=seed)
    if remove:
        site_data = open_site(plan.site, settings=settings)
        names = [entry.file for entry in site_data.files() if entry.synthetic]
        result = remove_files(names, site_data.site, settings)
        site_data.refresh()
        _report(result, as_json)
        return
    if if_empty and out is None:
        site_data = open_site(plan.site, settings=settings)
        if site_data.span() is not None and not site_data.synthetic:
            _report(IngestResult.of([]), as_json)
            return
    folder = Path(out) if out is not None else settings.demo / plan.site
    with progress_bar("Making demo data") as bar:
        truth = write_demo(folder, plan, bar)
    if out is not None:
        if as_json:
            print_json(DemoFiles(truth=str(truth)))
        else:
            typer.echo(f"Synthetic demo data and its truth: {truth.parent}")
        return
    site_data = open_site(plan.site, settings=settings)
    files = sorted(folder.glob("*.csv"))
    with progress_bar("Ingesting") as bar:
        result = site_data.ingest(files, bar)
    _report(result, as_json)


def sites(as_json: JsonOption = False) -> None:
    """List the known sites and their profiles."""
    listed = [_site_entry(name, path) for name, path in list_sites().items()]
    if as_json:
        print_json(SitesReport(sites=listed))
        return
    for entry in listed:
        if entry.error is not None:
            typer.echo(f"{entry.name}: broken: {entry.error}")
            continue
        typer.echo(f"{entry.name}: {entry.title}, every {entry.interval_s} s")
        for key, title in entry.profiles.items():
            mark = " (default)" if key == entry.default_profile else ""
            typer.echo(f"  {key}: {title}{mark}")


def _site_entry(name: str, path: Path) -> SiteEntry:
    try:
        site = load_site(name)
    except SiteError as error:
        return SiteEntry(name=name, path=str(path), error=str(error))
    return SiteEntry(
        name=name,
        path=str(path),
        title=site.title,
        interval_s=site.interval_s,
        timezone=site.display_timezone,
        default_profile=site.default_profile,
        profiles={key: spec.title for key, spec in site.profiles.items()},
    )


def ingest(
    paths: Annotated[
        list[str] | None, typer.Argument(help="Files, folders or patterns.", show_default=False)
    ] = None,
    site: SiteOption = None,
    remove: Annotated[
        list[str] | None,
        typer.Option("--remove", help="Take this ingested file out again (by its name)."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Bring data files into the store; what is refused is kept in quarantine with its reason."""
    from microgrid_lib.ingest.run import ingest_and_summarise

    if remove:
        if paths:
            raise MicrogridError("either files to ingest or --remove, not both")
        result = _remove(site, remove)
    elif paths:
        settings = load_settings()
        loaded = load_site(site or settings.site, settings.home)
        with progress_bar("Ingesting") as bar:
            result = ingest_and_summarise(list(paths), loaded, settings, bar)
    else:
        raise MicrogridError("name at least one file, folder or pattern to ingest")
    _report(result, as_json)
    if result.totals.failed:
        raise typer.Exit(2)


def _remove(site: str | None, names: list[str]) -> IngestResult:
    from microgrid_lib.api import open_site
    from microgrid_lib.ingest.load import remove

    site_data = open_site(site)
    result = remove(names, site_data.site, site_data.settings)
    site_data.refresh()
    return result


def _report(result: IngestResult, as_json: bool) -> None:
    if as_json:
        print_json(result)
        return
    for file in result.files:
        if file.error:
            typer.echo(f"microgrid: {file.error}", err=True)
            continue
        counts = (
            ""
            if file.status == "removed"
            else (
                f": {file.rows_read} rows = {file.rows_accepted} accepted + "
                f"{file.rows_duplicate} duplicate + {file.rows_rejected} rejected; "
                f"{file.values_missing} values missing, {file.values_out_of_range} out of range"
            )
        )
        typer.echo(f"{file.file}: {file.status}{counts}")
        for note in file.notes:
            typer.echo(f"  {note}")
    totals = result.totals
    typer.echo(
        f"{counted(totals.files, 'file')}: {totals.ingested} ingested, "
        f"{totals.unchanged} unchanged, {totals.failed} failed, {totals.removed} removed"
    )


def data(
    start: StartOption = None,
    end: EndOption = None,
    site: SiteOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show coverage by channel and month, quarantine by reason, and evidence on roles."""
    from microgrid_lib.api import open_site

    site_data = open_site(site, profile)
    span = site_data.span()
    window = None
    if span is not None and (start is not None or end is not None):
        window = site_data.window(start if start is not None else span[0], end)
    report = site_data.data_report(window)
    if as_json:
        print_json(report)
        return
    if report.window is None:
        typer.echo(f"{site_data.site.title} ({report.profile}): no row was accepted of any file")
    else:
        print_heading(site_data, report.window)
        _print_coverage(report.coverage)
    for file in report.files:
        if file.rows_accepted == 0:
            typer.echo(
                f"{file.file}: nothing accepted of {file.rows_read} rows, "
                f"{file.rows_rejected} rejected, {file.rows_duplicate} duplicate"
            )
    print_outdated([file.file for file in report.files if file.outdated])
    typer.echo("Quarantine (all files):")
    for refused in report.quarantine:
        channel = f" {refused.channel}" if refused.channel else ""
        typer.echo(f"  {refused.reason}{channel}: {refused.count}, e.g. {refused.example}")
    if not report.quarantine:
        typer.echo("  empty")
    if report.window is None:
        return
    typer.echo("Evidence on channel roles:")
    for result in report.evidence:
        typer.echo(f"  {result.note.text}")
    if not report.evidence:
        typer.echo("  nothing in question at this site")


def _print_coverage(coverage: Sequence[ChannelCoverage]) -> None:
    typer.echo("Coverage by month (lowest channel):")
    for month in sorted({entry.month for entry in coverage}):
        entries = [e for e in coverage if e.month == month]
        lowest = min(entries, key=lambda e: e.coverage or 0.0)
        highest = max(entries, key=lambda e: e.coverage or 0.0)
        typer.echo(
            f"  {month}: {_percent(lowest.coverage)} ({lowest.channel}) "
            f"to {_percent(highest.coverage)} ({highest.channel})"
        )


def _percent(share: float | None) -> str:
    return "n/a" if share is None else f"{100 * share:.1f} %"

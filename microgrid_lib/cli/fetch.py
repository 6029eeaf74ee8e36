"""The command that downloads a published dataset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from microgrid_lib.cli.options import JsonOption, SiteOption, print_json, progress_bar
from microgrid_lib.cli.words import counted
from microgrid_lib.errors import MicrogridError
from microgrid_lib.settings import load_settings

if TYPE_CHECKING:
    from microgrid_lib.ingest.download import FetchedFile, FetchResult

BYTES_PER_MB = 1_000_000


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(fetch)


def fetch(
    dataset: Annotated[str, typer.Argument(help="Name of the dataset: mesa_del_sol.")],
    mirror: Annotated[
        str | None,
        typer.Option(
            "--mirror",
            help="Use only this one: a name, or the address of a Zenodo record, of a .zip, or of a "
            "folder that `microgrid fetch` wrote.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for the files; default: in the home."),
    ] = None,
    ingest: Annotated[
        bool, typer.Option("--ingest", help="Ingest the files when they are all there.")
    ] = False,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Download a published dataset; goes on where it was interrupted, and verifies checksums."""
    from microgrid_lib.api import open_site
    from microgrid_lib.ingest.download import fetch_dataset, load_dataset

    if site is not None and not ingest:
        raise MicrogridError("--site says where to ingest; it needs --ingest")
    settings = load_settings()
    described = load_dataset(dataset, settings.home)
    site_data = open_site(site or described.site, settings=settings) if ingest else None
    if site_data is not None and site_data.synthetic:
        raise MicrogridError(
            f"site {site_data.site.name} holds demo data, to which real data can't be added; "
            "`microgrid demo --remove` first, or use another home (MICROGRID_HOME)"
        )
    folder = (out or settings.home / "datasets" / described.name).expanduser().absolute()
    with progress_bar("Fetching (MB)") as bar:
        result = fetch_dataset(
            described,
            folder,
            mirror,
            lambda done, total, item: bar(done // BYTES_PER_MB, total // BYTES_PER_MB, item),
        )
    if site_data is not None:
        paths = [folder / file.name for file in result.files]
        with progress_bar("Ingesting") as bar:
            result.ingest = site_data.ingest(paths, bar)
    if as_json:
        print_json(result)
    else:
        _report(result)
    if result.ingest is not None and result.ingest.totals.failed:
        raise typer.Exit(2)


def _report(result: FetchResult) -> None:
    for name, problem in result.failed_mirrors.items():
        typer.echo(f"microgrid: {name} {problem}; another mirror was used", err=True)
    for file in result.files:
        typer.echo(_line(file))
    for note in result.notes:
        typer.echo(note)
    counts = ", ".join(
        f"{sum(file.status == status for file in result.files)} {status}"
        for status in ("fetched", "found", "unchanged")
    )
    typer.echo(f"{counted(len(result.files), 'file')} in {result.folder}: {counts}")
    typer.echo(f"{result.dataset}: doi:{result.doi}, {result.licence}")
    if result.ingest is None:
        typer.echo(f"to ingest: microgrid fetch {result.dataset} --ingest")
        return
    for entry in result.ingest.files:
        if entry.error:
            typer.echo(f"microgrid: {entry.error}", err=True)
    totals = result.ingest.totals
    typer.echo(
        f"ingested {totals.ingested}, unchanged {totals.unchanged}, failed {totals.failed}: "
        f"{totals.rows_read} rows = {totals.rows_accepted} accepted + "
        f"{totals.rows_duplicate} duplicate + {totals.rows_rejected} rejected"
    )


def _line(file: FetchedFile) -> str:
    algorithm = (file.checksum or "").partition(":")[0]
    how = f"{algorithm} verified" if file.verified else "unverified"
    return f"{file.name}: {file.status}, {file.size_bytes / BYTES_PER_MB:.1f} MB, {how}"

"""Options that many commands share, and how results are printed."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import BaseModel

from microgrid_lib.kpi.model import WindowModel
from microgrid_lib.window import elapsed

if TYPE_CHECKING:
    from microgrid_lib.api import SiteData
    from microgrid_lib.store.refresh import Progress

FILES_NAMED = 3
SiteOption = Annotated[
    str | None,
    typer.Option("--site", help="Name of a site, or path of a site file."),
]
ProfileOption = Annotated[
    str | None, typer.Option("--profile", help="Profile of the site; default: the site's own.")
]
StartOption = Annotated[
    str | None,
    typer.Option("--start", help="Start, local: 2022-05-01, 2022-05-01T13:00 or 2022-05."),
]
EndOption = Annotated[str | None, typer.Option("--end", help="End (not included); 24:00 is fine.")]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else.")
]


def print_heading(site_data: SiteData, window: WindowModel) -> None:
    """Say what the numbers below are about; made-up data are called so."""
    label = " · synthetic demo data" if site_data.synthetic else ""
    typer.echo(f"{site_data.site.title} ({site_data.profile.name}){label}")
    typer.echo(f"{window.start.isoformat()} to {window.end.isoformat()} ({window.timezone})")
    for line in beyond_data(site_data, window.start, window.end):
        typer.echo(f"! {line}")


def beyond_data(site_data: SiteData, start: datetime, end: datetime) -> list[str]:
    """Say where a window begins before the data, or ends after what can be expected.

    Parameters
    ----------
    start, end
        Bounds of the window (aware).
    """
    span, until = site_data.span(), site_data.as_of()
    if span is None or until is None:
        return []
    slot = timedelta(seconds=site_data.site.interval_s)
    lines = []
    if elapsed(start, span[0]) >= slot:
        lines.append(f"data begin {span[0]:%Y-%m-%d %H:%M}: before that nothing is known")
    if elapsed(until, end) >= slot:
        said = "it is" if site_data.site.live else "data end"
        lines.append(f"{said} {until:%Y-%m-%d %H:%M}: numbers are of the window up to there")
    return lines


def print_outdated(files: Sequence[str]) -> None:
    """Warn of files that were read under older rules of the site file, where there are any."""
    if files:
        more = f" and {len(files) - FILES_NAMED} more" if len(files) > FILES_NAMED else ""
        typer.echo(
            f"! read under older rules of the site file: {', '.join(files[:FILES_NAMED])}{more}; "
            "ingest again to read by today's"
        )


def print_json(model: BaseModel | dict[str, Any]) -> None:
    """Print one JSON object; NaN and infinity are null."""
    import json

    content = model.model_dump(mode="json") if isinstance(model, BaseModel) else model
    typer.echo(json.dumps(_finite(content), ensure_ascii=False, indent=2))


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return value


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """A progress bar on stderr, shown only on a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(file=sys.stderr)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[item]}"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task(title, total=None, item="")

        def report(done: int, total: int, item: str) -> None:
            bar.update(task, completed=done, total=total, item=item)

        yield report

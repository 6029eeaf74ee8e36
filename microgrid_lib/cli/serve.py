"""Commands that serve pages or look at the installation: dashboard, lab, doctor."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from microgrid_lib import __version__
from microgrid_lib.access import Role
from microgrid_lib.cli.options import JsonOption, print_json
from microgrid_lib.cli.shapes import DoctorReport, StoredSite
from microgrid_lib.cli.words import counted
from microgrid_lib.errors import MicrogridError
from microgrid_lib.resources import resource_path
from microgrid_lib.settings import Settings, load_settings
from microgrid_lib.site.load import list_sites

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PACKAGES = {
    "core": ("pandas", "duckdb", "deltalake", "ibis-framework", "pvlib", "pydantic"),
    "dashboard": ("voila", "ipywidgets", "bqplot", "ipyleaflet"),
    "analyst": ("jupyterlab",),
    "reports": ("papermill", "nbconvert", "typst", "pypandoc_binary", "apscheduler"),
    "postgres": ("psycopg",),
    "spark": ("pyspark",),
    "mqtt": ("paho-mqtt",),
}
OPTIONAL = {
    "dashboard": "pages",
    "analyst": "JupyterLab",
    "reports": "PDF reports, on demand and on schedule",
    "postgres": "consumers in PostgreSQL",
    "spark": "work on a Spark cluster",
    "mqtt": "live data over MQTT",
}
"""Extra -> what it is for; the others are needed for anything."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(dashboard)
    app.command()(lab)
    app.command()(doctor)


def dashboard(
    port: Annotated[
        int | None,
        typer.Option(help="Port; default: the first free one from 8866.", min=1, max=65535),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(help="Address to listen at; default: this machine alone. Needs a login."),
    ] = None,
    no_login: Annotated[
        bool,
        typer.Option("--no-login", help="Let everybody on this machine in; never with --host."),
    ] = False,
    role: Annotated[
        Role, typer.Option("--role", help="What everybody may do with --no-login.")
    ] = Role.viewer,
    browser: Annotated[bool, typer.Option("--browser", help="Open the page.")] = False,
) -> None:
    """Serve the dashboard; prints one line with its address, until interrupted.

    Without accounts the address carries a token that is good for one browser. With accounts
    (`microgrid users add`) people log in.
    """
    _require("voila", "dashboard")
    from microgrid_lib.dashboard.serve import serve

    served = serve(port, open_browser=browser, host=host, login=not no_login, role=role)
    raise typer.Exit(served)


def lab(
    arguments: Annotated[
        list[str] | None, typer.Argument(help="Passed on to JupyterLab.", show_default=False)
    ] = None,
) -> None:
    """Open JupyterLab on the notebooks, for data scientists (not for stakeholders)."""
    _require("jupyterlab", "analyst")
    command = [sys.executable, "-m", "jupyterlab", "--ServerApp.ip=127.0.0.1"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    folder = resource_path("notebooks")
    done = subprocess.run(  # noqa: S603  our own interpreter, no shell
        [*command, *(arguments or [])], cwd=folder, check=False
    )
    raise typer.Exit(done.returncode)


def _require(module: str, extra: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise MicrogridError(
            f"{module} isn't installed; install the extra: "
            f"pip install 'microgrid-monitoring[{extra}]'"
        )


def doctor(as_json: JsonOption = False) -> None:
    """Say what is installed, reachable and ingested."""
    settings = load_settings()
    packages = {
        extra: {name: _version(name) for name in names} for extra, names in PACKAGES.items()
    }
    report = DoctorReport(
        version=__version__,
        python=platform.python_version(),
        home=str(settings.home),
        home_writable=_writable(settings.home),
        engine=settings.engine,
        packages=packages,
        browser_for_tests=next((name for name in BROWSERS if shutil.which(name)), None),
        sites={name: _stored(name, settings) for name in list_sites(settings.home)},
    )
    if as_json:
        print_json(report)
        return
    typer.echo(f"microgrid {report.version}, Python {report.python}, engine {report.engine}")
    typer.echo(f"home: {report.home} ({'writable' if report.home_writable else 'NOT writable'})")
    for extra, found in packages.items():
        why = f"optional: {OPTIONAL[extra]}" if extra in OPTIONAL else "needed"
        without = f"not installed ({why})"
        typer.echo(f"{extra}: {', '.join(f'{n} {v or without}' for n, v in found.items())}")
    for name, stored in report.sites.items():
        typer.echo(f"site {name}: {_in_words(stored)}")


def _writable(home: Path) -> bool:
    """Whether the home, or the nearest folder above it that exists, can be written."""
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    return there.is_dir() and os.access(there, os.W_OK)


def _stored(name: str, settings: Settings) -> StoredSite:
    from microgrid_lib.api import open_site

    try:
        data = open_site(name, settings=settings)
        span = data.span()
        if span is None:
            return StoredSite()
        snapshot = data.snapshot()
        profiles = [data.site.profile(name) for name in data.site.profiles]
        return StoredSite(
            start=span[0],
            end=span[1],
            files=len(data.files()),
            synthetic=data.synthetic,
            summaries_to_build=sum(
                len(data.lake.missing_summaries(profile, snapshot)) for profile in profiles
            ),
        )
    except MicrogridError as error:
        return StoredSite(error=str(error))


def _in_words(stored: StoredSite) -> str:
    if stored.error is not None:
        return f"can't be read: {stored.error}"
    if stored.start is None or stored.end is None:
        return "nothing ingested"
    label = ", synthetic demo data" if stored.synthetic else ""
    return (
        f"{stored.start.isoformat()} to {stored.end.isoformat()}, "
        f"{counted(stored.files, 'file')}{label}, "
        f"{counted(stored.summaries_to_build, 'summary', 'summaries')} to build"
    )


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None

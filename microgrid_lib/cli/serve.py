"""Commands that serve pages or look at the installation: dashboard, lab, doctor."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from typing import Annotated

import typer

from microgrid_lib import __version__
from microgrid_lib.cli.options import JsonOption, print_json
from microgrid_lib.errors import MicrogridError
from microgrid_lib.resources import resource_path
from microgrid_lib.settings import load_settings

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PACKAGES = {
    "core": ("pandas", "duckdb", "deltalake", "ibis-framework", "pvlib", "pydantic"),
    "dashboard": ("voila", "ipywidgets", "bqplot", "ipyleaflet"),
    "analyst": ("jupyterlab",),
    "reports": ("papermill", "nbconvert", "typst", "pypandoc_binary"),
    "postgres": ("psycopg",),
    "spark": ("pyspark",),
    "mqtt": ("paho-mqtt",),
}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(dashboard)
    app.command()(lab)
    app.command()(doctor)


def dashboard(
    port: Annotated[
        int | None, typer.Option(help="Port; default: the first free one from 8866.", min=1)
    ] = None,
    browser: Annotated[bool, typer.Option("--browser", help="Open the page.")] = False,
) -> None:
    """Serve the dashboard; prints one line with its address, until interrupted."""
    _require("voila", "dashboard")
    from microgrid_lib.dashboard.serve import serve

    raise typer.Exit(serve(port, open_browser=browser))


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
    from microgrid_lib.api import open_site
    from microgrid_lib.api import sites as known_sites

    settings = load_settings()
    packages = {
        extra: {name: _version(name) for name in names} for extra, names in PACKAGES.items()
    }
    home = settings.home
    writable = os.access(home if home.exists() else home.parent, os.W_OK)
    stored = {}
    for name in known_sites():
        data = open_site(name, settings=settings)
        span = data.span()
        snapshot = data.snapshot()
        lag = sum(
            len(data.lake.missing_summaries(data.site.profile(p), snapshot))
            for p in data.site.profiles
        )
        stored[name] = {
            "from": span[0].isoformat() if span else None,
            "to": span[1].isoformat() if span else None,
            "files": len(data.files()) if span else 0,
            "synthetic": data.synthetic if span else False,
            "summaries_to_build": lag,
        }
    browser = next((name for name in BROWSERS if shutil.which(name)), None)
    report = {
        "version": __version__,
        "python": platform.python_version(),
        "home": str(home),
        "home_writable": writable,
        "engine": settings.engine,
        "packages": packages,
        "browser_for_tests": browser,
        "sites": stored,
    }
    if as_json:
        print_json(report)
        return
    typer.echo(f"microgrid {__version__}, Python {report['python']}, engine {settings.engine}")
    typer.echo(f"home: {home} ({'writable' if writable else 'NOT writable'})")
    for extra, found in packages.items():
        listed = ", ".join(f"{n} {v or 'missing'}" for n, v in found.items())
        typer.echo(f"{extra}: {listed}")
    for name, entry in stored.items():
        if entry["from"] is None:
            typer.echo(f"site {name}: nothing ingested")
            continue
        label = ", synthetic demo data" if entry["synthetic"] else ""
        typer.echo(
            f"site {name}: {entry['from']} to {entry['to']}, {entry['files']} files{label}, "
            f"{entry['summaries_to_build']} summaries to build"
        )


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None

"""The entry point: every mistake is one line on stderr, and an exit code."""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NoReturn

import typer

from microgrid_lib import __version__
from microgrid_lib.errors import MicrogridError, SettingsError
from microgrid_lib.settings import load_settings

OBJECTS_BEFORE_COLLECTING = 50_000
OUR_FAULT = 1
WRONG_USAGE = 2
INTERRUPTED = 130

MODULES = {
    "data": ("demo", "sites", "ingest", "data"),
    "alerts": ("alerts", "compliance"),
    "report": ("report",),
    "fetch": ("fetch",),
    "consumers": ("consumers",),
    "numbers": ("kpi", "series"),
    "forecast": ("train", "backtest", "forecast"),
    "simulate": ("simulate",),
    "calibrate": ("calibrate",),
    "users": ("users",),
    "schedule": ("schedule",),
    "serve": ("dashboard", "lab", "doctor"),
}
"""Module of this package -> the commands it brings."""


def _build(arguments: Sequence[str]) -> typer.Typer:
    """Put the command line together, with only the module of the command asked for.

    Importing them all takes longer than many a command.
    """
    app = typer.Typer(
        name="microgrid",
        help="Watch a microgrid: honest numbers from raw files to pages.",
        invoke_without_command=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(_options)
    asked = arguments[0] if arguments else ""
    wanted = [module for module, commands in MODULES.items() if asked in commands]
    for module in wanted or MODULES:
        importlib.import_module(f"microgrid_lib.cli.{module}").register(app)
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


def _options(
    context: typer.Context,
    version: bool = typer.Option(
        False, "--version", help="Print the version.", callback=_show_version, is_eager=True
    ),
) -> None:
    """Watch a microgrid: honest numbers from raw files to pages."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code.

    0 done, 1 a fault of ours, 2 wrong usage or input, 3 no data for what was asked.
    """
    # Imports make many objects and little garbage: looking for it takes as long as the imports.
    gc.set_threshold(OBJECTS_BEFORE_COLLECTING)
    _leave(run(arguments))


def _leave(code: int) -> NoReturn:
    """End at once: Python takes up to two seconds to free what ends with the process anyway."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        # Nobody may be reading any more, as with `| head`.
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def run(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    try:
        given = sys.argv[1:] if arguments is None else arguments
        code = _build(given)(given, standalone_mode=False)
    except MicrogridError as error:
        return _say(str(error), error.exit_code)
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        hint = f" (try `{context.command_path} --help`)" if context else ""
        return _say(f"{error.format_message()}{hint}", WRONG_USAGE)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except SystemExit as error:
        # How typer leaves when nobody reads on, as with `| head`: nothing went wrong.
        if isinstance(error.__context__, BrokenPipeError):
            return 0
        raise
    except Exception as error:
        return _unexpected(error)
    if code == INTERRUPTED:
        return _say("interrupted; what was finished is kept, run it again to go on", INTERRUPTED)
    return code if isinstance(code, int) else 0


def _say(text: str, code: int) -> int:
    sys.stderr.write(f"microgrid: {' '.join(text.split())}\n")
    return code


def _unexpected(error: Exception) -> int:
    """Keep the traceback in a log, and say where."""
    text = f"unexpected fault: {type(error).__name__}: {error}"
    try:
        folder = load_settings().home / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / f"fault-{datetime.now(UTC):%Y%m%dT%H%M%S}.log"
        log.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    except (OSError, SettingsError):
        return _say(text, OUR_FAULT)
    return _say(f"{text} (details in {log})", OUR_FAULT)

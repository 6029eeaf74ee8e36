"""Reports and alerts on schedule: run, check, look back."""

from __future__ import annotations

import functools
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from microgrid_lib.cli.options import JsonOption, print_json
from microgrid_lib.errors import MicrogridError, SettingsError
from microgrid_lib.settings import Settings, load_settings

if TYPE_CHECKING:
    from microgrid_lib.api import SiteData
    from microgrid_lib.database.connections import Database
    from microgrid_lib.schedule.load import Plan
    from microgrid_lib.schedule.runner import Done, Runner
    from microgrid_lib.schedule.service import Stop
    from microgrid_lib.schedule.shapes import CheckReport, DeliveryEntry, RunEntry

_FAULT, _WRONG, _NO_DATA, _SIGNALLED = 1, 2, 3, 128
_NEEDED = ("apscheduler", "cronsim", "filelock", "tenacity")
FileOption = Annotated[
    Path | None,
    typer.Option("--file", help="The schedule; default: schedule.toml in the home."),
]


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(
        help="Make reports and tell of alerts on schedule, until interrupted.",
        invoke_without_command=True,
    )
    group.callback()(schedule)
    group.command()(history)
    app.add_typer(group, name="schedule")


def schedule(
    context: typer.Context,
    file: FileOption = None,
    once: Annotated[
        bool,
        typer.Option("--once", help="Do what is due or was missed, and end: for cron and systemd."),
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Look whether all is right, and say the next times.")
    ] = False,
    as_json: JsonOption = False,
    json_log: Annotated[
        bool | None,
        typer.Option(
            "--json-log/--text-log", help="Log as JSON lines; default: not on a terminal."
        ),
    ] = None,
) -> None:
    """Make reports and tell of alerts on schedule, until interrupted."""
    if context.invoked_subcommand is not None:
        return
    _require()
    if once and check:
        raise MicrogridError("give --once or --check, not both")
    if as_json and not (once or check):
        raise MicrogridError("--json goes with --once or --check")
    from microgrid_lib.schedule.load import load_plan, schedule_path

    settings = load_settings()
    plan = load_plan(schedule_path(settings, file), settings.home)
    database = _database(settings)
    try:
        if check:
            code = _check(plan, settings, database, as_json)
        else:
            code = _run(plan, settings, database, once=once, as_json=as_json, json_log=json_log)
    finally:
        database.close()
    raise typer.Exit(code)


def history(
    job: Annotated[
        str | None, typer.Option("--job", help="Only this job, and what happened in its runs.")
    ] = None,
    last: Annotated[int, typer.Option("--last", help="How many.", min=1, max=10000)] = 20,
    file: FileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what ran and what was delivered, the latest first."""
    _require()
    from microgrid_lib.delivery.outbox import Outbox
    from microgrid_lib.schedule.entries import delivery_entry, run_entry
    from microgrid_lib.schedule.errors import ScheduleError
    from microgrid_lib.schedule.load import load_plan, schedule_path
    from microgrid_lib.schedule.shapes import HistoryReport
    from microgrid_lib.schedule.store import ScheduleStore

    settings = load_settings()
    plan: Plan | None = None
    try:
        plan = load_plan(schedule_path(settings, file), settings.home)
    except ScheduleError:
        # What was done stays to be seen, whatever the file has become.
        if file is not None:
            raise
    database = _database(settings)
    try:
        runs = ScheduleStore(database).history(job, last)
        deliveries = Outbox(database).latest(None if job is None else f"job:{job}", last)
    finally:
        database.close()
    shown = [run_entry(run, plan, log=job is not None) for run in runs]
    entries = [delivery_entry(one, plan) for one in deliveries]
    if as_json:
        print_json(HistoryReport(runs=shown, deliveries=entries))
        return
    for run in shown:
        _print_run(run)
    for entry in entries:
        _print_delivery(entry)
    if not shown and not deliveries:
        typer.echo("nothing has run yet")


def _require() -> None:
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise SettingsError(
            f"{missing[0]} isn't installed; install the extra: "
            "pip install 'microgrid-monitoring[reports]'"
        )


def _database(settings: Settings) -> Database:
    from microgrid_lib.schedule.opening import open_state

    return open_state(settings)


def _check(plan: Plan, settings: Settings, database: Database, as_json: bool) -> int:
    from microgrid_lib.schedule.check import check_plan
    from microgrid_lib.schedule.context import now_utc

    report = check_plan(plan, settings, database, now_utc())
    if as_json:
        print_json(report)
    else:
        _print_check(report)
    return _WRONG if any(one.problem for one in report.planned) else 0


def _run(
    plan: Plan,
    settings: Settings,
    database: Database,
    *,
    once: bool,
    as_json: bool,
    json_log: bool | None,
) -> int:
    from microgrid_lib.schedule.lock import only_scheduler
    from microgrid_lib.schedule.service import Service, Stop, signals

    stop = Stop()
    runner = _runner(plan, settings, database, stop, json_log)
    with only_scheduler(settings, database) as still_alone, signals(stop):
        if not once:
            Service(runner, stop, still_alone).serve()
            return 0
        done = runner.run_due(everything=True)
        runner.prune()
    if as_json:
        _print_done(done, plan, database)
    elif sys.stdout.isatty() and not (done.runs or done.alerts or done.deliveries or done.faults):
        # Only to a person: what a cron job prints is mailed at every run.
        typer.echo("nothing is due; microgrid schedule --check says what comes next")
    return _SIGNALLED + stop.number if stop() else _code(done)


def _runner(
    plan: Plan, settings: Settings, database: Database, stop: Stop, json_log: bool | None
) -> Runner:
    from microgrid_lib.api import open_site
    from microgrid_lib.report.batch import make_all
    from microgrid_lib.schedule.context import Surroundings, now_utc
    from microgrid_lib.schedule.journal import Journal
    from microgrid_lib.schedule.runner import Runner

    as_json = not sys.stderr.isatty() if json_log is None else json_log

    @functools.cache
    def opened(name: str, profile: str | None) -> SiteData:
        """What months without news gave is kept from look to look; new data are seen."""
        return open_site(name, profile, settings)

    return Runner(
        plan,
        settings,
        database,
        Journal(sys.stderr, as_json, now_utc),
        Surroundings(
            make=make_all,
            open_site=opened,
            stopping=stop,
        ),
    )


def _code(done: Done) -> int:
    """1 where something failed or wasn't delivered, 3 where there were no data."""
    failed = done.faults > 0 or any(run.state in ("failed", "waiting") for run in done.runs)
    failed = failed or any(one.error for one in done.alerts)
    failed = failed or any(one.state != "sent" for one in done.deliveries)
    if failed:
        return _FAULT
    return _NO_DATA if any(run.state == "empty" for run in done.runs) else 0


def _print_done(done: Done, plan: Plan, database: Database) -> None:
    from microgrid_lib.delivery.outbox import Outbox
    from microgrid_lib.schedule.entries import delivery_entry, run_entry
    from microgrid_lib.schedule.shapes import OnceReport

    tried = Outbox(database).among([one.delivery.id for one in done.deliveries])
    print_json(
        OnceReport(
            runs=[run_entry(run, plan) for run in done.runs],
            alerts=done.alerts,
            deliveries=[delivery_entry(one, plan) for one in tried],
        )
    )


def _print_check(report: CheckReport) -> None:
    typer.echo(report.file)
    for one in report.planned:
        typer.echo(f"{one.kind} {one.name}: {one.words} ({one.cron}, {one.timezone})")
        typer.echo(f"  sites: {', '.join(one.sites) or 'none'}")
        for head, names in (("to", one.to), ("if it fails", one.failure_to)):
            typer.echo(f"  {head}: {', '.join(names) or 'nobody'}")
        typer.echo(f"  next: {', '.join(at.isoformat(timespec='minutes') for at in one.next)}")
        if one.missed:
            typer.echo(f"  missed: {one.missed}, to be caught up at the next start")
        if one.problem:
            typer.echo(f"  ! {one.problem}")


def _print_run(run: RunEntry) -> None:
    reason = f": {run.reason}" if run.reason else ""
    typer.echo(f"{run.due.isoformat()}  {run.state:<8} {run.job}, attempt {run.attempt}{reason}")
    for one in run.reports:
        what = " ".join(part for part in (one.site, one.kind, one.section, one.period) if part)
        typer.echo(f"    {one.status:<9} {what} {one.file or ''}".rstrip())
    for line in run.log or []:
        typer.echo(f"    | {line}")


def _print_delivery(delivery: DeliveryEntry) -> None:
    from microgrid_lib.schedule.journal import one_line

    error = f": {delivery.error}" if delivery.error else ""
    at = delivery.created_at.isoformat(timespec="seconds")
    typer.echo(
        f"{at}  {delivery.state:<11} {delivery.origin} to {delivery.channel} "
        f"{delivery.address or delivery.recipient}, “{one_line(delivery.subject)}”{error}"
    )

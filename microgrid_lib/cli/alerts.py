"""Commands about what went wrong: alerts, and compliance beside it."""

from __future__ import annotations

import getpass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from microgrid_lib.access import Actor, Role
from microgrid_lib.cli.compliance import compliance
from microgrid_lib.cli.options import (
    EndOption,
    JsonOption,
    ProfileOption,
    SiteOption,
    StartOption,
    print_heading,
    print_json,
)
from microgrid_lib.cli.words import duration
from microgrid_lib.errors import MicrogridError

if TYPE_CHECKING:
    from microgrid_lib.kpi.alerts import Alert


class SeverityName(StrEnum):
    """Severities, the mildest first."""

    info = "info"
    warning = "warning"
    critical = "critical"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(alerts)
    app.command()(compliance)


def alerts(
    start: StartOption = None,
    end: EndOption = None,
    severity: Annotated[
        list[SeverityName] | None,
        typer.Option("--severity", help="Only these; may be repeated."),
    ] = None,
    acknowledge: Annotated[
        str | None, typer.Option("--acknowledge", help="Id of an alert that has been seen.")
    ] = None,
    note: Annotated[str | None, typer.Option("--note", help="What to note with it.")] = None,
    by: Annotated[
        str | None,
        typer.Option("--by", envvar="MICROGRID_USER", help="Who; default: the login name."),
    ] = None,
    role: Annotated[
        Role, typer.Option("--role", envvar="MICROGRID_ROLE", help="Role of who asks.")
    ] = Role.admin,
    site: SiteOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the alerts of a period (default: the last 24 hours), or acknowledge one."""
    from microgrid_lib.api import open_site

    if note is not None and acknowledge is None:
        raise MicrogridError("--note goes with --acknowledge ID")
    site_data = open_site(site, profile)
    window = site_data.window(start, end) if start or end or acknowledge is None else None
    if acknowledge is not None:
        actor = Actor(by or getpass.getuser(), role)
        window = site_data.acknowledge(acknowledge, actor, note or "", window)
    report = site_data.alerts(window or site_data.window())
    chosen = [a for a in report.alerts if not severity or a.severity in list(severity)]
    if acknowledge is not None:
        chosen = [alert for alert in chosen if alert.id == acknowledge]
    report = report.model_copy(update={"alerts": chosen})
    if as_json:
        print_json(report)
        return
    print_heading(site_data, report.window)
    for alert in report.alerts:
        typer.echo(_line(alert))
    if not report.alerts:
        typer.echo("  no alerts")


def _line(alert: Alert) -> str:
    until = "now" if alert.end is None else alert.end.isoformat()
    seen = ""
    if alert.acknowledged is not None:
        said = f": {alert.acknowledged.note}" if alert.acknowledged.note else ""
        seen = f"  seen by {alert.acknowledged.by}{said}"
    unit = "" if alert.unit == "1" else f" {alert.unit}"
    extreme = duration(alert.extreme) if alert.unit == "s" else f"{alert.extreme:.6g}{unit}"
    return (
        f"  {alert.severity:<8} {alert.name:<22} {alert.start.isoformat()} to {until}  "
        f"extreme {extreme}  [{alert.id}]{seen}"
    )

"""What a plan will do, and what will keep it from that."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path

from microgrid_lib.database.connections import Database
from microgrid_lib.delivery.folder import check_folder
from microgrid_lib.delivery.message import Channel
from microgrid_lib.delivery.secrets import read_secret, require_secret
from microgrid_lib.errors import MicrogridError
from microgrid_lib.schedule.config import ALL, AlertRule, Job, Schedule
from microgrid_lib.schedule.cron import due_times, explained, times_after
from microgrid_lib.schedule.load import Plan
from microgrid_lib.schedule.orders import sites_of
from microgrid_lib.schedule.shapes import CheckReport, Planned
from microgrid_lib.schedule.store import ScheduleStore
from microgrid_lib.settings import Settings
from microgrid_lib.site.load import load_site

TIMES = 3
"""How many next times are told."""


def check_plan(plan: Plan, settings: Settings, database: Database, now: datetime) -> CheckReport:
    """Look at all that can be looked at without sending anything."""
    store = ScheduleStore(database)
    planned = [
        _planned(name, "job", job, plan, settings, store.known_since(name), now)
        for name, job in plan.schedule.jobs.items()
    ]
    planned += [
        _planned(name, "alerts", rule, plan, settings, None, now)
        for name, rule in plan.schedule.alerts.items()
    ]
    return CheckReport(file=str(plan.path), planned=planned)


def _planned(
    name: str,
    kind: str,
    one: Job | AlertRule,
    plan: Plan,
    settings: Settings,
    since: datetime | None,
    now: datetime,
) -> Planned:
    zone = plan.schedule.zone(one)
    missed = 0 if since is None else due_times(one.cron, zone, since, now, 1)[1]
    sites = sites_of(one.site, settings)
    return Planned(
        name=name,
        kind="job" if kind == "job" else "alerts",
        cron=one.cron,
        words=explained(one.cron),
        timezone=zone.key,
        next=list(islice(times_after(one.cron, zone, now), TIMES)),
        missed=missed,
        sites=sites,
        to=list(one.to),
        failure_to=list(one.failure_to),
        problem=_problem(name, one, sites, plan, settings),
    )


def _problem(
    name: str, one: Job | AlertRule, sites: Sequence[str], plan: Plan, settings: Settings
) -> str | None:
    try:
        for site in sites:
            load_site(site, settings.home).profile(one.profile)
        _secrets(one, plan.schedule)
        _folders(name, one, plan)
    except MicrogridError as error:
        return str(error)
    if not sites:
        return f"site {ALL!r}: no site has data yet"
    return None


def _folders(name: str, one: Job | AlertRule, plan: Plan) -> None:
    """Look at the folders that copies go to; what isn't there yet must be possible to make."""
    targets = plan.targets((*one.to, *one.failure_to))
    if isinstance(one, Job) and one.folder is not None:
        targets.append(plan.folder(name, one.folder))
    for target in targets:
        if target.channel is Channel.folder:
            check_folder(Path(target.address))


def _secrets(one: Job | AlertRule, schedule: Schedule) -> None:
    """Ask for the secrets that the recipients need."""
    for name in (*one.to, *one.failure_to):
        recipient = schedule.recipients[name]
        if recipient.mail and schedule.mail is not None:
            read_secret(schedule.mail.user_env)
            read_secret(schedule.mail.password_env)
        if recipient.webhook is not None:
            for variable in (recipient.webhook.url_env, recipient.webhook.secret_env):
                if variable is not None:
                    require_secret(variable)

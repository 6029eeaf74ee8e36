"""Reading a schedule, and where its messages go."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from microgrid_lib.delivery.message import Channel, Target
from microgrid_lib.delivery.servers import Webhook
from microgrid_lib.schedule.config import AlertRule, Job, Schedule
from microgrid_lib.schedule.errors import ScheduleError
from microgrid_lib.settings import Settings
from microgrid_lib.site.problems import first_problem

FILE = "schedule.toml"
_SECRETS = {"password", "user", "username", "login", "secret", "token"}


@dataclass(frozen=True)
class Plan:
    """A schedule with the file it is from.

    Attributes
    ----------
    path
        The file.
    schedule
        What it says.
    home
        What its folders are relative to.
    """

    path: Path
    schedule: Schedule
    home: Path

    @property
    def webhooks(self) -> dict[str, Webhook]:
        """By name of the recipient."""
        found = self.schedule.recipients.items()
        return {name: one.webhook for name, one in found if one.webhook is not None}

    def targets(self, names: Iterable[str]) -> list[Target]:
        """Every way to some recipients."""
        found = []
        for name in names:
            recipient = self.schedule.recipients[name]
            found += [
                Target(channel=Channel.mail, recipient=name, address=address)
                for address in recipient.mail
            ]
            if recipient.webhook is not None:
                found.append(Target(channel=Channel.webhook, recipient=name))
            if recipient.folder is not None:
                found.append(self.folder(name, recipient.folder))
        return found

    def folder(self, recipient: str, text: str) -> Target:
        """A folder as a target."""
        path = (self.home / Path(text).expanduser()).absolute()
        return Target(channel=Channel.folder, recipient=recipient, address=str(path))


def schedule_path(settings: Settings, given: Path | None = None) -> Path:
    """The file given, or `schedule.toml` in the home."""
    return (given or settings.home / FILE).absolute()


def load_plan(path: Path, home: Path) -> Plan:
    """Read and check a schedule.

    Parameters
    ----------
    path
        The file.
    home
        What its folders are relative to.

    Raises
    ------
    ScheduleError
        The file can't be read or is wrong; names file, key, value and what is allowed.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ScheduleError(
            path, "", "no such file; docs/schedule.md has a complete example"
        ) from None
    except OSError as error:
        raise ScheduleError(path, "", f"can't be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise ScheduleError(path, "", f"isn't UTF-8 text (byte {error.start})") from None
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        problem = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ScheduleError(path, "", f"isn't valid TOML: {problem}") from None
    _refuse_secrets(path, content)
    try:
        schedule = Schedule.model_validate(content)
    except ValidationError as error:
        raise ScheduleError(path, *first_problem(error, Schedule)) from None
    _check_names(path, schedule)
    return Plan(path, schedule, home)


def _refuse_secrets(path: Path, content: dict[str, object]) -> None:
    """Say where secrets belong, before anything repeats one."""
    mail = content.get("mail")
    found = sorted(_SECRETS & mail.keys()) if isinstance(mail, dict) else []
    if found:
        raise ScheduleError(
            path,
            f"mail.{found[0]}",
            "logins don't belong into a schedule: set MICROGRID_SMTP_USER and "
            "MICROGRID_SMTP_PASSWORD, or the same with _FILE",
        )


def _check_names(path: Path, schedule: Schedule) -> None:
    planned: dict[str, Job | AlertRule] = {f"jobs.{n}": j for n, j in schedule.jobs.items()}
    planned |= {f"alerts.{n}": r for n, r in schedule.alerts.items()}
    known = ", ".join(schedule.recipients) or "none"
    for key, one in planned.items():
        for field in ("to", "failure_to"):
            for name in getattr(one, field):
                if name not in schedule.recipients:
                    problem = f"there is no recipient {name[:60]!r}; known: {known}"
                    raise ScheduleError(path, f"{key}.{field}", problem)
    mailed = [name for name, one in schedule.recipients.items() if one.mail]
    if mailed and schedule.mail is None:
        problem = "is missing: host and sender of the mail server"
        raise ScheduleError(path, "mail", f"{problem}, which recipient {mailed[0]!r} needs")
    if not planned:
        raise ScheduleError(path, "", "has neither jobs nor alerts")

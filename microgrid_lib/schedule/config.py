"""What a schedule says: jobs, alerts, recipients, the mail server."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from microgrid_lib.delivery.servers import MailAddress, MailServer, Webhook
from microgrid_lib.kpi.alert_rules import Severity
from microgrid_lib.report.orders import SECTION_NAMES, Kind
from microgrid_lib.schedule.cron import check_cron
from microgrid_lib.schedule.quiet import check_quiet

ALL = "all"


def _check_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"must be a time zone such as 'America/Denver', not {text[:60]!r}"
        ) from None
    return text


def _check_folder(text: str) -> str:
    if not text or not text.isprintable():
        raise ValueError(f"must be the path of a folder, not {text[:60]!r}")
    return text


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Cron = Annotated[str, AfterValidator(check_cron)]
Zone = Annotated[str, AfterValidator(_check_zone)]
Folder = Annotated[str, AfterValidator(_check_folder)]
Quiet = Annotated[str, AfterValidator(check_quiet)]
Some = Annotated[tuple[str, ...], BeforeValidator(_as_tuple), Field(min_length=1)]
Names = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]
Language = Literal["en", "fr"]


class Table(BaseModel):
    """A table of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Recipient(Table):
    """Who gets messages, in one or more ways.

    Attributes
    ----------
    mail
        E-mail addresses; each gets a message of its own.
    webhook
        A web address.
    folder
        Where PDF files are copied to; relative to the home.
    """

    mail: Annotated[tuple[MailAddress, ...], BeforeValidator(_as_tuple)] = ()
    webhook: Webhook | None = None
    folder: Folder | None = None

    @model_validator(mode="after")
    def _some_way(self) -> Self:
        if not (self.mail or self.webhook or self.folder):
            raise ValueError("must have mail, webhook or folder")
        return self


class Job(Table):
    """A report on schedule.

    Attributes
    ----------
    report
        Kind of report. It is about the last whole month, week or day before its time.
    cron
        When: minute, hour, day of month, month, day of week.
    time_zone
        Of these times; default: the schedule's.
    site
        A site, several, or `all` that have data.
    profile
        Default: each site's own.
    section, period
        For the kind `section`: which, and whether of the last month, week or day.
    language
        Of report and message; default: the schedule's.
    to
        Recipients of the reports.
    failure_to
        Recipients of what went wrong, with the log.
    folder
        Where the reports are copied to; relative to the home. They are made in the home's
        `reports` in any case.
    attempts, retry_minutes
        How often a failing report is tried, and how long it waits before the second time; then
        twice as long each time [min].
    catch_up
        Of how many missed times the reports are made, the newest ones.
    """

    report: Kind
    cron: Cron
    time_zone: Zone | None = None
    site: Some = (ALL,)
    profile: str | None = None
    section: str = ""
    period: Literal["month", "week", "day"] | None = None
    language: Language | None = None
    to: Names = ()
    failure_to: Names = ()
    folder: Folder | None = None
    attempts: int = Field(default=3, ge=1, le=10)
    retry_minutes: float = Field(default=5.0, gt=0, le=1440)
    catch_up: int = Field(default=3, ge=1, le=100)

    @model_validator(mode="after")
    def _section(self) -> Self:
        if self.report is Kind.section and self.section not in SECTION_NAMES:
            known = ", ".join(SECTION_NAMES)
            raise ValueError(f"section must be one of {known}, not {self.section[:60]!r}")
        if self.report is not Kind.section and (self.section or self.period):
            raise ValueError(f"section and period are for the report 'section', not {self.report}")
        return self

    @property
    def span(self) -> Kind | None:
        """Kind whose periods the report is about; None for a list of consumers."""
        if self.report is Kind.section:
            spans = {"month": Kind.monthly, "week": Kind.weekly, "day": Kind.daily}
            return spans[self.period or "month"]
        return None if self.report is Kind.consumers else self.report


class AlertRule(Table):
    """Who is told of alerts.

    Attributes
    ----------
    cron, time_zone
        When to look; default: every five minutes.
    site, profile
        As of a job.
    severities
        Which alerts.
    to, failure_to
        Recipients of alerts; of what keeps us from looking.
    quiet
        Hours in which nothing is told, by the site's clocks; told together afterwards.
    even_in_quiet
        Severities that are told in them all the same.
    language
        Default: the schedule's.
    """

    cron: Cron = "*/5 * * * *"
    time_zone: Zone | None = None
    site: Some = (ALL,)
    profile: str | None = None
    severities: Annotated[tuple[Severity, ...], BeforeValidator(_as_tuple), Field(min_length=1)] = (
        "critical",
        "warning",
    )
    to: Some
    failure_to: Names = ()
    quiet: Quiet | None = None
    even_in_quiet: Annotated[tuple[Severity, ...], BeforeValidator(_as_tuple)] = ("critical",)
    language: Language | None = None


class Schedule(Table):
    """A whole schedule.

    Attributes
    ----------
    time_zone
        Of jobs that name none.
    language
        Of jobs that name none; default: the setting.
    mail
        The server; needed by recipients with e-mail addresses.
    recipients, jobs, alerts
        By name: lower-case letters, digits and _.
    """

    time_zone: Zone = "UTC"
    language: Language | None = None
    mail: MailServer | None = None
    recipients: dict[Name, Recipient] = {}
    jobs: dict[Name, Job] = {}
    alerts: dict[Name, AlertRule] = {}

    def planned(self, origin: str) -> Job | AlertRule | None:
        """What a delivery tells of, by its origin `job:NAME` or `alerts:NAME`."""
        kind, _, name = origin.partition(":")
        return self.jobs.get(name) if kind == "job" else self.alerts.get(name)

    def zone(self, planned: Job | AlertRule | None) -> ZoneInfo:
        """Zone of the times of a job or rule, of all where it isn't planned any more."""
        return ZoneInfo((planned and planned.time_zone) or self.time_zone)

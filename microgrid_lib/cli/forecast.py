"""Commands about the future: train, backtest, forecast."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import BaseModel

from microgrid_lib.cli.options import (
    JsonOption,
    ProfileOption,
    SiteOption,
    print_json,
    progress_bar,
)
from microgrid_lib.errors import MicrogridError, NoDataError
from microgrid_lib.forecast.shapes import BacktestReport, ForecastReport, ModelScore
from microgrid_lib.kpi.model import Note
from microgrid_lib.window import parse_time

if TYPE_CHECKING:
    from microgrid_lib.api import SiteData
    from microgrid_lib.forecast.entry import Entry
    from microgrid_lib.forecast.weather import WeatherTable

RoleOption = Annotated[str, typer.Option("--role", help="Role of the profile to forecast.")]
DaysOption = Annotated[int, typer.Option("--days", help="Horizon in days, 1 to 14.")]
WeatherOption = Annotated[
    str | None,
    typer.Option(
        "--weather",
        help="CSV file (or address) of weather forecasts: issue_time, time, ghi, temp_air.",
    ),
]


class TrainedRole(BaseModel):
    """The models trained for one role.

    Attributes
    ----------
    served_model
        The best in the backtest, which is served; may be a baseline.
    data_hash, start, end
        SHA-256 and period of the hourly means trained on.
    synthetic
        Whether they are made-up demo data.
    trained_at
        When.
    files
        Model -> name of its file in the folder.
    backtest
        The stored backtest.
    """

    served_model: str
    data_hash: str
    start: datetime
    end: datetime
    synthetic: bool
    trained_at: datetime
    files: dict[str, str]
    backtest: BacktestReport

    @classmethod
    def of(cls, entry: Entry) -> TrainedRole:
        """Take over what the registry keeps."""
        return cls(
            served_model=entry.ranking[0],
            data_hash=entry.data_hash,
            start=entry.start,
            end=entry.end,
            synthetic=entry.synthetic,
            trained_at=entry.trained_at,
            files={name: file.file for name, file in entry.models.items()},
            backtest=entry.backtest,
        )


class TrainReport(BaseModel):
    """What `microgrid train --json` prints.

    Attributes
    ----------
    site, profile
        What was read; with which reading of its channels.
    folder
        Where the models are.
    roles
        Role -> what was trained.
    skipped
        Role -> why it has too little data; only where no role was named.
    """

    site: str
    profile: str
    folder: str
    roles: dict[str, TrainedRole]
    skipped: dict[str, str]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(train)
    app.command()(backtest)
    app.command()(forecast)


def train(
    role: Annotated[
        list[str] | None,
        typer.Option("--role", help="Role, may be repeated; default: all that are forecast."),
    ] = None,
    days: DaysOption = 5,
    weather: WeatherOption = None,
    site: SiteOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train forecast models on all stored data and keep them in the home, with a backtest."""
    from microgrid_lib.api import open_site
    from microgrid_lib.forecast.roles import FORECAST_ROLES

    site_data = open_site(site, profile)
    known = _weather(weather)
    roles = list(dict.fromkeys(role or filter(site_data.profile.has, FORECAST_ROLES)))
    found: dict[str, TrainedRole] = {}
    skipped: dict[str, str] = {}
    with progress_bar("Training") as bar:
        for done, name in enumerate(roles):
            bar(done, len(roles), name)
            try:
                found[name] = TrainedRole.of(site_data.train(name, days, known))
            except NoDataError as error:
                if role:
                    raise
                skipped[name] = str(error)
    if not found:
        raise NoDataError(next(iter(skipped.values()), "the profile has no role that is forecast"))
    folder = site_data.model_folders[0]
    if as_json:
        names = {"site": site_data.site.name, "profile": site_data.profile.name}
        print_json(TrainReport(**names, folder=str(folder), roles=found, skipped=skipped))
        return
    for name, text in skipped.items():
        typer.echo(f"microgrid: {name} left out: {text}", err=True)
    for name, trained in found.items():
        report = trained.backtest
        typer.echo(
            f"{name}: {trained.served_model} is served, "
            f"{_score(report.models[trained.served_model], report.unit)}, "
            f"{report.origins} origins"
        )
    typer.echo(f"models in {folder}")


def backtest(
    role: RoleOption,
    first: Annotated[
        str | None, typer.Option("--first", help="First origin, a local day YYYY-MM-DD.")
    ] = None,
    last: Annotated[str | None, typer.Option("--last", help="Last origin, included.")] = None,
    every: Annotated[str, typer.Option("--every", help="Distance of origins, such as 5d.")] = "5d",
    days: DaysOption = 5,
    weather: WeatherOption = None,
    site: SiteOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forecast the past and say how good it was (default: the newest 24 origins)."""
    from microgrid_lib.api import open_site

    every_days = _days(every)
    site_data = open_site(site, profile)
    start, end = _time(site_data, first), _time(site_data, last)
    known = _weather(weather)
    with progress_bar("Backtesting"):
        report = site_data.backtest(role, start, end, every_days, days, known)
    if as_json:
        print_json(report)
        return
    _print_heading(site_data)
    typer.echo(
        f"{report.role}: {report.origins} origins from "
        f"{report.origin_times[0].date()} to {report.origin_times[-1].date()}, "
        f"{report.horizon_h} h ahead, {report.hours} hours scored"
    )
    for name, score in sorted(report.models.items(), key=lambda item: item[1].mae or 0.0):
        mark = " *" if name == report.served_model else ""
        typer.echo(f"  {name:<26} {_score(score, report.unit)}{mark}")
    when = "on earlier origins" if report.choice.earlier else "on these very origins"
    typer.echo(f"* served, chosen {when}; best baseline: {report.best_baseline}")
    _print_notes(report.notes)


def forecast(
    role: RoleOption,
    days: DaysOption = 5,
    origin: Annotated[
        str | None,
        typer.Option(
            "--origin", help="What was known then, local; default: the newest midnight with data."
        ),
    ] = None,
    weather: WeatherOption = None,
    site: SiteOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forecast a role's hourly and daily means, with intervals."""
    from microgrid_lib.api import open_site

    site_data = open_site(site, profile)
    report = site_data.forecast(role, days, _time(site_data, origin), _weather(weather))
    for note in report.notes:
        if note.code == "model_refused":
            typer.echo(f"microgrid: a baseline is served: {note.text}", err=True)
    if as_json:
        print_json(report)
        return
    _print_heading(site_data)
    _print_forecast(report)
    _print_notes([note for note in report.notes if note.code != "model_refused"])


def _print_forecast(report: ForecastReport) -> None:
    typer.echo(
        f"{report.role} [{report.unit}] from {report.origin.isoformat()}: {report.model}, "
        f"best baseline {report.baseline}"
    )
    score = report.scores.get(report.model)
    if score is not None:
        typer.echo(f"  in the backtest {_score(score, report.unit)}")
    typer.echo("  day         mean      80 % interval")
    for day in report.daily:
        band = "n/a" if day.p10 is None or day.p90 is None else f"{day.p10:.4g} to {day.p90:.4g}"
        mean = "n/a" if day.mean is None else f"{day.mean:.4g}"
        typer.echo(f"  {day.date.isoformat()}  {mean:<9} {band}")


def _print_heading(site_data: SiteData) -> None:
    label = " · synthetic demo data" if site_data.synthetic else ""
    typer.echo(f"{site_data.site.title} ({site_data.profile.name}){label}")


def _print_notes(notes: list[Note]) -> None:
    for note in notes:
        # The heading says it already.
        if note.code != "synthetic_data":
            typer.echo(f"  ! {note.text}")


def _score(score: ModelScore, unit: str) -> str:
    if score.mae is None:
        return "not scored"
    text = f"MAE {score.mae:.4g} {unit}"
    if score.skill is None:
        return text
    text += f", skill {score.skill:+.2f}"
    if score.skill_interval is not None:
        low, high = score.skill_interval
        text += f" [{low:+.2f}, {high:+.2f}]"
    return text


def _time(site_data: SiteData, text: str | None) -> datetime | None:
    return None if text is None else parse_time(text, site_data.site.display_zone)


def _days(text: str) -> int:
    found = re.fullmatch(r"([1-9]\d{0,3})d?", text.strip())
    if found is None:
        raise MicrogridError(f"--every {text!r} isn't a number of days; use such as 5d")
    return int(found.group(1))


def _weather(source: str | None) -> WeatherTable | None:
    if source is None:
        return None
    from microgrid_lib.forecast.weather import file_weather, url_weather

    if source.startswith(("http://", "https://")):
        return url_weather(source)
    return file_weather(Path(source))

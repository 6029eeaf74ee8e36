"""Training, backtests and forecasts of a site's roles.

Each function imports what it needs when called: no number should wait for an ML library.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from microgrid_lib.api.source import Source, View, labelled
from microgrid_lib.resources import resource_path

if TYPE_CHECKING:
    from microgrid_lib.forecast.entry import Entry
    from microgrid_lib.forecast.history import HourlyHistory
    from microgrid_lib.forecast.review import ForecastReview
    from microgrid_lib.forecast.shapes import BacktestReport, ForecastReport
    from microgrid_lib.forecast.weather import WeatherProvider
    from microgrid_lib.window import Window


def model_folders(source: Source) -> list[Path]:
    """Folders of trained models: the home's for this site and profile, then the shipped one."""
    own = source.settings.models / source.site.name / source.profile.name
    return [own, resource_path("ml")]


def history(view: View, role: str) -> HourlyHistory:
    """Return the hourly means of a role; see `SiteData.history`."""
    from microgrid_lib.forecast.source import read_history

    if view.snapshot.newest is None:
        raise view.nothing()
    source = view.source
    state = (view.snapshot.state(), view.synthetic)
    known = source.histories.get(role)
    if known is None or known[0] != state:
        found = read_history(
            source.engine, view.snapshot, source.profile, role, synthetic=view.synthetic
        )
        source.histories[role] = known = (state, found)
    return known[1]


def forecast(
    view: View, role: str, days: int, origin: datetime | None, weather: WeatherProvider | None
) -> ForecastReport:
    """Forecast a role's hourly means; see `SiteData.forecast`."""
    from microgrid_lib.forecast.forecast import forecast as run

    past = history(view, role)
    report = run(past, model_folders(view.source), days, origin, weather)
    return report.model_copy(update={"notes": labelled(report.notes, past.synthetic)})


def backtest(
    view: View,
    role: str,
    first: datetime | None,
    last: datetime | None,
    every_days: int,
    days: int,
    weather: WeatherProvider | None,
) -> BacktestReport:
    """Forecast a role's past and score it; see `SiteData.backtest`."""
    from microgrid_lib.forecast.backtest import backtest as run
    from microgrid_lib.forecast.origins import newest_origins

    past = history(view, role)
    default_first, default_last = newest_origins(past, every_days, days, last)
    report = run(
        past,
        first or default_first,
        last or default_last,
        every_days,
        days,
        weather=weather,
        jobs=view.source.settings.jobs,
        backend=view.source.settings.parallel_backend,
    ).report
    return report.model_copy(update={"notes": labelled(report.notes, past.synthetic)})


def review(view: View, role: str, window: Window, days: int) -> ForecastReview:
    """Score the forecasts of a past period; see `SiteData.forecast_review`."""
    from microgrid_lib.forecast.review import review as run

    return run(history(view, role), window, model_folders(view.source), days)


def train(view: View, role: str, days: int, weather: WeatherProvider | None) -> Entry:
    """Train the models of a role and keep them in the home; see `SiteData.train`."""
    from microgrid_lib.forecast.train import train_and_write

    return train_and_write(
        history(view, role),
        model_folders(view.source)[0],
        days,
        weather=weather,
        jobs=view.source.settings.jobs,
        backend=view.source.settings.parallel_backend,
    )

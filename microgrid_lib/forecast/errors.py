"""What can be wrong with a forecast, in one line each."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from microgrid_lib.errors import MicrogridError, NoDataError


class HistoryError(MicrogridError):
    """Hourly data that aren't what a forecast needs: names what is wrong with them."""


class ShortHistoryError(NoDataError):
    """Too little data before the origin for an honest forecast."""


class NoRecentDataError(ShortHistoryError):
    """Nothing was measured in the last days before the origin.

    Attributes
    ----------
    days
        How many days.
    before
        The origin, in the site's display zone.
    """

    def __init__(self, of: str, days: int, before: datetime) -> None:
        self.days = days
        self.before = before
        super().__init__(f"{of}: no data in the {days} days before {before.isoformat()}")


class ForecastRequestError(MicrogridError):
    """A horizon, origin or list of origins that can't be used."""


class WeatherError(MicrogridError):
    """A weather file that can't be used: names file and reason."""

    def __init__(self, file: str | Path, problem: str) -> None:
        self.file = str(file)
        self.problem = problem
        super().__init__(f"{self.file}: {problem}")


class ModelRefusedError(MicrogridError):
    """A model file that must not or can't be used: names file, reason and what to do."""

    def __init__(self, file: str | Path, problem: str, remedy: str) -> None:
        self.file = str(file)
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{self.file}: {problem}; {remedy}")

"""Weather forecasts as an optional input; each has the time at which it was issued."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
import pandas as pd

from microgrid_lib.forecast.calendar import HOUR, Floats
from microgrid_lib.forecast.errors import WeatherError

VARIABLES = ("ghi", "temp_air")
"""What a provider may bring, by pvlib's names: irradiance [W/m2], air temperature [degC]."""

_TIMES = ("issue_time", "time")
_TIMEOUT_S = 20.0


class WeatherProvider(Protocol):
    """Where weather forecasts come from."""

    def at(self, origin: datetime, times: pd.DatetimeIndex) -> Floats:
        """Weather of hours, as it was forecast at an instant.

        Parameters
        ----------
        origin
            Nothing issued after this instant may be used.
        times
            Starts of the hours, UTC.

        Returns
        -------
        ndarray
            Shape (len(times), len(VARIABLES)); NaN where no forecast had been issued.
        """
        ...


@dataclass(frozen=True)
class WeatherTable:
    """Weather forecasts held in memory.

    Attributes
    ----------
    issued_ns, time_ns
        When each row was issued and the start of the hour it speaks of [ns since the epoch, UTC],
        shape (n_rows,), sorted by hour and then by issue.
    values
        Shape (n_rows, len(VARIABLES)); NaN where a row doesn't say.
    """

    issued_ns: npt.NDArray[np.int64]
    time_ns: npt.NDArray[np.int64]
    values: Floats

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, source: str | Path) -> WeatherTable:
        """Check and sort a table with `issue_time`, `time` and at least one of `VARIABLES`.

        Raises
        ------
        WeatherError
            A column is missing, or a time or value can't be read.
        """
        missing = [name for name in _TIMES if name not in frame]
        if missing:
            raise WeatherError(source, f"column {missing[0]!r} is missing")
        if not set(VARIABLES) & set(frame.columns):
            raise WeatherError(source, f"none of the columns {', '.join(VARIABLES)} is there")
        issued, time = (_instants(frame[name], name, source) for name in _TIMES)
        columns = [
            _numbers(frame[name], name, source) if name in frame else np.full(len(frame), np.nan)
            for name in VARIABLES
        ]
        order = np.lexsort((issued, time))
        return cls(issued[order], time[order], np.column_stack(columns)[order])

    def at(self, origin: datetime, times: pd.DatetimeIndex) -> Floats:
        """Return the newest forecast of each hour among those issued by `origin`."""
        known = self.issued_ns <= pd.Timestamp(origin).tz_convert("UTC").as_unit("ns").value
        time, values = self.time_ns[known], self.values[known]
        wanted = times.as_unit("ns").asi8
        # Rows of an hour are sorted by issue: the last one is the newest.
        last = np.searchsorted(time, wanted, side="right") - 1
        found = np.full((len(wanted), len(VARIABLES)), np.nan)
        hit = last >= 0
        hit[hit] = time[last[hit]] == wanted[hit]
        found[hit] = values[last[hit]]
        return found


def file_weather(path: str | Path) -> WeatherTable:
    """Read weather forecasts from a CSV file.

    Parameters
    ----------
    path
        Columns `issue_time`, `time` (start of the hour; both ISO 8601 with an offset or `Z`), and
        `ghi` [W/m2] or `temp_air` [degC] or both. Weather that was observed, not forecast, has an
        issue time after the hour, and so is never used for it.

    Raises
    ------
    WeatherError
        The file can't be read, or isn't such a table.
    """
    try:
        frame = pd.read_csv(path)
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise WeatherError(path, f"can't be read: {_first_line(error)}") from None
    return WeatherTable.from_frame(frame, path)


def url_weather(url: str, timeout_s: float = _TIMEOUT_S) -> WeatherTable:
    """Fetch the same table over HTTP(S): opt-in, nothing else in forecasting opens a connection.

    Raises
    ------
    WeatherError
        The address isn't HTTP(S), doesn't answer, or what it sends isn't such a table.
    """
    from urllib.request import urlopen

    if urlsplit(url).scheme not in ("http", "https"):
        raise WeatherError(url, "only http and https addresses can be fetched")
    try:
        with urlopen(url, timeout=timeout_s) as answer:  # noqa: S310 - the scheme is checked above
            frame = pd.read_csv(io.BytesIO(answer.read()))
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise WeatherError(url, f"can't be fetched: {_first_line(error)}") from None
    return WeatherTable.from_frame(frame, url)


def _instants(column: pd.Series, name: str, source: str | Path) -> npt.NDArray[np.int64]:
    try:
        times = pd.DatetimeIndex(pd.to_datetime(column, format="ISO8601"))
    except (ValueError, TypeError) as error:
        raise WeatherError(source, f"column {name!r}: {_first_line(error)}") from None
    if times.tz is None or times.hasnans:
        raise WeatherError(source, f"column {name!r}: every time needs an offset, such as Z")
    utc = times.tz_convert("UTC").as_unit("ns")
    if name == "time" and (utc.asi8 % HOUR.value).any():
        raise WeatherError(source, "column 'time': hours must start on the hour")
    return utc.asi8


def _numbers(column: pd.Series, name: str, source: str | Path) -> Floats:
    try:
        return pd.to_numeric(column).to_numpy(dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise WeatherError(source, f"column {name!r}: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)

"""Which origins a backtest takes where none are named."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from microgrid_lib.forecast.backtest import earliest_origin
from microgrid_lib.forecast.calendar import HOUR
from microgrid_lib.forecast.history import HourlyHistory, horizon_hours

DEFAULT_ORIGINS = 24
"""How many."""


def newest_origins(
    history: HourlyHistory,
    every_days: int,
    days: int,
    last: datetime | pd.Timestamp | None = None,
) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Return the first and the last of the newest origins that can be scored.

    Parameters
    ----------
    history
        The hourly means.
    every_days
        Days from one origin to the next.
    days
        Horizon [days], which must lie inside the data.
    last
        None later than this; default: the newest possible.

    Returns
    -------
    first, last
        UTC; the limits of the data where no origin can be scored.

    Raises
    ------
    ForecastRequestError
        The horizon can't be used.
    """
    newest = history.end - horizon_hours(days) * HOUR
    until = newest if last is None else min(newest, pd.Timestamp(last).tz_convert("UTC"))
    low = earliest_origin(history)
    usable = [at for at in history.midnights(history.start, until) if at >= low]
    chosen = usable[:: -max(every_days, 1)][:DEFAULT_ORIGINS]
    if not chosen:
        return history.start, history.end
    return history.time(chosen[-1]), history.time(chosen[0])

"""What `microgrid backtest` and `microgrid forecast` print: null is "not known"."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel

from microgrid_lib.kpi.model import Note

if TYPE_CHECKING:
    import pandas as pd


class ModelScore(BaseModel):
    """Scores of one forecast over all origins.

    Attributes
    ----------
    kind
        `baseline` or `model`.
    mae, rmse, bias
        Mean absolute, root mean square and mean error (forecast - truth), in the role's unit.
    skill, skill_interval
        1 - MAE / MAE of the best baseline, and its 95 % bootstrap interval over origins.
    coverage80, coverage95
        Share of hours inside the interval, 0-1; null with too few origins to calibrate on.
    coverage80_daylight
        For power of the sun: the same over hours with the sun up.
    daily_mae
        Mean absolute error of daily means, in the role's unit.
    pinball
        Mean quantile loss over the five quantiles, in the role's unit.
    """

    kind: Literal["baseline", "model"]
    mae: float | None
    rmse: float | None
    bias: float | None
    skill: float | None
    skill_interval: tuple[float, float] | None
    coverage80: float | None
    coverage95: float | None
    coverage80_daylight: float | None = None
    daily_mae: float | None
    pinball: float | None


class Choice(BaseModel):
    """On which forecasts the served model was chosen.

    Attributes
    ----------
    origins
        How many.
    first, last
        The first and last of them.
    earlier
        Whether all had ended before the first scored origin: if not, the scores of the served
        model are optimistic.
    """

    origins: int
    first: datetime
    last: datetime
    earlier: bool


class BacktestReport(BaseModel):
    """Forecasts of the past and how good they were.

    Attributes
    ----------
    origins, horizon_h
        How many forecasts, and of how many hours each.
    origin_times
        When they were made, in the display zone.
    refit_days
        Days after which the models were trained anew.
    hours
        Observed hours that every forecast covers: what the scores are over.
    best_baseline, served_model
        The baseline with the smallest MAE, and the forecast that is served (see `choice`).
    """

    site: str
    profile: str
    role: str
    unit: str
    timezone: str
    origins: int
    horizon_h: int
    origin_times: list[datetime]
    refit_days: int
    hours: int
    best_baseline: str
    served_model: str
    choice: Choice
    models: dict[str, ModelScore]
    notes: list[Note] = []


class HourForecast(BaseModel):
    """One hour: start in the display zone, quantiles, and the best baseline.

    Attributes
    ----------
    random_forest
        What the mission's Random Forest says, whether it is served or not.
    """

    time: datetime
    p2_5: float | None
    p10: float | None
    p50: float | None
    p90: float | None
    p97_5: float | None
    baseline: float | None
    random_forest: float | None = None


class DayForecast(BaseModel):
    """The mean of one local day, with its 80 % interval."""

    date: date
    mean: float | None
    p10: float | None
    p90: float | None
    random_forest: float | None = None


class Training(BaseModel):
    """What the served model was trained on.

    Attributes
    ----------
    data_hash, start, end
        SHA-256 and period of the hourly means.
    synthetic
        Whether they are made-up demo data.
    trained_at, seed, version, scikit_learn
        When, from which seed, and by which versions of this library and of scikit-learn.
    """

    data_hash: str
    start: datetime
    end: datetime
    synthetic: bool
    trained_at: datetime
    seed: int
    version: str
    scikit_learn: str


class ForecastReport(BaseModel):
    """A forecast with everything needed to judge it.

    Attributes
    ----------
    origin
        Nothing after this instant was used; display zone.
    model, baseline
        Name of what is served (p50), and of the best baseline.
    training
        What the model was trained on; null where a baseline is served.
    scores
        Scores of the stored backtest by name; empty where there is none.
    backtest
        The stored backtest as a whole; null where there is none.
    notes
        What to know, such as why a baseline is served.
    """

    site: str
    profile: str
    role: str
    unit: str
    timezone: str
    origin: datetime
    horizon_h: int
    model: str
    baseline: str
    data_hash: str
    training: Training | None
    hourly: list[HourForecast]
    daily: list[DayForecast]
    scores: dict[str, ModelScore] = {}
    backtest: BacktestReport | None = None
    notes: list[Note] = []

    def hourly_frame(self) -> pd.DataFrame:
        """The hours as a table: a row per hour by `time`, NaN where not known."""
        return _frame(self.hourly, "time")

    def daily_frame(self) -> pd.DataFrame:
        """The days as a table: a row per day by `date`, NaN where not known."""
        return _frame(self.daily, "date")


def _frame(rows: Sequence[BaseModel], key: str) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame([row.model_dump() for row in rows]).set_index(key)
    return frame.astype("float64")

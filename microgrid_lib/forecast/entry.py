"""What the registry keeps of the models of one role."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from microgrid_lib.forecast.shapes import BacktestReport

FORMAT: Literal[1] = 1
"""Version of the registry's format and of what model files hold."""


class ModelFile(BaseModel):
    """One model's file.

    Attributes
    ----------
    file, card
        Names inside the registry's folder.
    sha256, size
        Hash and length [bytes] of the file.
    features
        Columns the model needs.
    settings
        Parameters it was made with.
    """

    model_config = ConfigDict(frozen=True)

    file: str
    card: str
    sha256: str
    size: int
    features: list[str]
    settings: dict[str, Any]


class Versions(BaseModel):
    """Versions a model was made with."""

    model_config = ConfigDict(frozen=True)

    library: str
    python: str
    scikit_learn: str
    numpy: str
    joblib: str


class Entry(BaseModel):
    """The models of one role of one site and profile, trained together.

    Attributes
    ----------
    format
        Version of this format.
    fingerprint, zone
        What they were trained for: see `HourlyHistory`.
    synthetic
        Whether they were trained on made-up demo data.
    data_hash, start, end
        SHA-256 and period of the hourly means they were trained on; nothing at or after `end`.
    horizon_h
        Longest horizon they were trained and judged for [h].
    weather
        Whether weather was given.
    seed, trained_at, versions
        How they can be made again.
    ranking
        Forecasts by MAE in the backtest, the best first; the first is served.
    best_baseline
        First baseline of it.
    models
        Model -> file.
    calibration
        Forecast -> see `microgrid_lib.forecast.intervals.Calibration.to_json`.
    backtest
        The stored backtest.
    """

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = FORMAT
    site: str
    profile: str
    role: str
    unit: str
    zone: str
    fingerprint: str
    synthetic: bool
    data_hash: str
    start: datetime
    end: datetime
    horizon_h: int
    weather: bool
    seed: int
    trained_at: datetime
    versions: Versions
    ranking: list[str]
    best_baseline: str
    models: dict[str, ModelFile]
    calibration: dict[str, dict[str, Any]]
    backtest: BacktestReport

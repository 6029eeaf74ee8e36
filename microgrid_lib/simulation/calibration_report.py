"""What `microgrid calibrate --json` prints."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from microgrid_lib.kpi.model import WindowModel
from microgrid_lib.simulation.calibrate import Calibration


class CalibrationReport(BaseModel):
    """A calibration of a site's feeder on a window.

    Attributes
    ----------
    site, profile
        What was read.
    window
        The window as asked.
    interval_s
        Length of the means that were fitted [s].
    synthetic
        Whether the stored data are made-up demo data.
    calibration
        The fit and its scores on days that it hasn't seen.
    """

    model_config = ConfigDict(frozen=True)

    site: str
    profile: str
    window: WindowModel
    interval_s: int
    synthetic: bool
    calibration: Calibration

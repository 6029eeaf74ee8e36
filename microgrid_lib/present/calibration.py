"""Measured voltages against those predicted from other days."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from microgrid_lib.present.charts import Chart, Line, Span, lay_out
from microgrid_lib.present.texts import Texts
from microgrid_lib.site.profile import Site
from microgrid_lib.window import Window

if TYPE_CHECKING:
    import pandas as pd

_HOUR_S = 3600


def voltage_chart(frame: pd.DataFrame, site: Site, texts: Texts) -> Chart:
    """Measured and predicted bus voltage; what the fit leaves out is shaded.

    Parameters
    ----------
    frame
        Hourly, from `simulation.calibrate.held_out_voltages`.
    """
    return _chart(frame, site, texts, "calibration_voltage", ("measured", "predicted"))


def residual_chart(frame: pd.DataFrame, site: Site, texts: Texts) -> Chart:
    """Predicted less measured bus voltage."""
    return _chart(frame, site, texts, "calibration_residual", ("residual",))


def _chart(
    frame: pd.DataFrame, site: Site, texts: Texts, name: str, columns: tuple[str, ...]
) -> Chart:
    hours = frame.asfreq("h")
    start = hours.index[0].to_pydatetime().astimezone(site.display_zone)
    end = (hours.index[-1].to_pydatetime()).astimezone(site.display_zone)
    window = Window(start, end + (hours.index[1] - hours.index[0]).to_pytimedelta())
    x = np.asarray(_HOUR_S * (np.arange(len(hours)) + 0.5), dtype=np.float64)
    colours = {"measured": "ink", "predicted": "grid", "residual": "grid"}
    lines = [
        Line(
            column,
            texts(f"calibration.{column}"),
            colours[column],
            setpoint=False,
            fill=False,
            x=x,
            y=hours[column].to_numpy(dtype=np.float64),
        )
        for column in columns
    ]
    left_out = hours["synchronous"].eq(False).to_numpy(dtype=np.bool_)
    label = texts("calibration.left_out")
    spans = [
        Span(float(_HOUR_S * at), float(_HOUR_S * (at + 1)), label)
        for at in np.flatnonzero(left_out)
    ]
    return lay_out(
        name, texts(f"chart.{name}"), texts(f"chart.{name}.what"), "V", window, texts, lines,
        spans=spans, signed=name == "calibration_residual", bucket_s=_HOUR_S, interval_s=_HOUR_S,
    )  # fmt: skip

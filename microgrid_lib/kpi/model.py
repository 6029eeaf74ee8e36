"""What a KPI is: a value that says how sure it is, or why there is none."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Section = Literal["production", "storage", "distribution", "quality"]
SECTIONS: tuple[Section, ...] = ("production", "storage", "distribution", "quality")


class Note(BaseModel):
    """A reason or a warning.

    Attributes
    ----------
    code
        Stable name; pages translate it (message id `note.<code>`).
    params
        Numbers and names the text speaks of.
    text
        The English sentence.
    """

    model_config = ConfigDict(frozen=True)

    code: str
    params: dict[str, float | int | str] = {}
    text: str


class Kpi(BaseModel):
    """One key performance indicator over one window.

    Attributes
    ----------
    value
        None where it can't be computed honestly; `reason` says why.
    unit
        `1` for shares, else kWh, kW, V, Hz, h.
    uncertainty
        Half-width in the value's unit, None where not known.
    coverage
        Share of expected slots in which everything the KPI needs is valid, 0-1; None where the
        site lacks what it needs.
    reason, warning
        Why there is no value; what to beware of.
    time
        When it happened (peaks and extremes), in the display zone.
    """

    model_config = ConfigDict(frozen=True)

    value: float | None
    unit: str
    uncertainty: float | None = None
    coverage: float | None = None
    reason: Note | None = None
    warning: Note | None = None
    time: datetime | None = None
    covered_h: float | None = Field(default=None, exclude=True)
    """Hours behind the value [h]; comparisons of energies divide by it."""


class WindowModel(BaseModel):
    """The window as asked, in the display zone."""

    start: datetime
    end: datetime
    timezone: str


class KpiReport(BaseModel):
    """The KPIs of one site, profile and window.

    Attributes
    ----------
    site, profile, window
        What they are of.
    synthetic
        Whether the data are made-up demo data.
    outdated_files
        Files in the window that were read under older rules of the site file (channels, ranges,
        columns, zones): the numbers are by those, until the files are ingested again.
    kpis
        By name.
    """

    site: str
    profile: str
    window: WindowModel
    synthetic: bool = False
    outdated_files: list[str] = []
    kpis: dict[str, Kpi]

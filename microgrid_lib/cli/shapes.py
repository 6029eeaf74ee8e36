"""What `--json` prints where the library has no model of its own: series, sites, doctor, demo."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel

from microgrid_lib.kpi.model import WindowModel

if TYPE_CHECKING:
    from microgrid_lib.store.series import Series


class SeriesPoint(BaseModel):
    """One bucket of a series.

    Attributes
    ----------
    time
        Start of the bucket, in the display zone.
    mean, min, max
        Of the valid samples, in the series' unit. Null where there are none.
    coverage
        Valid slots over the slots of the bucket inside the window, 0-1.
    """

    time: datetime
    mean: float | None
    min: float | None
    max: float | None
    coverage: float | None


class RoleSeries(BaseModel):
    """One role over the window.

    Attributes
    ----------
    unit
        Unit of the values.
    bucket_s
        Nominal length of a bucket [s]; a local day may be an hour longer or shorter.
    points
        In order of time, at most as many as asked for.
    """

    unit: str
    bucket_s: int
    points: list[SeriesPoint]

    @classmethod
    def of(cls, series: Series) -> RoleSeries:
        """Take over a series; NaN becomes null."""
        frame = series.frame[list(SeriesPoint.model_fields)]
        rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
        points = [SeriesPoint.model_validate(row) for row in rows]
        return cls(unit=series.unit, bucket_s=series.bucket_s, points=points)


class SeriesReport(BaseModel):
    """What `microgrid series --json` prints.

    Attributes
    ----------
    site, profile
        What was read; with which reading of its channels.
    window
        The window as asked.
    series
        Role -> its series.
    """

    site: str
    profile: str
    window: WindowModel
    series: dict[str, RoleSeries]


class SiteEntry(BaseModel):
    """A known site.

    Attributes
    ----------
    name, path
        Its name; its file.
    title
        Name on pages.
    interval_s
        Nominal time between samples [s].
    timezone
        Zone of windows, days and pages.
    default_profile
        The profile used where none is named.
    profiles
        Profile -> title.
    error
        Why the site file can't be used; all but name and path are then null.
    """

    name: str
    path: str
    title: str | None = None
    interval_s: int | None = None
    timezone: str | None = None
    default_profile: str | None = None
    profiles: dict[str, str] = {}
    error: str | None = None


class SitesReport(BaseModel):
    """What `microgrid sites --json` prints.

    Attributes
    ----------
    sites
        In order of name.
    """

    sites: list[SiteEntry]


class StoredSite(BaseModel):
    """What is stored of a site.

    Attributes
    ----------
    start, end
        Oldest sample; end of the newest sample's slot. Both in the display zone, null without data.
    files
        Ingested files.
    synthetic
        Whether the data are made-up demo data.
    summaries_to_build
        Monthly summaries of any profile that aren't built yet; they are when first needed.
    error
        Why the site file or its data can't be read.
    """

    start: datetime | None = None
    end: datetime | None = None
    files: int = 0
    synthetic: bool = False
    summaries_to_build: int = 0
    error: str | None = None


class DoctorReport(BaseModel):
    """What `microgrid doctor --json` prints.

    Attributes
    ----------
    version, python
        Version of the library; of the interpreter.
    home, home_writable
        Where everything is written; whether it can be.
    engine
        The setting.
    packages
        Extra -> package -> installed version, null where it isn't installed.
    browser_for_tests
        The browser that the browser tests would use.
    sites
        Site -> what is stored of it.
    """

    version: str
    python: str
    home: str
    home_writable: bool
    engine: str
    packages: dict[str, dict[str, str | None]]
    browser_for_tests: str | None
    sites: dict[str, StoredSite]


class DemoFiles(BaseModel):
    """What `microgrid demo --out FOLDER --json` prints.

    Attributes
    ----------
    truth
        Path of `truth.json`; the files lie beside it.
    """

    truth: str

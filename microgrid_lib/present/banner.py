"""The note on a doubtful channel: how the profile reads it, and what the data say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from microgrid_lib.errors import NoDataError
from microgrid_lib.present.sections import SiteData
from microgrid_lib.present.texts import Texts
from microgrid_lib.window import Window

if TYPE_CHECKING:
    from microgrid_lib.kpi.evidence import EvidenceResult

LOOK_BACK = timedelta(days=7)
"""The newest stretch of data that is weighed: long enough to be sure, short enough to be quick."""


@dataclass(frozen=True)
class Banner:
    """A doubtful channel.

    Attributes
    ----------
    title, text
        What the profile takes the channel for, and what the data say.
    rows
        The evidence: finding, value, number of values.
    switch_to
        Name of the profile that reads it as the data do; empty where there is none.
    switch_text
        What to call the switch.
    """

    title: str
    text: str
    rows: tuple[tuple[str, str, str], ...]
    switch_to: str = ""
    switch_text: str = ""


def make_banner(data: SiteData, texts: Texts) -> Banner | None:
    """Describe the first channel that the profile reads otherwise than the data; None if none is.

    The newest week of data is weighed.
    """
    span = data.span()
    reading = data.profile.spec.reading
    if span is None or reading is None or not data.site.evidence:
        return None
    window = Window(max(span[0], span[1] - LOOK_BACK), span[1])
    try:
        results = data.evidence(window)
    except NoDataError:
        return None
    return banner_of(results, data, texts, window)


def banner_of(
    results: Sequence[EvidenceResult], data: SiteData, texts: Texts, window: Window
) -> Banner | None:
    """Describe the first result that speaks against the profile's reading."""
    reading = data.profile.spec.reading
    for result in results:
        if result.favoured in (None, reading):
            continue
        return Banner(
            title=texts("evidence.title", channel=result.channel),
            text=doubt_text(result, str(reading), texts),
            rows=_rows(result, texts, window),
            **_switch(result, data, texts),
        )
    return None


def doubt_text(result: EvidenceResult, reading: str, texts: Texts) -> str:
    """Say what the data say about a channel that a profile reads as `reading`."""
    residuals = {r.name: r.mean_abs_residual_kw for r in result.readings}
    parts = [
        texts(
            "evidence.balance",
            channel=result.channel,
            reading=reading,
            favoured=str(result.favoured),
            better_kw=residuals[str(result.favoured)],
            worse_kw=residuals.get(reading),
        )
    ]
    if result.setpoint_mean_abs_kw is not None:
        parts.append(texts("evidence.follows", mean_kw=result.setpoint_mean_abs_kw))
    if result.indicative:
        parts.append(texts("evidence.indicative"))
    return " ".join(parts)


def _rows(result: EvidenceResult, texts: Texts, window: Window) -> tuple[tuple[str, str, str], ...]:
    rows = [
        (
            texts("evidence.residual", reading=r.name, residual=r.residual),
            _kw(r.mean_abs_residual_kw, texts),
            texts.number(r.n),
        )
        for r in result.readings
    ]
    if result.setpoint is not None:
        rows.append(
            (
                texts("evidence.distance", channel=result.channel, setpoint=result.setpoint),
                _kw(result.setpoint_mean_abs_kw, texts),
                texts.number(result.setpoint_n),
            )
        )
    period = f"{texts.moment(window.start)} – {texts.moment(window.end)}"
    return (*rows, (texts("evidence.period"), period, ""))


def _kw(value: float | None, texts: Texts) -> str:
    return texts("card.undefined") if value is None else f"{texts.number(value, 1)} kW"


def _switch(result: EvidenceResult, data: SiteData, texts: Texts) -> dict[str, str]:
    for name, spec in data.site.profiles.items():
        if spec.reading == result.favoured:
            title = profile_title(data.site.name, name, spec.title, texts)
            return {
                "switch_to": name,
                "switch_text": texts("evidence.switch", profile=title),
            }
    return {}


def profile_title(site: str, name: str, title: str, texts: Texts) -> str:
    """Translate a profile's title where it is a shipped one."""
    key = f"profile.{site}.{name}"
    return texts(key) if texts.has(key) else title

"""Where power flows at the end of the data: sources, battery, loads and grid around the bus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from microgrid_lib.present.charts import bucket_text
from microgrid_lib.present.freshness import STALE_AFTER, Freshness, freshness
from microgrid_lib.present.pictures import Picture
from microgrid_lib.present.texts import Texts, decimals_for
from microgrid_lib.site.schema import ROLES

if TYPE_CHECKING:
    from microgrid_lib.kpi.newest import Newest, Sample
    from microgrid_lib.site.profile import Profile

Side = Literal["left", "right"]
Direction = Literal["in", "out", "none"]

_NOTHING_KW = 0.05
"""Less than this is drawn as no flow: it would be written as 0."""
_LEFT = ("pv", "fuel_cell", "genset", "battery")
_RIGHT = ("load", "grid")
AUXILIARIES = "auxiliaries"
_COLOURS = {"fuel_cell": "fuel-cell", AUXILIARIES: "muted"}
_BUS = (("bus_voltage", "V"), ("bus_frequency", "Hz"))


@dataclass(frozen=True)
class FlowNode:
    """A source, a storage or a load.

    Attributes
    ----------
    value
        Power as the role counts it [kW]; None without a recent sample.
    direction
        Into the bus, out of it, or neither.
    width
        Its power over the largest of the picture, 0-1.
    title, value_text, detail
        As shown.
    source
        Colour token.
    """

    role: str
    side: Side
    value: float | None
    direction: Direction
    width: float
    title: str
    value_text: str
    detail: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Flow(Picture):
    """The microgrid as it is.

    Attributes
    ----------
    nodes
        Left ones first, each side from top to bottom.
    bus
        What stands at the bus: voltage and frequency, those that are known, else its name.
    fresh
        How old the newest sample is.
    """

    nodes: tuple[FlowNode, ...]
    bus: tuple[str, ...]
    fresh: Freshness


def flow_picture(newest: Newest, profile: Profile, texts: Texts, now: datetime) -> Flow:
    """Describe the newest samples.

    Parameters
    ----------
    now
        The present: a live site's samples are that old.
    """
    site = profile.site
    fresh = freshness(newest.time, now, texts, live=site.live, interval_s=site.interval_s)
    reader = _Reader(newest, profile, texts)
    drawn = [
        *(reader.node(role, "left") for role in _LEFT if profile.has(role)),
        *(reader.node(role, "right") for role in _RIGHT if profile.has(role)),
    ]
    if newest.residual_kw is not None:
        drawn.append(reader.auxiliaries(newest.residual_kw))
    nodes = _scaled(drawn)
    step = bucket_text(site.interval_s, texts)
    moment = texts.moment(newest.time)
    current = fresh.level == "fresh"
    return Flow(
        name="flow",
        title=texts("now.title") if current else texts("now.as_of", moment=moment),
        subtitle=texts("now.what.at" if current else "now.what", moment=moment, step=step),
        summary=_summary(nodes, texts),
        note=reader.old(),
        heads=tuple(texts(key) for key in ("now.role", "now.value", "now.at", "now.age")),
        rows=reader.rows(now),
        nodes=nodes,
        bus=reader.bus(),
        fresh=fresh,
    )


class _Reader:
    """The newest samples in words."""

    def __init__(self, newest: Newest, profile: Profile, texts: Texts) -> None:
        self._newest, self._profile, self._texts = newest, profile, texts
        self._recent = max(STALE_AFTER, timedelta(seconds=3 * profile.site.interval_s))

    def recent(self, sample: Sample | None) -> Sample | None:
        """Return the sample if it is about as new as the newest of all."""
        if sample is None or self._newest.time - sample.time > self._recent:
            return None
        return sample

    def node(self, role: str, side: Side) -> FlowNode:
        """Describe a role."""
        sample = self.recent(self._newest.samples.get(role))
        value = sample.value if sample else None
        return FlowNode(
            role=role,
            side=side,
            value=value,
            direction=_direction(role, value),
            width=0.0,
            title=self._title(role),
            value_text=self._value(value),
            detail=self._detail(role, value),
            source=_COLOURS.get(role, role),
        )

    def auxiliaries(self, residual: Sample) -> FlowNode:
        """Describe what all powers leave, as something that takes it."""
        sample = self.recent(residual)
        value = sample.value if sample else None
        return FlowNode(
            role=AUXILIARIES,
            side="right",
            value=value,
            direction=_direction(AUXILIARIES, value),
            width=0.0,
            title=self._texts("node.auxiliaries"),
            value_text=self._value(value),
            detail=self._texts("node.residual"),
            source=_COLOURS[AUXILIARIES],
        )

    def bus(self) -> tuple[str, ...]:
        """Voltage and frequency at the bus, its name where neither is known."""
        found = []
        for role, unit in _BUS:
            sample = self.recent(self._newest.samples.get(role))
            if sample is not None:
                number = self._texts.number(sample.value, decimals_for(sample.value, unit))
                found.append(f"{number} {unit}")
        return tuple(found) or (self._texts("node.bus"),)

    def old(self) -> str:
        """Say which roles have no recent sample, and since when; empty where all have one."""
        texts = self._texts
        said = []
        for role, sample in self._newest.samples.items():
            if self.recent(sample) is not None:
                continue
            since = texts("now.never") if sample is None else texts.moment(sample.time)
            said.append(texts("now.since", role=texts(f"role.{role}"), moment=since))
        return texts("now.old", roles=texts.clauses(said)) if said else ""

    def rows(self, now: datetime) -> tuple[tuple[str, ...], ...]:
        """Every role with its newest sample and its age: of a live site's now, else of the end."""
        texts = self._texts
        reference = now if self._profile.site.live else self._newest.time
        found = []
        for role, sample in self._newest.samples.items():
            name = texts(f"role.{role}")
            if sample is None:
                found.append((name, texts("card.undefined"), texts("now.never"), ""))
                continue
            unit = "°C" if ROLES[role] == "degC" else ROLES[role]
            number = texts.number(sample.value, decimals_for(sample.value, unit))
            age = reference - sample.time
            said = texts.age(age) if age > timedelta(0) else texts("now.newest")
            found.append((name, f"{number} {unit}", texts.moment(sample.time, seconds=True), said))
        return tuple(found)

    def _title(self, role: str) -> str:
        title = self._texts(f"node.{role}")
        soc = self._newest.soc
        if role != "battery" or soc is None:
            return title
        return f"{title} {self._texts.number(100 * soc.soc)} %"

    def _value(self, value: float | None) -> str:
        if value is None:
            return self._texts("card.undefined")
        return f"{self._texts.number(abs(value), decimals_for(value, 'kW'))} kW"

    def _detail(self, role: str, value: float | None) -> str:
        texts = self._texts
        if value is None:
            return texts("node.no_sample")
        if role == "load":
            critical = self.recent(self._newest.samples.get("critical_load"))
            return texts("node.critical", power=self._value(critical.value)) if critical else ""
        if role in {"battery", "grid"}:
            kind = "none" if abs(value) < _NOTHING_KW else "plus" if value > 0 else "minus"
            said = texts(f"node.{role}.{kind}")
            derived = role == "grid" and self._profile.grid_is_derived
            return texts("node.derived", what=said) if derived else said
        return texts("node.takes") if value <= -_NOTHING_KW else ""


def _direction(role: str, value: float | None) -> Direction:
    if value is None or abs(value) < _NOTHING_KW:
        return "none"
    takes = role in {"load", AUXILIARIES}
    return "in" if (value > 0) != takes else "out"


def _scaled(nodes: Sequence[FlowNode]) -> tuple[FlowNode, ...]:
    largest = max((abs(node.value) for node in nodes if node.value is not None), default=0.0)
    return tuple(
        replace(node, width=abs(node.value or 0.0) / largest if largest else 0.0) for node in nodes
    )


def _summary(nodes: Sequence[FlowNode], texts: Texts) -> str:
    said = []
    for node in nodes:
        detail = f" ({node.detail})" if node.detail else ""
        said.append(
            f"{texts(f'node.way.{node.direction}', what=node.title)} {node.value_text}{detail}"
        )
    return texts.clauses(said)

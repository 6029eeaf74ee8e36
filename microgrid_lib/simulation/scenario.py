"""What a scenario changes about a day."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from microgrid_lib.simulation.errors import ScenarioError

BatteryControl = Literal["measured", "import_target"]
SOURCES = ("grid", "pv", "fuel_cell", "genset", "battery")
MAX_SCALE = 100.0
_WINDOW = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")
_DAY_MIN = 1440


@dataclass(frozen=True)
class Scenario:
    """Changes to a measured day; the default changes nothing.

    Attributes
    ----------
    load_scale, pv_scale
        Factors on the measured load and PV power [1].
    fuel_cell_kw
        Set point of the fuel cell for the whole day [kW]; None: as measured.
    island
        Windows of islanded operation in local time, `HH:MM-HH:MM`, several with commas; None:
        connected.
    battery
        While connected: `measured` follows the measured series, `import_target` keeps the grid
        import at `import_target_kw` as far as it can.
    import_target_kw
        Grid import that the battery aims at [kW].
    battery_kw
        Battery power limit instead of the plant's [kW]; None: the plant's.
    soc_start
        State of charge at the start, 0-1; None: the day's, else 0.5.
    soc_reserve
        State of charge below which the battery isn't discharged while connected, 0-1: an island
        may use it; None: none.
    load_step_kw, load_step
        Load that is added [kW], and when in local time, `HH:MM-HH:MM`, several with commas.
    lost
        Sources that are out of service: of `grid`, `pv`, `fuel_cell`, `genset`, `battery`.
    lost_from
        Local time `HH:MM` from which they are; None: all day.
    seed
        Seed of the grid's frequency noise, where frequency isn't measured.

    Raises
    ------
    ScenarioError
        A value that can't be meant.
    """

    load_scale: float = 1.0
    pv_scale: float = 1.0
    fuel_cell_kw: float | None = None
    island: str | None = None
    battery: BatteryControl = "measured"
    import_target_kw: float = 0.0
    battery_kw: float | None = None
    soc_start: float | None = None
    soc_reserve: float | None = None
    load_step_kw: float = 0.0
    load_step: str | None = None
    lost: tuple[str, ...] = ()
    lost_from: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what can't be meant."""
        for name in ("load_scale", "pv_scale"):
            value = getattr(self, name)
            if not 0.0 <= value <= MAX_SCALE:
                raise ScenarioError(f"{name} {value:g} must be between 0 and {MAX_SCALE:g}")
        for name in ("fuel_cell_kw", "battery_kw"):
            value = getattr(self, name)
            if value is not None and not (value >= 0.0 and math.isfinite(value)):
                raise ScenarioError(f"{name} {value:g} must be 0 or more")
        for name in ("import_target_kw", "load_step_kw"):
            if not math.isfinite(getattr(self, name)):
                raise ScenarioError(f"{name} {getattr(self, name):g} must be a number")
        for name in ("soc_start", "soc_reserve"):
            value = getattr(self, name)
            if value is not None and not 0.0 <= value <= 1.0:
                raise ScenarioError(f"{name} {value:g} must be between 0 and 1")
        if self.load_step_kw and self.load_step is None:
            raise ScenarioError(f"load_step_kw {self.load_step_kw:g} needs its time, load_step")
        if self.lost_from is not None and not self.lost:
            raise ScenarioError(f"lost_from {self.lost_from!r}: no source is lost")
        if self.battery not in ("measured", "import_target"):
            raise ScenarioError(f"battery {self.battery!r} must be 'measured' or 'import_target'")
        for source in self.lost:
            if source not in SOURCES:
                raise ScenarioError(f"lost {source!r} must be one of {', '.join(SOURCES)}")
        if self.seed < 0:
            raise ScenarioError(f"seed {self.seed} must be 0 or more")
        self.island_minutes()
        self.load_step_minutes()
        self.lost_minute()

    def island_minutes(self) -> tuple[tuple[int, int], ...]:
        """Island windows as minutes after local midnight, end excluded.

        Raises
        ------
        ScenarioError
            A window that isn't one, or isn't inside the day.
        """
        return _windows("island", self.island)

    def load_step_minutes(self) -> tuple[tuple[int, int], ...]:
        """Windows of the load step as minutes after local midnight, end excluded.

        Raises
        ------
        ScenarioError
            See `island_minutes`.
        """
        return _windows("load_step", self.load_step)

    def lost_minute(self) -> int:
        """Minutes after local midnight from which the lost sources are out.

        Raises
        ------
        ScenarioError
            Not a time of the day.
        """
        if self.lost_from is None:
            return 0
        found = _CLOCK.fullmatch(self.lost_from)
        minute = 60 * int(found.group(1)) + int(found.group(2)) if found else _DAY_MIN
        if not found or int(found.group(2)) > 59 or minute >= _DAY_MIN:
            raise ScenarioError(f"lost_from {self.lost_from!r} isn't a time; use HH:MM")
        return minute

    @property
    def follows_measured_battery(self) -> bool:
        """Whether the connected battery follows its measured series."""
        return self.battery == "measured" and not self.lost_all_day("battery")

    def lost_all_day(self, source: str) -> bool:
        """Whether a source is lost from the start of the day."""
        return source in self.lost and self.lost_minute() == 0

    def changes(self) -> dict[str, Any]:
        """List the settings that differ from a day as it was."""
        default = Scenario()
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) != getattr(default, field.name)
        }

    def as_dict(self) -> dict[str, Any]:
        """All settings, as in the JSON output."""
        return asdict(self) | {"lost": list(self.lost)}


def _windows(name: str, text: str | None) -> tuple[tuple[int, int], ...]:
    if text is None:
        return ()
    return tuple(_window_minutes(name, part.strip()) for part in text.split(","))


def _window_minutes(name: str, text: str) -> tuple[int, int]:
    found = _WINDOW.fullmatch(text)
    if not found:
        raise ScenarioError(f"{name} {text!r} isn't a window; use HH:MM-HH:MM, such as 18:00-20:30")
    first, last = (
        60 * int(hour) + int(minute) if int(minute) < 60 else _DAY_MIN + 1
        for hour, minute in (found.group(1, 2), found.group(3, 4))
    )
    if first >= _DAY_MIN or last > _DAY_MIN:
        raise ScenarioError(f"{name} {text!r} is outside the day; use 00:00 to 24:00")
    if first >= last:
        raise ScenarioError(
            f"{name} {text!r} must start before it ends, within one day; "
            "over midnight give two windows, such as 00:00-02:00,22:00-24:00"
        )
    return first, last


def scenario_grid(
    values: Mapping[str, Iterable[Any]], base: Scenario | None = None
) -> list[Scenario]:
    """Every combination of settings.

    Parameters
    ----------
    values
        Setting -> its values, such as `{"load_scale": [0.8, 1.0, 1.2], "pv_scale": [1, 2]}`.
    base
        What the other settings are; default: nothing changed.

    Raises
    ------
    ScenarioError
        An unknown setting, or a value that can't be meant.
    """
    start = asdict(base or Scenario())
    for name in values:
        if name not in start:
            raise ScenarioError(f"unknown setting {name!r}; known: {', '.join(start)}")
    combinations = itertools.product(*(list(choices) for choices in values.values()))
    return [
        Scenario(**(start | dict(zip(values, combination, strict=True))))
        for combination in combinations
    ]

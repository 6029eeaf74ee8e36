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
    lost
        Sources that are out of service all day: of `grid`, `pv`, `fuel_cell`, `genset`, `battery`.
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
    lost: tuple[str, ...] = ()
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
        if not math.isfinite(self.import_target_kw):
            raise ScenarioError(f"import_target_kw {self.import_target_kw:g} must be a number")
        if self.soc_start is not None and not 0.0 <= self.soc_start <= 1.0:
            raise ScenarioError(f"soc_start {self.soc_start:g} must be between 0 and 1")
        if self.battery not in ("measured", "import_target"):
            raise ScenarioError(f"battery {self.battery!r} must be 'measured' or 'import_target'")
        for source in self.lost:
            if source not in SOURCES:
                raise ScenarioError(f"lost {source!r} must be one of {', '.join(SOURCES)}")
        if self.seed < 0:
            raise ScenarioError(f"seed {self.seed} must be 0 or more")
        self.island_minutes()

    def island_minutes(self) -> tuple[tuple[int, int], ...]:
        """Island windows as minutes after local midnight, end excluded.

        Raises
        ------
        ScenarioError
            A window that isn't one, or isn't inside the day.
        """
        if self.island is None:
            return ()
        return tuple(_window_minutes(part.strip()) for part in self.island.split(","))

    @property
    def follows_measured_battery(self) -> bool:
        """Whether the connected battery follows its measured series."""
        return self.battery == "measured" and "battery" not in self.lost

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


def _window_minutes(text: str) -> tuple[int, int]:
    found = _WINDOW.fullmatch(text)
    if not found:
        raise ScenarioError(f"island {text!r} isn't a window; use HH:MM-HH:MM, such as 18:00-20:30")
    first, last = (
        60 * int(hour) + int(minute) if int(minute) < 60 else _DAY_MIN + 1
        for hour, minute in (found.group(1, 2), found.group(3, 4))
    )
    if first >= _DAY_MIN or last > _DAY_MIN:
        raise ScenarioError(f"island {text!r} is outside the day; use 00:00 to 24:00")
    if first >= last:
        raise ScenarioError(
            f"island {text!r} must start before it ends, within one day; "
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

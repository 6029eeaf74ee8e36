"""The controls of a scenario, linked to its model both ways."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import ipywidgets as widgets

from microgrid_lib.dashboard.simulating.model import SimulationModel
from microgrid_lib.present.texts import Texts
from microgrid_lib.simulation.scenario import SOURCES, Scenario

_QUARTER = 15
_TIMES = tuple(f"{m // 60:02d}:{m % 60:02d}" for m in range(0, 24 * 60 + 1, _QUARTER))
_EVENING = ("17:00", "20:00")
_STEP_AT = ("18:00", "19:00")
_LOST_AT = "18:00"


def _slider(kind: Any, low: float, high: float, step: float) -> Any:
    return kind(min=low, max=high, step=step, continuous_update=True).add_class("mg-slider")


def _times() -> Any:
    return widgets.SelectionRangeSlider(
        options=_TIMES, index=(0, 1), continuous_update=True
    ).add_class("mg-slider")


class ScenarioControls:
    """Sliders, switches and pickers of a scenario.

    A control that moves changes the model; whatever changes the model moves the controls. The
    browser holds back what a slider says while the kernel still works on its last position, so
    that stale positions are never simulated.

    Parameters
    ----------
    model
        The scenario.
    """

    def __init__(self, model: SimulationModel) -> None:
        self._model = model
        self._linking = False
        self._texts: Texts | None = None
        self.load = _slider(widgets.IntSlider, 0, 300, 5)
        self.pv = _slider(widgets.IntSlider, 0, 400, 5)
        self.fuel_cell_set = widgets.Checkbox(indent=False)
        self.fuel_cell = _slider(widgets.FloatSlider, 0, 100, 1)
        self.battery = widgets.Dropdown().add_class("mg-picker")
        self.soc_start_set = widgets.Checkbox(indent=False)
        self.soc_start = _slider(widgets.IntSlider, 0, 100, 1)
        self.soc_reserve = _slider(widgets.IntSlider, 0, 100, 1)
        self.island_set = widgets.Checkbox(indent=False)
        self.island = _times()
        self.load_step_kw = _slider(widgets.IntSlider, -100, 200, 5)
        self.load_step = _times()
        self.lost = widgets.Dropdown().add_class("mg-picker")
        self.lost_from = widgets.SelectionSlider(
            options=_TIMES[:-1], continuous_update=True
        ).add_class("mg-slider")
        self.seed = widgets.BoundedIntText(min=0, max=2**31 - 1, continuous_update=False)
        self.by_consumers = widgets.Checkbox(indent=False)
        self._groups: list[tuple[str, Any, list[Any]]] = [
            (
                "power",
                widgets.HTML(),
                [self.load, self.pv, self.fuel_cell_set, self.fuel_cell],
            ),
            (
                "battery",
                widgets.HTML(),
                [self.battery, self.soc_start_set, self.soc_start, self.soc_reserve],
            ),
            ("island", widgets.HTML(), [self.island_set, self.island]),
            (
                "events",
                widgets.HTML(),
                [self.load_step_kw, self.load_step, self.lost, self.lost_from],
            ),
            ("more", widgets.HTML(), [self.by_consumers, self.seed]),
        ]
        self.widget = widgets.VBox(
            [
                widgets.VBox([head, *rows]).add_class("mg-control-group")
                for _, head, rows in self._groups
            ]
        ).add_class("mg-controls-list")
        self._link()
        model.observe(self._follow, names=["scenario", "by_consumers", "pair", "problem"])

    def label(self, texts: Texts) -> None:
        """Write the texts of a language."""
        self._texts = texts
        self._linking = True
        try:
            for name, head, _ in self._groups:
                head.value = f"<h4>{texts('simulation.group.' + name)}</h4>"
            for name in (
                "load", "pv", "fuel_cell_set", "fuel_cell", "battery", "soc_start_set",
                "soc_start", "soc_reserve", "island_set", "island", "load_step_kw", "load_step",
                "lost", "lost_from", "seed", "by_consumers",
            ):  # fmt: skip
                getattr(self, name).description = texts(f"simulation.set.{name}")
            self.battery.options = [
                (texts(f"simulation.battery.{name}"), name)
                for name in ("measured", "import_target")
            ]
            self.by_consumers.tooltip = texts("simulation.set.by_consumers.help")
        finally:
            self._linking = False
        self._follow(None)

    def _link(self) -> None:
        on = self._on
        on(self.load, lambda v: {"load_scale": v / 100})
        on(self.pv, lambda v: {"pv_scale": v / 100})
        on(self.fuel_cell, lambda v: {"fuel_cell_kw": float(v)})
        on(self.fuel_cell_set, lambda v: {"fuel_cell_kw": None if v else self.fuel_cell.value})
        on(self.battery, lambda v: {"battery": v})
        on(self.soc_start, lambda v: {"soc_start": v / 100})
        on(self.soc_start_set, lambda v: {"soc_start": None if v else self.soc_start.value / 100})
        on(self.soc_reserve, lambda v: {"soc_reserve": v / 100 if v else None})
        on(self.island, lambda v: {"island": f"{v[0]}-{v[1]}"})
        on(self.island_set, lambda v: {"island": "-".join(_EVENING) if v else None})
        on(self.load_step_kw, self._load_step)
        on(self.load_step, lambda v: {"load_step": f"{v[0]}-{v[1]}"})
        on(self.lost, self._lost)
        on(self.lost_from, lambda v: {"lost_from": None if v == _TIMES[0] else v})
        on(self.seed, lambda v: {"seed": v})
        self.by_consumers.observe(self._take_share, "value")

    def _load_step(self, value: int) -> dict[str, Any]:
        at = self._model.scenario.load_step or "-".join(_STEP_AT)
        return {"load_step_kw": float(value), "load_step": at if value else None}

    def _lost(self, value: str) -> dict[str, Any]:
        if not value:
            return {"lost": (), "lost_from": None}
        fuel_cell = {"fuel_cell_kw": None} if value == "fuel_cell" else {}
        return {
            "lost": (value,),
            "lost_from": self._model.scenario.lost_from or _LOST_AT,
        } | fuel_cell

    def _on(self, widget: Any, settings: Callable[[Any], dict[str, Any]]) -> None:
        def take(change: dict[str, Any]) -> None:
            if not self._linking:
                self._model.change(**settings(change["new"]))

        widget.observe(take, "value")

    def _take_share(self, change: dict[str, Any]) -> None:
        if not self._linking:
            self._model.choose(by_consumers=bool(change["new"]))

    def _follow(self, _: Any) -> None:
        """Move the controls to where the model is; a refused change moves back."""
        if self._texts is None or self._linking or self._model.plant is None:
            return
        self._linking = True
        try:
            self._move(self._model.scenario, self._texts)
        finally:
            self._linking = False

    def _move(self, scenario: Scenario, texts: Texts) -> None:
        plant, day = self._model.plant, self._model.measured
        if plant is None or day is None:
            return
        self.load.value = round(100 * scenario.load_scale)
        self.pv.value = round(100 * scenario.pv_scale)
        battery, fuel_cell = plant.battery, plant.fuel_cell
        self._show(day.has("pv"), self.pv)
        self._show(fuel_cell is not None, self.fuel_cell_set)
        self._show(fuel_cell is not None and scenario.fuel_cell_kw is not None, self.fuel_cell)
        if fuel_cell is not None:
            self.fuel_cell.max = fuel_cell.rated_kw.value
        self.fuel_cell_set.value = scenario.fuel_cell_kw is None
        if scenario.fuel_cell_kw is not None:
            self.fuel_cell.value = scenario.fuel_cell_kw
        self.widget.children[1].layout.display = None if battery is not None else "none"
        self.battery.value = scenario.battery
        self.soc_start_set.value = scenario.soc_start is None
        self._show(scenario.soc_start is not None, self.soc_start)
        if scenario.soc_start is not None:
            self.soc_start.value = round(100 * scenario.soc_start)
        self.soc_reserve.value = round(100 * (scenario.soc_reserve or 0.0))
        self.island_set.value = scenario.island is not None
        self._show(scenario.island is not None, self.island)
        _move_times(self.island, scenario.island)
        self.load_step_kw.value = round(scenario.load_step_kw)
        self._show(scenario.load_step is not None, self.load_step)
        _move_times(self.load_step, scenario.load_step)
        self._move_lost(scenario, texts)
        self.seed.value = scenario.seed
        self._show(not day.has("bus_frequency"), self.seed)
        self.by_consumers.value = self._model.by_consumers

    def _move_lost(self, scenario: Scenario, texts: Texts) -> None:
        plant, day = self._model.plant, self._model.measured
        if plant is None or day is None:
            return
        there = self._model.sources()
        options = [(texts("simulation.nothing_lost"), "")]
        options += [(texts(f"source.{name}"), name) for name in SOURCES if name in there]
        if tuple(self.lost.options) != tuple(options):
            self.lost.options = options
        self.lost.value = scenario.lost[0] if scenario.lost else ""
        self._show(bool(scenario.lost), self.lost_from)
        self.lost_from.value = scenario.lost_from or _TIMES[0]

    @staticmethod
    def _show(shown: bool, widget: Any) -> None:
        display = None if shown else "none"
        if widget.layout.display != display:
            widget.layout.display = display


def _move_times(widget: Any, window: str | None) -> None:
    """Show a window; one that isn't in quarter-hours, from the command line, is left alone."""
    first, _, last = (window or "").partition("-")
    if first in _TIMES and last in _TIMES:
        widget.value = (first, last)


class DayControls:
    """Which day: a calendar, its neighbours, the average of the page's period; presets and reset.

    Parameters
    ----------
    model
        What is simulated.
    """

    def __init__(self, model: SimulationModel) -> None:
        self._model = model
        self._linking = False
        self._average = ""
        self._last_day = ""
        self._names: tuple[str, ...] = ()
        self.day = widgets.DatePicker().add_class("mg-date")
        self.earlier = widgets.Button(description="‹").add_class("mg-step")
        self.later = widgets.Button(description="›").add_class("mg-step")
        self.average = widgets.ToggleButton().add_class("mg-link")
        self.reset = widgets.Button().add_class("mg-link")
        self._head = widgets.HTML()
        self.presets = widgets.Box().add_class("mg-presets")
        self.widget = widgets.VBox(
            [
                widgets.HBox([self.earlier, self.day, self.later]).add_class("mg-day"),
                widgets.HBox([self.average, self.reset]).add_class("mg-day"),
                self._head,
                self.presets,
            ]
        ).add_class("mg-control-group")
        self.day.observe(self._take_day, "value")
        self.average.observe(self._take_average, "value")
        self.earlier.on_click(lambda _: self._step(-1))
        self.later.on_click(lambda _: self._step(1))
        self.reset.on_click(lambda _: model.take_preset("measured"))
        model.observe(lambda _: self._follow(), names=["day", "problem", "pair"])

    def label(self, texts: Texts, first: date, last: date, period: str) -> None:
        """Write the texts of a language.

        Parameters
        ----------
        first, last, period
            The page's period, for its average; and in words.
        """
        self._average = f"{first.isoformat()}/{last.isoformat()}"
        self.day.description = texts("simulation.day")
        self.earlier.tooltip = texts("simulation.day.earlier")
        self.later.tooltip = texts("simulation.day.later")
        self.average.description = texts("simulation.average")
        self.average.tooltip = texts("simulation.average.help", period=period)
        self.reset.description = texts("simulation.reset")
        self._head.value = f"<h4>{texts('simulation.presets')}</h4>"
        self._names = tuple(self._model.presets())
        self.presets.children = tuple(self._preset(name, texts) for name in self._names)
        self._follow()

    def _preset(self, name: str, texts: Texts) -> Any:
        button = widgets.Button(description=texts(f"preset.{name}")).add_class("mg-preset")
        button.on_click(lambda _: self._model.take_preset(name))
        return button

    def _step(self, steps: int) -> None:
        day = self._model.neighbour(steps)
        if day is not None:
            self._model.choose(day=day)

    def _take_day(self, change: dict[str, Any]) -> None:
        if not self._linking and change["new"] is not None:
            self._model.choose(day=change["new"].isoformat())
            self._follow()

    def _take_average(self, change: dict[str, Any]) -> None:
        if self._linking:
            return
        newest = self._model.days[-1].isoformat() if self._model.days else ""
        self._model.choose(day=self._average if change["new"] else self._last_day or newest)
        self._follow()

    def _follow(self) -> None:
        self._linking = True
        try:
            day = self._model.day
            averaged = "/" in day
            if day and not averaged:
                self.day.value = date.fromisoformat(day)
                self._last_day = day
            self.day.disabled = averaged
            self.average.value = averaged
            self.earlier.disabled = self._model.neighbour(-1) is None
            self.later.disabled = self._model.neighbour(1) is None
            found = self._model.presets()
            for name, button in zip(self._names, self.presets.children, strict=True):
                active = found.get(name) == self._model.scenario
                (button.add_class if active else button.remove_class)("mod-active")
        finally:
            self._linking = False

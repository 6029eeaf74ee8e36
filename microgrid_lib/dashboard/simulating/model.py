"""What is simulated and what came out; no widgets.

A viewer can set any trait of any widget: whatever a control says is a scenario only after the
library has taken it. What it refuses leaves everything as it was, and one line.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, Protocol

from traitlets import Any as AnyTrait
from traitlets import Bool, HasTraits, Instance, Unicode

from microgrid_lib.errors import MicrogridError, NoDataError
from microgrid_lib.present.simulation import Pair
from microgrid_lib.simulation.case import available_sources
from microgrid_lib.simulation.contingency import Contingency, n_minus_1
from microgrid_lib.simulation.day import DayFrame
from microgrid_lib.simulation.plant import Plant, with_critical_share
from microgrid_lib.simulation.presets import presets
from microgrid_lib.simulation.scenario import Scenario
from microgrid_lib.simulation.simulate import SimulationResult, Simulator


class RatedShare(Protocol):
    """Share of critical consumers by rated power; `consumers.share.RatedShare` is one."""

    @property
    def share(self) -> float:
        """0-1."""

    @property
    def counted(self) -> int:
        """How many consumers state a rated power."""


class SimulationData(Protocol):
    """What the page asks of the library; `microgrid_lib.api.SiteData` is one."""

    def plant(self) -> Plant:
        """What the simulation knows about the site."""

    def simulation_days(self) -> list[date]:
        """Days that can be simulated."""

    def simulation_day(self, day: str | date) -> DayFrame:
        """One of them."""

    def average_day(self, first: str | date, last: str | date) -> DayFrame:
        """The average of a period."""

    def critical_share_of_consumers(self) -> RatedShare | None:
        """By the consumers' rated power."""


class SimulationModel(HasTraits):
    """A day, a scenario, and what they give.

    Attributes
    ----------
    scenario
        What is changed.
    day
        `YYYY-MM-DD`, or `FIRST/LAST` of an average.
    by_consumers
        Whether the critical share is that of the consumers' rated power.
    pair
        The last good result beside the day as measured; None before the first.
    problem
        Why the last change wasn't taken; empty where it was.
    contingencies
        N-1 of `pair`'s scenario; None while it isn't computed.
    runs
        How many scenarios were simulated: tests see that stale ones are dropped.
    """

    scenario = Instance(Scenario, ())
    day = Unicode()
    by_consumers = Bool(False)
    pair = AnyTrait(None, allow_none=True)
    problem = Unicode()
    contingencies = AnyTrait(None, allow_none=True)

    def __init__(self) -> None:
        super().__init__()
        self._data: SimulationData | None = None
        self._simulator: Simulator | None = None
        self._base: SimulationResult | None = None
        self._opened = ("", False)
        self.days: list[date] = []
        self.runs = 0

    @property
    def plant(self) -> Plant | None:
        """The plant that is simulated."""
        return None if self._simulator is None else self._simulator.plant

    @property
    def measured(self) -> DayFrame | None:
        """The day that is simulated."""
        return None if self._simulator is None else self._simulator.day

    def open(self, data: SimulationData, prefer: date) -> None:
        """Take a site's data: the day stays where it can, else it is the last one up to another.

        Parameters
        ----------
        prefer
            A local date: the newest day with data that isn't later is simulated.

        Raises
        ------
        NoDataError, PlantError
            Nothing can be simulated.
        """
        self._data, self._simulator = data, None
        self.days = data.simulation_days()
        if not self.days:
            raise NoDataError("no day has data for at least half of it")
        upto = [day for day in self.days if day <= prefer]
        known = {day.isoformat() for day in self.days}
        day = self.day if self.day in known else (upto or self.days[:1])[-1].isoformat()
        self._take(day, self.scenario, self.by_consumers, first=True)

    def change(self, **settings: Any) -> None:
        """Change settings of the scenario, all or none."""
        try:
            scenario = replace(self.scenario, **settings)
            self._take(self.day, scenario, self.by_consumers)
        except MicrogridError as error:
            self.problem = str(error)

    def choose(self, day: str | None = None, by_consumers: bool | None = None) -> None:
        """Simulate another day, or with another critical share."""
        try:
            share = self.by_consumers if by_consumers is None else by_consumers
            self._take(day or self.day, self.scenario, share)
        except MicrogridError as error:
            self.problem = str(error)

    def take_preset(self, name: str) -> None:
        """Simulate a named scenario; an unknown name changes nothing."""
        found = self.presets().get(name)
        if found is not None:
            self.change(**{f: getattr(found, f) for f in found.__dataclass_fields__})

    def presets(self) -> dict[str, Scenario]:
        """Named scenarios of this plant and day."""
        simulator = self._simulator
        return {} if simulator is None else presets(simulator.plant, simulator.day)

    def sources(self) -> tuple[str, ...]:
        """Sources that can be lost."""
        simulator = self._simulator
        return () if simulator is None else available_sources(simulator.plant, simulator.day)

    def neighbour(self, steps: int) -> str | None:
        """The day with data some steps away; None at the ends, and beside an average."""
        listed = [day.isoformat() for day in self.days]
        if self.day not in listed:
            return None
        at = listed.index(self.day) + steps
        return listed[at] if 0 <= at < len(listed) else None

    def lose_each(self) -> None:
        """Compute N-1 of the scenario."""
        simulator, pair = self._simulator, self.pair
        if simulator is None or pair is None or self.contingencies is not None:
            return
        rows: tuple[Contingency, ...] = n_minus_1(
            simulator.plant, simulator.day, pair.scenario.scenario
        )
        self.contingencies = rows

    def _take(self, day: str, scenario: Scenario, by_consumers: bool, first: bool = False) -> None:
        """Simulate; nothing is changed where the library refuses."""
        simulator, base = self._simulator, self._base
        if simulator is None or base is None or (day, by_consumers) != self._opened:
            simulator = self._open_day(day, by_consumers)
            base = simulator.run()
        try:
            result = simulator.run(scenario)
        except MicrogridError:
            if not first:
                raise
            # Another site may not have what the scenario is about: begin as measured.
            scenario, result = Scenario(), base
        self.runs += 1
        self._simulator, self._base, self._opened = simulator, base, (day, by_consumers)
        with self.hold_trait_notifications():
            self.day, self.scenario, self.by_consumers = day, scenario, by_consumers
            self.contingencies = None
            self.problem = ""
            self.pair = Pair(base, result)

    def _open_day(self, day: str, by_consumers: bool) -> Simulator:
        data = self._data
        if data is None:
            raise NoDataError("no site is open")
        plant = data.plant()
        if by_consumers:
            rated = data.critical_share_of_consumers()
            if rated is None:
                raise NoDataError("no consumer of this site states a rated power")
            plant = with_critical_share(
                plant, rated.share, f"rated power of {rated.counted} consumers"
            )
        first, slash, last = day.partition("/")
        frame = data.average_day(first, last) if slash else data.simulation_day(day)
        return Simulator(plant, frame)

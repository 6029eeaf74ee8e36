"""A simulated day, and its power flow beside other ways to solve it.

Beside it: the closed form; a plain Newton-Raphson in numpy, a loop over the steps; and OpenDSS,
which is not installed with the project: `uv pip install opendssdirect.py` adds its row.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import alternate, timed
from benchmarks.peer_opendss import INSTALLED, opendss
from benchmarks.table import Row
from microgrid_lib.api import open_site
from microgrid_lib.settings import Settings
from microgrid_lib.simulation.batch import run_batch
from microgrid_lib.simulation.network import Feeder, feeder_voltages
from microgrid_lib.simulation.scenario import Scenario, scenario_grid
from microgrid_lib.simulation.simulate import Simulator

BUDGET_S = 0.030
BUDGET_P95_S = 0.050
BUDGET_BATCH_S = 30.0
WARM_UP = 5
_TOLERANCE_V = 1e-8


def newton(r: float, x: float, source_v: Any, p_kw: Any, q_kvar: Any) -> Any:
    """Voltage at the bus, step by step: power balance at the bus in polar form."""
    found = np.full(len(p_kw), np.nan)
    y = 1.0 / complex(r, x)
    for k, (e, p, q) in enumerate(zip(source_v, p_kw * 1e3, q_kvar * 1e3, strict=True)):
        v, angle = e, 0.0
        for _ in range(30):
            bus = v * np.exp(1j * angle)
            flow = bus * np.conj(y * (bus - e))
            mismatch = np.array([flow.real + p, flow.imag + q])
            d_angle = 1j * bus * np.conj(y * (bus - e)) + bus * np.conj(1j * y * bus)
            d_v = bus / v * np.conj(y * (bus - e)) + bus * np.conj(y * bus / v)
            jacobian = np.array([[d_angle.real, d_v.real], [d_angle.imag, d_v.imag]])
            step = np.linalg.solve(jacobian, mismatch)
            angle, v = angle - step[0], v - step[1]
            if abs(step[1]) < _TOLERANCE_V:
                break
        found[k] = v
    return found


def run(home: Path, repeat: int) -> list[Row]:
    data = open_site("mesa_del_sol", "gas_engine", settings=Settings(home=home))
    days = data.simulation_days()
    plant, day = data.plant(), data.simulation_day(days[len(days) // 2])
    ours, closed = Simulator(plant, day), Simulator(plant, day, "closed_form")
    # A scenario each, so that nothing is remembered.
    scales = iter(1.0 + np.arange(100_000) / 1e6)

    def scenario() -> Scenario:
        return Scenario(load_scale=float(next(scales)), island="17:00-20:00")

    for _ in range(WARM_UP):
        ours.run(scenario())
        closed.run(scenario())
    found = alternate(
        {
            "ours": lambda: timed(lambda: ours.run(scenario())),
            "closed": lambda: timed(lambda: closed.run(scenario())),
        },
        repeat * 20,
    )
    rows = [
        Row(
            "a simulated day, 1,440 steps, warm",
            found["ours"],
            found["closed"],
            "the same with the closed form",
            budget_s=BUDGET_S,
            budget_p95_s=BUDGET_P95_S,
        )
    ]
    if plant.network is None:
        raise RuntimeError("the site states no network")
    feeder = Feeder.of(plant.network)
    rng = np.random.default_rng(1)
    source = 480 + 5 * rng.standard_normal(1440)
    p, q = 300 * rng.standard_normal(1440), 50 * rng.standard_normal(1440)

    def flow(engine: Any) -> Any:
        return feeder_voltages(feeder, 480.0, source, p, q, engine).bus

    def by_hand() -> Any:
        return newton(feeder.total_r, feeder.total_x, source, p, q)

    def by_opendss() -> Any:
        return opendss(feeder.total_r, feeder.total_x, source, p, q)

    others = [flow("closed_form"), by_hand(), *([by_opendss()] if INSTALLED else [])]
    worst = max(float(np.abs(flow("power_grid_model") - other).max()) for other in others)
    if worst > 1e-6:
        raise RuntimeError(f"the power flows differ by {worst} V")
    flows = alternate(
        {
            "ours": lambda: timed(lambda: flow("power_grid_model")),
            "closed": lambda: timed(lambda: flow("closed_form")),
            "newton": lambda: timed(by_hand),
            **({"opendss": lambda: timed(by_opendss)} if INSTALLED else {}),
        },
        repeat * 5,
    )
    rows += [
        Row("power flow, 1,440 steps, batch", flows["ours"], flows["closed"], "closed form"),
        Row(
            "power flow, 1,440 steps, batch",
            flows["ours"],
            flows["newton"],
            "Newton-Raphson in numpy, step by step",
            1.0,
        ),
    ]
    if INSTALLED:
        rows.append(
            Row(
                "power flow, 1,440 steps, batch",
                flows["ours"],
                flows["opendss"],
                "OpenDSS, step by step",
                1.0,
            )
        )
    grid = scenario_grid(
        {
            "load_scale": np.linspace(0.5, 2, 20).tolist(),
            "pv_scale": np.linspace(0, 3, 10).tolist(),
            "island": [None, "17:00-20:00", "08:00-12:00", "00:00-24:00", "22:00-24:00"],
        }
    )
    batch = alternate(
        {"ours": lambda: timed(lambda: run_batch(plant, day, grid, progress=False))}, 1
    )
    rows.append(Row("1,000 scenarios of a day", batch["ours"], None, "", budget_s=BUDGET_BATCH_S))
    return rows

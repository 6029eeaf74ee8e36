"""The same power flow by OpenDSS, where `opendssdirect.py` is installed."""

from __future__ import annotations

import math
from importlib.util import find_spec
from typing import Any

import numpy as np

INSTALLED = find_spec("opendssdirect") is not None
_BASE_V = 480.0


def opendss(r: float, x: float, source_v: Any, p_kw: Any, q_kvar: Any) -> Any:
    """Voltage at the bus [V], line to line, step by step: a source behind r + jx [ohm], a load."""
    import opendssdirect as dss

    dss.Command("Clear")
    dss.Command(
        f"New Circuit.grid bus1=bus phases=3 basekv={_BASE_V / 1e3} "
        f"R1={r!r} X1={x!r} R0={r!r} X0={x!r}"
    )
    # Far voltage limits: beyond its own OpenDSS makes an impedance of the load.
    dss.Command(
        f"New Load.net bus1=bus phases=3 conn=wye kv={_BASE_V / 1e3} model=1 vminpu=0.1 vmaxpu=5"
    )
    dss.Command("Set tolerance=1e-12")
    dss.Command("Set maxiterations=100")
    found = np.full(len(p_kw), np.nan)
    steps = zip(source_v.tolist(), p_kw.tolist(), q_kvar.tolist(), strict=True)
    for k, (e, p, q) in enumerate(steps):
        dss.Vsources.PU(e / _BASE_V)
        dss.Loads.kW(p)
        dss.Loads.kvar(q)
        dss.Solution.Solve()
        dss.Circuit.SetActiveBus("bus")
        real, imaginary = dss.Bus.Voltages()[:2]
        found[k] = math.hypot(real, imaginary) * math.sqrt(3)
    return found

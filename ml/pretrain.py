"""Make the models shipped in this folder, from the synthetic demo data of Mesa del Sol.

Run `microgrid demo` first, then `python ml/pretrain.py`: minutes on two cores, and the same data
and versions give the same forecasts.
"""

from __future__ import annotations

import sys
from pathlib import Path

from microgrid_lib.api import open_site
from microgrid_lib.forecast.roles import FORECAST_ROLES
from microgrid_lib.forecast.source import read_history
from microgrid_lib.forecast.train import train_and_write

SITE = "mesa_del_sol"


def main() -> int:
    """Train every role and write models, cards and the registry beside this file."""
    data = open_site(SITE)
    if not data.synthetic:
        sys.stderr.write("the models shipped here are trained on demo data only\n")
        return 2
    for role in FORECAST_ROLES:
        history = read_history(data.engine, data.snapshot(), data.profile, role, synthetic=True)
        entry = train_and_write(history, Path(__file__).parent)
        sys.stdout.write(f"{role}: {entry.ranking[0]} is served\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

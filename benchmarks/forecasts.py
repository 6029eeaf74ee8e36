"""Training, forecasting and backtesting the load on all demo months."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from benchmarks.measure import Samples, timed
from benchmarks.table import Row
from microgrid_lib.api import open_site
from microgrid_lib.settings import Settings

ROLE = "load"
BUDGET_TRAIN_S = 60.0
BUDGET_FORECAST_S = 1.0
BUDGET_BACKTEST_S = 300.0
BUDGET_FILE_MIB = 5.0
BACKTEST_ORIGINS = 20
EVERY_DAYS = 5
DAYS = 5


def run(home: Path, repeat: int) -> list[Row]:
    """Rows of the table; `home` has demo data, and gets the trained models."""
    data = open_site("mesa_del_sol", settings=Settings(home=home))
    train = Samples("train", [timed(lambda: data.train(ROLE))])
    files = sorted(data.model_folders[0].glob("*.pkl"))
    largest = max(path.stat().st_size for path in files) / 2**20
    data.forecast(ROLE)
    ahead = Samples("forecast", [timed(lambda: data.forecast(ROLE)) for _ in range(repeat)])
    final = data.history(ROLE).last_midnight().to_pydatetime() - timedelta(days=DAYS)
    first = final - timedelta(days=EVERY_DAYS * (BACKTEST_ORIGINS - 1))
    past = Samples("backtest", [timed(lambda: data.backtest(ROLE, first, final, EVERY_DAYS, DAYS))])
    return [
        Row("train the forecast of one role on all months", train, None, "", None, BUDGET_TRAIN_S),
        Row("forecast of five days, warm", ahead, None, "", None, BUDGET_FORECAST_S),
        Row(f"backtest over {BACKTEST_ORIGINS} origins", past, None, "", None, BUDGET_BACKTEST_S),
        Row(
            "largest model file",
            Samples("file", ahead.seconds, largest),
            None,
            "",
            budget_mib=BUDGET_FILE_MIB,
        ),
    ]

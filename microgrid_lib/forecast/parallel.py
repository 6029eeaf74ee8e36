"""Sharing work out through joblib: cores of this machine, or a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from microgrid_lib.forecast.errors import ForecastRequestError

T = TypeVar("T")
R = TypeVar("R")

BACKENDS = ("loky", "threading", "spark", "dask")
"""Where work may run: processes or threads here, Spark (joblibspark) or Dask (distributed)."""


def share_out(
    work: Callable[[T], R], items: Iterable[T], jobs: int = 1, backend: str = "loky"
) -> list[R]:
    """Do the same work on several items, results in their order.

    Parameters
    ----------
    work, items
        What to do, and on what; both must be picklable unless `jobs` is 1 or in threads.
    jobs
        How many at once; 1 stays in this process.
    backend
        One of `BACKENDS`. The last two need their package, and a running cluster where one is
        meant.

    Raises
    ------
    ForecastRequestError
        There is no such backend, or its package isn't installed.
    """
    if backend not in BACKENDS:
        raise ForecastRequestError(
            f"parallel backend {backend!r} isn't known; use one of {', '.join(BACKENDS)}"
        )
    if jobs == 1:
        return [work(item) for item in items]
    from joblib import Parallel, delayed, parallel_config

    _prepare(backend)
    with parallel_config(backend=backend, n_jobs=jobs):
        done: list[Any] = Parallel()(delayed(work)(item) for item in items)
    return done


def _prepare(backend: str) -> None:
    """Make a cluster's backend known to joblib."""
    from importlib import import_module

    package = {"spark": "joblibspark", "dask": "distributed"}.get(backend)
    if package is None:
        return
    try:
        module = import_module(package)
    except ImportError:
        raise ForecastRequestError(
            f"parallel backend {backend!r} needs the package {package}"
        ) from None
    if backend == "spark":
        module.register_spark()

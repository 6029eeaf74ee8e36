"""Timing: whole processes with their peak memory, and functions in this process."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass
class Samples:
    """Times of one contender [s], and its peak memory [MiB] where it was a process."""

    name: str
    seconds: list[float] = field(default_factory=list)
    peak_mib: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def p95(self) -> float:
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]


def run_process(command: Sequence[str], env: Mapping[str, str]) -> tuple[float, float]:
    """Run a command to its end; returns its wall time [s] and peak memory [MiB].

    Raises
    ------
    RuntimeError
        The command failed.
    """
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as report:
        subprocess.run(
            [*python("peak", report.name), *command], env={**os.environ, **env}, check=True
        )
        code, said, seconds, peak_mib = json.load(report)
    if code != 0:
        raise RuntimeError(f"{command}: {said}")
    return float(seconds), float(peak_mib)


def python(script: str, *arguments: str) -> list[str]:
    """The command that runs a module of this folder in a process of its own."""
    return [sys.executable, "-m", f"benchmarks.{script}", *arguments]


def alternate(contenders: Mapping[str, Callable[[], float]], repeat: int) -> dict[str, Samples]:
    """Run contenders in turn, `repeat` times each, so that drift of the machine hits all alike."""
    found = {name: Samples(name) for name in contenders}
    for _ in range(repeat):
        for name, contender in contenders.items():
            found[name].seconds.append(contender())
    return found


def timed(function: Callable[[], object]) -> float:
    """Wall time of one call [s]."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start

"""Timing: whole processes with their peak memory, and functions in this process."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
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
    start = time.perf_counter()
    process = subprocess.Popen(
        command, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    output = process.stdout.read()
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if process.returncode != 0:
        raise RuntimeError(f"{command}: {errors.decode()[-2000:]}{output.decode()[-500:]}")
    return seconds, usage.ru_maxrss / 1024


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

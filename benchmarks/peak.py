"""Runs a command for `measure.run_process`: in a small process of its own.

A process that starts another passes its own peak memory on to it, as far as the kernel's figure
goes: the benchmarks' own, which make data, would show instead of the command's.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path


def main(report: str, command: list[str]) -> int:
    start = time.perf_counter()
    done = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace")
    seconds = time.perf_counter() - start
    peak_mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    said = (done.stderr[-2000:] + done.stdout[-500:]) if done.returncode else ""
    found = json.dumps([done.returncode, said, seconds, peak_mib])
    Path(report).write_text(found, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))

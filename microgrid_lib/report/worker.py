"""Makes one report in a process of its own, for whoever must go on meanwhile.

Run as `python -m microgrid_lib.report.worker`, with the order as JSON on standard input. Standard
output has a JSON object per line: `{"done", "of"}` after each cell, at the end `{"status", "file",
"pages", "reason"}`.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from microgrid_lib.report.making import make
from microgrid_lib.report.orders import ReportOrder


def written(order: ReportOrder) -> bytes:
    """Write an order for the worker's standard input."""
    return json.dumps(asdict(order)).encode("ascii")


def main() -> int:
    """Make the report that is asked for on standard input."""
    order = ReportOrder(**json.load(sys.stdin))
    made = make(order, aside=True, progress=lambda done, of, _: _say({"done": done, "of": of}))
    _say(
        {
            "status": made.status,
            "file": made.file.name if made.file else "",
            "pages": made.pages,
            "reason": made.reason,
        }
    )
    return 0


def _say(line: dict[str, Any]) -> None:
    sys.__stdout__.write(json.dumps(line) + "\n")  # type: ignore[union-attr]  # we were given one
    sys.__stdout__.flush()  # type: ignore[union-attr]  # the same


if __name__ == "__main__":
    sys.exit(main())

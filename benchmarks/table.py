"""The table of results: ours, the peer, their ratio, and the budget."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.measure import Samples


@dataclass
class Row:
    """One comparison; a budget is a ratio, a time [s] or a memory [MiB]."""

    what: str
    ours: Samples
    peer: Samples | None
    peer_name: str
    budget_ratio: float | None = None
    budget_s: float | None = None
    budget_p95_s: float | None = None
    budget_mib: float | None = None

    @property
    def ratios(self) -> list[float]:
        if self.peer is None:
            return []
        pairs = zip(self.ours.seconds, self.peer.seconds, strict=False)
        return [a / b for a, b in pairs]

    @property
    def kept(self) -> bool:
        checks = [True]
        if self.budget_ratio is not None:
            checks.append(statistics.median(self.ratios) <= self.budget_ratio)
        if self.budget_s is not None:
            checks.append(self.ours.median <= self.budget_s)
        if self.budget_p95_s is not None:
            checks.append(self.ours.p95 <= self.budget_p95_s)
        if self.budget_mib is not None:
            checks.append((self.ours.peak_mib or 0.0) <= self.budget_mib)
        return all(checks)


def _time(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _budget(row: Row) -> str:
    parts = []
    if row.budget_ratio is not None:
        parts.append(f"<= {row.budget_ratio:g} x")
    if row.budget_s is not None:
        parts.append(f"<= {_time(row.budget_s)}")
    if row.budget_p95_s is not None:
        parts.append(f"95 % <= {_time(row.budget_p95_s)}")
    if row.budget_mib is not None:
        parts.append(f"<= {row.budget_mib:g} MiB")
    return ", ".join(parts)


def render(rows: Sequence[Row]) -> str:
    """A Markdown table."""
    titles = ("what", "ours", "beside", "peer", "ratio: min - median - max", "budget", "kept")
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for row in rows:
        ours = _time(row.ours.median)
        if row.budget_mib is not None:
            ours = f"{row.ours.peak_mib or 0:.0f} MiB"
        ratio = peer = ""
        if row.peer is not None:
            ratios = row.ratios
            ratio = f"{min(ratios):.3g} - {statistics.median(ratios):.3g} - {max(ratios):.3g}"
            peer = _time(row.peer.median)
        kept = "yes" if row.kept else "NO"
        cells = (row.what, ours, row.peer_name, peer, ratio, _budget(row), kept)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)

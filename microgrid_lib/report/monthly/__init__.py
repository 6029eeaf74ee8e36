"""The periodic reports as blocks: a passage per part, and the whole documents.

`PeriodReport` asks for a period's facts once and gives each part; a notebook shows a part a cell.
"""

from __future__ import annotations

from microgrid_lib.report.monthly.document import PeriodReport, period_document

__all__ = ["PeriodReport", "period_document"]

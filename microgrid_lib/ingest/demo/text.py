"""Rows as the bytes of a published file."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from microgrid_lib.ingest.demo.faults import MISSING, Rows
from microgrid_lib.ingest.demo.plan import COLUMNS, SENTINEL, SLOT_S, SLOTS_PER_DAY

HEADER = ",".join(["Timestamp", *COLUMNS.values()])


def float32_text(value: float) -> str:
    """Print a value as the published files do: float32, six decimals, no trailing zeros.

    >>> float32_text(60.04), float32_text(110), float32_text(94.3)
    ('60.040001', '110.0', '94.300003')
    """
    text = f"{np.float32(value):.6f}".rstrip("0")
    return text + "0" if text.endswith(".") else text


def csv_bytes(rows: Rows, year: int, month: int) -> bytes:
    """Header and rows of one file.

    Each channel has few different values, so their texts are made once and looked up.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    def look_up(texts: list[str], index: npt.NDArray[np.int64]) -> object:
        return pa.array(texts, pa.string()).take(pa.array(index))

    dates = [f"{year:04d}/{month:02d}/{day:02d} " for day in range(32)]
    seconds = [slot * SLOT_S + 1 for slot in range(SLOTS_PER_DAY)]
    times = [f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}," for s in seconds]
    parts = [look_up(dates, rows.day), look_up(times, rows.slot)]
    for position, channel in enumerate(COLUMNS, start=1):
        known, index = _distinct(rows.values[channel])
        end = "\n" if position == len(COLUMNS) else ","
        texts = [float32_text(SENTINEL if v == MISSING else v / 100) + end for v in known]
        parts.append(look_up(texts, index))
    lines = pc.binary_join_element_wise(*parts, "")
    _, offsets, data = lines.buffers()
    length = int(np.frombuffer(offsets, dtype=np.int32)[len(lines)])
    body: bytes = data.slice(0, length).to_pybytes()
    return (HEADER + "\n").encode() + body


def _distinct(values: npt.NDArray[np.int64]) -> tuple[list[int], npt.NDArray[np.int64]]:
    """Distinct values, and for each value its place among them."""
    import pyarrow as pa

    encoded = pa.array(values).dictionary_encode()
    return encoded.dictionary.to_pylist(), encoded.indices.to_numpy()

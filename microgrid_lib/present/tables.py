"""A table as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DataTable:
    """A table of texts.

    Attributes
    ----------
    title
        What it is, for the caption.
    columns
        Titles; all but the first are numbers.
    marked
        Rows to point out, such as what is served.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    marked: tuple[int, ...] = ()

"""Lists of consumers as files: CSV, GeoJSON, XLSX, JSON, Markdown.

CSV and GeoJSON come back through `importing` without loss: id, site and everything a user decides.
Who changed a consumer and when is written too, for readers; an import doesn't take it over, since
that is for the audit log to say.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

from microgrid_lib.consumers.model import Consumer
from microgrid_lib.consumers.query import ConsumerTotals, Total
from microgrid_lib.consumers.safe_text import to_cell, to_markdown

COLUMNS = (
    "id",
    "site",
    "name",
    "type",
    "kind",
    "latitude",
    "longitude",
    "rated_power_kw",
    "notes",
    "version",
    "created_by",
    "created_at",
    "updated_by",
    "updated_at",
)
_MARKDOWN_COLUMNS = {
    "name": "Name",
    "type": "Type",
    "kind": "Kind",
    "latitude": "Latitude [°]",
    "longitude": "Longitude [°]",
    "rated_power_kw": "Rated power [kW]",
    "notes": "Notes",
}
_NUMERIC = {"latitude", "longitude", "rated_power_kw", "version"}
# XLSX reads _x0041_ as the letter A; an escaped underscore keeps such text as it is.
_XLSX_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_WIDTHS = {"id": 38, "name": 30, "notes": 40, "created_at": 28, "updated_at": 28}


class ExportFormat(StrEnum):
    """Formats a list can be written in."""

    csv = "csv"
    geojson = "geojson"
    xlsx = "xlsx"
    json = "json"
    markdown = "markdown"


SUFFIXES = {
    ".csv": ExportFormat.csv,
    ".geojson": ExportFormat.geojson,
    ".xlsx": ExportFormat.xlsx,
    ".json": ExportFormat.json,
    ".md": ExportFormat.markdown,
}


def export(
    consumers: Sequence[Consumer], totals: ConsumerTotals, file_format: ExportFormat
) -> bytes:
    """Write a list as the content of a file.

    Parameters
    ----------
    consumers
        From `ConsumerStore.select`, in their order.
    totals
        Of the same query; written into JSON and Markdown.

    Returns
    -------
    bytes
        UTF-8 text without a byte-order mark, or an XLSX file.
    """
    if file_format == ExportFormat.xlsx:
        return to_xlsx(consumers)
    if file_format == ExportFormat.csv:
        text = to_csv(consumers)
    elif file_format == ExportFormat.geojson:
        text = _dump(to_geojson(consumers))
    elif file_format == ExportFormat.json:
        text = _dump(to_json(consumers, totals))
    else:
        text = to_markdown_table(consumers, totals)
    return text.encode("utf-8")


def to_csv(consumers: Iterable[Consumer]) -> str:
    """CSV (RFC 4180), no cell of which a spreadsheet takes for a formula; see `safe_text`."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for consumer in consumers:
        writer.writerow([_csv_cell(value) for value in _values(consumer).values()])
    return out.getvalue()


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    # Numbers stay numbers: a minus before digits is no formula.
    return to_cell(value) if isinstance(value, str) else repr(value)


def to_geojson(consumers: Iterable[Consumer]) -> dict[str, Any]:
    """A GeoJSON FeatureCollection (RFC 7946) of points in WGS 84; also what the map draws."""
    features = []
    for consumer in consumers:
        properties = _values(consumer)
        key = properties.pop("id")
        position = [properties.pop("longitude"), properties.pop("latitude")]
        features.append(
            {
                "type": "Feature",
                "id": key,
                "geometry": {"type": "Point", "coordinates": position},
                "properties": properties,
            }
        )
    return {"type": "FeatureCollection", "features": features}


def to_json(consumers: Iterable[Consumer], totals: ConsumerTotals) -> dict[str, Any]:
    """Consumers and their totals as JSON values."""
    return {
        "consumers": [_values(consumer) for consumer in consumers],
        "totals": totals.model_dump(mode="json"),
    }


def to_xlsx(consumers: Iterable[Consumer]) -> bytes:
    """An XLSX workbook; text is stored as text, never as a formula."""
    from openpyxl import Workbook
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "consumers"
    sheet.freeze_panes = "A2"
    for number, name in enumerate(COLUMNS, start=1):
        sheet.cell(1, number, name).font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(number)].width = _WIDTHS.get(name, 16)
    for row, consumer in enumerate(consumers, start=2):
        for number, value in enumerate(_values(consumer).values(), start=1):
            cell = sheet.cell(row, number)
            if isinstance(value, str):
                cell.value = _XLSX_ESCAPE.sub("_x005F_", value)
                cell.data_type = "s"
                # Shown with an apostrophe when edited, so that editing makes no formula of it.
                cell.quotePrefix = True
            else:
                cell.value = value
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def to_markdown_table(consumers: Iterable[Consumer], totals: ConsumerTotals) -> str:
    """A Markdown table with its totals by type; a report can render it."""
    lines = [
        "| " + " | ".join(_MARKDOWN_COLUMNS.values()) + " |",
        "| " + " | ".join("--:" if n in _NUMERIC else "---" for n in _MARKDOWN_COLUMNS) + " |",
    ]
    for consumer in consumers:
        values = _values(consumer)
        cells = (_markdown_cell(values[name]) for name in _MARKDOWN_COLUMNS)
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", *(f"- {kind}: {_total(one)}" for kind, one in totals.by_type.items())]
    lines.append(f"- all: {_total(totals.all)}")
    return "\n".join(lines) + "\n"


def _markdown_cell(value: Any) -> str:
    if value is None:
        return ""
    return to_markdown(value) if isinstance(value, str) else repr(value)


def _total(total: Total) -> str:
    if total.rated_power_kw is None:
        power = "no rated power known"
    else:
        power = f"{total.rated_power_kw:.6g} kW rated"
        if total.rated_power_unknown:
            power += f" ({total.rated_power_unknown} without a known rated power)"
    return f"{total.count} consumers, {power}"


def _values(consumer: Consumer) -> dict[str, Any]:
    """JSON values by column."""
    values = consumer.model_dump(mode="json")
    return {name: values[name] for name in COLUMNS}


def _dump(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=2) + "\n"

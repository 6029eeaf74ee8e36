"""From a data file to a raw table in DuckDB, and the rows that couldn't be read.

The raw table has a column `t` (time as written), the columns of `values.value_columns`, and its
`rowid` is the order of rows in the file. What can't be read goes to the table of refused rows.
"""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from microgrid_lib.errors import FileProblem
from microgrid_lib.ingest.discover import HEADER_BYTES, FileFacts, FileLayout, open_text
from microgrid_lib.ingest.values import value_columns
from microgrid_lib.site.profile import Site
from microgrid_lib.store.duck import first_row, identifier, text_literal

RAW = "raw_rows"
REFUSED = "refused"
REFUSED_COLUMNS = (
    "line BIGINT, time VARCHAR, channel VARCHAR, value VARCHAR, "
    "reason VARCHAR, allowed VARCHAR, detail VARCHAR"
)
MISSING_TEXTS = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "-")
MAX_LINE_BYTES = HEADER_BYTES
KEPT_TEXT = 2000


@dataclass(frozen=True)
class RawRows:
    """What reading a file gave.

    Attributes
    ----------
    channels
        Channels the file brings, in the order of the raw table's columns.
    rows_read
        Data rows of the file, refused ones included.
    refused_lines
        Lines of the refused rows, ascending.
    line_numbers
        Line of the file for each line of a tidied copy, None where the file was read as it is.
    time_is_utc
        Whether `t` is an instant already (the file writes an offset).
    """

    channels: tuple[str, ...]
    rows_read: int
    refused_lines: NDArray[np.int64]
    line_numbers: NDArray[np.int64] | None
    time_is_utc: bool

    def refused_blocks(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where runs of refused lines stand among the others, and how long each is.

        A row of the raw table whose line would be at or after such a place, had nothing been
        refused, moves down by the length of the run.
        """
        gaps = self.refused_lines - np.arange(len(self.refused_lines))
        starts, sizes = np.unique(gaps, return_counts=True)
        return starts, sizes

    def lines_of(self, rowids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Line of the file (header = 1) for rows of the raw table."""
        gaps = self.refused_lines - np.arange(len(self.refused_lines))
        lines = rowids + 2 + np.searchsorted(gaps, rowids + 2, side="right")
        if self.line_numbers is not None:
            lines = self.line_numbers[lines - 1]
        return np.asarray(lines, dtype=np.int64)


def read_file(
    con: duckdb.DuckDBPyConnection, site: Site, path: Path, layout: FileLayout, facts: FileFacts
) -> RawRows:
    """Read a file into the tables `RAW` and `REFUSED` of the connection.

    Raises
    ------
    FileProblem
        The file as a whole can't be read.
    """
    con.execute(f"CREATE OR REPLACE TEMP TABLE {REFUSED} ({REFUSED_COLUMNS})")
    if layout.kind == "parquet":
        return _read_parquet(con, site, path, layout)
    if not facts.has_nul:
        read = _read_csv(con, site, path, layout)
        # Fewer rows than lines: blank lines, or a quote that swallowed some.
        if read is not None and read.rows_read == (facts.lines or 1) - 1:
            return read
    return _read_tidied(con, site, path, layout)


def _has_zone(time_format: str) -> bool:
    """Whether times of this format are instants by themselves."""
    return "%z" in time_format or "%Z" in time_format


def _read_csv(
    con: duckdb.DuckDBPyConnection,
    site: Site,
    path: Path,
    layout: FileLayout,
    *,
    tidied: bool = False,
    missing_texts: tuple[str, ...] = ("",),
) -> RawRows | None:
    """Read with DuckDB's own reader; None where the text needs tidying first.

    Words for "missing" are looked for only where a cell turns out to be one: it costs time.
    """
    by_column = {at: channel for channel, at in layout.channels.items()}
    time_is_utc = _has_zone(layout.time_format)
    types = []
    for at in range(len(layout.columns)):
        if at == layout.time_column:
            kind = "TIMESTAMPTZ" if time_is_utc else "TIMESTAMP"
        else:
            kind = "DOUBLE" if at in by_column else "VARCHAR"
        types.append(f"'c{at}': '{kind}'")
    values = value_columns(site, {channel: f"c{at}" for channel, at in layout.channels.items()})
    missing = ", ".join(text_literal(text) for text in missing_texts)
    encoding = "utf-8" if layout.encoding.startswith("utf-8") else layout.encoding
    options = {
        "header": "true",
        "auto_detect": "false",
        "columns": "{" + ", ".join(types) + "}",
        "delim": text_literal(layout.delimiter),
        "quote": "'\"'",
        "decimal_separator": text_literal(layout.source.decimal),
        "timestampformat": text_literal(layout.time_format),
        "nullstr": f"[{missing}]",
        "encoding": text_literal(encoding),
        "max_line_size": str(MAX_LINE_BYTES * 2),
        "store_rejects": "true",
        "rejects_table": "'reader_rejects'",
        "rejects_scan": "'reader_scans'",
    }
    if path.name.lower().endswith(".gz"):
        options["compression"] = "'gzip'"
    con.execute("DROP TABLE IF EXISTS reader_rejects; DROP TABLE IF EXISTS reader_scans")
    if time_is_utc and not tidied and _has_stray_times(con, path, layout, options):
        return None
    given = ", ".join(f"{name}={value}" for name, value in options.items())
    try:
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {RAW} AS SELECT c{layout.time_column} AS t, {values} "
            f"FROM read_csv({text_literal(_escape_glob(path))}, {given})"
        )
    except duckdb.IOException as error:
        raise FileProblem(path, f"can't be read ({_first_line(error)})") from None
    except duckdb.Error:
        return None
    rejected, structural = first_row(
        con,
        "SELECT count(*), count(*) FILTER (error_type NOT IN "
        "('CAST', 'MISSING COLUMNS', 'TOO MANY COLUMNS') "
        "OR NOT $tidied AND regexp_matches(trim(csv_line, chr(13) || chr(10)), $blank)) "
        "FROM reader_rejects",
        {"blank": _blank_cell(layout.delimiter), "tidied": tidied},
    )
    if structural:
        return None
    if rejected:
        _explain_rejects(con, layout)
        words = first_row(
            con,
            f"SELECT count(*) FROM {REFUSED} WHERE list_contains($words, trim(value))",
            {"words": list(MISSING_TEXTS)},
        )[0]
        if words and missing_texts != MISSING_TEXTS:
            con.execute(f"DELETE FROM {REFUSED}")
            return _read_csv(con, site, path, layout, tidied=tidied, missing_texts=MISSING_TEXTS)
    lines = con.execute(f"SELECT DISTINCT line FROM {REFUSED} ORDER BY line").fetchnumpy()["line"]
    kept = first_row(con, f"SELECT count(*) FROM {RAW}")[0]
    refused = np.asarray(lines, dtype=np.int64)
    return RawRows(
        channels=tuple(layout.channels),
        rows_read=kept + len(refused),
        refused_lines=refused,
        line_numbers=None,
        time_is_utc=time_is_utc,
    )


def _has_stray_times(
    con: duckdb.DuckDBPyConnection, path: Path, layout: FileLayout, options: dict[str, str]
) -> bool:
    """Whether a time lacks the offset that its format has, which DuckDB would read as UTC."""
    types = ", ".join(f"'c{at}': 'VARCHAR'" for at in range(len(layout.columns)))
    as_text = {k: v for k, v in options.items() if not k.startswith(("rejects", "store"))}
    as_text |= {"columns": "{" + types + "}", "ignore_errors": "true"}
    del as_text["decimal_separator"], as_text["timestampformat"]
    given = ", ".join(f"{name}={value}" for name, value in as_text.items())
    try:
        found = first_row(
            con,
            f"SELECT count(*) FROM read_csv({text_literal(_escape_glob(path))}, {given}) "
            f"WHERE NOT regexp_full_match(trim(c{layout.time_column}), $shape)",
            {"shape": _time_shape(layout.time_format)},
        )
    except duckdb.Error:
        return True
    return bool(found[0])


def _blank_cell(delimiter: str) -> str:
    """Pattern of a cell of nothing but spaces, which means missing."""
    mark = re.escape(delimiter)
    return f'(^|{mark})"? +"?({mark}|$)'


def _escape_glob(path: Path) -> str:
    """DuckDB reads `*?[` in a path as a pattern; a bracket around each takes that away."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in str(path))


def _explain_rejects(con: duckdb.DuckDBPyConnection, layout: FileLayout) -> None:
    """Turn the reader's rejected lines into refused rows with our reasons."""
    names = {f"c{at}": channel for channel, at in layout.channels.items()}
    names |= {f"c{at}": name for at, name in enumerate(layout.columns) if f"c{at}" not in names}
    con.execute("CREATE OR REPLACE TEMP TABLE column_names (id VARCHAR, name VARCHAR)")
    con.executemany("INSERT INTO column_names VALUES (?, ?)", list(names.items()))
    con.execute(
        f"""
        INSERT INTO {REFUSED}
        WITH first_problem AS (
            SELECT line, arg_min(error_type::VARCHAR, column_idx) AS kind,
                arg_min(column_name, column_idx) AS id, min(column_idx)::BIGINT AS place,
                trim(any_value(csv_line), chr(13) || chr(10)) AS text
            FROM reader_rejects GROUP BY line
        ), cells AS (
            SELECT *, regexp_extract_all($delimiter || text, $cell, 1) AS cell
            FROM first_problem
        ), parts AS (
            SELECT *, trim(coalesce(cell[$time_at], ''), ' "') AS time_text,
                trim(coalesce(cell[place], ''), ' "') AS cell_text,
                kind IN ('MISSING COLUMNS', 'TOO MANY COLUMNS') AS is_shape,
                id = $time_id AS is_time
            FROM cells
        )
        SELECT line, time_text,
            CASE WHEN is_shape OR is_time THEN NULL ELSE column_names.name END,
            CASE WHEN is_shape THEN len(cell)::VARCHAR WHEN is_time THEN time_text
                ELSE cell_text END,
            CASE WHEN is_shape THEN lower(replace(kind, ' ', '_'))
                WHEN NOT is_time THEN 'not_a_number'
                WHEN time_text = '' THEN 'no_time'
                WHEN regexp_full_match(time_text, $time_shape) THEN 'impossible_date'
                ELSE 'bad_time' END,
            CASE WHEN is_shape THEN $columns || ' columns'
                WHEN is_time AND regexp_full_match(time_text, $time_shape)
                THEN 'a time that exists, as ' || $time_format
                WHEN is_time THEN $time_format ELSE 'a number' END,
            text[:{KEPT_TEXT}]
        FROM parts LEFT JOIN column_names USING (id)
        ORDER BY line
        """,
        {
            "delimiter": layout.delimiter,
            "time_at": layout.time_column + 1,
            "time_id": f"c{layout.time_column}",
            "cell": _cell_pattern(layout.delimiter),
            "time_shape": _time_shape(layout.time_format),
            "time_format": layout.time_format,
            "columns": str(len(layout.columns)),
        },
    )


def _cell_pattern(delimiter: str) -> str:
    """Pattern of a delimiter and the cell after it, which may be quoted."""
    mark = re.escape(delimiter)
    return f'{mark}("(?:[^"]|"")*"|[^{mark}]*)'


def _time_shape(time_format: str) -> str:
    """Pattern of what looks like a time of this format, possible or not."""
    shape = []
    for directive, letter, other in re.findall(r"(%-?(.))|([^%]+)", time_format):
        if not directive:
            shape.append(re.escape(other))
        elif letter == "%":
            shape.append("%")
        else:
            names = dict.fromkeys("aAbBp", "[A-Za-z]+") | {"Y": "[0-9]{4}"}
            zones = {"z": "[+-][0-9:]+", "Z": "[A-Za-z].*"}
            shape.append((names | zones).get(letter, "[0-9]+"))
    return "".join(shape)


def insert_refused(con: duckdb.DuckDBPyConnection, rows: list[tuple[object, ...]]) -> None:
    """Add refused rows, in the order of `REFUSED_COLUMNS`."""
    if not rows:
        return
    columns = [name.split()[0] for name in REFUSED_COLUMNS.split(", ")]
    import pyarrow as pa

    types = [pa.int64()] + [pa.string()] * (len(columns) - 1)
    arrays = [pa.array([row[i] for row in rows], kind) for i, kind in enumerate(types)]
    batch = pa.table(dict(zip(columns, arrays, strict=True)))
    con.register("new_refused", batch)
    con.execute(f"INSERT INTO {REFUSED} FROM new_refused")
    con.unregister("new_refused")


def _read_tidied(
    con: duckdb.DuckDBPyConnection, site: Site, path: Path, layout: FileLayout
) -> RawRows:
    """Read through a tidied copy, which holds only lines the reader can take apart."""
    con.execute(f"DELETE FROM {REFUSED}")
    refused: list[tuple[object, ...]] = []
    numbers: list[int] = []
    with tempfile.TemporaryDirectory(prefix="microgrid-") as folder:
        copy = Path(folder) / "tidied.csv"
        with copy.open("w", encoding="utf-8", newline="") as out:
            for number, text, doubt in _lines(path, layout.encoding):
                problem = doubt or _cell_problem(text, layout.delimiter)
                stray = numbers and problem is None and _stray_time(text, layout)
                if stray:
                    refused.append(
                        (number, stray, None, stray, "bad_time", layout.time_format, text)
                    )
                elif problem is None:
                    out.write(_without_padding(text, layout.delimiter) + "\n")
                    numbers.append(number)
                elif not numbers:
                    raise FileProblem(path, f"its first line isn't {problem}")
                else:
                    kept = text[:KEPT_TEXT].replace("\0", "\\0")
                    refused.append((number, "", None, None, "bad_text", problem, kept))
        if not numbers:
            raise FileProblem(path, "is empty")
        plain = FileLayout(**{**vars(layout), "encoding": "utf-8"})
        read = _read_csv(con, site, copy, plain, tidied=True)
        if read is None or read.rows_read != len(numbers) - 1:
            raise FileProblem(path, "isn't a table of comma-separated values")
    line_numbers = np.asarray(numbers, dtype=np.int64)
    if len(read.refused_lines):
        con.register("line_map", _line_map(line_numbers))
        con.execute(
            f"UPDATE {REFUSED} SET line = line_map.original FROM line_map "
            f"WHERE {REFUSED}.line = line_map.tidied"
        )
        con.unregister("line_map")
    insert_refused(con, refused)
    return RawRows(
        channels=read.channels,
        rows_read=read.rows_read + len(refused),
        refused_lines=read.refused_lines,
        line_numbers=line_numbers,
        time_is_utc=read.time_is_utc,
    )


def _line_map(numbers: NDArray[np.int64]) -> object:
    import pyarrow as pa

    return pa.table({"tidied": np.arange(1, len(numbers) + 1), "original": numbers})


def _lines(path: Path, encoding: str) -> Iterator[tuple[int, str, str | None]]:
    """Lines that aren't blank, with their number and what is wrong with them, in bounded memory."""
    errors = "strict" if encoding == "latin-1" else "surrogateescape"
    if encoding == "utf-16":
        errors = "replace"
    with (
        open_text(path) as binary,
        io.TextIOWrapper(binary, encoding=encoding, errors=errors, newline=None) as text,
    ):
        number = 0
        while line := text.readline(MAX_LINE_BYTES):
            number += 1
            problem = None
            if len(line) == MAX_LINE_BYTES and not line.endswith("\n"):
                problem = f"a line of at most {MAX_LINE_BYTES} characters"
                while (more := text.readline(MAX_LINE_BYTES)) and not more.endswith("\n"):
                    pass
            line = line.rstrip("\n")
            if not line.strip():
                continue
            if problem is None and "\0" in line:
                problem = "text without NUL bytes"
            try:
                line.encode("utf-8")
            except UnicodeEncodeError:
                line = line.encode("utf-8", "replace").decode("utf-8")
                problem = problem or f"text in {encoding}"
            yield number, line, problem


def _stray_time(line: str, layout: FileLayout) -> str | None:
    """The time of a line where it lacks the offset its format has, which DuckDB reads as UTC."""
    if not _has_zone(layout.time_format):
        return None
    cells = next(csv.reader([line], delimiter=layout.delimiter))
    time = cells[layout.time_column].strip() if len(cells) > layout.time_column else ""
    return time if time and not re.fullmatch(_time_shape(layout.time_format), time) else None


def _without_padding(line: str, delimiter: str) -> str:
    """The line without spaces around its cells."""
    if '"' not in line:
        return delimiter.join(cell.strip(" ") for cell in line.split(delimiter))
    out = io.StringIO()
    cells = next(csv.reader([line], delimiter=delimiter))
    csv.writer(out, delimiter=delimiter, lineterminator="").writerow(c.strip(" ") for c in cells)
    return out.getvalue()


def _cell_problem(line: str, delimiter: str) -> str | None:
    """What keeps a line from being taken apart by itself, None where nothing does."""
    if line.count('"') % 2:
        return "balanced quotes"
    try:
        next(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error as error:
        return f"well-formed CSV ({error})"
    return None


def _read_parquet(
    con: duckdb.DuckDBPyConnection, site: Site, path: Path, layout: FileLayout
) -> RawRows:
    source = f"read_parquet({text_literal(_escape_glob(path))})"
    time_name = identifier(layout.columns[layout.time_column])
    try:
        kinds = {
            row[0]: str(row[1])
            for row in con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
        }
        kind = kinds[layout.columns[layout.time_column]]
        time_is_utc = kind == "TIMESTAMP WITH TIME ZONE"
        if kind == "VARCHAR":
            pattern = _fitting_format(con, source, time_name, layout.source.time_formats)
            time_is_utc = _has_zone(pattern)
            shape = text_literal(_time_shape(pattern))
            time_sql = (
                f"CASE WHEN regexp_full_match(trim({time_name}), {shape}) "
                f"THEN try_strptime({time_name}, {text_literal(pattern)}) END"
            )
        elif kind.startswith("TIMESTAMP") or kind == "DATE":
            time_sql = f"{time_name}::{'TIMESTAMPTZ' if time_is_utc else 'TIMESTAMP'}"
        else:
            raise FileProblem(path, f"time column {time_name} is {kind}, not a time")
        values = {
            channel: identifier(layout.columns[at]) for channel, at in layout.channels.items()
        }
        written = [layout.columns[at] for at in layout.channels.values()]
        numbers = ", ".join(
            f"nullif({_number(column, kinds[name])}, 'NaN'::DOUBLE) AS \"{channel}\""
            for (channel, column), name in zip(values.items(), written, strict=True)
        )
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE parquet_rows AS SELECT {time_sql} AS t, "
            f"{time_name}::VARCHAR AS time_text, {numbers}, "
            + ", ".join(
                f'{_present(column, kinds[name])}::VARCHAR AS "text_{channel}"'
                for (channel, column), name in zip(values.items(), written, strict=True)
            )
            + f" FROM {source}"
        )
    except duckdb.Error as error:
        raise FileProblem(path, f"isn't a readable Parquet file ({_first_line(error)})") from None
    _refuse_parquet(con, tuple(values))
    stored = value_columns(site, {channel: f'"{channel}"' for channel in values})
    lines = con.execute(f"SELECT DISTINCT line FROM {REFUSED} ORDER BY line").fetchnumpy()["line"]
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {RAW} AS SELECT t, {stored} FROM parquet_rows "
        f"WHERE rowid + 2 NOT IN (SELECT line FROM {REFUSED}) ORDER BY rowid"
    )
    total = first_row(con, "SELECT count(*) FROM parquet_rows")[0]
    con.execute("DROP TABLE parquet_rows")
    return RawRows(
        channels=tuple(values),
        rows_read=total,
        refused_lines=np.asarray(lines, dtype=np.int64),
        line_numbers=None,
        time_is_utc=time_is_utc,
    )


def _number(column: str, kind: str) -> str:
    """SQL: a column's value as a number; NULL where it is none, such as true or a date."""
    if kind == "VARCHAR" or re.fullmatch(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?", kind):
        return f"TRY_CAST({_present(column, kind)} AS DOUBLE)"
    if kind in ("FLOAT", "DOUBLE") or kind.startswith("DECIMAL"):
        return f"{column}::DOUBLE"
    return "NULL::DOUBLE"


def _present(column: str, kind: str) -> str:
    """SQL: a column's value, NULL where it is a text that means missing."""
    if kind != "VARCHAR":
        return column
    missing = ", ".join(text_literal(text) for text in MISSING_TEXTS)
    return f"CASE WHEN trim({column}) NOT IN ({missing}) THEN {column} END"


def _fitting_format(
    con: duckdb.DuckDBPyConnection, source: str, column: str, formats: Sequence[str]
) -> str:
    """The time format that reads most of a text column."""
    tried = ", ".join(f"count(try_strptime({column}, {text_literal(f)}))" for f in formats)
    counts = first_row(con, f"SELECT {tried} FROM {source}")
    return max(zip(counts, formats, strict=True), key=lambda pair: pair[0])[1]


def _refuse_parquet(con: duckdb.DuckDBPyConnection, channels: tuple[str, ...]) -> None:
    con.execute(
        f"INSERT INTO {REFUSED} SELECT rowid + 2, time_text, NULL, time_text, "
        "CASE WHEN time_text IS NULL THEN 'no_time' ELSE 'bad_time' END, 'a time', '' "
        "FROM parquet_rows WHERE t IS NULL"
    )
    for channel in channels:
        con.execute(
            f'INSERT INTO {REFUSED} SELECT rowid + 2, time_text, ?, "text_{channel}", '
            f"'not_a_number', 'a number', '' FROM parquet_rows WHERE t IS NOT NULL "
            f'AND "{channel}" IS NULL AND "text_{channel}" IS NOT NULL '
            f"AND lower(\"text_{channel}\") <> 'nan' "
            f"AND rowid + 2 NOT IN (SELECT line FROM {REFUSED})",
            [channel],
        )


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0][:200]

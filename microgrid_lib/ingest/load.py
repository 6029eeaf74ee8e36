"""Ingesting: each file is one atomic step; what is refused stays in quarantine with its reason."""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from microgrid_lib.errors import ConflictError, FileProblem, MicrogridError, StoreError
from microgrid_lib.ingest.clean import Cleaned, clean
from microgrid_lib.ingest.discover import (
    FileFacts,
    FileLayout,
    detect_layout,
    expand,
    read_facts,
    unmatched,
)
from microgrid_lib.ingest.identity import version_id
from microgrid_lib.ingest.readers import RAW, REFUSED, RawRows, read_file
from microgrid_lib.ingest.records import (
    FileRecord,
    Records,
    hidden_paths,
    quarantine_paths,
    read_records,
    write_record,
)
from microgrid_lib.ingest.resolve import MonthRows, plan_step, write_months
from microgrid_lib.ingest.result import FileResult, IngestResult
from microgrid_lib.ingest.summarise import Summariser
from microgrid_lib.settings import Settings
from microgrid_lib.site.profile import Site
from microgrid_lib.site.zones import offset_changes
from microgrid_lib.store.duck import connect, first_row, write_parquet
from microgrid_lib.store.lake import (
    HIDDEN,
    MEASUREMENTS,
    QUARANTINE,
    CommitConflictError,
    Lake,
    NewFile,
)
from microgrid_lib.store.slots import anchor_s
from microgrid_lib.store.snapshot import Snapshot

COMMIT_TRIES = 20
WORKERS = 2
FEW_BLOCKS = 64
INCOMING = "incoming_rows"
_DECIMAL_COMMA = re.compile(r"\s*-?[0-9]+,[0-9]+\s*$")
Progress = Callable[[int, int, str], None]


@contextmanager
def workbench(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory DuckDB to clean files in, with bounded memory.

    Raises
    ------
    StoreError
        DuckDB can't write (disk full, no permission).
    """
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{settings.home}: can't be written ({error.strerror})") from None
    con = connect(settings)
    # Memory given back after every file is memory the kernel clears again for the next.
    con.execute(f"SET allocator_flush_threshold='{settings.memory_limit_mb}MB'")
    try:
        yield con
    finally:
        con.close()


def ingest(
    paths: Sequence[str | Path],
    site: Site,
    settings: Settings,
    progress: Progress | None = None,
    summariser: Summariser | None = None,
) -> IngestResult:
    """Bring data files into the store.

    Parameters
    ----------
    paths
        Files, folders and patterns.
    site
        Whose data they are.
    settings
        Where the store is.
    progress
        Called with (files done, files in all, name of the next).
    summariser
        Summarises months while their rows are in memory; default: none are summarised.

    Returns
    -------
    IngestResult
        One entry per file. A file that fails leaves the store as it was and doesn't stop the
        others. Running again is safe: what is there already is `unchanged`.

    Raises
    ------
    MicrogridError
        A path names nothing, or real and made-up data would mix.
    StoreError
        The store can't be written.
    """
    files = expand(paths, site)
    lake = Lake(settings.lake)
    names = _names(files)
    with workbench(settings) as con:
        _refuse_mixture(con, lake, site, files)
        named = [(path, names[path]) for path in files]
        results = _ingest_all(site, settings, named, progress, summariser)
        results = _with_current_counts(con, lake, site, results)
    return IngestResult.of(results)


def _ingest_all(
    site: Site,
    settings: Settings,
    files: Sequence[tuple[Path, str]],
    progress: Progress | None,
    summariser: Summariser | None,
) -> list[FileResult]:
    """Ingest files, reading one while another is written."""
    workers = min(WORKERS, len(files))
    share = settings.model_copy(update={"memory_limit_mb": settings.memory_limit_mb // workers})
    turn = threading.Lock()
    local = threading.local()
    benches = ExitStack()

    def prepare_worker() -> None:
        local.lake = Lake(settings.lake)
        with turn:
            local.con = benches.enter_context(workbench(share))

    def work(path: Path, name: str) -> FileResult:
        return _ingest_one(local.con, local.lake, site, path, name, turn, summariser)

    results: dict[str, FileResult] = {}
    with benches, ThreadPoolExecutor(workers, initializer=prepare_worker) as pool:
        futures = {pool.submit(work, path, name): name for path, name in files}
        try:
            for done, future in enumerate(as_completed(futures), start=1):
                results[futures[future]] = future.result()
                if progress is not None:
                    progress(done, len(files), futures[future])
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return [results[name] for _, name in files]


def remove(names: Sequence[str], site: Site, settings: Settings) -> IngestResult:
    """Take ingested files out again; rows they had hidden come back.

    Raises
    ------
    MicrogridError
        No file of that name is ingested.
    """
    lake = Lake(settings.lake)
    results = []
    with workbench(settings) as con:
        for name in names:
            for attempt in range(COMMIT_TRIES):
                snapshot = lake.snapshot(site)
                record = read_records(lake, con, snapshot).by_file.get(name)
                if record is None:
                    raise MicrogridError(f"{name}: no file of this name is ingested at {site.name}")
                try:
                    _commit_step(
                        con, lake, site, snapshot, record, (), {}, replaces=True, removed=True
                    )
                except CommitConflictError:
                    _pause(attempt)
                else:
                    break
            else:
                raise ConflictError(f"{name}: other writers were faster; run the command again")
            results.append(FileResult(file=name, sha256=record.sha256, status="removed"))
    return IngestResult.of(results)


def _names(files: Sequence[Path]) -> dict[Path, str]:
    """The name each file is known by: its own, with folders where two in one go share it."""
    counted = Counter(path.name for path in files)
    names = {}
    for path in files:
        depth = 1
        while depth < len(path.parts) - 1 and counted[path.name] > 1:
            depth += 1
            tail = path.parts[-depth:]
            if sum(other.parts[-depth:] == tail for other in files) == 1:
                break
        names[path] = "/".join(path.parts[-depth:])
    return names


def _is_synthetic(path: Path) -> bool:
    """Whether the folder's truth file says that this file is made up."""
    truth = path.parent / "truth.json"
    try:
        content = json.loads(truth.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(
        isinstance(content, dict)
        and content.get("synthetic")
        and path.name in content.get("files", {})
    )


def _refuse_mixture(
    con: duckdb.DuckDBPyConnection, lake: Lake, site: Site, files: Sequence[Path]
) -> None:
    kinds = {_is_synthetic(path) for path in files}
    present = {r.synthetic for r in read_records(lake, con, lake.snapshot(site)).by_file.values()}
    if len(kinds | present) > 1:
        raise MicrogridError(
            f"site {site.name} would hold demo data and real data at once; use another home "
            "(MICROGRID_HOME), or `microgrid demo --remove` first"
        )


def _ingest_one(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    site: Site,
    path: Path,
    name: str,
    turn: threading.Lock,
    summariser: Summariser | None,
) -> FileResult:
    try:
        return _load_file(con, lake, site, path, name, turn, summariser)
    except (StoreError, ConflictError):
        raise
    except MicrogridError as error:
        return FileResult(file=name, status="failed", error=str(error))
    except duckdb.OutOfMemoryException:
        return FileResult(
            file=name,
            status="failed",
            error=f"{path}: needs more memory than MICROGRID_MEMORY_LIMIT_MB allows",
        )
    except duckdb.IOException as error:
        raise StoreError(f"{lake.root}: can't be written ({_one_line(error)})") from None
    except OSError as error:
        where, why = error.filename or lake.root, error.strerror or _one_line(error)
        raise StoreError(f"{where}: can't be written ({why})") from None


def _load_file(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    site: Site,
    path: Path,
    name: str,
    turn: threading.Lock,
    summariser: Summariser | None,
) -> FileResult:
    """Read a file on its own, then commit it when it is its turn."""
    facts = read_facts(path)
    with turn:
        known = _known(con, lake, site, path, name, facts)
    if known.unchanged:
        return known.as_it_is(facts)
    prepared = _prepare(con, site, path, facts)
    written: dict[str, list[NewFile]] = {}
    written_for: str | None = None
    try:
        for attempt in range(COMMIT_TRIES):
            file = _different_file(known.record, path, known.name, prepared.cleaned)
            if known.record is not None and known.record.file == file:
                _refuse_other_source(path, known.record, prepared.source)
                _refuse_emptied(path, known.record, prepared)
            ingest_id = version_id(site, file, facts.sha256)
            record = prepared.record(site, file, path, facts, ingest_id, known.snapshot)
            if written_for != ingest_id:
                _discard(lake, written)
                _view_incoming(con, site, prepared, record)
                written = prepared.write(con, lake, site)
                written_for = ingest_id
                if summariser is not None:
                    prepared.summarise(con, site, summariser, written, known.snapshot)
            with turn:
                again = _known(con, lake, site, path, name, facts)
                if again.unchanged:
                    return again.as_it_is(facts)
                if _different_file(again.record, path, again.name, prepared.cleaned) == file:
                    record = prepared.record(site, file, path, facts, ingest_id, again.snapshot)
                    try:
                        used = _commit_step(
                            con,
                            lake,
                            site,
                            again.snapshot,
                            record,
                            prepared.months,
                            written,
                            replaces=again.record is not None,
                        )
                    except CommitConflictError:
                        pass
                    else:
                        written = {m: f for m, f in written.items() if f and f[0] not in used}
                        replaced = again.record.rows_accepted if again.record else 0
                        before = [f"replaces its version of {replaced} accepted rows"]
                        return FileResult(
                            file=file,
                            sha256=facts.sha256,
                            status="ingested",
                            notes=[*(before if replaced else ()), *record.notes],
                        )
            _pause(attempt)
            with turn:
                known = _known(con, lake, site, path, name, facts)
    finally:
        _discard(lake, written)
    raise ConflictError(f"{path}: other writers were faster; run the command again")


def _discard(lake: Lake, written: dict[str, list[NewFile]]) -> None:
    """Delete Parquet files that no commit took."""
    lake.discard(MEASUREMENTS, [file for files in written.values() for file in files])


@dataclass(frozen=True)
class _Known:
    """What the store knows of a file at one snapshot."""

    snapshot: Snapshot
    name: str
    record: FileRecord | None
    unchanged: bool

    def as_it_is(self, facts: FileFacts) -> FileResult:
        """The result for a file that is there already."""
        notes = list(self.record.notes) if self.record is not None else []
        return FileResult(file=self.name, sha256=facts.sha256, status="unchanged", notes=notes)


def _known(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    site: Site,
    path: Path,
    name: str,
    facts: FileFacts,
) -> _Known:
    snapshot = lake.snapshot(site)
    records = read_records(lake, con, snapshot)
    known = _identify(records, path, name, facts)
    record = records.by_file.get(known)
    ingest_id = version_id(site, known, facts.sha256)
    return _Known(snapshot, known, record, record is not None and record.ingest == ingest_id)


def _identify(records: Records, path: Path, name: str, facts: FileFacts) -> str:
    """The name a file is known by: that of the same path, or of the path it was moved from."""
    for record in records.by_file.values():
        same_name = record.file.rsplit("/", 1)[-1] == path.name
        moved = same_name and record.sha256 == facts.sha256 and not Path(record.path).exists()
        if record.path == str(path) or moved:
            return record.file
    return name


def _refuse_other_source(path: Path, before: FileRecord, source: str) -> None:
    """Rows of different sources complete each other, so the old ones wouldn't give way."""
    if before.source != source:
        raise FileProblem(
            path,
            f"is a file of source {source} now and was one of source {before.source}; "
            f"take the old one out first (microgrid ingest --remove {before.file})",
        )


def _refuse_emptied(path: Path, before: FileRecord, prepared: _Prepared) -> None:
    """A version of which nothing is accepted doesn't take the place of one with data."""
    if before.rows_accepted and not prepared.cleaned.rows_accepted:
        why = "; ".join(prepared.notes) or "it has no rows"
        raise FileProblem(
            path,
            f"{why}; its version of {before.rows_accepted} accepted rows stays "
            f"(to take that out: microgrid ingest --remove {before.file})",
        )


def _different_file(before: FileRecord | None, path: Path, name: str, cleaned: Cleaned) -> str:
    """A file of a known name from elsewhere replaces the known one only where it covers all of it.

    Otherwise both are kept, the new one under a longer name: nothing may be lost by a name.
    """
    if before is None or before.path == str(path) or cleaned.start is None or before.start is None:
        return name
    assert cleaned.end is not None and before.end is not None  # noqa: S101 PT018  both or neither
    if cleaned.start <= before.start and cleaned.end >= before.end:
        return name
    return "/".join(path.parts[-2:]) if "/" not in name else str(path)


@dataclass
class _Prepared:
    """A file, read and cleaned in the workbench."""

    source: str
    raw: RawRows
    cleaned: Cleaned
    months: tuple[MonthRows, ...]
    notes: tuple[str, ...]

    def write(
        self, con: duckdb.DuckDBPyConnection, lake: Lake, site: Site
    ) -> dict[str, list[NewFile]]:
        """Write the rows of `INCOMING`, month by month."""
        return write_months(
            con,
            lake,
            site,
            self.source,
            self.months,
            INCOMING,
            ordered=self.cleaned.ordered,
        )

    def summarise(
        self,
        con: duckdb.DuckDBPyConnection,
        site: Site,
        summariser: Summariser,
        written: dict[str, list[NewFile]],
        snapshot: Snapshot,
    ) -> None:
        """Summarise the months that the file will probably have to itself."""
        taken = {part.month for part in snapshot.parts}
        for month in [m for m in written if m not in taken and len(site.sources) == 1]:
            for file in written[month]:
                rows = f"SELECT * FROM {INCOMING} WHERE month = '{month}'"
                channels, unique = self.cleaned.channels, self.cleaned.unique_slots
                summariser.summarise(
                    con, rows, channels, file, unique=unique and anchor_s(site) == 0
                )

    def record(
        self,
        site: Site,
        file: str,
        path: Path,
        facts: FileFacts,
        ingest_id: str,
        snapshot: Snapshot,
    ) -> FileRecord:
        cleaned = self.cleaned
        coverage = None
        if cleaned.start is not None and cleaned.end is not None:
            first, last = (
                int(at.timestamp()) // site.interval_s for at in (cleaned.start, cleaned.end)
            )
            coverage = cleaned.slots / (last - first + 1)
        notes = list(self.notes)
        if cleaned.doubled_hour_rows:
            notes.append(
                f"{cleaned.doubled_hour_rows} rows of a doubled hour were told apart by their order"
            )
        return FileRecord(
            file=file,
            path=str(path),
            sha256=facts.sha256,
            ingest=ingest_id,
            source=self.source,
            rows_read=self.raw.rows_read,
            rows_accepted=cleaned.rows_accepted,
            rows_duplicate=cleaned.rows_duplicate,
            rows_rejected=cleaned.rows_rejected,
            values_missing=cleaned.values_missing,
            values_out_of_range=cleaned.values_out_of_range,
            start=cleaned.start,
            end=cleaned.end,
            coverage=coverage,
            channels=cleaned.channels,
            notes=tuple(notes),
            synthetic=_is_synthetic(path),
            removed=False,
            recorded_at=datetime.now(UTC),
            sequence=snapshot.transaction + 1,
        )


def _prepare(con: duckdb.DuckDBPyConnection, site: Site, path: Path, facts: FileFacts) -> _Prepared:
    layout = detect_layout(path, site)
    raw = read_file(con, site, path, layout, facts)
    cleaned = clean(con, site, raw)
    try:
        status = path.stat()
    except OSError as error:
        raise FileProblem(path, f"went away while it was read ({error.strerror})") from None
    if (status.st_size, status.st_mtime_ns) != (facts.size, facts.modified_ns):
        raise FileProblem(path, "changed while it was read; run the command again")
    months = tuple(_months(con, site, cleaned))
    notes = (*unmatched(layout, site), *_why_refused(con, layout, cleaned))
    return _Prepared(layout.source.name, raw, cleaned, months, notes)


def _why_refused(
    con: duckdb.DuckDBPyConnection, layout: FileLayout, cleaned: Cleaned
) -> Iterator[str]:
    """Why rows of a file were refused, with one of the most frequent reason."""
    if not cleaned.rows_rejected:
        return
    counted = con.execute(
        "SELECT reason, count(DISTINCT line), min(line), arg_min(channel, line), "
        f"arg_min(coalesce(value, detail), line), arg_min(allowed, line) FROM {REFUSED} "
        "WHERE reason NOT IN ('out_of_range', 'not_finite') GROUP BY reason ORDER BY 2 DESC, reason"
    ).fetchall()
    if not counted:
        return
    reason, _, line, channel, value, allowed = counted[0]
    where = f"row {line}, {channel}" if channel else f"row {line}"
    hint = ""
    if reason == "not_a_number" and layout.source.decimal == "." and _DECIMAL_COMMA.match(value):
        hint = f"; with decimal commas, source {layout.source.name} needs decimal = ','"
    what = "refused" if cleaned.rows_accepted else "nothing was accepted; refused"
    yield (
        f"{what}: "
        f"{', '.join(f'{reason} {rows}' for reason, rows, *_ in counted)}; "
        f"e.g. {where}: {value!r} (allowed: {allowed}){hint}"
    )


def _local_us(site: Site, cleaned: Cleaned) -> str:
    """SQL: wall time in the display zone of `time` [us since 1970]."""
    assert cleaned.start is not None and cleaned.end is not None  # noqa: S101 PT018  checked above
    changes = offset_changes(site.display_zone, cleaned.start, cleaned.end)
    expression = f"epoch_us(time) + {changes[0][1] * 1_000_000}"
    for at, offset in changes[1:]:
        us = int(at.timestamp() * 1_000_000)
        expression = (
            f"CASE WHEN epoch_us(time) >= {us} THEN epoch_us(time) + {offset * 1_000_000} "
            f"ELSE {expression} END"
        )
    return expression


def _months(con: duckdb.DuckDBPyConnection, site: Site, cleaned: Cleaned) -> Iterator[MonthRows]:
    if cleaned.start is None or cleaned.end is None:
        return
    first, last = (t.astimezone(site.display_zone) for t in (cleaned.start, cleaned.end))
    if (first.year, first.month) == (last.year, last.month):
        month = f"{first:%Y-%m}"
        yield MonthRows(month, cleaned.rows_accepted, cleaned.start, cleaned.end)
        return
    found = con.execute(
        f"SELECT strftime(make_timestamp({_local_us(site, cleaned)}), '%Y-%m') AS month, "
        f"count(*), min(time)::VARCHAR, max(time)::VARCHAR FROM ({cleaned.select}) "
        "GROUP BY month ORDER BY month"
    ).fetchall()
    for month, rows, start, end in found:
        yield MonthRows(month, rows, *(datetime.fromisoformat(t) for t in (start, end)))


def _view_incoming(
    con: duckdb.DuckDBPyConnection, site: Site, prepared: _Prepared, record: FileRecord
) -> None:
    """The view of the rows to come, with where each came from."""
    cleaned, raw = prepared.cleaned, prepared.raw
    month = f"'{prepared.months[0].month}'" if prepared.months else "''"
    if len(prepared.months) > 1:
        month = f"strftime(make_timestamp({_local_us(site, cleaned)}), '%Y-%m')"
    line = "id + 2"
    if len(raw.refused_lines) or raw.line_numbers is not None:
        line = _line_sql(con, raw)
    names = ", ".join(f'"{channel}"' for channel in cleaned.channels)
    file = "'" + record.file.replace("'", "''") + "'"
    con.execute(
        f"CREATE OR REPLACE TEMP VIEW {INCOMING} AS SELECT time, {names}, {file} AS file, "
        f"({line})::BIGINT AS row, '{record.ingest}' AS ingest, {month} AS month "
        f"FROM ({cleaned.select}) AS accepted"
    )


def _line_sql(con: duckdb.DuckDBPyConnection, raw: RawRows) -> str:
    """SQL: line of the file of an accepted row."""
    import numpy as np
    import pandas as pd

    starts, sizes = raw.refused_blocks()
    if raw.line_numbers is None and len(starts) <= FEW_BLOCKS:
        steps = [
            f"CASE WHEN id + 2 >= {start} THEN {size} ELSE 0 END"
            for start, size in zip(starts, sizes, strict=True)
        ]
        return " + ".join(["id + 2", *steps])
    ids = np.arange(first_row(con, f"SELECT coalesce(max(rowid) + 1, 0) FROM {RAW}")[0])
    frame = pd.DataFrame({"id": ids, "line": raw.lines_of(ids)})
    con.register("new_lines", frame)
    con.execute("CREATE OR REPLACE TEMP TABLE row_lines AS FROM new_lines")
    con.unregister("new_lines")
    return "(SELECT line FROM row_lines WHERE row_lines.id = accepted.id)"


def _commit_step(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    site: Site,
    snapshot: Snapshot,
    record: FileRecord,
    months: Sequence[MonthRows],
    written: dict[str, list[NewFile]],
    *,
    replaces: bool,
    removed: bool = False,
) -> list[NewFile]:
    """Write what a file brings, and last the commit that makes it current.

    A record counts as soon as rows bear it out; one without rows (nothing accepted, or the file
    goes) has no such proof, and is written after the commit.

    Returns the measurement files that are current now.
    """
    plan = plan_step(
        con,
        lake,
        site,
        snapshot,
        source=record.source,
        file=record.file,
        months=months,
        incoming=None if removed else INCOMING,
        written=written,
        replaces=replaces,
    )
    own = [file for files in written.values() for file in files]
    rewritten = [file for file in plan.add if file not in own]
    has_rows = record.rows_accepted > 0 and not removed
    try:
        lake.append(HIDDEN, plan.hidden)
        if not removed:
            _write_quarantine(con, lake, site, record)
        if has_rows:
            write_record(lake, site.name, record)
    except BaseException:
        lake.discard(MEASUREMENTS, rewritten)
        raise
    try:
        lake.commit(site, snapshot, plan.add, plan.remove)
    except CommitConflictError:
        lake.discard(MEASUREMENTS, rewritten)
        raise
    except BaseException:
        # The commit may have happened all the same: nothing of it may be deleted.
        written.clear()
        raise
    if not has_rows:
        number, now = snapshot.transaction + 1, datetime.now(UTC)
        last = replace(record, removed=removed, sequence=number, recorded_at=now)
        write_record(lake, site.name, last)
    return plan.add


def _write_quarantine(
    con: duckdb.DuckDBPyConnection, lake: Lake, site: Site, record: FileRecord
) -> None:
    if not first_row(con, f"SELECT count(*) FROM {REFUSED}")[0]:
        return
    partition = {"site": site.name}
    path = lake.new_path(QUARANTINE, partition, prefix=f"{record.ingest}-")
    file = "'" + record.file.replace("'", "''") + "'"
    rows = write_parquet(
        con,
        f"SELECT {file} AS file, '{record.ingest}' AS ingest, line AS row, time, channel, value, "
        f"reason, allowed, detail FROM {REFUSED} ORDER BY line",
        str(lake.folder(QUARANTINE) / path),
    )
    lake.append(QUARANTINE, [NewFile(path, partition, rows)])


def _with_current_counts(
    con: duckdb.DuckDBPyConnection, lake: Lake, site: Site, results: Sequence[FileResult]
) -> list[FileResult]:
    """Counts as they are after all files, rows hidden by other files taken into account."""
    snapshot = lake.snapshot(site)
    records = read_records(lake, con, snapshot).by_file
    counted = current_counts(con, lake, site, snapshot, Records(records))
    found = []
    for result in results:
        if result.status != "failed" and result.file in counted:
            counts, own = counted[result.file], records[result.file].rows_accepted
            all_hidden = own and not counts["rows_accepted"]
            also = [f"its {own} rows give way to other files of these times"] if all_hidden else []
            update = counts | {"notes": [*result.notes, *also]}
            found.append(result.model_copy(update=update))
        else:
            found.append(result)
    return found


def current_counts(
    con: duckdb.DuckDBPyConnection, lake: Lake, site: Site, snapshot: Snapshot, records: Records
) -> dict[str, dict[str, int]]:
    """Counts by file: those of its own cleaning, less the rows that other files hide."""
    counts = {
        name: {
            key: getattr(record, key)
            for key in (
                "rows_read",
                "rows_accepted",
                "rows_duplicate",
                "rows_rejected",
                "values_missing",
                "values_out_of_range",
            )
        }
        for name, record in records.by_file.items()
    }
    ingests = {record.ingest for record in records.by_file.values()}
    quarantine = quarantine_paths(lake, site.name, ingests)
    months = {(part.source, part.month) for part in snapshot.parts}
    paths = {
        source: hidden_paths(lake, snapshot, [key for key in months if key[0] == source])
        for source in {record.source for record in records.by_file.values()}
    }
    for name, record in records.by_file.items():
        if paths[record.source]:
            _discount_hidden(con, counts[name], record, paths[record.source], quarantine)
    return counts


def _discount_hidden(
    con: duckdb.DuckDBPyConnection,
    counts: dict[str, int],
    record: FileRecord,
    paths: Sequence[str],
    quarantine: Sequence[str],
) -> None:
    """Turn a file's rows that lost against other files' into duplicates and conflicts."""
    nulls = " + ".join(f'("{channel}" IS NULL)::INT' for channel in record.channels)
    found = con.execute(
        f"SELECT verdict, count(*), coalesce(sum({nulls}), 0) "
        "FROM read_parquet($paths, union_by_name=true) WHERE ingest = $ingest GROUP BY verdict",
        {"paths": paths, "ingest": record.ingest},
    ).fetchall()
    outside = 0
    if found and quarantine and record.values_out_of_range:
        outside = first_row(
            con,
            "SELECT count(*) FROM read_parquet($quarantine) q SEMI JOIN "
            "(SELECT row FROM read_parquet($paths, union_by_name=true) "
            "WHERE ingest = $ingest) h USING (row) "
            "WHERE q.ingest = $ingest AND q.reason IN ('out_of_range', 'not_finite')",
            {"quarantine": quarantine, "paths": paths, "ingest": record.ingest},
        )[0]
    for verdict, rows, missing in found:
        counts["rows_accepted"] -= rows
        counts["rows_duplicate" if verdict == "duplicate" else "rows_rejected"] += rows
        counts["values_missing"] -= int(missing)
    # A refused value is null too, but was counted as out of range.
    counts["values_missing"] += outside
    counts["values_out_of_range"] -= outside


def _pause(attempt: int) -> None:
    """Wait a little, differently in each process, before planning again."""
    time.sleep(random.uniform(0.005, 0.02) * (attempt + 1))  # noqa: S311  not for secrets


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]

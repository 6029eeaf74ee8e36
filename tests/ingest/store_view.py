"""A store in a folder of its own, fed with hand-made files and read back as plain Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from microgrid_lib.ingest import inventory
from microgrid_lib.ingest.inventory import FileEntry, QuarantineCount
from microgrid_lib.ingest.load import ingest, remove
from microgrid_lib.ingest.records import quarantine_paths, read_records
from microgrid_lib.ingest.result import FileResult
from microgrid_lib.settings import Settings
from microgrid_lib.site.load import load_site
from microgrid_lib.site.profile import Site
from microgrid_lib.store.duck import connect
from microgrid_lib.store.lake import Lake
from tests.ingest.naive import MINI_SITE, Outcome

COUNTS = (
    "rows_read",
    "rows_accepted",
    "rows_duplicate",
    "rows_rejected",
    "values_missing",
    "values_out_of_range",
)
StoredRow = tuple[str, int, dict[str, float | None]]
Refusal = tuple[str, int, str | None, str]


def counts_of(entry: FileEntry | FileResult) -> dict[str, int]:
    """The six counts of a file."""
    return {name: getattr(entry, name) for name in COUNTS}


class Store:
    """A home, an inbox, and a site (by default the mini site of the naive reference)."""

    def __init__(self, folder: Path, site: Site | str | None = None) -> None:
        self.settings = Settings(home=folder / "home")
        self.inbox = folder / "inbox"
        self.inbox.mkdir(parents=True, exist_ok=True)
        if isinstance(site, Site):
            self.site = site
            return
        site_file = folder / "site.toml"
        site_file.write_text(MINI_SITE if site is None else site, encoding="utf-8")
        self.site = load_site(site_file)

    def write(self, name: str, content: str | bytes) -> Path:
        """Put a file into the inbox."""
        path = self.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def take(self, *paths: str | Path) -> list[FileResult]:
        """Ingest paths."""
        return ingest(paths, self.site, self.settings).files

    def put(self, name: str, content: str | bytes) -> FileResult:
        """Write a file and ingest it; it must not fail."""
        result = self.take(self.write(name, content))[0]
        assert result.error is None
        return result

    def put_all(self, files: dict[str, bytes]) -> None:
        """Write files and ingest them together; none must fail."""
        results = self.take(*[self.write(name, content) for name, content in files.items()])
        assert [result.error for result in results] == [None] * len(files)

    def fail(self, name: str, content: str | bytes) -> str:
        """Write and ingest a file that must fail; returns its error, without the path."""
        path = self.write(name, content)
        result = self.take(path)[0]
        assert result.status == "failed"
        assert result.error is not None
        assert "\n" not in result.error
        assert len(result.error) < 1000
        return result.error.removeprefix(f"{path}: ")

    def remove(self, *names: str) -> None:
        """Take files out again."""
        remove(names, self.site, self.settings)

    def state(self) -> str:
        """Changes whenever the measurements do."""
        return Lake(self.settings.lake).snapshot(self.site).state()

    def rows(self) -> dict[tuple[str, datetime], StoredRow]:
        """(source, time) -> file, line, values."""
        return stored_rows(self.settings, self.site)

    def refusals(self) -> list[Refusal]:
        """File, line, channel and reason of what is in quarantine, in order."""
        return sorted(
            ((f, row, channel, reason) for f, row, channel, reason, *_ in self.quarantined()),
            key=repr,
        )

    def quarantined(self) -> list[tuple[str, int, str | None, str, str | None, str, str]]:
        """File, row, channel, reason, value, allowed, detail of what is in quarantine."""
        lake = Lake(self.settings.lake)
        with connect(self.settings) as con:
            records = read_records(lake, con, lake.snapshot(self.site)).by_file.values()
            paths = quarantine_paths(lake, self.site.name, {r.ingest for r in records})
            if not paths:
                return []
            return con.execute(
                "SELECT file, row, channel, reason, value, allowed, detail "
                "FROM read_parquet($paths) ORDER BY file, row, channel",
                {"paths": paths},
            ).fetchall()

    def entries(self) -> dict[str, FileEntry]:
        """The current files by name."""
        with connect(self.settings) as con:
            lake = Lake(self.settings.lake)
            found = inventory.files_of(con, lake, self.site, lake.snapshot(self.site))
        return {entry.file: entry for entry in found}

    def quarantine(self) -> list[QuarantineCount]:
        """Refusals by reason."""
        lake = Lake(self.settings.lake)
        with connect(self.settings) as con:
            return inventory.quarantine_of(con, lake, self.site, lake.snapshot(self.site))

    def agrees_with(self, wanted: Outcome) -> None:
        """Check everything the naive reference says."""
        found = self.entries()
        assert {name: counts_of(entry) for name, entry in found.items()} == wanted.counts
        for counts in wanted.counts.values():
            parts = ("rows_accepted", "rows_duplicate", "rows_rejected")
            assert counts["rows_read"] == sum(counts[part] for part in parts)
        assert self.rows() == wanted.rows
        assert Counter(self.refusals()) == Counter(wanted.refused)
        between = [e.count for e in self.quarantine() if e.reason == "conflict_between_files"]
        assert sum(between) == wanted.conflicts_between_files


def stored_rows(settings: Settings, site: Site) -> dict[tuple[str, datetime], StoredRow]:
    """(source, time) -> file, line, values; each key must be there once."""
    found: dict[tuple[str, datetime], StoredRow] = {}
    with connect(settings) as con:
        for part in Lake(settings.lake).snapshot(site).parts:
            channels = list(site.channels_of(site.source(part.source)))
            described = con.execute("DESCRIBE SELECT * FROM read_parquet(?)", [part.path])
            there = {row[0] for row in described.fetchall()}
            columns = ", ".join(_column(c, there) for c in channels)
            for time, file, row, *values in con.execute(
                f"SELECT time, file, row, {columns} FROM read_parquet(?)", [part.path]
            ).fetchall():
                key = (part.source, time)
                assert key not in found, f"{key} is there twice"
                found[key] = (file, row, dict(zip(channels, values, strict=True)))
    return found


def _column(channel: str, there: Sequence[str] | set[str]) -> str:
    return f'"{channel}"' if channel in there else f'NULL AS "{channel}"'

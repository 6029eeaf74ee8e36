"""Which files an ingestion takes, and what kind of file each is."""

from __future__ import annotations

import csv
import glob
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import BinaryIO, cast

from microgrid_lib.errors import FileProblem, MicrogridError
from microgrid_lib.site.profile import Site, Source
from microgrid_lib.site.schema import normal_spelling

HEADER_BYTES = 1 << 20
SAMPLE_LINES = 50
DATA_SUFFIXES = (".csv", ".csv.gz", ".txt", ".parquet", ".pq")
BOMS = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}


@dataclass(frozen=True)
class FileLayout:
    """What the first bytes of a file say about it.

    Attributes
    ----------
    source
        The site's source it belongs to.
    kind
        `csv` or `parquet`.
    columns
        Column names as in the file.
    time_column
        Index of the time column.
    channels
        Channel -> index of its column.
    delimiter, encoding, time_format
        How the text is written; empty for Parquet.
    """

    source: Source
    kind: str
    columns: tuple[str, ...]
    time_column: int
    channels: dict[str, int]
    delimiter: str = ","
    encoding: str = "utf-8"
    time_format: str = ""


@dataclass(frozen=True)
class FileFacts:
    """What reading all bytes of a file once says about it.

    Attributes
    ----------
    sha256
        Of the bytes as they lie on disk.
    lines
        Lines of text after decompression, the header included; None for Parquet.
    has_nul
        Whether the text holds NUL bytes.
    size, modified_ns
        To notice a file that changes while it is read.
    """

    sha256: str
    lines: int | None
    has_nul: bool
    size: int
    modified_ns: int


def expand(paths: Sequence[str | Path], site: Site) -> list[Path]:
    """Files named by paths, folders (searched through) and patterns, each once, in order.

    Raises
    ------
    MicrogridError
        A path or pattern that names nothing.
    """
    found: dict[Path, None] = {}
    for given in paths:
        path = Path(given).expanduser()
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file() and _is_data(p, site))
            if not inside:
                raise MicrogridError(f"{path}: no data file for site {site.name} in this folder")
            found |= dict.fromkeys(p.absolute() for p in inside)
        elif path.exists():
            found[path.absolute()] = None
        else:
            matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207  absolute too
            if not matches:
                raise MicrogridError(f"{path}: no such file or folder")
            inside = [Path(m).absolute() for m in matches if Path(m).is_file()]
            if not inside:
                raise MicrogridError(f"{path}: no data file for site {site.name} matches")
            found |= dict.fromkeys(inside)
    return list(found)


def _is_data(path: Path, site: Site) -> bool:
    name = path.name.lower()
    hidden = any(part.startswith(".") for part in path.parts[-1:])
    return not hidden and name.endswith(DATA_SUFFIXES) and bool(_candidates(path, site))


def _candidates(path: Path, site: Site) -> list[Source]:
    name = path.name.casefold()
    return [
        source
        for source in site.sources
        if any(fnmatchcase(name, pattern.casefold()) for pattern in source.files)
    ]


def read_facts(path: Path) -> FileFacts:
    """Hash a file and count its lines in one reading.

    Raises
    ------
    FileProblem
        It can't be read, isn't a file, or is a damaged gzip.
    """
    if path.exists() and not path.is_file():
        kind = "a folder" if path.is_dir() else "a device or pipe"
        raise FileProblem(path, f"is {kind}, not a data file")
    digest = hashlib.sha256()
    counter = _LineCounter()
    is_text = not is_parquet(path)
    zipped = path.name.lower().endswith(".gz")
    try:
        before = path.stat()
        with path.open("rb") as file:
            while block := file.read(1 << 22):
                digest.update(block)
                if is_text and not zipped:
                    counter.feed(block)
        if zipped:
            with gzip.open(path) as file:
                while block := file.read(1 << 22):
                    counter.feed(block)
    except (zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise FileProblem(path, f"is a damaged gzip ({error})") from None
    except OSError as error:
        raise FileProblem(path, f"can't be read ({error.strerror or error})") from None
    return FileFacts(
        sha256=digest.hexdigest(),
        lines=counter.lines() if is_text else None,
        has_nul=counter.nul,
        size=before.st_size,
        modified_ns=before.st_mtime_ns,
    )


class _LineCounter:
    """Counts lines over blocks of bytes."""

    def __init__(self) -> None:
        self._newlines = 0
        self._tail = b""
        self.nul = False

    def feed(self, block: bytes) -> None:
        """Count one more block."""
        if not block:
            return
        self._newlines += block.count(b"\n")
        self.nul = self.nul or b"\0" in block
        self._tail = (self._tail + block)[-4:]

    def lines(self) -> int:
        """Lines so far; a last one without a line end counts."""
        unfinished = bool(self._tail) and not self._tail.endswith(b"\n")
        return self._newlines + int(unfinished)


def is_parquet(path: Path) -> bool:
    """Whether the name says Parquet."""
    return path.name.lower().endswith((".parquet", ".pq"))


def open_text(path: Path) -> BinaryIO:
    """The file's bytes, decompressed where its name ends in `.gz`.

    Raises
    ------
    FileProblem
        It can't be opened.
    """
    try:
        if path.name.lower().endswith(".gz"):
            return cast(BinaryIO, gzip.open(path, "rb"))
        return path.open("rb")
    except OSError as error:
        raise FileProblem(path, f"can't be read ({error.strerror or error})") from None


def detect_layout(path: Path, site: Site) -> FileLayout:
    """Find out which source a file belongs to and where its columns are.

    Raises
    ------
    FileProblem
        Nothing in the site file fits; the text says what was looked for and what was there.
    """
    candidates = _candidates(path, site)
    if not candidates:
        patterns = ", ".join(p for source in site.sources for p in source.files)
        raise FileProblem(path, f"site {site.name} knows no file of this name; known: {patterns}")
    problems: list[str] = []
    fitting: list[FileLayout] = []
    for source in candidates:
        try:
            fitting.append(_fit(path, site, source))
        except _MisfitError as misfit:
            problems.append(str(misfit))
    if not fitting:
        raise FileProblem(path, problems[0])
    if len(fitting) > 1:
        names = _listed([layout.source.name for layout in fitting])
        raise FileProblem(
            path, f"fits the sources {names} of site {site.name}; rename it so that one fits"
        )
    return fitting[0]


def unmatched(layout: FileLayout, site: Site) -> Iterator[str]:
    """Say which channels of its source a file has no column of, and which columns nobody takes."""
    absent = [c for c in site.channels_of(layout.source) if c not in layout.channels]
    if not absent:
        return
    taken = {layout.time_column, *layout.channels.values()}
    unused = [name for at, name in enumerate(layout.columns) if at not in taken and name]
    also = f"; columns not used: {_listed(unused)}" if unused else ""
    yield f"no column of the channels {_listed(absent)}{also}"


class _MisfitError(Exception):
    pass


def _fit(path: Path, site: Site, source: Source) -> FileLayout:
    if is_parquet(path):
        return _fit_columns(_parquet_columns(path), site, source, kind="parquet")
    encoding, head, whole = _decode_head(path, source)
    lines = _logical_lines(head)
    header = next(lines, None)
    if header is None:
        raise FileProblem(path, "is empty")
    sample = [line for _, line in zip(range(SAMPLE_LINES), lines, strict=False)]
    if not sample and not whole:
        raise FileProblem(path, f"has a first line of more than {HEADER_BYTES} bytes")
    delimiter = _delimiter(header) if source.delimiter == "auto" else source.delimiter
    columns = tuple(name.strip() for name in _cells(header, delimiter))
    layout = _fit_columns(columns, site, source, kind="csv")
    return FileLayout(
        source=source,
        kind="csv",
        columns=layout.columns,
        time_column=layout.time_column,
        channels=layout.channels,
        delimiter=delimiter,
        encoding=encoding,
        time_format=_time_format(sample, delimiter, layout.time_column, source.time_formats),
    )


def _decode_head(path: Path, source: Source) -> tuple[str, str, bool]:
    """Encoding of a file, the text of its beginning, and whether that is all of it."""
    try:
        with open_text(path) as file:
            head = file.read(HEADER_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise FileProblem(path, f"can't be read ({error})") from None
    encoding = next((name for bom, name in BOMS.items() if head.startswith(bom)), source.encoding)
    if encoding in ("utf-8", "utf-8-sig"):
        try:
            head.decode(encoding)
        except UnicodeDecodeError as error:
            if error.start < len(head) - 4:
                encoding = "latin-1"
    return encoding, head.decode(encoding, errors="replace"), len(head) < HEADER_BYTES


def _logical_lines(text: str) -> Iterator[str]:
    for line in io.StringIO(text, newline=None):
        if line.strip():
            yield line.rstrip("\n")


def _delimiter(header: str) -> str:
    return max((",", ";", "\t", "|"), key=header.count)


def _fit_columns(columns: Iterable[str], site: Site, source: Source, *, kind: str) -> FileLayout:
    names = tuple(columns)
    folded = [normal_spelling(name) for name in names]
    times = {normal_spelling(name) for name in source.time_columns}
    time_at = [i for i, name in enumerate(folded) if name in times]
    if not time_at and any("\x00" in name for name in names):
        raise _MisfitError(
            "has NUL bytes in its first line, as UTF-16 without a byte-order mark has; "
            f"give its encoding in the site file (source {source.name})"
        )
    if not time_at:
        doubt = f"; is the delimiter of source {source.name} right?" if len(names) == 1 else ""
        raise _MisfitError(
            f"no time column; looked for {_listed(source.time_columns)}, "
            f"found {_listed(names)}{doubt}"
        )
    if len(time_at) > 1:
        raise _MisfitError(f"the time column {names[time_at[0]]!r} is there twice")
    channels: dict[str, int] = {}
    for channel, spellings in site.channels_of(source).items():
        wanted = {normal_spelling(spelling) for spelling in spellings}
        at = [i for i, name in enumerate(folded) if name in wanted]
        if len(at) > 1:
            raise _MisfitError(
                f"{_listed([names[i] for i in at])} are the same channel {channel!r} twice"
            )
        if at:
            channels[channel] = at[0]
    if not channels:
        looked = [s for spelled in site.channels_of(source).values() for s in spelled]
        raise _MisfitError(f"no known column; looked for {_listed(looked)}, found {_listed(names)}")
    return FileLayout(
        source=source, kind=kind, columns=names, time_column=time_at[0], channels=channels
    )


def _listed(names: Sequence[str], most: int = 6) -> str:
    shown = ", ".join(repr(name[:60]) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def _cells(line: str, delimiter: str) -> list[str]:
    """The cells of one line; none where it can't be taken apart."""
    try:
        return next(csv.reader([line], delimiter=delimiter))
    except csv.Error:
        return []


def _time_format(lines: Sequence[str], delimiter: str, column: int, formats: Sequence[str]) -> str:
    if len(formats) == 1:
        return formats[0]
    rows = (_cells(line, delimiter) for line in lines)
    texts = [row[column].strip() for row in rows if len(row) > column]

    def fits(pattern: str) -> int:
        return sum(_parses(text, pattern) for text in texts)

    return max(formats, key=fits)


def _parses(text: str, pattern: str) -> bool:
    try:
        # DuckDB's "%-d" is Python's "%d", which takes one digit too
        datetime.strptime(text, pattern.replace("%-", "%"))
    except ValueError:
        return False
    return True


def _parquet_columns(path: Path) -> list[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return list(pq.read_schema(path).names)
    except (pa.ArrowInvalid, OSError) as error:
        raise FileProblem(path, f"isn't a readable Parquet file ({error})") from None

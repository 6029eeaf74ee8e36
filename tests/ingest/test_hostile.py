"""Files that mean harm or were made carelessly: one clear line or quarantined rows, never more."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from microgrid_lib.errors import MicrogridError, StoreError
from microgrid_lib.ingest import load
from microgrid_lib.ingest.discover import FileFacts, read_facts
from tests.ingest.naive import MINI_SITE
from tests.ingest.store_view import Store

HEADER = "Timestamp,PV,Battery,Voltage"
ROW = "2023/04/01 12:00:01,10,0,480"
GOOD = f"{HEADER}\n{ROW}\n"
NOON = datetime(2023, 4, 1, 19, 0, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store that holds one row already, which must survive whatever comes."""
    store = Store(tmp_path)
    store.put("p0.csv", f"{HEADER}\n2023/03/31 12:00:01,1,1,480\n")
    return store


def others_survive(store: Store) -> None:
    rows = store.rows()
    assert ("p0.csv", 2) in {row[:2] for row in rows.values()}


def rows(*hours: str) -> str:
    """Rows of the plant, one for each `date hour`."""
    return "".join(f"{hour}:00:01,1,0,480\n" for hour in hours)


FAILING: dict[str, tuple[str, str | bytes, str]] = {
    "empty": ("p.csv", "", "is empty"),
    "blank lines only": ("p.csv", "\n\n  \n", "is empty"),
    "a byte-order mark only": ("p.csv", b"\xef\xbb\xbf", "is empty"),
    "an empty gzip": ("p.csv.gz", gzip.compress(b""), "is empty"),
    "no known column": (
        "p.csv",
        "Timestamp,A,B\n2023/04/01 12:00:01,1,2\n",
        "no known column; looked for 'PV', 'Battery', 'Voltage', found 'Timestamp', 'A', 'B'",
    ),
    "no time column": (
        "p.csv",
        "Zeit,PV\n2023/04/01 12:00:01,1\n",
        "no time column; looked for 'Timestamp', found 'Zeit', 'PV'",
    ),
    "a column twice": (
        "p.csv",
        "Timestamp,PV,pv\n2023/04/01 12:00:01,1,2\n",
        "'PV', 'pv' are the same channel 'pv_power' twice",
    ),
    "the time twice": (
        "p.csv",
        "Timestamp,timestamp,PV\n2023/04/01 12:00:01,2023/04/01 12:00:01,2\n",
        "the time column 'Timestamp' is there twice",
    ),
    "a name no source knows": (
        "q.csv",
        GOOD,
        "site mini knows no file of this name; known: p*.csv, ",
    ),
    "no gzip though its name says so": ("p.csv.gz", GOOD, "is a damaged gzip (Not a gzipped file"),
    "a gzip cut short": (
        "p.csv.gz",
        gzip.compress(GOOD.encode())[:-9],
        "is a damaged gzip (Compressed file ended before",
    ),
    "a gzip with a broken middle": (
        "p.csv.gz",
        gzip.compress(GOOD.encode() * 20).replace(b"\xcb", b"\x00\xff"),
        "is a damaged gzip (",
    ),
    "text named Parquet": ("p.parquet", GOOD, "isn't a readable Parquet file ("),
    "an empty Parquet": ("p.parquet", b"", "isn't a readable Parquet file ("),
    "a header with NUL bytes": (
        "p.csv",
        b"Timestamp,PV,x\0y\n2023/04/01 12:00:01,1,2\n",
        "its first line isn't text without NUL bytes",
    ),
    "a header with an open quote": (
        "p.csv",
        'Timestamp,PV,"x\n2023/04/01 12:00:01,1,2\n',
        "its first line isn't balanced quotes",
    ),
    "a header that never ends": (
        "p.csv",
        "Timestamp,PV," + "x" * (1 << 20),
        "has a first line of more than 1048576 bytes",
    ),
    "random bytes": ("p.csv", bytes(range(256)) * 40, "has NUL bytes in its first line"),
    "one column": (
        "p.csv",
        "Timestamp~PV\n1~2\n",
        "no time column; looked for 'Timestamp', found 'Timestamp~PV'; is",
    ),
    "UTF-16 without a mark": (
        "p.csv",
        "Timestamp,PV\n".encode("utf-16-le"),
        "has NUL bytes in its first line, as UTF-16 without a byte-order mark has",
    ),
}


@pytest.mark.parametrize("case", FAILING)
def test_a_file_that_cant_be_read_gives_one_line_and_changes_nothing(
    store: Store, case: str
) -> None:
    name, content, wanted = FAILING[case]
    before = store.state()
    assert store.fail(name, content).startswith(wanted)
    assert store.state() == before
    assert set(store.entries()) == {"p0.csv"}


# Name and content -> reasons in quarantine by line, and the PV values that are stored of it.
REFUSING: dict[str, tuple[str | bytes, dict[int, str], list[float | None]]] = {
    "header only": (f"{HEADER}\n", {}, []),
    "header without line end": (HEADER, {}, []),
    "text in a number": (f"{GOOD}2023/04/01 12:00:11,ten,0,480\n", {3: "not_a_number"}, [10.0]),
    "thousands separators": (
        f'{HEADER}\n2023/04/01 12:00:01,"1,010.5",0,480\n{ROW}\n',
        {2: "not_a_number"},
        [10.0],
    ),
    "apostrophes and spaces in numbers": (
        f"{GOOD}2023/04/01 12:00:11,1'010,0,480\n2023/04/01 12:00:21,1 010,0,480\n",
        {3: "not_a_number", 4: "not_a_number"},
        [10.0],
    ),
    "NUL bytes in a row": (
        f"{GOOD}2023/04/01 12:00:11,1\0,0,480\n2023/04/01 12:00:21,3,0,480\n",
        {3: "bad_text"},
        [10.0, 3.0],
    ),
    "a quote that never closes": (
        f'{GOOD}2023/04/01 12:00:11,"1,0,480\n2023/04/01 12:00:21,3,0,480\n',
        {3: "bad_text"},
        [10.0, 3.0],
    ),
    "a stray UTF-8 byte late in the file": (
        f"{HEADER},Remark\n".encode()
        + b"".join(
            b"2023/04/01 12:00:%02d,%d,0,480,%s\n" % (s, s, b"x" * 60_000) for s in range(20)
        )
        + b"2023/04/01 12:00:21,2\xe9,0,480,x\n2023/04/01 12:00:31,31,0,480,fin\n",
        {22: "not_a_number"},
        [*map(float, range(20)), 31.0],
    ),
    "too few and too many columns": (
        f"{GOOD}2023/04/01 12:00:11,1\n2023/04/01 12:00:21,1,2,3,4\n",
        {3: "missing_columns", 4: "too_many_columns"},
        [10.0],
    ),
    "a line of more than two megabytes": (
        f"{GOOD}2023/04/01 12:00:11,1,0,{'9' * 2_200_000}\n2023/04/01 12:00:21,3,0,480\n",
        {3: "bad_text"},
        [10.0, 3.0],
    ),
    "an offset where none is expected": (
        f"{GOOD}2023/04/01 12:00:11+02:00,1,0,480\n2023/04/01 12:00:21Z,1,0,480\n",
        {3: "bad_time", 4: "bad_time"},
        [10.0],
    ),
    "dates that don't exist": (
        GOOD
        + rows("2023/02/29 12", "2023/04/31 12", "2023/04/01 24", "2023/13/01 12", "2023/00/01 12"),
        dict.fromkeys((3, 4, 5, 6, 7), "impossible_date"),
        [10.0],
    ),
    "times centuries away": (
        GOOD
        + rows("1900/01/01 12", "2100/01/01 12", "0000/01/01 12", "0001/01/01 12", "9999/12/31 23")
        + rows("1989/12/31 16"),
        dict.fromkeys((3, 4, 5, 6, 7, 8), "time_out_of_range"),
        [10.0],
    ),
    "words for times": (
        f"{GOOD}infinity,1,0,480\nepoch,1,0,480\nnow,1,0,480\nyesterday,1,0,480\n,1,0,480\n",
        {
            3: "time_out_of_range",
            4: "time_out_of_range",
            5: "bad_time",
            6: "bad_time",
            7: "no_time",
        },
        [10.0],
    ),
    "infinities and huge numbers": (
        f"{HEADER}\n2023/04/01 12:00:01,inf,-Infinity,1e308\n2023/04/01 12:00:11,5,-1e309,1e-320\n",
        {2: "not_finite", 3: "not_finite"},
        [None, 5.0],
    ),
    "blank lines, spaces and quotes everywhere": (
        f'\n\n{HEADER}\n\n   \n"2023/04/01 12:00:01","10"," ",480\n\n',
        {},
        [10.0],
    ),
    "carriage returns": (
        f"{HEADER}\r\n{ROW}\r\n\r\n2023/04/01 12:00:11,x,1,1\r\n",
        {4: "not_a_number"},
        [10.0],
    ),
    "old Macintosh line ends": (
        f"{HEADER}\r{ROW}\r2023/04/01 12:00:11,x,1,1\r",
        {3: "not_a_number"},
        [10.0],
    ),
    "rows of one quoted blank": (
        f'{GOOD}""\n" "\n',
        {3: "missing_columns", 4: "missing_columns"},
        [10.0],
    ),
    "a formula": (f"{GOOD}2023/04/01 12:00:11,=1+1,0,480\n", {3: "not_a_number"}, [10.0]),
    "numbers of other scripts": (
        f"{GOOD}2023/04/01 12:00:11,１２,0,480\n",
        {3: "not_a_number"},
        [10.0],
    ),
}


ZIPPED = ("header only", "NUL bytes in a row", "text in a number", "carriage returns")


@pytest.mark.parametrize(
    ("case", "zipped"),
    [*((case, False) for case in REFUSING), *((case, True) for case in ZIPPED)],
)
def test_what_cant_be_understood_is_quarantined_by_line(
    store: Store, case: str, *, zipped: bool
) -> None:
    content, wanted, values = REFUSING[case]
    data = content.encode() if isinstance(content, str) else content
    name = "p.csv.gz" if zipped else "p.csv"
    result = store.put(name, gzip.compress(data) if zipped else data)
    reasons = {row: reason for file, row, _, reason in store.refusals() if file == name}
    assert reasons == wanted
    parts = (result.rows_accepted, result.rows_duplicate, result.rows_rejected)
    assert result.rows_read == sum(parts)
    found = sorted(item for item in store.rows().items() if item[1][0] == name)
    assert [row[2]["pv_power"] for _, row in found] == values
    others_survive(store)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16", "utf-16-le"])
def test_encodings_give_the_same_rows(tmp_path: Path, encoding: str) -> None:
    site = MINI_SITE.replace('pv_power = "PV"', 'pv_power = "Énergie"')
    store = Store(tmp_path, site)
    text = "Timestamp,Énergie,Voltage\n2023/04/01 12:00:01,10,480\n2023/04/01 12:00:11,é,480\n"
    data = text.encode(encoding)
    result = store.put("p.csv", b"\xff\xfe" + data if encoding == "utf-16-le" else data)
    assert (result.rows_accepted, result.rows_rejected) == (1, 1)
    ((_, row, channel, reason, value, _, _),) = store.quarantined()
    assert (row, channel, reason, value) == (3, "pv_power", "not_a_number", "é")


def test_decimal_commas_and_semicolons_need_only_the_site_file(tmp_path: Path) -> None:
    store = Store(tmp_path, MINI_SITE.replace("time_columns", 'decimal = ","\ntime_columns'))
    result = store.put(
        "p.csv",
        "Timestamp;PV;Battery\n2023/04/01 12:00:01;10,5;-1,25\n2023/04/01 12:00:11;1.010,5;0\n"
        "2023/04/01 12:00:21;7;0\n",
    )
    assert (result.rows_accepted, result.rows_rejected) == (2, 1)
    assert store.refusals() == [("p.csv", 3, "pv_power", "not_a_number")]
    assert [row[2]["pv_power"] for _, row in sorted(store.rows().items())] == [10.5, 7.0]


def test_decimal_commas_are_refused_where_the_site_says_points(store: Store) -> None:
    result = store.put("p.csv", "Timestamp;PV\n2023/04/01 12:00:01;10,5\n")
    assert (result.rows_accepted, result.rows_rejected) == (0, 1)
    ((_, _, channel, reason, value, _, _),) = store.quarantined()
    assert (channel, reason, value) == ("pv_power", "not_a_number", "10,5")


def test_times_with_an_offset_are_instants_where_the_site_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path, MINI_SITE.replace("%Y/%m/%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"))
    result = store.put(
        "p.csv",
        "Timestamp,PV\n2023-04-01T12:00:01-07:00,1\n2023-04-01T21:00:11+02:00,2\n"
        "2023-04-01T12:00:21,3\n2023-02-29T12:00:21+00:00,3\n",
    )
    assert (result.rows_accepted, result.rows_rejected) == (2, 2)
    assert {r[1]: r[3] for r in store.refusals()} == {4: "bad_time", 5: "impossible_date"}
    assert {time: row[2]["pv_power"] for (_, time), row in store.rows().items()} == {
        NOON: 1.0,
        NOON.replace(second=11): 2.0,
    }


def test_the_format_that_fits_most_of_the_first_rows_is_used(tmp_path: Path) -> None:
    formats = '"%d.%m.%Y %H:%M", "%-m/%-d/%Y %H:%M"'
    store = Store(tmp_path, MINI_SITE.replace('"%Y/%m/%d %H:%M:%S"', formats))
    store.put("p.csv", "Timestamp,PV\nx,1\n4/1/2023 12:00,2\n4/1/2023 12:01,2\n")
    assert len(store.rows()) == 2
    assert min(store.rows())[1] == NOON.replace(second=0)


def test_a_folder_named_like_a_file_is_looked_into(store: Store) -> None:
    store.write("p.csv/p1.csv", GOOD)
    (result,) = store.take(store.inbox / "p.csv")
    assert (result.file, result.status) == ("p1.csv", "ingested")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(store: Store) -> None:
    pipe = store.inbox / "p.csv"
    os.mkfifo(pipe)
    (result,) = store.take(pipe)
    assert result.error == f"{pipe}: is a device or pipe, not a data file"


def test_a_dangling_link_names_nothing(store: Store) -> None:
    link = store.inbox / "p.csv"
    link.symlink_to(store.inbox / "gone.csv")
    with pytest.raises(MicrogridError, match="no data file for site mini matches"):
        store.take(link)


AS_NOBODY = """
import os, sys
from pathlib import Path
from microgrid_lib.errors import StoreError
from tests.ingest.store_view import Store

GOOD = sys.argv[2]
# Once as whoever runs the tests: nobody may not be able to read what has yet to be imported.
warm = Store(Path(sys.argv[1]) / "warm")
warm.put("p.csv", GOOD)
warm.fail("p2.csv", "")
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
store = Store(Path(sys.argv[1]) / "tried")
store.put("p0.csv", GOOD)
before = store.rows()
path = store.write("p.csv", GOOD)
path.chmod(0)
(result,) = store.take(path)
print(result.error)
path.chmod(0o400)
folders = [folder for folder in store.settings.lake.rglob("*") if folder.is_dir()]
for folder in folders:
    folder.chmod(0o500)
try:
    store.take(path)
except StoreError as error:
    print(error)
for folder in folders:
    folder.chmod(0o700)
assert store.rows() == before
print(path)
"""


@pytest.mark.skipif(not hasattr(os, "setuid"), reason="permissions of POSIX")
def test_no_permission_gives_one_line() -> None:
    # Not below tmp_path, which is for whoever runs the tests alone.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        done = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, folder, GOOD],
            capture_output=True,
            text=True,
            cwd=Path(__file__).resolve().parents[2],
        )
    assert done.returncode == 0, done.stderr
    unread, unwritten, path = done.stdout.splitlines()
    assert unread == f"{path}: can't be read (Permission denied)"
    assert "can't be written" in unwritten


def test_a_home_that_is_a_file_gives_one_line(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.settings.home.write_text("not a folder", encoding="utf-8")
    with pytest.raises(StoreError, match=r"can't be (written|read)"):
        store.take(store.write("p.csv", GOOD))


CHANGES: dict[str, Callable[[Path], object]] = {
    "shrinks": lambda path: path.write_text(f"{HEADER}\n", encoding="utf-8"),
    "grows": lambda path: path.write_text(f"{GOOD}2023/04/01 12:00:11,1,0,480\n", encoding="utf-8"),
    "goes": lambda path: path.unlink(),
    "becomes a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", ["plain", "blank line", "gzip"])
def test_a_file_that_changes_while_it_is_read_fails_and_works_the_next_time(
    store: Store, monkeypatch: pytest.MonkeyPatch, change: str, kind: str
) -> None:
    before = store.state()
    text = GOOD + ("\n" if kind == "blank line" else "")
    name = "p.csv.gz" if kind == "gzip" else "p.csv"
    path = store.write(name, gzip.compress(text.encode()) if kind == "gzip" else text)

    def facts_then_change(given: Path) -> FileFacts:
        facts = read_facts(given)
        CHANGES[change](given)
        return facts

    monkeypatch.setattr(load, "read_facts", facts_then_change)
    (result,) = store.take(path)
    monkeypatch.undo()
    assert result.status == "failed"
    assert result.error is not None
    assert result.error.startswith(f"{path}: ")
    assert "\n" not in result.error
    assert store.state() == before
    if path.is_dir():
        path.rmdir()
    assert store.put(name, gzip.compress(text.encode()) if kind == "gzip" else text).status == (
        "ingested"
    )


def write_parquet(path: Path, **columns: pa.Array) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


STAMPS = [datetime(2023, 4, 1, 12, 0, second) for second in (1, 11, 21)]


def test_parquet_with_integers_decimals_and_texts_is_read_as_numbers(store: Store) -> None:
    path = write_parquet(
        store.inbox / "p.parquet",
        Timestamp=pa.array(STAMPS, pa.timestamp("ns")),
        PV=pa.array([1, None, 3], pa.int16()),
        Battery=pa.array(["-1.5", "NA", "x"]),
        Voltage=pa.array([480, 481, 482], pa.decimal128(6, 2)),
    )
    (result,) = store.take(path)
    assert result.error is None
    assert (result.rows_accepted, result.rows_rejected) == (2, 1)
    assert result.values_missing == 2
    mine = [r for r in store.refusals() if r[0] == "p.parquet"]
    assert mine == [("p.parquet", 4, "battery_power", "not_a_number")]
    assert store.rows()["plant", NOON] == (
        "p.parquet",
        2,
        {"pv_power": 1.0, "battery_power": 1.5, "mg_lv_voltage": 480.0},
    )


def test_parquet_times_may_be_instants_texts_or_dates(tmp_path: Path) -> None:
    values = pa.array([1.0])
    local = Store(tmp_path / "local")
    written = {
        "instant": pa.array([NOON], pa.timestamp("us", "UTC")),
        "text": pa.array(["2023/04/01 12:00:01"]),
        "wall": pa.array([STAMPS[0]], pa.timestamp("ms")),
    }
    for name, times in written.items():
        local.take(write_parquet(local.inbox / f"p_{name}.parquet", Timestamp=times, PV=values))
    counts = {name: entry.rows_accepted for name, entry in local.entries().items()}
    assert counts == {"p_instant.parquet": 1, "p_text.parquet": 0, "p_wall.parquet": 0}
    assert {entry.rows_duplicate for entry in local.entries().values()} == {0, 1}
    assert list(local.rows()) == [("plant", NOON)]


@pytest.mark.parametrize(
    ("times", "reason"),
    [
        (pa.array([1, 2, 3]), 'time column "Timestamp" is BIGINT, not a time'),
        (pa.array([True, False, None]), 'time column "Timestamp" is BOOLEAN, not a time'),
        (pa.array([b"a", b"b", b"c"]), 'time column "Timestamp" is BLOB, not a time'),
    ],
)
def test_parquet_with_something_else_for_a_time_fails_in_one_line(
    store: Store, times: pa.Array, reason: str
) -> None:
    path = write_parquet(store.inbox / "p.parquet", Timestamp=times, PV=pa.array([1.0, 2.0, 3.0]))
    (result,) = store.take(path)
    assert result.error == f"{path}: {reason}"


@pytest.mark.parametrize(
    "values",
    [
        pa.array([[1.0], [2.0], [3.0]]),
        pa.array([{"a": 1}, {"a": 2}, {"a": 3}]),
        pa.array([b"\xff\x00", b"1", None]),
        pa.array([True, False, None]),
    ],
    ids=["lists", "structs", "bytes", "booleans"],
)
def test_parquet_with_values_that_arent_numbers_invents_none(
    store: Store, values: pa.Array
) -> None:
    path = write_parquet(
        store.inbox / "p.parquet", Timestamp=pa.array(STAMPS, pa.timestamp("us")), PV=values
    )
    (result,) = store.take(path)
    if result.status == "failed":
        assert result.error is not None
        assert result.error.startswith(f"{path}: ")
        assert "\n" not in result.error
    stored = [row[2]["pv_power"] for row in store.rows().values() if row[0] == "p.parquet"]
    assert [value for value in stored if value is not None] == []


def test_parquet_times_far_away_are_refused(store: Store) -> None:
    far = pa.array([0, 2**62, -(2**62)], pa.int64()).cast(pa.timestamp("us"))
    path = write_parquet(store.inbox / "p.parquet", Timestamp=far, PV=pa.array([1.0, 2.0, 3.0]))
    (result,) = store.take(path)
    assert (result.error, result.rows_accepted, result.rows_rejected) == (None, 0, 3)
    assert {r[3] for r in store.refusals()} == {"time_out_of_range"}


def test_the_line_of_a_refused_row_is_right_in_a_long_file(store: Store) -> None:
    start = datetime(2023, 4, 1)
    lines = [HEADER]
    wanted = {}
    for i in range(250_000):
        day, second = divmod(i, 8640)
        hour, rest = divmod(second * 10, 3600)
        stamp = f"{start.year}/{start.month:02d}/{day % 30 + 1:02d} {hour:02d}:{rest // 60:02d}:"
        text = "x" if i % 17_389 == 5 else str(i % 100)
        lines.append(f"{stamp}{rest % 60 + 1:02d},{text},0,480")
        if text == "x":
            wanted[len(lines)] = "not_a_number"
    result = store.put("p.csv", "\n".join(lines) + "\n")
    assert result.rows_read == 250_000
    assert {r[1]: r[3] for r in store.refusals()} == wanted
    name, line, values = store.rows()["plant", datetime(2023, 4, 29, 6, 59, 51, tzinfo=UTC)]
    assert lines[line - 1].startswith("2023/04/28 23:59:51")
    assert values["pv_power"] == float(lines[line - 1].split(",")[1])
    assert name == "p.csv"


GIGABYTE_LINE = """
import resource, sys
from pathlib import Path
from tests.ingest.store_view import Store
store = Store(Path(sys.argv[1]))
(result,) = store.take(store.inbox / "p.csv")
assert result.error is None, result.error
print(result.rows_accepted, result.rows_rejected, [r[1:] for r in store.refusals()])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.parametrize(
    "megabytes", [64, pytest.param(1024, marks=pytest.mark.long)], ids=["64 MB", "1 GB"]
)
@pytest.mark.skipif(sys.platform == "win32", reason="peak memory is read from resource")
def test_an_endless_line_costs_one_row_and_little_memory(tmp_path: Path, megabytes: int) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    with (inbox / "p.csv").open("w", encoding="utf-8") as file:
        file.write(f"{GOOD}2023/04/01 12:00:11,1,0,")
        for _ in range(megabytes):
            file.write("9" * (1 << 20))
        file.write("\n2023/04/01 12:00:21,3,0,480\n")
    done = subprocess.run(
        [sys.executable, "-c", GIGABYTE_LINE, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert done.returncode == 0, done.stderr
    counts, peak = done.stdout.splitlines()
    assert counts == "2 1 [(3, None, 'bad_text')]"
    assert int(peak) < 2 * 1024 * 1024, f"{int(peak) // 1024} MiB"


ALPHABET = st.sampled_from(
    [
        *("Timestamp", "PV", "Battery", "2023/04/01 12:00:01", "2023/04/01 12:00:11", "1", "-9.5"),
        *("-999999.0", "1e308", "nan", "inf", ",", ",", ",", "\n", "\n", "\r\n", "\r", '"', "'"),
        *(
            ";",
            "\t",
            " ",
            "\0",
            "\ufeff",
            "é",
            "\U0001f50b",
            "\\",
            "#",
            "0",
            "/",
            ":",
            "%",
            "=",
            "*",
        ),
    ]
)


@st.composite
def garbled(draw: st.DrawFn) -> bytes:
    """A plausible file with garbage in it, or garbage alone."""
    head = draw(
        st.sampled_from(["", f"{HEADER}\n", f"{GOOD}", "Timestamp;PV\n", "\ufeffTimestamp,PV\r\n"])
    )
    text = head + "".join(draw(st.lists(ALPHABET, max_size=30)))
    data = text.encode(draw(st.sampled_from(["utf-8", "utf-8", "utf-16"])))
    spliced = draw(st.binary(max_size=4))
    at = draw(st.integers(0, len(data)))
    return data[:at] + spliced + data[at:]


def check_garbled(data: bytes, *, zipped: bool = False) -> None:
    """Whatever it is: one line or counted rows, and the earlier data are there."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        store.put("m.csv", "Timestamp,Net\n2023/03/31 12:00:01,1\n")
        before = store.rows()
        name = "p.csv.gz" if zipped else "p.csv"
        (result,) = store.take(store.write(name, gzip.compress(data) if zipped else data))
        if result.status == "failed":
            assert result.error is not None
            assert "\n" not in result.error
            assert store.rows() == before
            return
        parts = (result.rows_accepted, result.rows_duplicate, result.rows_rejected)
        assert result.rows_read == sum(parts)
        mine = {key: row for key, row in store.rows().items() if row[0] == name}
        assert len(mine) == result.rows_accepted
        assert {key: row for key, row in store.rows().items() if row[0] != name} == before
        refused_rows = {(r[1]) for r in store.refusals() if r[2] is None or r[3] == "not_a_number"}
        assert len(refused_rows) == result.rows_rejected
        assert store.take(store.inbox / name)[0].status == "unchanged"


def garbled_examples(number: int, *, derandomize: bool) -> hypothesis_settings:
    return hypothesis_settings(
        max_examples=number,
        deadline=None,
        derandomize=derandomize,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )


@example(data=b"Timestamp;PV\n\x00PV0,\t", zipped=True)
@given(data=garbled(), zipped=st.booleans())
@example(data=f'{GOOD}\n2023/04/01 12:00:11,"1"x,0,480\n'.encode(), zipped=False)
@garbled_examples(12, derandomize=True)
def test_garbage_is_refused_or_counted(data: bytes, *, zipped: bool) -> None:
    check_garbled(data, zipped=zipped)


@pytest.mark.long
@pytest.mark.timeout(1800)
@given(data=garbled(), zipped=st.booleans())
@garbled_examples(2000, derandomize=False)
def test_garbage_is_refused_or_counted_at_length(data: bytes, *, zipped: bool) -> None:
    check_garbled(data, zipped=zipped)

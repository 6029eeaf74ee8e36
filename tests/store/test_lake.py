"""The lake under load: crashes at any moment, several writers, readers all along, a full disk."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.context import BaseContext
from pathlib import Path

import pytest

from microgrid_lib.errors import StoreError
from microgrid_lib.ingest import load
from microgrid_lib.store.lake import SUMMARIES, CommitConflictError, Lake
from tests.ingest.naive import MINI_SITE, naive_ingest
from tests.ingest.store_view import Store, counts_of
from tests.store import workers

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and forkserver of POSIX")
MODULES = ["microgrid_lib.api", "tests.store.workers", "duckdb", "deltalake", "pyarrow.parquet"]
MICROGRID = [sys.executable, "-c", "from microgrid_lib.cli import main; main()"]


@pytest.fixture(scope="module")
def processes() -> BaseContext:
    """Processes that start in milliseconds with everything imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(MODULES)
    return context


class Plant:
    """An inbox of month files for the mini site, and homes to ingest them into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.site_file = folder / "site.toml"
        self.site_file.write_text(MINI_SITE, encoding="utf-8")
        self.inbox = folder / "inbox"
        self.inbox.mkdir()

    def write(self, files: dict[str, bytes]) -> list[Path]:
        for name, content in files.items():
            (self.inbox / name).write_bytes(content)
        return [self.inbox / name for name in files]

    def store(self, home: Path) -> Store:
        store = Store(self.folder, workers.read_site_file(self.site_file))
        store.settings = store.settings.model_copy(update={"home": home})
        return store


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    return Plant(tmp_path)


def six_files(value: float) -> dict[str, bytes]:
    """Five months in five files, and one that overlaps two of them."""
    files = {f"p{month}.csv": workers.month_of(month, value + month / 10) for month in range(1, 6)}
    files["p9.csv"] = (
        workers.month_of(1, value + 0.9, rows=40, start_day=2)
        + workers.month_of(2, value + 0.2, rows=40)[len(workers.PLANT_HEADER) :]
    )
    return files


def test_killed_at_any_moment_all_earlier_data_stay_and_repeating_completes(
    plant: Plant, processes: BaseContext
) -> None:
    kill_again_and_again(plant, processes, kills=4)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_killed_two_hundred_and_fifty_times(plant: Plant, processes: BaseContext) -> None:
    kill_again_and_again(plant, processes, kills=250)


def kill_again_and_again(plant: Plant, processes: BaseContext, kills: int) -> None:
    rng = random.Random(20261122)  # noqa: S311  moments, not secrets
    done = rounds = 0
    span = measured_span(plant, processes)
    wanted = {}
    for value in (10.0, 20.0):
        wanted[value] = naive_ingest(six_files(value))
    while done < kills:
        rounds += 1
        home = plant.folder / f"home{rounds}"
        plant.write(six_files(10.0))
        workers.ingest_all(home, plant.site_file, [plant.inbox])
        paths = plant.write(six_files(20.0))
        for _ in range(5):
            done += kill_once(plant, processes, home, paths, rng.uniform(0, span))
            check_old_or_new(home, plant.site_file)
        workers.ingest_all(home, plant.site_file, paths)
        plant.store(home).agrees_with(wanted[20.0])
        check_summaries(home, plant.site_file)
        shutil.rmtree(home)


def measured_span(plant: Plant, processes: BaseContext) -> float:
    """How long an undisturbed ingestion takes [s]."""
    home = plant.folder / "measured"
    plant.write(six_files(10.0))
    workers.ingest_all(home, plant.site_file, [plant.inbox])
    paths = plant.write(six_files(20.0))
    ready = processes.Event()
    process = processes.Process(
        target=workers.ingest_all, args=(home, plant.site_file, paths, ready)
    )
    process.start()
    assert ready.wait(60)
    start = time.monotonic()
    process.join(60)
    assert process.exitcode == 0
    return time.monotonic() - start


def kill_once(
    plant: Plant, processes: BaseContext, home: Path, paths: list[Path], delay: float
) -> bool:
    """Start an ingestion, kill it after a while; returns whether it was still running."""
    ready = processes.Event()
    process = processes.Process(
        target=workers.ingest_all, args=(home, plant.site_file, paths, ready)
    )
    process.start()
    assert ready.wait(60)
    process.join(delay)
    process.kill()
    process.join(60)
    return process.exitcode == -signal.SIGKILL


def check_old_or_new(home: Path, site_file: Path) -> None:
    """Every file is there as it was or as it is now, whole."""
    found = workers.file_values(home, site_file)
    assert {f"p{month}.csv" for month in range(1, 6)} <= set(found)
    for name, (number, low, high) in found.items():
        if name == "p9.csv":
            continue
        month = int(name[1])
        assert low == high
        assert low in (10.0 + month / 10, 20.0 + month / 10)
        assert number == 300


def check_summaries(home: Path, site_file: Path) -> None:
    """Every month has its summary, and they add up to the rows."""
    data = workers.open_data(home, site_file)
    snapshot = data.snapshot()
    assert set(snapshot.summary_paths(data.profile)) == set(snapshot.months())
    rows = naive_ingest(six_files(20.0)).rows.values()
    expected = sum(values["pv_power"] or 0.0 for _, _, values in rows)
    sums = workers.summed(snapshot, data.profile)
    assert sum(sums.values()) == pytest.approx(expected, rel=1e-9)


WRITERS: dict[str, Callable[[], tuple[dict[str, bytes], dict[str, bytes]]]] = {
    "the same files": lambda: (six_files(10.0), six_files(10.0)),
    "other files of the same months": lambda: (
        {f"p{i}.csv": workers.month_of(1 + i % 2, 5.0, rows=50, start_day=1 + i) for i in range(4)},
        {
            f"p{i}.csv": workers.month_of(1 + i % 2, 6.0, rows=50, start_day=i - 3)
            for i in (4, 5, 6)
        },
    ),
}


@pytest.mark.parametrize("case", WRITERS)
def test_two_writers_at_once_end_with_the_numbers_of_one(
    plant: Plant, processes: BaseContext, case: str
) -> None:
    home = plant.folder / "home"
    first, second = WRITERS[case]()
    barrier = processes.Barrier(2)
    plant.write(first | second)
    running = [
        processes.Process(
            target=workers.ingest_together,
            args=(home, plant.site_file, [plant.inbox / name for name in files], barrier),
        )
        for files in (first, second)
    ]
    for process in running:
        process.start()
    for process in running:
        process.join(120)
        assert process.exitcode == 0
    plant.store(home).agrees_with(naive_ingest(first | second))


def test_two_sites_at_once_dont_disturb_each_other(plant: Plant, processes: BaseContext) -> None:
    home = plant.folder / "home"
    other = plant.folder / "other.toml"
    other.write_text(MINI_SITE.replace('"mini"', '"other"'), encoding="utf-8")
    files = six_files(10.0)
    paths = plant.write(files)
    barrier = processes.Barrier(2)
    running = [
        processes.Process(target=workers.ingest_together, args=(home, site, paths, barrier))
        for site in (plant.site_file, other)
    ]
    for process in running:
        process.start()
    for process in running:
        process.join(120)
        assert process.exitcode == 0
    wanted = naive_ingest(files)
    plant.store(home).agrees_with(wanted)
    plant.site_file = other
    plant.store(home).agrees_with(wanted)


@pytest.mark.parametrize(
    "versions", [4, pytest.param(60, marks=pytest.mark.long)], ids=["short", "long"]
)
def test_readers_see_one_version_at_a_time_in_measurements_and_summaries(
    plant: Plant, processes: BaseContext, versions: int
) -> None:
    home = plant.folder / "home"
    months = [1, 2]
    path = plant.inbox / "p.csv"
    done = processes.Event()
    path.write_bytes(workers.versioned(months, 0))
    workers.ingest_all(home, plant.site_file, [path])
    reader = processes.Process(target=workers.look, args=(home, plant.site_file, months, done))
    writer = processes.Process(
        target=workers.ingest_versions,
        args=(home, plant.site_file, path, months, versions, done),
    )
    reader.start()
    writer.start()
    writer.join(600)
    reader.join(60)
    assert (writer.exitcode, reader.exitcode) == (0, 0)


def test_a_writer_that_was_overtaken_plans_again(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = plant.folder / "home"
    store = plant.store(home)
    first, second = plant.write(
        {
            "p1.csv": workers.month_of(1, 1.0, rows=20),
            "p2.csv": workers.month_of(1, 2.0, rows=30),
        }
    )
    plan_step = load.plan_step
    overtaken = []

    def overtake(*args: object, **kwargs: object) -> object:
        plan = plan_step(*args, **kwargs)  # type: ignore[arg-type]
        if not overtaken:
            overtaken.append(True)
            plant.store(home).take(first)
        return plan

    monkeypatch.setattr(load, "plan_step", overtake)
    store.take(second)
    assert overtaken
    files = {p.name: p.read_bytes() for p in (first, second)}
    plant.store(home).agrees_with(naive_ingest(files))


def test_a_writer_that_is_always_overtaken_says_to_repeat(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = plant.store(plant.folder / "home")
    (path,) = plant.write({"p1.csv": workers.month_of(1, 1.0, rows=20)})

    def never(*args: object, **kwargs: object) -> None:
        raise CommitConflictError("test")

    monkeypatch.setattr(Lake, "commit", never)
    monkeypatch.setattr(load, "_pause", lambda attempt: None)
    with pytest.raises(load.ConflictError, match="run the command again"):
        store.take(path)
    monkeypatch.undo()
    assert store.rows() == {}
    orphans = list((store.settings.lake / "measurements").rglob("*.parquet"))
    assert orphans == []
    store.take(path)
    store.agrees_with(naive_ingest({"p1.csv": path.read_bytes()}))


STEPS = ("append", "write_record", "commit", "_write_quarantine")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("what", ["correct", "nothing accepted", "remove"])
def test_stopped_beside_each_step_a_change_happened_or_not(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, step: str, moment: str, what: str
) -> None:
    store = plant.store(plant.folder / "home")
    base = {
        "p1.csv": workers.month_of(1, 1.0, rows=20),
        "p2.csv": workers.month_of(1, 2.0, rows=30) + b"x,1,2,3\n",
    }
    if what == "nothing accepted":
        del base["p1.csv"]
    changed = {
        "correct": base | {"p1.csv": workers.month_of(1, 3.0, rows=10) + b"y,1,2,3\n"},
        "nothing accepted": base | {"p1.csv": workers.PLANT_HEADER.encode() + b"y,1,2,3\n"},
        "remove": {"p2.csv": base["p2.csv"]},
    }[what]
    store.put_all(base)
    owner: object = Lake if step in ("append", "commit") else load
    real = getattr(owner, step)

    def stop(*args: object, **kwargs: object) -> None:
        if moment == "after":
            real(*args, **kwargs)
        raise KeyboardInterrupt

    monkeypatch.setattr(owner, step, stop)
    path = store.write("p1.csv", changed.get("p1.csv", b""))
    interrupted = False
    try:
        store.remove("p1.csv") if what == "remove" else store.take(path)
    except KeyboardInterrupt:
        interrupted = True
    monkeypatch.undo()
    if not interrupted:
        store.agrees_with(naive_ingest(changed))
        return
    fresh = plant.store(store.settings.home)
    found = {name: counts_of(entry) for name, entry in fresh.entries().items()}
    before, after = naive_ingest(base), naive_ingest(changed)
    assert fresh.rows() in (before.rows, after.rows)
    half_done = {name: counts for name, counts in after.counts.items() if name != "p1.csv"}
    assert found in (before.counts, after.counts, half_done)
    if what == "remove":
        if "p1.csv" in found:
            fresh.remove("p1.csv")
    else:
        fresh.take(path)
    fresh.agrees_with(after)


def test_two_that_tidy_summaries_at_once_both_succeed(plant: Plant) -> None:
    home = plant.folder / "home"
    path = plant.write({"p1.csv": workers.month_of(1, 1.0, rows=20)})[0]
    workers.ingest_all(home, plant.site_file, [path])
    site = workers.read_site_file(plant.site_file)
    lake = Lake(home / "lake")
    path.write_bytes(workers.month_of(1, 2.0, rows=20))
    plant.store(home).take(path)
    stale = lake.stale_summaries(site)
    assert len(stale) == 1
    lake.append(SUMMARIES, (), stale)
    Lake(home / "lake").append(SUMMARIES, (), stale)
    assert lake.files_of(SUMMARIES, site=site.name) == []


def test_a_table_is_a_plain_delta_table_for_others(plant: Plant) -> None:
    import polars as pl

    store = plant.store(plant.folder / "home")
    store.put_all({"p1.csv": workers.month_of(1, 1.0, rows=20)})
    frame = pl.read_delta(str(store.settings.lake / "measurements"))
    assert len(frame) == 20
    assert frame["pv_power"].unique().to_list() == [1.0]
    assert set(frame["site"]) == {"mini"}


def limited(store: Store, path: Path, most_bytes: int) -> subprocess.CompletedProcess[str]:
    """Ingest in a process that may write no file longer than that, as if the disk were full."""
    import resource

    code = (
        "import sys; from pathlib import Path; from tests.store import workers; "
        "from microgrid_lib.errors import MicrogridError\n"
        "try: workers.ingest_all(Path(sys.argv[1]), Path(sys.argv[2]), [Path(sys.argv[3])])\n"
        "except MicrogridError as error: print(error); sys.exit(2)\n"
    )
    return subprocess.run(
        [sys.executable, "-c", code, store.settings.home, store.inbox.parent / "site.toml", path],
        capture_output=True,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes)),
    )


@pytest.mark.parametrize("most_bytes", [0, 900, 3000])
def test_a_write_that_fails_gives_one_line_and_leaves_the_tables(
    plant: Plant, most_bytes: int
) -> None:
    store = plant.store(plant.folder / "home")
    store.put_all({"p1.csv": workers.month_of(1, 1.0)})
    before = store.rows()
    (path,) = plant.write({"p2.csv": workers.month_of(2, 2.0)})
    done = limited(store, path, most_bytes)
    assert done.returncode == 2, done.stderr
    assert "can't be written" in done.stdout
    assert done.stdout.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert plant.store(store.settings.home).rows() == before
    store.take(path)
    files = {name: (plant.inbox / name).read_bytes() for name in ("p1.csv", "p2.csv")}
    plant.store(store.settings.home).agrees_with(naive_ingest(files))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    give_up = pytest.fail if os.environ.get("MICROGRID_REQUIRE_SMALL_DISK") == "1" else pytest.skip
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("mount") is None:
        give_up("mounting a small file system needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        give_up(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_gives_one_line_and_the_tables_stay_whole(
    plant: Plant, small_disk: Path
) -> None:
    home = small_disk / "home"
    store = plant.store(home)
    store.put_all({"p1.csv": workers.month_of(1, 1.0)})
    files = {"p1.csv": workers.month_of(1, 1.0)}
    filler = small_disk / "filler"
    failures: list[str] = []
    for i, free in enumerate((0, 8, 16, 24, 40), start=2):
        room = os.statvfs(small_disk)
        size = max(0, room.f_bavail * room.f_frsize - free * 1024)
        filler.write_bytes(b"\0" * size)
        name = f"p{i}.csv"
        content = workers.month_of(1 + i % 4, float(i), rows=200, start_day=1 + i)
        (path,) = plant.write({name: content})
        try:
            workers.ingest_all(home, plant.site_file, [path])
        except StoreError as error:
            failures.append(str(error))
        stored = {row[0] for row in plant.store(home).rows().values()}
        filler.unlink()
        if name in stored:
            files[name] = content
        plant.store(home).agrees_with(naive_ingest(files))
        workers.ingest_all(home, plant.site_file, [path])
        files[name] = content
        plant.store(home).agrees_with(naive_ingest(files))
    assert failures
    assert all("can't be written" in text and "\n" not in text for text in failures), failures


def test_a_disk_that_may_not_be_written_is_still_read(plant: Plant, small_disk: Path) -> None:
    home = small_disk / "home"
    store = plant.store(home)
    store.put_all({"p1.csv": workers.month_of(1, 1.0)})
    (path,) = plant.write({"p2.csv": workers.month_of(2, 1.0)})
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(StoreError, match="can't be written"):
        store.take(path)
    plant.store(home).agrees_with(naive_ingest({"p1.csv": workers.month_of(1, 1.0)}))


def test_ctrl_c_is_one_line_and_what_was_finished_stays(
    plant: Plant, processes: BaseContext
) -> None:
    home = plant.folder / "home"
    files = {
        f"p{i}.csv": workers.month_of(1 + i % 9, float(i), rows=150, start_day=1 + i % 20)
        for i in range(40)
    }
    paths = plant.write(files)
    environment = os.environ | {"MICROGRID_HOME": str(home)}
    process = subprocess.Popen(
        [*MICROGRID, "ingest", "--site", str(plant.site_file), *map(str, paths)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=Path(__file__).resolve().parents[2],
    )
    deadline = time.monotonic() + 60
    while not workers.file_values(home, plant.site_file):
        assert time.monotonic() < deadline
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert err == "microgrid: interrupted; what was finished is kept, run it again to go on\n"
    assert out == ""
    kept = workers.file_values(home, plant.site_file)
    assert kept
    workers.ingest_all(home, plant.site_file, paths)
    plant.store(home).agrees_with(naive_ingest(files))


def test_a_damaged_table_gives_one_line(plant: Plant) -> None:
    store = plant.store(plant.folder / "home")
    store.put_all({"p1.csv": workers.month_of(1, 1.0, rows=20)})
    for log in (store.settings.lake / "measurements" / "_delta_log").iterdir():
        if log.is_file():
            log.write_text("{", encoding="utf-8")
    with pytest.raises(StoreError, match="can't be read") as caught:
        Lake(store.settings.lake).snapshot(store.site)
    assert "\n" not in str(caught.value)

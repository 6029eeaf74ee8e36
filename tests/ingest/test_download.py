"""Fetching a dataset from servers that break off, lie, change their mind or aren't there."""

from __future__ import annotations

import errno
import hashlib
import importlib
import io
import json
import os
import random
import shutil
import socket
import stat
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from microgrid_lib.errors import FileProblem, MicrogridError, UnknownNameError
from microgrid_lib.ingest.download import (
    Dataset,
    FetchResult,
    fetch_dataset,
    load_dataset,
    transfer,
)
from microgrid_lib.ingest.download.address import address_problem, is_plain_name
from microgrid_lib.ingest.download.client import MAX_REDIRECTS, Patience
from microgrid_lib.ingest.download.dataset import mirror_at
from microgrid_lib.ingest.download.errors import FetchError
from microgrid_lib.ingest.download.lock import sole_writer
from tests.ingest.odd_server import (
    Behaviour,
    OddServer,
    hangs_up,
    odd_server,
    redirects,
    sends,
    status,
)

RECORD = "/api/records/7"
ENTRY = {
    "size_bytes": 1,
    "modified_ns": 1,
    "sha256": "",
    "checksum": None,
    "mirror": "a",
    "url": "b",
    "fetched_at": "2026-01-01T00:00:00Z",
}


def csv_bytes(seed: int, size: int = 200_000) -> bytes:
    """Lines of random digits."""
    generator = random.Random(seed)  # noqa: S311  test data
    line = b"%040d\n"
    return b"".join(line % generator.randrange(10**38) for _ in range(size // 41 + 1))


A, B = csv_bytes(1), csv_bytes(2)


@pytest.fixture
def server() -> Iterator[OddServer]:
    with odd_server() as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "files"


def dataset(*mirrors: dict[str, Any], count: int = 1, max_bytes: int = 10_000_000) -> Dataset:
    return Dataset.model_validate(
        {
            "schema_version": 1,
            "name": "mini",
            "title": "Two small files",
            "doi": "10.1234/mini",
            "licence": "CC0-1.0",
            "site": "mesa_del_sol",
            "include": ["*.csv"],
            "file_count": count,
            "size_bytes": 400_000,
            "max_bytes": max_bytes,
            "mirrors": mirrors,
        }
    )


def files(name: str, *urls: str, **known: object) -> dict[str, Any]:
    listed = [{"name": url.rpartition("/")[2], "url": url, **known} for url in urls]
    return {"name": name, "kind": "files", "files": listed}


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def record(
    server: OddServer, bodies: dict[str, bytes], *, md5: str | None = None, size: int | None = None
) -> dict[str, Any]:
    """A Zenodo record on the server; returns the mirror."""
    entries = [
        {
            "id": "an-id",
            "key": name,
            "size": len(body) if size is None else size,
            "checksum": "md5:" + (md5 or hashlib.md5(body, usedforsecurity=False).hexdigest()),
            "links": {"self": f"{server.url}{RECORD}/files/{name}/content"},
        }
        for name, body in bodies.items()
    ]
    content = json.dumps({"id": 7, "files": entries}).encode()
    server.on(RECORD, sends(content, kind="application/json"))
    for name, body in bodies.items():
        server.on(content_path(name), sends(body))
    return {"name": "zenodo", "kind": "zenodo", "base": server.url, "record": 7}


def content_path(name: str) -> str:
    return f"{RECORD}/files/{name}/content"


class Waits(list[float]):
    """Seconds that were waited, without waiting."""

    def patience(self, **changes: Any) -> Patience:
        return Patience(**{"attempts": 3, "read_s": 5.0, "pause": self.append, **changes})


def fetch(wanted: Dataset, folder: Path, **options: Any) -> FetchResult:
    options.setdefault("patience", Waits().patience())
    return fetch_dataset(wanted, folder, **options)


def problem_of(wanted: Dataset, folder: Path, **options: Any) -> str:
    """Why no mirror served; the text is one line and no data file was left behind."""
    with pytest.raises(FetchError) as caught:
        fetch(wanted, folder, **options)
    assert "\n" not in str(caught.value)
    assert not list(folder.glob("*.csv"))
    assert len(caught.value.tried) == 1
    return caught.value.tried[0][1]


# What is fetched, verified and remembered


def test_a_record_is_fetched_with_names_sizes_and_md5_from_its_api(
    server: OddServer, folder: Path
) -> None:
    mirror = record(server, {"May_2022.csv": A, "Jun_2022.csv": B, "README.md": b"# read me"})
    seen: list[tuple[int, int, str]] = []

    def progress(done: int, total: int, item: str) -> None:
        seen.append((done, total, item))

    result = fetch(dataset(mirror, count=2), folder, progress=progress)
    assert [(f.name, f.status, f.verified) for f in result.files] == [
        ("Jun_2022.csv", "fetched", True),
        ("May_2022.csv", "fetched", True),
    ]
    assert (folder / "May_2022.csv").read_bytes() == A
    assert result.files[1].sha256 == sha256(A)
    assert result.files[1].checksum == f"md5:{hashlib.md5(A, usedforsecurity=False).hexdigest()}"
    assert (result.notes, result.failed_mirrors) == ([], {})
    assert seen[-1] == (len(A) + len(B), len(A) + len(B), "May_2022.csv")
    assert [done for done, _, _ in seen] == sorted(done for done, _, _ in seen)
    assert {path.name for path in folder.iterdir()} == {
        *("Jun_2022.csv", "May_2022.csv", "manifest.json", ".fetch.lock")
    }
    assert not server.asked(content_path("README.md"))


def test_a_second_fetch_asks_nobody(server: OddServer, folder: Path) -> None:
    wanted = dataset(record(server, {"May_2022.csv": A}))
    first = fetch(wanted, folder)
    server.requests.clear()
    again = fetch(wanted, folder)
    assert server.requests == []
    assert [f.status for f in again.files] == ["unchanged"]
    assert again.files[0].model_copy(update={"status": "fetched"}) == first.files[0]


def test_a_file_that_changed_since_is_noticed_and_left_alone(
    server: OddServer, folder: Path
) -> None:
    wanted = dataset(record(server, {"May_2022.csv": A}))
    fetch(wanted, folder)
    path = folder / "May_2022.csv"
    path.write_bytes(A[:-2] + b"9\n")
    os.utime(path, ns=(0, 0))
    with pytest.raises(FileProblem, match=r"May_2022\.csv: was changed since it was fetched"):
        fetch(wanted, folder)
    assert path.read_bytes() == A[:-2] + b"9\n"
    path.unlink()
    assert [f.status for f in fetch(wanted, folder).files] == ["fetched"]
    assert path.read_bytes() == A


def test_a_file_that_was_only_touched_is_unchanged(server: OddServer, folder: Path) -> None:
    wanted = dataset(record(server, {"May_2022.csv": A}))
    fetch(wanted, folder)
    os.utime(folder / "May_2022.csv", ns=(0, 0))
    server.requests.clear()
    assert [f.status for f in fetch(wanted, folder).files] == ["unchanged"]
    assert server.requests == []


def test_without_a_published_checksum_a_file_is_called_unverified(
    server: OddServer, folder: Path
) -> None:
    url = server.on("/May_2022.csv", sends(A))
    listed = {"name": "May_2022.csv", "url": f"{url}?token=secret"}
    mirror = {"name": "plain", "kind": "files", "files": [listed]}
    result = fetch(dataset(mirror), folder)
    (file,) = result.files
    assert (file.verified, file.checksum, file.sha256) == (False, None, sha256(A))
    (note,) = result.notes
    assert note.startswith("1 of 1 files are unverified: the source gives no checksum")
    kept = json.loads((folder / "manifest.json").read_text())["files"]["May_2022.csv"]
    assert (kept["sha256"], kept["checksum"]) == (sha256(A), None)
    assert "secret" not in (folder / "manifest.json").read_text() + result.model_dump_json()


def test_a_listed_sha256_verifies_a_file(server: OddServer, folder: Path) -> None:
    url = server.on("/May_2022.csv", sends(A, length=False))
    (file,) = fetch(dataset(files("plain", url, sha256=sha256(A))), folder).files
    assert (file.verified, file.checksum) == (True, f"sha256:{sha256(A)}")


def test_a_file_put_there_by_hand_counts_if_its_checksum_fits(
    server: OddServer, folder: Path
) -> None:
    wanted = dataset(record(server, {"May_2022.csv": A, "Jun_2022.csv": B}), count=2)
    folder.mkdir()
    (folder / "May_2022.csv").write_bytes(A)
    assert {f.name: f.status for f in fetch(wanted, folder).files} == {
        "May_2022.csv": "found",
        "Jun_2022.csv": "fetched",
    }
    assert not server.asked(content_path("May_2022.csv"))


def test_another_file_of_the_same_name_is_never_overwritten(
    server: OddServer, folder: Path
) -> None:
    folder.mkdir()
    (folder / "May_2022.csv").write_bytes(b"mine\n")
    for mirror in (
        record(server, {"May_2022.csv": A}),
        files("plain", server.on("/May_2022.csv", sends(A))),
        files("packed", server.on("/all.zip", sends(packed({"May_2022.csv": A}), kind="a/zip"))),
    ):
        with pytest.raises(FileProblem, match=r"May_2022\.csv: is in the way"):
            fetch(dataset(mirror), folder)
        assert (folder / "May_2022.csv").read_bytes() == b"mine\n"


def test_a_folder_that_fetch_wrote_is_a_mirror_with_checksums(
    server: OddServer, tmp_path: Path
) -> None:
    wanted = dataset(files("plain", server.on("/May_2022.csv", sends(A))))
    fetch(wanted, tmp_path / "first")
    manifest = (tmp_path / "first" / "manifest.json").read_bytes()
    server.on("/shared/manifest.json", sends(manifest, kind="application/json"))
    server.on("/shared/May_2022.csv", sends(A))
    result = fetch(wanted, tmp_path / "second", mirror=f"{server.url}/shared/")
    assert [(f.checksum, f.mirror) for f in result.files] == [(f"sha256:{sha256(A)}", "given")]
    server.on("/shared/May_2022.csv", sends(B[: len(A)]))
    assert "another checksum" in problem_of(
        wanted, tmp_path / "third", mirror=f"{server.url}/shared"
    )


# Breaking off and going on


def test_a_transfer_that_breaks_off_goes_on_where_it_ended(server: OddServer, folder: Path) -> None:
    wanted = dataset(record(server, {"May_2022.csv": A}))
    server.on(content_path("May_2022.csv"), sends(A, cut=70_000), sends(A))
    waits = Waits()
    (file,) = fetch(wanted, folder, patience=waits.patience()).files
    first, second = server.asked(content_path("May_2022.csv"))
    assert "Range" not in first
    assert (second["Range"], second["If-Range"]) == ("bytes=70000-", '"v1"')
    assert (file.sha256, waits) == (sha256(A), [1.0])


def test_a_line_that_keeps_breaking_is_good_enough_while_it_brings_something(
    server: OddServer, folder: Path
) -> None:
    body = csv_bytes(3, 6 * transfer.PROGRESS_BYTES)
    url = server.on("/May_2022.csv", sends(body, cut=transfer.PROGRESS_BYTES + 10))
    (file,) = fetch(dataset(files("plain", url)), folder).files
    assert file.sha256 == sha256(body)
    assert len(server.asked("/May_2022.csv")) == 6


def test_a_line_that_brings_nothing_is_given_up_after_the_attempts(
    server: OddServer, folder: Path
) -> None:
    url = server.on("/May_2022.csv", sends(A, cut=70_000), hangs_up)
    waits = Waits()
    problem = problem_of(dataset(files("plain", url)), folder, patience=waits.patience())
    assert problem == "loses the connection (3 attempts)"
    assert (len(server.asked("/May_2022.csv")), waits) == (3, [1.0, 2.0])
    assert (folder / "May_2022.csv.part").read_bytes() == A[:70_000]


def test_a_server_that_can_no_longer_be_reached_is_asked_again(
    server: OddServer, folder: Path
) -> None:
    url = server.on("/May_2022.csv", redirects(f"http://127.0.0.1:{unused_port()}/May_2022.csv"))
    waits = Waits()
    problem = problem_of(dataset(files("plain", url)), folder, patience=waits.patience())
    assert (problem, waits) == ("loses the connection (3 attempts)", [1.0, 2.0])


@hypothesis_settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(
    cuts=st.lists(st.integers(0, 3000), max_size=6),
    ranges=st.booleans(),
    etag=st.sampled_from(['"v1"', 'W/"weak"', None]),
    length=st.booleans(),
)
def test_wherever_it_breaks_the_bytes_are_the_files(
    server: OddServer,
    tmp_path: Path,
    cuts: list[int],
    ranges: bool,
    etag: str | None,
    length: bool,
) -> None:
    body = A[:3000]
    broken = [sends(body, cut=cut, ranges=ranges, etag=etag) for cut in cuts]
    url = server.on("/May_2022.csv", *broken, sends(body, ranges=ranges, etag=etag, length=length))
    folder = tmp_path / "some"
    patience = Waits().patience(attempts=10)
    (file,) = fetch(dataset(files("plain", url)), folder, patience=patience).files
    assert (folder / "May_2022.csv").read_bytes() == body
    assert file.sha256 == sha256(body)
    shutil.rmtree(folder)


def test_an_interrupted_fetch_leaves_a_part_that_the_next_one_goes_on_with(
    server: OddServer, folder: Path
) -> None:
    wanted = dataset(record(server, {"May_2022.csv": A, "Jun_2022.csv": B}), count=2)

    def interrupt(done: int, _total: int, item: str) -> None:
        if item == "May_2022.csv" and done > len(B):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(wanted, folder, progress=interrupt)
    kept = (folder / "May_2022.csv.part").stat().st_size
    assert 0 < kept <= len(A)
    assert (folder / "Jun_2022.csv").read_bytes() == B
    server.requests.clear()
    result = fetch(wanted, folder)
    assert {f.name: f.status for f in result.files} == {
        "Jun_2022.csv": "unchanged",
        "May_2022.csv": "fetched",
    }
    ranges = [headers.get("Range") for headers in server.asked(content_path("May_2022.csv"))]
    assert ranges == ([f"bytes={kept}-"] if kept < len(A) else [])
    assert (folder / "May_2022.csv").read_bytes() == A


def test_a_server_that_ignores_ranges_is_read_from_the_start(
    server: OddServer, folder: Path
) -> None:
    url = server.on("/May_2022.csv", sends(A, cut=70_000, ranges=False), sends(A, ranges=False))
    (file,) = fetch(dataset(files("plain", url)), folder).files
    assert (file.size_bytes, file.sha256) == (len(A), sha256(A))


def test_a_file_replaced_on_the_server_is_not_joined_to_the_old_one(
    server: OddServer, folder: Path
) -> None:
    url = server.on("/May_2022.csv", sends(A, cut=70_000), sends(B, etag='"v2"'))
    (file,) = fetch(dataset(files("plain", url)), folder).files
    assert file.sha256 == sha256(B)


def test_nor_where_the_server_doesnt_heed_if_range(server: OddServer, folder: Path) -> None:
    replaced = sends(B, etag='"v2"', heeds_if_range=False)
    url = server.on("/May_2022.csv", sends(A, cut=70_000), replaced)
    (file,) = fetch(dataset(files("plain", url)), folder).files
    assert file.sha256 == sha256(B)
    ranges = [headers.get("Range") for headers in server.asked("/May_2022.csv")]
    assert ranges == [None, "bytes=70000-", None]


@pytest.mark.parametrize("etag", [None, 'W/"v1"'])
def test_without_a_strong_validator_or_checksum_nothing_is_joined(
    server: OddServer, folder: Path, etag: str | None
) -> None:
    url = server.on("/May_2022.csv", sends(A, cut=70_000, etag=etag), sends(B, etag=etag))
    (file,) = fetch(dataset(files("plain", url)), folder).files
    assert file.sha256 == sha256(B)
    assert [headers.get("Range") for headers in server.asked("/May_2022.csv")] == [None, None]


def test_a_part_of_the_same_checksum_is_finished_by_another_mirror(
    server: OddServer, folder: Path
) -> None:
    broken = server.on("/one/May_2022.csv", sends(A, cut=70_000), hangs_up)
    whole = server.on("/two/May_2022.csv", sends(A, etag=None))
    known = sha256(A)
    result = fetch(
        dataset(files("one", broken, sha256=known), files("two", whole, sha256=known)), folder
    )
    assert [f.mirror for f in result.files] == ["two"]
    (asked,) = server.asked("/two/May_2022.csv")
    assert (asked["Range"], asked.get("If-Range")) == ("bytes=70000-", None)


# Slow and silent servers


def test_small_pieces_are_put_together(server: OddServer, folder: Path) -> None:
    url = server.on("/May_2022.csv", sends(A[:20_000], piece=7))
    (file,) = fetch(dataset(files("plain", url)), folder).files
    assert file.sha256 == sha256(A[:20_000])


def test_a_trickle_is_given_up(server: OddServer, folder: Path) -> None:
    minutes = iter(range(0, 10**9, 120))
    url = server.on("/May_2022.csv", sends(A, piece=1000))
    patience = Waits().patience(clock=lambda: float(next(minutes)), slowest_bytes_per_s=1e6)
    problem = problem_of(dataset(files("plain", url)), folder, patience=patience)
    assert "bytes per second (3 attempts)" in problem


def test_a_silent_server_is_asked_again(server: OddServer, folder: Path) -> None:
    url = server.on("/May_2022.csv", sends(A, cut=70_000, stalls=True), sends(A))
    waits = Waits()
    (file,) = fetch(dataset(files("plain", url)), folder, patience=waits.patience(read_s=0.2)).files
    assert (file.sha256, waits) == (sha256(A), [1.0])
    assert server.asked("/May_2022.csv")[1]["Range"] == "bytes=70000-"


# Lies


def test_a_length_that_is_too_long_is_a_transfer_that_breaks_off(
    server: OddServer, folder: Path
) -> None:
    size = len(A) + 1000
    url = server.on("/May_2022.csv", sends(A, declared=size, ranges=False))
    problem = problem_of(dataset(files("plain", url)), folder)
    assert problem in (
        "breaks off (3 attempts)",
        f"breaks off at {len(A)} of {size} bytes of May_2022.csv (3 attempts)",
    )


def test_where_the_file_really_ends_is_believed_of_the_range_answer(
    server: OddServer, folder: Path
) -> None:
    url = server.on("/May_2022.csv", sends(A, declared=len(A) + 1000), sends(A))
    (file,) = fetch(dataset(files("plain", url)), folder).files
    assert file.sha256 == sha256(A)
    ranges = [headers.get("Range") for headers in server.asked("/May_2022.csv")]
    assert ranges == [None, f"bytes={len(A)}-"]


def test_a_length_that_is_too_short_is_caught_by_the_checksum(
    server: OddServer, folder: Path
) -> None:
    url = server.on("/May_2022.csv", sends(A, declared=len(A) - 1000, cut=len(A) - 1000))
    wanted = dataset(files("plain", url, sha256=sha256(A)))
    assert problem_of(wanted, folder).startswith("sends May_2022.csv with another checksum than")
    assert not (folder / "May_2022.csv.part").exists()


@pytest.mark.parametrize("declared", [len(A) - 1000, len(A) + 1000])
def test_a_length_that_contradicts_the_list_is_refused_at_once(
    server: OddServer, folder: Path, declared: int
) -> None:
    wanted = dataset(record(server, {"May_2022.csv": A}))
    server.on(content_path("May_2022.csv"), sends(A, declared=declared))
    assert problem_of(wanted, folder) == (
        f"says May_2022.csv has {declared} bytes, and lists {len(A)}"
    )
    assert len(server.asked(content_path("May_2022.csv"))) == 1


def test_more_bytes_than_listed_are_refused(server: OddServer, folder: Path) -> None:
    wanted = dataset(record(server, {"May_2022.csv": A}))
    server.on(content_path("May_2022.csv"), sends(A + b"more", length=False))
    assert problem_of(wanted, folder) == f"sends more than {len(A)} bytes for May_2022.csv"


def test_more_bytes_than_the_dataset_may_have_are_refused(server: OddServer, folder: Path) -> None:
    endless = server.on("/May_2022.csv", sends(A, length=False))
    wanted = dataset(files("plain", endless), max_bytes=100_000)
    assert problem_of(wanted, folder) == "sends more than 100000 bytes for May_2022.csv"
    server.on("/May_2022.csv", sends(A))
    assert problem_of(wanted, folder) == (
        f"has {len(A)} bytes for May_2022.csv; allowed are 100000"
    )
    assert not (folder / "May_2022.csv.part").exists()


def test_damaged_bytes_are_fetched_once_more_from_the_start(
    server: OddServer, folder: Path
) -> None:
    wanted = dataset(record(server, {"May_2022.csv": A}))
    damaged = A[:1000] + b"x" + A[1001:]
    server.on(content_path("May_2022.csv"), sends(damaged), sends(A))
    (file,) = fetch(wanted, folder).files
    assert file.sha256 == sha256(A)
    assert "Range" not in server.asked(content_path("May_2022.csv"))[1]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (sends(b"<html>Log in</html>", kind="text/html; charset=utf-8"), "sends text/html instead"),
        (sends(b"\n <!DOCTYPE html>", kind="text/csv"), "sends a web page instead of May_2022"),
        (sends(b'{"error": 1}', kind="application/json"), "sends application/json instead"),
        (sends(A, encoding="gzip"), "sends compressed data that weren't asked for"),
    ],
)
def test_a_page_or_a_message_isnt_taken_for_data(
    server: OddServer, folder: Path, answer: Behaviour, problem: str
) -> None:
    url = server.on("/May_2022.csv", answer)
    assert problem_of(dataset(files("plain", url)), folder).startswith(problem)
    assert not (folder / "May_2022.csv.part").exists()


# Refusals, redirects, mirrors


@pytest.mark.parametrize(("code", "words"), [(401, "Unauthorized"), (403, "Forbidden")])
def test_what_wont_pass_isnt_tried_again(
    server: OddServer, folder: Path, code: int, words: str
) -> None:
    url = server.on("/May_2022.csv", status(code))
    assert problem_of(dataset(files("plain", url)), folder) == f"answers {code} ({words})"
    assert len(server.requests) == 1


def test_a_busy_server_is_given_time(server: OddServer, folder: Path) -> None:
    url = server.on("/May_2022.csv", status(500), status(429, Retry_After="7"), sends(A))
    waits = Waits()
    fetch(dataset(files("plain", url)), folder, patience=waits.patience())
    assert waits == [1.0, 7.0]


def test_a_server_that_asks_for_too_much_time_is_left(server: OddServer, folder: Path) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    waits = Waits()
    for answer in (status(429, Retry_After="3600"), status(503, Retry_After=later)):
        url = server.on("/May_2022.csv", answer)
        problem = problem_of(dataset(files("plain", url)), folder, patience=waits.patience())
        assert "and asks to wait 3" in problem
    assert waits == []


def test_the_next_mirror_brings_what_is_still_missing(server: OddServer, folder: Path) -> None:
    first = files("one", server.on("/1/Jun_2022.csv", sends(B)), server.url + "/1/May_2022.csv")
    second = files(
        "two", server.on("/2/Jun_2022.csv", sends(B)), server.on("/2/May_2022.csv", sends(A))
    )
    result = fetch(dataset(first, second, count=2), folder)
    assert [(f.name, f.mirror) for f in result.files] == [
        ("Jun_2022.csv", "one"),
        ("May_2022.csv", "two"),
    ]
    assert result.failed_mirrors == {
        f"one ({server.url}/1/Jun_2022.csv)": "answers 404 (Not Found)"
    }
    assert not server.asked("/2/Jun_2022.csv")


def test_a_file_the_next_mirror_has_in_another_version_is_fetched_again(
    server: OddServer, folder: Path
) -> None:
    first = files("one", server.on("/1/Jun_2022.csv", sends(A)), server.url + "/1/May_2022.csv")
    wanted = dataset(first, record(server, {"Jun_2022.csv": B, "May_2022.csv": A}), count=2)
    result = fetch(wanted, folder)
    assert {f.mirror for f in result.files} == {"zenodo"}
    assert all(f.verified for f in result.files)
    assert (folder / "Jun_2022.csv").read_bytes() == B


def test_a_mirror_on_this_machine_is_reached_without_the_proxy(
    server: OddServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{unused_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    (file,) = fetch(dataset(files("plain", server.on("/x.csv", sends(A)))), folder).files
    assert file.sha256 == sha256(A)


def test_redirects_are_followed_but_not_for_ever(server: OddServer, folder: Path) -> None:
    server.on("/moved", sends(A))
    url = server.on("/May_2022.csv", redirects("/again"))
    server.on("/again", redirects(f"{server.url}/moved"))
    (file,) = fetch(dataset(files("plain", url)), folder).files
    assert file.sha256 == sha256(A)
    server.requests.clear()
    server.on("/again", redirects("/again"))
    problem = problem_of(dataset(files("plain", url)), folder / "other")
    assert problem == f"redirects more than {MAX_REDIRECTS} times"
    assert len(server.requests) == 1 + MAX_REDIRECTS


@pytest.mark.parametrize(
    "target", ["http://example.org/May_2022.csv", "ftp://127.0.0.1/x", "https://u:p@example.org/"]
)
def test_a_redirect_out_of_https_isnt_followed(
    server: OddServer, folder: Path, target: str
) -> None:
    url = server.on("/May_2022.csv", redirects(target))
    problem = problem_of(dataset(files("plain", url)), folder)
    assert problem.startswith("leads to where nothing is fetched from: ")


@pytest.mark.parametrize(
    ("url", "local", "fine"),
    [
        ("https://zenodo.org/api/records/1", False, True),
        ("http://zenodo.org/api/records/1", True, False),
        ("http://127.0.0.1:8000/x", True, True),
        ("http://127.0.0.1:8000/x", False, False),
        ("https://localhost/x", False, False),
        ("http://127.0.0.1.example.org/x", True, False),
        ("file:///etc/passwd", True, False),
        ("https://user:word@example.org/x", True, False),
        ("https://example.org:port/x", True, False),
        ("https://[broken/x", True, False),
        ("May_2022.csv", True, False),
    ],
)
def test_which_addresses_are_acceptable(url: str, local: bool, fine: bool) -> None:
    assert (address_problem(url, local=local) is None) is fine


@pytest.mark.parametrize("name", ["../x.csv", "a/b.csv", ".x.csv", "x\\y.csv", "", "x.part", "a\n"])
def test_which_names_are_refused(name: str) -> None:
    assert not is_plain_name(name)
    assert is_plain_name("May_2022.csv")


def test_a_record_may_not_name_files_outside(server: OddServer, folder: Path) -> None:
    mirror = record(server, {"../May_2022.csv": A})
    assert problem_of(dataset(mirror), folder) == "lists a file of the name '../May_2022.csv'"
    assert len(server.requests) == 1


def test_a_record_may_not_name_a_file_twice(server: OddServer, folder: Path) -> None:
    mirror = record(server, {"May_2022.csv": A, "may_2022.CSV": B})
    assert problem_of(dataset(mirror), folder) == "lists May_2022.csv twice"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"<html>", "sends no list of files (not JSON)"),
        (b'{"message": "gone"}', "describes the record in a way that isn't understood"),
        (b'{"files": []}', "lists no data file"),
        (b"[" * 100_000, "sends no list of files (not JSON)"),
    ],
)
def test_a_record_that_isnt_one_is_the_mirrors_fault(
    server: OddServer, folder: Path, content: bytes, problem: str
) -> None:
    mirror = record(server, {})
    server.on(RECORD, sends(content, kind="application/json"))
    assert problem_of(dataset(mirror), folder) == problem


def test_a_mirror_with_too_few_files_isnt_used(server: OddServer, folder: Path) -> None:
    mirror = record(server, {"May_2022.csv": A})
    assert problem_of(dataset(mirror, count=15), folder) == "lists 1 data files; 15 are needed"


# Archives


def packed(members: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return content.getvalue()


def archive_mirror(server: OddServer, content: bytes, **known: object) -> dict[str, Any]:
    url = server.on("/all.zip", sends(content, kind="application/zip", length=False, etag=None))
    return files("packed", url, **known)


def test_data_files_come_out_of_an_archive_and_nothing_else(
    server: OddServer, folder: Path
) -> None:
    content = packed(
        {
            "mds/": b"",
            "mds/May_2022.csv": A,
            "mds/Jun_2022.csv": B,
            "README.md": b"#",
            "__MACOSX/._May_2022.csv": b"junk",
        }
    )
    wanted = dataset(archive_mirror(server, content, sha256=sha256(content)), count=2)
    result = fetch(wanted, folder)
    assert [(f.name, f.sha256, f.checksum) for f in result.files] == [
        ("Jun_2022.csv", sha256(B), f"sha256:{sha256(content)}"),
        ("May_2022.csv", sha256(A), f"sha256:{sha256(content)}"),
    ]
    assert {path.name for path in folder.iterdir()} == {
        *("Jun_2022.csv", "May_2022.csv", "manifest.json", ".fetch.lock")
    }
    server.requests.clear()
    assert {f.status for f in fetch(wanted, folder).files} == {"unchanged"}
    assert server.requests == []


@pytest.mark.parametrize("name", ["../evil.csv", "/evil.csv", "a/../../evil.csv", "..\\evil.csv"])
def test_an_archive_with_paths_that_lead_outside_is_refused_as_a_whole(
    server: OddServer, folder: Path, name: str
) -> None:
    mirror = archive_mirror(server, packed({"May_2022.csv": A, name: B}))
    problem = problem_of(dataset(mirror), folder)
    assert problem == f"sends an archive with a path that leads outside: {name!r}"
    assert not list(folder.parent.rglob("*evil*"))


def with_link() -> bytes:
    content = io.BytesIO()
    entry = zipfile.ZipInfo("May_2022.csv")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    return content.getvalue()


def with_damage() -> bytes:
    content = bytearray(packed({"May_2022.csv": A}))
    content[1000] ^= 0xFF
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"PK but not really", "sends a zip archive that can't be read"),
        (with_damage(), "sends a zip archive that can't be read"),
        (with_link(), "sends an archive in which May_2022.csv is a link or encrypted"),
        (packed({"a/May_2022.csv": A, "b/May_2022.csv": B}), "sends an archive with May_2022.csv"),
        (packed({"README.md": A}), "sends an archive of 0 data files; 1 are needed"),
        (
            packed({"May_2022.csv": bytes(11_000_000)}),
            "sends an archive of 11000000 bytes; allowed",
        ),
    ],
)
def test_an_archive_is_trusted_with_nothing(
    server: OddServer, folder: Path, content: bytes, problem: str
) -> None:
    assert problem_of(dataset(archive_mirror(server, content)), folder).startswith(problem)


# The disk


def test_too_little_space_is_said_before_anything_is_fetched(
    server: OddServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = dataset(record(server, {"May_2022.csv": A}))
    usage = shutil.disk_usage(folder.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1_000_000))
    with pytest.raises(FileProblem, match=r"has 1 MB free; 67 MB are needed"):
        fetch(wanted, folder)
    assert not server.asked(content_path("May_2022.csv"))


def test_a_disk_that_fills_up_keeps_what_was_received(
    server: OddServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = dataset(record(server, {"May_2022.csv": A}))
    written = transfer._put

    def full(file: Any, block: bytes) -> int:
        if file.tell() > 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return written(file, block)

    monkeypatch.setattr(transfer, "_put", full)
    with pytest.raises(FileProblem, match="No space left on device"):
        fetch(wanted, folder)
    monkeypatch.undo()
    assert 0 < (folder / "May_2022.csv.part").stat().st_size < len(A)
    assert [f.sha256 for f in fetch(wanted, folder).files] == [sha256(A)]
    assert "Range" in server.asked(content_path("May_2022.csv"))[1]


def test_two_fetches_dont_write_into_one_folder(server: OddServer, folder: Path) -> None:
    wanted = dataset(record(server, {"May_2022.csv": A}))
    with sole_writer(folder), pytest.raises(FileProblem, match="another fetch is writing"):
        fetch(wanted, folder)
    assert server.requests == []
    fetch(wanted, folder)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "isn't a manifest"),
        ('{"dataset": "other", "doi": "10.1/x"}', "belongs to the dataset 'other'"),
        (
            json.dumps({"dataset": "mini", "doi": "10.1/x", "files": {"../x": ENTRY}}),
            "isn't a manifest",
        ),
    ],
)
def test_a_manifest_that_isnt_ours_is_left_alone(
    server: OddServer, folder: Path, content: str, problem: str
) -> None:
    folder.mkdir()
    (folder / "manifest.json").write_text(content)
    with pytest.raises(FileProblem, match=problem):
        fetch(dataset(record(server, {"May_2022.csv": A})), folder)
    assert (folder / "manifest.json").read_text() == content


# Descriptions and the command


def test_the_shipped_description_names_the_published_dataset(home: Path) -> None:
    shipped = load_dataset("mesa_del_sol", home)
    assert (shipped.doi, shipped.file_count) == ("10.5061/dryad.fqz612jzb", 15)
    assert [mirror.address for mirror in shipped.mirrors] == [
        "https://zenodo.org/api/records/8339403",
        "https://datadryad.org/api/v2/datasets/doi%3A10.5061%2Fdryad.fqz612jzb/download",
    ]
    assert shipped.includes("Aug_2022.csv")
    assert not shipped.includes("README.md")


def test_the_description_in_the_docs_can_be_used(home: Path) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "fetch.md").read_text(encoding="utf-8")
    (home / "datasets").mkdir()
    example = page.partition("```toml\n")[2].partition("```")[0]
    (home / "datasets" / "my_site.toml").write_text(example, encoding="utf-8")
    kinds = [mirror.kind for mirror in load_dataset("my_site", home).mirrors]
    assert kinds == ["zenodo", "files", "folder"]


def test_a_wrong_description_is_one_line_with_file_and_key(home: Path) -> None:
    (home / "datasets").mkdir()
    path = home / "datasets" / "mini.toml"
    described = dataset(files("plain", "https://example.org/May_2022.csv")).model_dump_json()
    for change, problem in (
        ({"doi": "none"}, "doi: "),
        ({"name": "other"}, "name: 'other' must equal"),
        ({"extra": 1}, "extra: "),
        (
            {"mirrors": [{"name": "z", "kind": "zenodo", "base": "http://a.org", "record": 1}]},
            "mirrors.0.zenodo.base: .* isn't https",
        ),
    ):
        content = {**json.loads(described), **change}
        path.write_text(toml(content))
        with pytest.raises(FileProblem, match=f"mini.toml: {problem}"):
            load_dataset("mini", home)
    with pytest.raises(UnknownNameError, match="unknown dataset 'x'; known: mesa_del_sol, mini"):
        load_dataset("x", home)


def toml(content: dict[str, Any]) -> str:
    """TOML of a JSON-like table, with inline tables."""

    def value(given: Any) -> str:
        if isinstance(given, dict):
            pairs = (f"{key} = {value(v)}" for key, v in given.items() if v is not None)
            return "{" + ", ".join(pairs) + "}"
        if isinstance(given, list):
            return "[" + ", ".join(value(v) for v in given) + "]"
        return json.dumps(given)

    text = "".join(f"{key} = {value(v)}\n" for key, v in content.items())
    assert tomllib.loads(text)
    return text


def test_what_an_address_given_as_mirror_stands_for() -> None:
    assert mirror_at("https://zenodo.org/records/8339403").address == (
        "https://zenodo.org/api/records/8339403"
    )
    assert mirror_at("https://zenodo.org/api/records/8339403/").address == (
        "https://zenodo.org/api/records/8339403"
    )
    assert mirror_at("https://example.org/mds.ZIP?x=1").kind == "files"
    assert mirror_at("https://example.org/mds/").address == "https://example.org/mds/manifest.json"
    with pytest.raises(MicrogridError, match=r"mirror: http://example.org/ isn't https"):
        mirror_at("http://example.org/")


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs `microgrid fetch ...`; gives exit code, standard output, standard error."""
    main = importlib.import_module("microgrid_lib.cli.main")

    def call(*arguments: str) -> tuple[int, str, str]:
        code: int = main.run(["fetch", *arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return call


def describe(home: Path, wanted: Dataset) -> None:
    (home / "datasets").mkdir(exist_ok=True)
    (home / "datasets" / "mini.toml").write_text(toml(wanted.model_dump(mode="json")))


def unused_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def test_offline_one_line_says_what_was_tried_and_how_to_do_it_by_hand(
    home: Path, run: Run
) -> None:
    base = f"http://127.0.0.1:{unused_port()}"
    mirror = {"name": "zenodo", "kind": "zenodo", "base": base, "record": 7}
    describe(home, dataset(mirror, files("plain", f"{base}/May_2022.csv")))
    code, out, err = run("mini", "--json")
    assert (code, out) == (3, "")
    assert err == (
        f"microgrid: mini can't be fetched: zenodo ({base}/api/records/7) can't be reached; "
        f"plain ({base}/May_2022.csv) can't be reached. By hand: download the data from "
        "https://doi.org/10.1234/mini, put the data files into a folder, then "
        "`microgrid ingest FOLDER --site mesa_del_sol`\n"
    )


def test_the_command_fetches_into_the_home_and_says_what_is_verified(
    home: Path, run: Run, server: OddServer
) -> None:
    describe(home, dataset(record(server, {"May_2022.csv": A})))
    code, out, err = run("mini")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "May_2022.csv: fetched, 0.2 MB, md5 verified",
        f"1 file in {home}/datasets/mini: 1 fetched, 0 found, 0 unchanged",
        "mini: doi:10.1234/mini, CC0-1.0",
        "to ingest: microgrid fetch mini --ingest",
    ]
    code, out, err = run("mini", "--json")
    assert (code, err) == (0, "")
    result = FetchResult.model_validate_json(out)
    assert ([f.status for f in result.files], result.ingest) == (["unchanged"], None)


def test_the_command_takes_one_mirror_a_folder_and_ingests(
    home: Path, run: Run, server: OddServer, tmp_path: Path
) -> None:
    rows = b"Timestamp,PVPCS_Active_Power\n2022/05/01 12:00:01,10\n2022/05/01 12:00:11,11\n"
    bad = files("bad", server.url + "/gone.csv")
    good = files("good", server.on("/May_2022.csv", sends(rows)))
    describe(home, dataset(bad, good))
    out_folder = tmp_path / "here"
    code, out, err = run("mini", "--mirror", "good", "--out", str(out_folder), "--ingest", "--json")
    assert (code, err) == (0, "")
    result = FetchResult.model_validate_json(out)
    assert result.folder == str(out_folder)
    assert result.failed_mirrors == {}
    assert result.ingest is not None
    assert (result.ingest.totals.ingested, result.ingest.totals.rows_accepted) == (1, 2)
    assert not server.asked("/gone.csv")


def test_wrong_usage_of_the_command_is_one_line(home: Path, run: Run, server: OddServer) -> None:
    describe(home, dataset(record(server, {"May_2022.csv": A})))
    for arguments, problem in (
        (("nothing",), "unknown dataset 'nothing'; known: mesa_del_sol, mini"),
        (("mini", "--mirror", "x"), "unknown mirror 'x'; known: zenodo, or an address"),
        (("mini", "--mirror", "http://example.org/x"), "mirror: http://example.org/x isn't https"),
        (("mini", "--site", "mesa_del_sol"), "--site says where to ingest; it needs --ingest"),
    ):
        code, out, err = run(*arguments)
        assert (code, out) == (2, "")
        assert err.startswith(f"microgrid: {problem}")
        assert err.count("\n") == 1
    assert server.requests == []


def test_real_data_arent_fetched_to_be_added_to_demo_data(
    home: Path, run: Run, server: OddServer, demo_month: Path
) -> None:
    from microgrid_lib.api import open_site

    open_site("mesa_del_sol").ingest([demo_month / "Jun_2022.csv"])
    describe(home, dataset(record(server, {"May_2022.csv": A})))
    code, _, err = run("mini", "--ingest")
    assert code == 2
    assert err.startswith("microgrid: site mesa_del_sol holds demo data")
    assert server.requests == []

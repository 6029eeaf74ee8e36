"""The rules of ingestion against a naive reference, over random small sets of files."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, event, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.ingest.naive import naive_ingest
from tests.ingest.store_view import Store

TIMES = (
    "2023/04/30 23:59:51",
    "2023/05/01 00:00:01",
    "2023/05/01 00:00:11",
    "2023/05/31 23:59:51",
    "2023/6/1 0:00:01",
    " 2023/05/01 00:00:21",
)
BAD_TIMES = (
    "2023/04/31 00:00:01",
    "2023/02/29 00:00:01",
    "1900/01/01 00:00:00",
    "2100/01/01 00:00:00",
    "2023-05-01 00:00:01",
    "2023/05/01 00:00:01+00:00",
    "2023/05/01 24:00:00",
    "",
    "yesterday",
)
VALUES = ("1.0", "2", "-3.5", "60.040001", "", "-999999.0", "NaN", " 4 ", " ")
BAD_VALUES = ("5000", "-1e308", "inf", "-Infinity", "1e999", "abc", "1;5", "0x10", "--1")

times = st.one_of(st.sampled_from(TIMES), st.sampled_from(TIMES), st.sampled_from(BAD_TIMES))
values = st.one_of(st.sampled_from(VALUES), st.sampled_from(VALUES), st.sampled_from(BAD_VALUES))


@st.composite
def contents(draw: st.DrawFn, kind: str) -> bytes:
    """Bytes of a small file of the mini site."""
    known = ["PV", "Battery", "Voltage"] if kind == "p" else ["Net"]
    brought = draw(st.lists(st.sampled_from(known), min_size=1, unique=True))
    extra = draw(st.sampled_from([[], ["Remark"]]))
    header = draw(st.permutations(["Timestamp", *brought, *extra]))
    quoted = draw(st.booleans())
    lines = [",".join(header)]
    for _ in range(draw(st.integers(0, 7))):
        cells = [draw(times if name == "Timestamp" else values) for name in header]
        if quoted:
            cells = [f'"{cell}"' for cell in cells]
        change = draw(st.integers(0, 15))
        if change == 0:
            cells.append("1")
        elif change == 1:
            cells.pop()
        lines.append(",".join(cells))
        if change == 2:
            lines.append("")
        if change == 3:
            lines.append(lines[-1])
    text = draw(st.sampled_from(["\n", "\r\n"])).join(lines)
    if draw(st.booleans()):
        text += "\n"
    return draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + text.encode()


@st.composite
def file_sets(draw: st.DrawFn) -> dict[str, bytes]:
    """Some files by name."""
    names = draw(
        st.lists(
            st.sampled_from(["p1.csv", "p2.csv", "p3.csv.gz", "m1.csv", "m2.csv"]),
            min_size=1,
            max_size=4,
            unique=True,
        )
    )
    files = {name: draw(contents(name[0])) for name in names}
    return {
        name: gzip.compress(content, mtime=0) if name.endswith(".gz") else content
        for name, content in files.items()
    }


def examples(number: int) -> hypothesis_settings:
    """Few enough to be fast, the same in every run; not shrunk, which would take minutes."""
    return hypothesis_settings(
        max_examples=number,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@given(files=file_sets(), data=st.data())
@examples(12)
def test_any_order_of_ingestion_gives_what_the_naive_reference_gives(
    files: dict[str, bytes], data: st.DataObject
) -> None:
    check_any_order(files, data)


@pytest.mark.long
@given(files=file_sets(), data=st.data())
@examples(400)
def test_any_order_of_ingestion_gives_what_the_naive_reference_gives_at_length(
    files: dict[str, bytes], data: st.DataObject
) -> None:
    check_any_order(files, data)


def check_any_order(files: dict[str, bytes], data: st.DataObject) -> None:
    order = data.draw(st.permutations(list(files)))
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        together = data.draw(st.booleans())
        batches = [order] if together else [[name] for name in order]
        for batch in batches:
            store.put_all({name: files[name] for name in batch})
        wanted = naive_ingest(files)
        event(f"conflicts between files: {wanted.conflicts_between_files > 0}")
        store.agrees_with(wanted)


@given(first=file_sets(), second=file_sets(), data=st.data())
@examples(10)
def test_corrected_removed_and_repeated_files_leave_what_ingesting_the_last_state_gives(
    first: dict[str, bytes], second: dict[str, bytes], data: st.DataObject
) -> None:
    check_last_state(first, second, data)


@pytest.mark.long
@given(first=file_sets(), second=file_sets(), data=st.data())
@examples(300)
def test_corrected_removed_and_repeated_files_leave_the_last_state_at_length(
    first: dict[str, bytes], second: dict[str, bytes], data: st.DataObject
) -> None:
    check_last_state(first, second, data)


def check_last_state(
    first: dict[str, bytes], second: dict[str, bytes], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        store.put_all(first)
        files = first | second
        corrected = [store.write(name, content) for name, content in second.items()]
        for name, result in zip(second, store.take(*corrected), strict=True):
            if result.error is not None:
                # Of nothing usable: the version before stays.
                assert "accepted rows stays" in result.error
                assert naive_ingest({name: second[name]}).rows == {}
                assert naive_ingest({name: first[name]}).rows != {}
                files[name] = first[name]
        gone = data.draw(st.lists(st.sampled_from(sorted(files)), unique=True))
        if gone:
            store.remove(*gone)
        left = {name: content for name, content in files.items() if name not in gone}
        store.agrees_with(naive_ingest(left))
        state = store.state()
        if left:
            store.put_all(left)
        assert store.state() == state

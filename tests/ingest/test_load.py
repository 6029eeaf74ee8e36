"""What ingestion promises, case by case, with hand-counted files and the real ones."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pytest

from microgrid_lib.errors import MicrogridError
from microgrid_lib.ingest.inventory import coverage_by_month
from microgrid_lib.ingest.load import ingest
from microgrid_lib.settings import Settings
from microgrid_lib.site.load import load_site, read_site_file
from microgrid_lib.site.profile import Site
from microgrid_lib.store.duck import connect
from microgrid_lib.store.lake import Lake
from microgrid_lib.window import Window
from tests.ingest.naive import MINI_SITE
from tests.ingest.store_view import Store, counts_of, stored_rows

HEADER = "Timestamp,PV,Battery,Voltage\n"
SITES = Path(__file__).resolve().parents[1] / "site" / "data"
APRIL_NOON = datetime(2023, 4, 1, 19, 0, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def plant(*rows: str) -> str:
    """A file of the plant: rows as `seconds after noon, PV, battery, voltage`."""
    lines = []
    for row in rows:
        second, rest = row.split(",", 1)
        lines.append(f"2023/04/01 12:00:{int(second):02d},{rest}\n")
    return HEADER + "".join(lines)


def test_values_become_utc_rows_with_our_signs_and_know_their_line(store: Store) -> None:
    result = store.put("p.csv", plant("1,10.5,-3,480", "11,11.5,2,481"))
    assert result.status == "ingested"
    assert counts_of(result) == {
        "rows_read": 2,
        "rows_accepted": 2,
        "rows_duplicate": 0,
        "rows_rejected": 0,
        "values_missing": 0,
        "values_out_of_range": 0,
    }
    assert store.rows() == {
        ("plant", APRIL_NOON): (
            "p.csv",
            2,
            {"pv_power": 10.5, "battery_power": 3.0, "mg_lv_voltage": 480.0},
        ),
        ("plant", APRIL_NOON + timedelta(seconds=10)): (
            "p.csv",
            3,
            {"pv_power": 11.5, "battery_power": -2.0, "mg_lv_voltage": 481.0},
        ),
    }


def test_in_a_file_the_first_row_wins_and_the_loser_shows_both_values(store: Store) -> None:
    result = store.put("p.csv", plant("1,10,0,480", "1,10,0,480", "1,12,0,480", "1,10.0,0,480"))
    assert counts_of(result) == {
        "rows_read": 4,
        "rows_accepted": 1,
        "rows_duplicate": 2,
        "rows_rejected": 1,
        "values_missing": 0,
        "values_out_of_range": 0,
    }
    ((file, row, channel, reason, _, allowed, detail),) = store.quarantined()
    assert (file, row, channel, reason) == ("p.csv", 4, None, "conflict")
    assert allowed == "the values of row 2"
    assert detail == "pv_power: 12.0 refused, 10.0 kept"


def test_the_sentinel_is_missing_and_equal_to_an_empty_cell(store: Store) -> None:
    result = store.put(
        "p.csv", plant("1,-999999.0,-999999.0,-999999.0", "1,,NaN,", "11,1,-999999,480")
    )
    assert result.rows_accepted == 2
    assert result.rows_duplicate == 1
    assert result.values_missing == 4
    assert result.values_out_of_range == 0
    assert [values for _, _, values in store.rows().values()] == [
        {"pv_power": None, "battery_power": None, "mg_lv_voltage": None},
        {"pv_power": 1.0, "battery_power": None, "mg_lv_voltage": 480.0},
    ]


def test_a_value_out_of_range_is_refused_and_its_row_stays(store: Store) -> None:
    result = store.put("p.csv", plant("1,1000,-1000,0", "11,1000.1,5,-0.1", "21,inf,5,1e308"))
    assert result.rows_accepted == 3
    assert result.values_out_of_range == 4
    found = [
        (row, channel, reason, value, allowed)
        for _, row, channel, reason, value, allowed, _ in store.quarantined()
    ]
    assert found == [
        (3, "mg_lv_voltage", "out_of_range", "-0.1", "0 to 1000 V"),
        (3, "pv_power", "out_of_range", "1000.1", "-1000 to 1000 kW"),
        (4, "mg_lv_voltage", "out_of_range", "1e+308", "0 to 1000 V"),
        (4, "pv_power", "not_finite", "inf", "-1000 to 1000 kW"),
    ]


def test_padding_rows_of_an_impossible_date_are_refused_with_their_reason(store: Store) -> None:
    padding = "2023/04/31 00:00:01,-999999.0,-999999.0,-999999.0\n"
    result = store.put("p.csv", plant("1,1,1,480") + padding)
    assert (result.rows_accepted, result.rows_rejected) == (1, 1)
    ((_, row, _, reason, value, allowed, detail),) = store.quarantined()
    assert (row, reason, value) == (3, "impossible_date", "2023/04/31 00:00:01")
    assert allowed == "a time that exists, as %Y/%m/%d %H:%M:%S"
    assert detail == padding.strip()


def test_a_date_of_another_format_is_not_called_impossible(store: Store) -> None:
    store.put("p.csv", plant("1,1,1,480") + "05/10/2022 00:00:01,1,1,480\n")
    ((_, _, _, reason, _, allowed, _),) = store.quarantined()
    assert (reason, allowed) == ("bad_time", "%Y/%m/%d %H:%M:%S")


def test_between_files_the_first_by_name_wins_in_any_order(tmp_path: Path) -> None:
    files = {
        "p1.csv": plant("1,10,0,480", "11,11,0,480"),
        "p2.csv": plant("1,10,0,480", "11,99,0,480", "21,12,0,480"),
    }
    for order in (["p1.csv", "p2.csv"], ["p2.csv", "p1.csv"]):
        store = Store(tmp_path / order[0])
        for name in order:
            store.put(name, files[name])
        entries = store.entries()
        assert (entries["p1.csv"].rows_accepted, entries["p1.csv"].rows_rejected) == (2, 0)
        second = counts_of(entries["p2.csv"])
        assert (second["rows_accepted"], second["rows_duplicate"]) == (1, 1)
        assert second["rows_rejected"] == 1
        (conflict,) = store.quarantine()
        assert (conflict.reason, conflict.count) == ("conflict_between_files", 1)
        assert conflict.example == "p2.csv row 3 against p1.csv row 3"
        assert [row[:2] for row in store.rows().values()] == [
            ("p1.csv", 2),
            ("p1.csv", 3),
            ("p2.csv", 4),
        ]


def test_a_removed_file_gives_back_the_rows_it_had_hidden(store: Store) -> None:
    store.put("p1.csv", plant("1,10,0,480", "11,11,0,480"))
    store.put("p2.csv", plant("1,20,0,480"))
    store.remove("p1.csv")
    assert set(store.entries()) == {"p2.csv"}
    assert store.entries()["p2.csv"].rows_accepted == 1
    assert [row[:2] for row in store.rows().values()] == [("p2.csv", 2)]
    assert store.quarantine() == []


def test_a_corrected_file_replaces_exactly_its_rows(store: Store) -> None:
    store.put("p1.csv", plant("1,10,0,480", "11,11,0,480"))
    store.put("p2.csv", plant("21,20,0,480"))
    result = store.put("p1.csv", plant("11,12,0,480", "31,13,0,480"))
    assert (result.status, result.rows_accepted) == ("ingested", 2)
    assert [
        (file, values["pv_power"]) for file, _, values in sorted(store.rows().values(), key=repr)
    ] == [("p1.csv", 12.0), ("p1.csv", 13.0), ("p2.csv", 20.0)]


@pytest.mark.parametrize(
    ("unusable", "why"),
    [
        (
            HEADER + "yesterday,1,2,3\n",
            (
                "nothing was accepted; refused: bad_time 1; e.g. row 2: 'yesterday' "
                "(allowed: %Y/%m/%d %H:%M:%S)"
            ),
        ),
        (
            HEADER + '2023/04/01 12:00:01,"1,5",0,480\n',
            (
                "nothing was accepted; refused: not_a_number 1; e.g. row 2, pv_power: '1,5' "
                "(allowed: a number); with decimal commas, source plant needs decimal = ','"
            ),
        ),
        (HEADER, "it has no rows"),
    ],
)
def test_a_file_corrected_to_nothing_usable_leaves_its_earlier_version(
    store: Store, unusable: str, why: str
) -> None:
    store.put("p1.csv", plant("1,10,0,480"))
    before = store.state()
    error = store.fail("p1.csv", unusable)
    assert error == (
        f"{why}; its version of 1 accepted rows stays "
        "(to take that out: microgrid ingest --remove p1.csv)"
    )
    assert store.state() == before
    store.remove("p1.csv")
    assert store.put("p1.csv", HEADER + "yesterday,1,2,3\n").rows_rejected == 1


def test_a_corrected_file_says_what_it_replaces(store: Store) -> None:
    first = store.put("p1.csv", plant("1,10,0,480", "11,10,0,480"))
    assert first.notes == []
    second = store.put("p1.csv", plant("1,12,0,480"))
    assert second.notes == ["replaces its version of 2 accepted rows"]
    assert [values["pv_power"] for _, _, values in store.rows().values()] == [12.0]


def test_channels_without_a_column_are_named_with_the_columns_nobody_takes(store: Store) -> None:
    text = plant("1,10,0,480").replace("PV", "PV Power (kW)", 1)
    result = store.put("p1.csv", text)
    assert result.notes == [
        "no column of the channels 'pv_power'; columns not used: 'PV Power (kW)'"
    ]
    assert store.take(store.inbox / "p1.csv")[0].notes == result.notes


def test_refused_rows_keep_their_values(store: Store) -> None:
    store.put("p1.csv", plant("1,10,0,480") + "2190/04/01 12:00:11,7.5,,9999\n")
    ((_, row, _, reason, value, _, detail),) = store.quarantined()
    assert (row, reason, value) == (3, "time_out_of_range", "2190-04-01 12:00:11")
    assert detail == "pv_power: 7.5; battery_power: missing; mg_lv_voltage: 9999.0"


def test_the_same_file_again_changes_nothing(store: Store) -> None:
    store.put("p1.csv", plant("1,10,0,480", "1,11,0,480"))
    before = store.state()
    again = store.put("p1.csv", plant("1,10,0,480", "1,11,0,480"))
    assert again.status == "unchanged"
    assert (again.rows_read, again.rows_accepted, again.rows_rejected) == (2, 1, 1)
    assert store.state() == before
    assert len(store.quarantined()) == 1


def test_removing_and_ingesting_again_is_the_same_as_never_removing(store: Store) -> None:
    store.put("p1.csv", plant("1,10,0,480", "1,11,0,480"))
    rows = store.rows()
    store.remove("p1.csv")
    assert store.rows() == {}
    assert store.put("p1.csv", plant("1,10,0,480", "1,11,0,480")).status == "ingested"
    assert store.rows() == rows
    assert len(store.quarantined()) == 1


def test_other_rules_in_the_site_file_make_a_file_new(store: Store) -> None:
    store.put("p1.csv", plant("1,10,0,480"))
    channels = dict(store.site.channels)
    channels["pv_power"] = channels["pv_power"].model_copy(update={"factor": 2.0})
    store.site = store.site.model_copy(update={"channels": channels})
    assert store.take(store.inbox / "p1.csv")[0].status == "ingested"
    assert [values["pv_power"] for _, _, values in store.rows().values()] == [20.0]


def test_sources_at_the_same_time_complete_each_other(store: Store) -> None:
    store.put("p.csv", plant("1,10,0,480"))
    result = store.put("m.csv", "Timestamp,Net\n2023/04/01 12:00:01,7\n")
    assert (result.rows_accepted, result.rows_duplicate, result.rows_rejected) == (1, 0, 0)
    assert sorted(source for source, _ in store.rows()) == ["meter", "plant"]


def test_a_file_that_changes_its_source_must_be_removed_first(tmp_path: Path) -> None:
    shared = MINI_SITE.replace('files = ["m*.csv"', 'files = ["p*.csv"')
    store = Store(tmp_path, shared)
    store.put("p.csv", plant("1,10,0,480"))
    message = store.fail("p.csv", "Timestamp,Net\n2023/04/01 12:00:01,7\n")
    assert message.startswith("is a file of source meter now and was one of source plant")
    assert "--remove p.csv" in message
    store.remove("p.csv")
    store.put("p.csv", "Timestamp,Net\n2023/04/01 12:00:01,7\n")
    assert [source for source, _ in store.rows()] == ["meter"]


def test_files_of_one_name_in_two_folders_are_two_files(store: Store) -> None:
    first = store.write("a/p.csv", plant("1,10,0,480"))
    second = store.write("b/p.csv", plant("1,10,0,480"))
    results = {result.file: result for result in store.take(first, second)}
    assert set(results) == {"a/p.csv", "b/p.csv"}
    assert (results["a/p.csv"].rows_accepted, results["b/p.csv"].rows_duplicate) == (1, 1)
    again = store.take(second, first)
    assert [(r.file, r.status) for r in again] == [
        ("b/p.csv", "unchanged"),
        ("a/p.csv", "unchanged"),
    ]


def test_a_file_of_a_known_name_from_elsewhere_never_takes_rows_away(store: Store) -> None:
    store.take(store.write("a/p.csv", plant("1,10,0,480", "11,11,0,480")))
    (result,) = store.take(store.write("b/p.csv", plant("11,11,0,480", "21,12,0,480")))
    assert (result.file, result.rows_accepted) == ("b/p.csv", 2)
    assert store.entries()["p.csv"].rows_duplicate == 1
    assert len(store.rows()) == 3


def test_a_file_of_a_known_name_that_covers_the_known_one_corrects_it(store: Store) -> None:
    store.take(store.write("a/p.csv", plant("1,10,0,480", "11,11,0,480")))
    (result,) = store.take(store.write("b/p.csv", plant("1,99,0,480", "11,98,0,480")))
    assert (result.file, result.rows_accepted) == ("p.csv", 2)
    assert len(store.rows()) == 2


def test_coverage_lists_months_without_data(store: Store) -> None:
    store.put("p1.csv", "Timestamp,PV\n2023/04/30 12:00:01,1\n")
    store.put("p2.csv", "Timestamp,PV\n2023/06/01 12:00:01,1\n")
    zone = store.site.display_zone
    window = Window(datetime(2023, 4, 1, tzinfo=zone), datetime(2023, 7, 1, tzinfo=zone))
    snapshot = Lake(store.settings.lake).snapshot(store.site)
    with connect(store.settings) as con:
        found = coverage_by_month(con, store.site, snapshot, window)
    pv = {
        entry.month: (entry.valid, entry.expected) for entry in found if entry.channel == "pv_power"
    }
    day = 86_400 // store.site.interval_s
    assert pv == {"2023-04": (1, 30 * day), "2023-05": (0, 31 * day), "2023-06": (1, 30 * day)}


def test_a_file_that_was_moved_is_known_by_its_old_name(store: Store) -> None:
    first = store.write("a/p.csv", plant("1,10,0,480"))
    store.take(first, store.write("b/p.csv", plant("11,10,0,480")))
    (store.inbox / "c").mkdir()
    moved = first.rename(store.inbox / "c" / "p.csv")
    (result,) = store.take(moved)
    assert (result.file, result.status) == ("a/p.csv", "unchanged")


def test_a_failed_file_leaves_the_others_and_the_store_as_they_are(store: Store) -> None:
    store.put("p1.csv", plant("1,10,0,480"))
    good = store.write("p2.csv", plant("11,10,0,480"))
    bad = store.write("p1.csv", "")
    results = {r.file: r for r in store.take(bad, good)}
    assert results["p1.csv"].status == "failed"
    assert results["p1.csv"].error == f"{bad}: is empty"
    assert results["p2.csv"].status == "ingested"
    assert {file for file, _, _ in store.rows().values()} == {"p1.csv", "p2.csv"}


def test_folders_and_patterns_name_files_and_what_isnt_data_is_left_alone(store: Store) -> None:
    store.write("deep/er/p1.csv", plant("1,10,0,480"))
    store.write("p2.CSV", plant("11,10,0,480"))
    store.write("notes.txt", "nothing")
    store.write(".p3.csv", plant("21,10,0,480"))
    (store.inbox / "p4.csv").mkdir()
    assert sorted(r.file for r in store.take(store.inbox)) == ["p1.csv", "p2.CSV"]
    assert [r.file for r in store.take(store.inbox / "*" / "**" / "p*.csv")] == ["p1.csv"]
    with pytest.raises(MicrogridError, match="no such file or folder"):
        store.take(store.inbox / "q*.csv")
    with pytest.raises(MicrogridError, match="no data file for site mini in this folder"):
        store.take(store.inbox / "p4.csv")
    with pytest.raises(MicrogridError, match="no data file for site mini matches"):
        store.take(store.inbox / "p4*")


def test_a_name_with_brackets_and_quotes_is_just_a_name(store: Store) -> None:
    name = "p[1]'s *new*.csv"
    assert store.put(name, plant("1,10,0,480")).rows_accepted == 1
    assert list(store.entries()) == [name]


def test_spellings_order_and_byte_order_mark_of_the_header_dont_matter(store: Store) -> None:
    text = "\ufeffVOLTAGE;Remark; battery ;p_v;timestamp\n480;x;-2;5;2023/04/01 12:00:01\n"
    store.put("p.csv", text.replace("p_v", "pv"))
    assert [values for _, _, values in store.rows().values()] == [
        {"pv_power": 5.0, "battery_power": 2.0, "mg_lv_voltage": 480.0}
    ]


def test_gzip_and_parquet_give_the_same_rows_as_csv(tmp_path: Path) -> None:
    text = plant("11,10,0,480", "1,-999999.0,1.5,481", "1,7,1.5,481", "21,5000,,482")
    stores = [Store(tmp_path / kind) for kind in ("csv", "gz", "parquet")]
    stores[0].put("p.csv", text)
    stores[1].put("p.csv.gz", gzip.compress(text.encode()))
    target = stores[2].inbox / "p.parquet"
    source = tmp_path / "source.csv"
    source.write_text(text, encoding="utf-8")
    with duckdb.connect() as con:
        con.execute(
            f"COPY (FROM read_csv('{source}', timestampformat='%Y/%m/%d %H:%M:%S')) TO '{target}'"
        )
    stores[2].take(target)
    wanted = {key: (row, values) for key, (_, row, values) in stores[0].rows().items()}
    assert len(wanted) == 3
    for store in stores[1:]:
        found = {key: (row, values) for key, (_, row, values) in store.rows().items()}
        assert found == wanted
        (csv_entry,) = stores[0].entries().values()
        (entry,) = store.entries().values()
        assert counts_of(entry) == counts_of(csv_entry)
        assert [r[1:] for r in store.refusals()] == [r[1:] for r in stores[0].refusals()]


def test_months_are_local_and_a_file_may_span_several(store: Store) -> None:
    store.put(
        "p.csv",
        HEADER
        + "2023/04/30 23:59:51,1,0,480\n2023/05/01 00:00:01,2,0,480\n2023/06/01 00:00:01,3,0,480\n",
    )
    snapshot = Lake(store.settings.lake).snapshot(store.site)
    assert [(part.month, part.rows) for part in snapshot.parts] == [
        ("2023-04", 1),
        ("2023-05", 1),
        ("2023-06", 1),
    ]


def test_the_record_of_a_file_has_hash_span_and_coverage(store: Store) -> None:
    text = plant("1,10,0,480", "11,10,0,480", "31,10,0,480")
    store.put("p.csv", text)
    entry = store.entries()["p.csv"]
    assert entry.sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert (entry.start, entry.end) == (APRIL_NOON, APRIL_NOON + timedelta(seconds=30))
    assert entry.coverage == pytest.approx(3 / 4)


def test_progress_is_told_file_by_file(store: Store) -> None:
    paths = [store.write(f"p{i}.csv", plant(f"{i},1,0,480")) for i in range(3)]
    told: list[tuple[int, int]] = []
    ingest(paths, store.site, store.settings, lambda done, total, name: told.append((done, total)))
    assert [total for _, total in told] == [3] * len(told)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (3, 3)


def test_demo_and_real_data_dont_mix(demo_month: Path, home: Path, settings: Settings) -> None:
    site = load_site("mesa_del_sol")
    (demo_file,) = demo_month.glob("*.csv")
    real = home / "Jun_2022.csv"
    real.write_bytes(demo_file.read_bytes()[:20_000])
    ingest([real], site, settings)
    with pytest.raises(MicrogridError, match="demo data and real data at once"):
        ingest([demo_file], site, settings)
    assert {file for file, _, _ in stored_rows(settings, site).values()} == {"Jun_2022.csv"}


SPRING = "America/Los_Angeles"


def los_angeles(tmp_path: Path, **changes: str) -> Store:
    """The mini site at 15 minutes in a zone with summer time."""
    text = MINI_SITE.replace("UTC-07:00", SPRING).replace("interval_s = 10", "interval_s = 900")
    for key, value in changes.items():
        text = text.replace('default_profile = "default"', f'{key} = "{value}"\n\\g<0>', 1).replace(
            "\\g<0>", 'default_profile = "default"'
        )
    return Store(tmp_path, text)


AUTUMN = [
    "2019/11/03 00:45:00",
    "2019/11/03 01:00:00",
    "2019/11/03 01:15:00",
    "2019/11/03 01:30:00",
    "2019/11/03 01:45:00",
    "2019/11/03 01:00:00",
    "2019/11/03 01:15:00",
    "2019/11/03 01:30:00",
    "2019/11/03 01:45:00",
    "2019/11/03 02:00:00",
]


def test_a_file_that_others_outdo_altogether_says_so(store: Store) -> None:
    store.put("p1.csv", plant("1,10,0,480", "11,11,0,480"))
    result = store.put("p2.csv", plant("1,10,0,480", "11,99,0,480"))
    assert (result.rows_accepted, result.rows_duplicate, result.rows_rejected) == (0, 1, 1)
    assert result.notes == ["its 2 rows give way to other files of these times"]
    store.remove("p1.csv")
    assert store.take(store.inbox / "p2.csv")[0].notes == []


def test_times_in_utc_may_end_in_a_letter_of_the_pattern(tmp_path: Path) -> None:
    text = MINI_SITE.replace('source_timezone = "UTC-07:00"', 'source_timezone = "UTC"')
    store = Store(tmp_path, text.replace("%Y/%m/%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"))
    store.put("p1.csv", HEADER + "2023-04-01T19:00:01Z,10,0,480\n")
    assert [time for _, time in store.rows()] == [APRIL_NOON]


@pytest.mark.parametrize("seed", range(6))
def test_a_file_in_no_order_cannot_tell_a_doubled_hour_apart(tmp_path: Path, seed: int) -> None:
    store = los_angeles(tmp_path)
    day = [f"2019/11/02 {n // 4:02}:{15 * (n % 4):02}:00" for n in range(96)]
    lines = [f"{time},{i}\n" for i, time in enumerate([*day, *AUTUMN])]
    np.random.default_rng(seed).shuffle(lines)
    result = store.put("p.csv", "Timestamp,PV\n" + "".join(lines))
    assert (result.rows_accepted, result.rows_rejected) == (98, 8)
    assert {refused[3] for refused in store.quarantined()} == {"ambiguous_time"}
    assert {refused[6].split("; ")[0] for refused in store.quarantined()} == {
        f"pv_power: {n}.0" for n in range(97, 105)
    }


@pytest.mark.parametrize("newest_first", [False, True])
def test_the_doubled_hour_is_told_apart_by_order(tmp_path: Path, *, newest_first: bool) -> None:
    store = los_angeles(tmp_path)
    lines = [f"{time},{i}\n" for i, time in enumerate(AUTUMN)]
    if newest_first:
        lines.reverse()
    result = store.put("p.csv", "Timestamp,PV\n" + "".join(lines))
    assert (result.rows_accepted, result.rows_rejected) == (10, 0)
    assert result.notes[-1] == "8 rows of a doubled hour were told apart by their order"
    assert store.take(store.inbox / "p.csv")[0].notes == result.notes
    start = datetime(2019, 11, 3, 7, 45, tzinfo=UTC)
    assert {time: values["pv_power"] for (_, time), (_, _, values) in store.rows().items()} == {
        start + i * timedelta(minutes=15): float(i) for i in range(10)
    }


def test_the_doubled_hour_is_refused_where_the_site_says_so(tmp_path: Path) -> None:
    store = los_angeles(tmp_path, doubled_hour="reject")
    result = store.put("p.csv", "Timestamp,PV\n" + "".join(f"{t},1\n" for t in AUTUMN))
    assert (result.rows_accepted, result.rows_rejected) == (2, 8)
    assert {reason for _, _, _, reason in store.refusals()} == {"ambiguous_time"}


def test_a_single_pass_of_the_doubled_hour_stays_in_doubt(tmp_path: Path) -> None:
    store = los_angeles(tmp_path)
    single = [*AUTUMN[:5], AUTUMN[9]]
    result = store.put("p.csv", "Timestamp,PV\n" + "".join(f"{t},1\n" for t in single))
    assert (result.rows_accepted, result.rows_rejected) == (2, 4)
    assert {reason for _, _, _, reason in store.refusals()} == {"ambiguous_time"}


def test_rows_out_of_order_dont_tell_the_passes_of_the_doubled_hour_apart(tmp_path: Path) -> None:
    store = los_angeles(tmp_path)
    single = [AUTUMN[0], AUTUMN[2], AUTUMN[1], AUTUMN[3], AUTUMN[4], AUTUMN[9]]
    result = store.put("p.csv", "Timestamp,PV\n" + "".join(f"{t},1\n" for t in single))
    assert (result.rows_accepted, result.rows_rejected) == (2, 4)
    assert {reason for _, _, _, reason in store.refusals()} == {"ambiguous_time"}


def test_times_the_clock_skipped_are_refused(tmp_path: Path) -> None:
    store = los_angeles(tmp_path)
    times = [
        "2019/03/10 01:45:00",
        "2019/03/10 02:00:00",
        "2019/03/10 02:59:59",
        "2019/03/10 03:00:00",
    ]
    result = store.put("p.csv", "Timestamp,PV\n" + "".join(f"{t},1\n" for t in times))
    assert (result.rows_accepted, result.rows_rejected) == (2, 2)
    assert {row[1:] for row in store.refusals()} == {
        (3, None, "nonexistent_time"),
        (4, None, "nonexistent_time"),
    }
    assert sorted(time for _, time in store.rows()) == [
        datetime(2019, 3, 10, 9, 45, tzinfo=UTC),
        datetime(2019, 3, 10, 10, 0, tzinfo=UTC),
    ]


def values_by_time(settings: Settings, site: Site) -> dict[str, dict[datetime, float | None]]:
    """Channel -> UTC time -> value, for sources of one channel each."""
    found: dict[str, dict[datetime, float | None]] = {}
    with connect(settings) as con:
        for part in Lake(settings.lake).snapshot(site).parts:
            (channel,) = site.channels_of(site.source(part.source))
            rows = con.execute(
                f'SELECT epoch_us(time), "{channel}" FROM read_parquet(?)', [part.path]
            ).fetchall()
            epoch = datetime(1970, 1, 1, tzinfo=UTC)
            mine = found.setdefault(channel, {})
            assert not mine.keys() & {epoch + timedelta(microseconds=us) for us, _ in rows}
            mine |= {epoch + timedelta(microseconds=us): value for us, value in rows}
    return found


def naive_trade_street(path: Path) -> tuple[dict[datetime, str], Counter[str]]:
    """UTC time -> value as written, and how often each wall time is there."""
    zone = ZoneInfo("America/Los_Angeles")
    seen: Counter[str] = Counter()
    found: dict[datetime, str] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))[1:]
    for text, value in reversed(rows):
        wall = datetime.strptime(text, "%m/%d/%Y %H:%M")
        at = wall.replace(tzinfo=zone, fold=min(seen[text], 1)).astimezone(UTC)
        seen[text] += 1
        found.setdefault(at, value)
    return found, seen


def test_trade_street_keeps_every_row_and_its_doubled_hours(
    real_trade_street: Path, settings: Settings
) -> None:
    site = load_site("trade_street")
    results = {r.file: r for r in ingest([real_trade_street], site, settings).files}
    stored = values_by_time(settings, site)
    wanted = {
        "TradeStreetPV.csv": ("pv_power", 1.0, 138_632),
        "TradeStreetBattery.csv": ("battery_power", -1.0, 66_718),
        "TradeStreetTotal.csv": ("grid_power", 1.0, 99_227),
    }
    assert set(results) == set(wanted)
    for name, (channel, factor, rows) in wanted.items():
        naive, seen = naive_trade_street(real_trade_street / name)
        assert sum(seen.values()) == results[name].rows_read == rows
        assert results[name].rows_accepted == len(naive)
        mine = stored[channel]
        assert set(mine) == set(naive)
        assert all(
            mine[t] == (None if text == "NaN" else float(text) * factor)
            for t, text in naive.items()
        )
    assert sum(result.values_missing for result in results.values()) == 85
    assert sum(result.rows_rejected for result in results.values()) == 0


def test_the_ten_real_rows_of_mesa_del_sol_come_through_exactly(
    real_mesa_del_sol: Path, settings: Settings
) -> None:
    site = load_site("mesa_del_sol")
    path = real_mesa_del_sol / "Apr_2023_head.csv"
    (result,) = ingest([path], site, settings).files
    assert counts_of(result) == {
        "rows_read": 10,
        "rows_accepted": 10,
        "rows_duplicate": 0,
        "rows_rejected": 0,
        "values_missing": 0,
        "values_out_of_range": 0,
    }
    stored = stored_rows(settings, site)
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = list(csv.reader(file))
    assert len(header) == 18
    for number, (text, *cells) in enumerate(rows, start=2):
        wall = datetime.strptime(text, "%Y/%m/%d %H:%M:%S").replace(tzinfo=UTC)
        name, line, values = stored["plant", wall + timedelta(hours=7)]
        assert (name, line) == (path.name, number)
        assert sorted(v for v in values.values() if v is not None) == sorted(map(float, cells))
        assert values["battery_power"] == float(cells[0])
        assert values["temp_outlet"] == float(cells[-1])


def test_the_real_hourly_means_come_through_with_their_own_site_file(
    real_mesa_del_sol: Path, settings: Settings
) -> None:
    site = read_site_file(SITES / "hourly_mds.toml")
    path = real_mesa_del_sol / "Aug_2022_hourly.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in list(csv.reader(file))[1:] for cell in row[1:]]
    missing = sum(cell == "" or float(cell) == -999999.0 for cell in cells)
    (result,) = ingest([path], site, settings).files
    assert (result.rows_read, result.rows_accepted) == (744, 744)
    assert result.values_missing == missing
    assert result.values_out_of_range == 0
    values = [v for _, _, row in stored_rows(settings, site).values() for v in row.values()]
    assert sum(value is None for value in values) == missing


def test_the_demo_month_is_counted_as_its_truth_says(
    demo_month: Path, home: Path, settings: Settings
) -> None:
    truth = json.loads((demo_month / "truth.json").read_text(encoding="utf-8"))
    results = ingest([demo_month], load_site("mesa_del_sol"), settings).files
    assert {result.file for result in results} == set(truth["files"])
    for result in results:
        wanted = truth["files"][result.file]
        found = {key: value for key, value in counts_of(result).items() if key in wanted}
        assert found, "the truth names none of the counts"
        assert found == {key: wanted[key] for key in found}

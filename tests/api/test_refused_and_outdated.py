"""What is said of files that gave nothing, and of files read by rules that have changed since."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from microgrid_lib.api import SiteData, open_site
from microgrid_lib.cli.main import run
from microgrid_lib.errors import NoDataError
from tests.ingest.naive import MINI_SITE

HEADER = "Timestamp,PV,Battery,Voltage\n"
APRIL = HEADER + "2023/04/01 12:00:01,10,0,480\n"
MAY = HEADER + "2023/05/01 12:00:01,10,0,480\n"
REFUSED = HEADER + "2023/04/31 12:00:01,10,0,480\n2023/04/30 12:00:01,ten,0,480\n"


class Mini:
    """The mini site in a home of its own; its site file can be rewritten."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "mini.toml"
        self.write(MINI_SITE)

    def write(self, text: str) -> None:
        self.file.write_text(text, encoding="utf-8")

    def open(self) -> SiteData:
        return open_site(self.file)

    def ingest(self, **files: str) -> None:
        for name, content in files.items():
            (self.folder / f"{name}.csv").write_text(content, encoding="utf-8")
        self.open().ingest([self.folder / f"{name}.csv" for name in files])


@pytest.fixture
def mini(home: Path, tmp_path: Path) -> Mini:
    return Mini(tmp_path)


def test_data_lists_what_was_refused_where_nothing_else_is_there(
    mini: Mini, capsys: pytest.CaptureFixture[str]
) -> None:
    mini.ingest(p=REFUSED)
    assert run(["data", "--site", str(mini.file)]) == 0
    words = capsys.readouterr().out
    assert "no row was accepted of any file" in words
    assert "p.csv: nothing accepted of 2 rows, 2 rejected, 0 duplicate" in words
    assert "impossible_date: 1, e.g. p.csv row 2: 2023/04/31 12:00:01" in words
    assert "not_a_number pv_power: 1, e.g. p.csv row 3: ten" in words
    assert "Evidence" not in words

    assert run(["data", "--json", "--site", str(mini.file)]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["window"], printed["coverage"], printed["evidence"]) == (None, [], [])
    assert [file["rows_rejected"] for file in printed["files"]] == [2]
    assert {entry["reason"] for entry in printed["quarantine"]} == {
        "impossible_date",
        "not_a_number",
    }


def test_a_refused_file_is_named_beside_accepted_ones(
    mini: Mini, capsys: pytest.CaptureFixture[str]
) -> None:
    mini.ingest(p1=APRIL, p2=REFUSED)
    assert run(["data", "--site", str(mini.file)]) == 0
    words = capsys.readouterr().out
    assert "Coverage by month" in words
    assert "p2.csv: nothing accepted of 2 rows, 2 rejected, 0 duplicate" in words
    assert "p1.csv: nothing" not in words


def test_numbers_point_to_the_refusals_where_there_is_nothing_else(mini: Mini) -> None:
    mini.ingest(p=REFUSED)
    with pytest.raises(
        NoDataError, match="no row was accepted of 1 ingested file; `microgrid data"
    ):
        mini.open().window()


def test_kpis_say_which_files_were_read_under_older_rules(
    mini: Mini, capsys: pytest.CaptureFixture[str]
) -> None:
    mini.ingest(p1=APRIL, p2=MAY)
    assert mini.open().kpis("2023-04-01", "2023-06-01").outdated_files == []

    # Another factor is another number: what is stored was read with the old one.
    mini.write(MINI_SITE.replace("factor = -1.0", "factor = 1.0"))
    assert mini.open().kpis("2023-04-01", "2023-06-01").outdated_files == ["p1.csv", "p2.csv"]
    assert mini.open().kpis("2023-04-01", "2023-05-01").outdated_files == ["p1.csv"]
    assert [file.outdated for file in mini.open().files()] == [True, True]
    window = ["--start", "2023-04-01", "--end", "2023-06-01"]
    for command in ("kpi", "data"):
        assert run([command, "--site", str(mini.file), *window]) == 0
        assert (
            "! read under older rules of the site file: p1.csv, p2.csv; ingest again to read by "
            "today's\n"
        ) in capsys.readouterr().out

    mini.ingest(p1=APRIL)
    assert mini.open().kpis("2023-04-01", "2023-06-01").outdated_files == ["p2.csv"]


def test_changing_what_no_file_is_read_by_makes_none_outdated(mini: Mini) -> None:
    mini.ingest(p1=APRIL)
    changed = MINI_SITE.replace('title = "As metered"', 'title = "Other"')
    mini.write(changed.replace("voltage_v = 480.0", "voltage_v = 400.0"))
    assert mini.open().kpis("2023-04-01", "2023-05-01").outdated_files == []

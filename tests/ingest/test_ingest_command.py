"""`microgrid ingest`: what it prints, where, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from microgrid_lib.cli.main import run
from tests.ingest.naive import MINI_SITE

HEADER = "Timestamp,PV,Battery,Voltage\n"
GOOD = HEADER + "2023/04/01 12:00:01,10,0,480\n"
DOUBTFUL = HEADER + "2023/04/31 12:00:01,10,0,480\n2023/04/02 12:00:01,10,5000,480\n"


@pytest.fixture
def site(home: Path) -> str:
    """Path of the mini site's file, in an inbox of its own."""
    inbox = home.parent / "inbox"
    inbox.mkdir()
    path = inbox / "mini.toml"
    path.write_text(MINI_SITE, encoding="utf-8")
    return str(path)


def put(site: str, name: str, content: str) -> str:
    path = Path(site).parent / name
    path.write_text(content, encoding="utf-8")
    return str(path)


def test_it_ends_with_0_also_with_quarantined_rows(
    site: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["ingest", "--site", site, put(site, "p.csv", DOUBTFUL)]) == 0
    out, err = capsys.readouterr()
    first, refused, *columns, second = out.splitlines()
    assert first == (
        "p.csv: ingested: 2 rows = 1 accepted + 0 duplicate + 1 rejected; "
        "0 values missing, 1 out of range"
    )
    assert refused.startswith("  refused: ")
    assert all(line.startswith("  no column of ") for line in columns)
    assert second == "1 file: 1 ingested, 0 unchanged, 0 failed, 0 removed"
    assert err == ""


def test_it_ends_with_2_when_a_file_failed_and_the_others_go_on(
    site: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bad, good = put(site, "p1.csv", ""), put(site, "p2.csv", GOOD)
    assert run(["ingest", "--site", site, bad, good]) == 2
    out, err = capsys.readouterr()
    assert err == f"microgrid: {bad}: is empty\n"
    assert "p2.csv: ingested" in out
    assert "1 ingested, 0 unchanged, 1 failed" in out


def test_json_is_one_object_and_counts_add_up(
    site: str, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [put(site, "p1.csv", ""), put(site, "p2.csv", DOUBTFUL), put(site, "p3.csv", GOOD)]
    assert run(["ingest", "--json", "--site", site, *paths]) == 2
    out, err = capsys.readouterr()
    assert err == ""
    printed = json.loads(out)
    assert set(printed) == {"files", "totals"}
    assert [(f["file"], f["status"]) for f in printed["files"]] == [
        ("p1.csv", "failed"),
        ("p2.csv", "ingested"),
        ("p3.csv", "ingested"),
    ]
    wanted = {
        "file",
        "sha256",
        "status",
        "rows_read",
        "rows_accepted",
        "rows_duplicate",
        "rows_rejected",
        "values_missing",
        "values_out_of_range",
        "error",
    }
    for entry in printed["files"]:
        assert wanted <= set(entry)
        assert entry["rows_read"] == (
            entry["rows_accepted"] + entry["rows_duplicate"] + entry["rows_rejected"]
        )
    for key in wanted - {"file", "sha256", "status", "error"}:
        assert printed["totals"][key] == sum(entry[key] for entry in printed["files"])
    assert printed["files"][0]["error"] == f"{paths[0]}: is empty"


def test_a_second_time_everything_is_unchanged_with_the_same_counts(
    site: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = put(site, "p.csv", DOUBTFUL)
    assert run(["ingest", "--json", "--site", site, path]) == 0
    first = json.loads(capsys.readouterr().out)["files"][0]
    assert run(["ingest", "--json", "--site", site, path]) == 0
    second = json.loads(capsys.readouterr().out)["files"][0]
    assert second == first | {"status": "unchanged"}


def test_removing_takes_a_file_out_by_its_name(
    site: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["ingest", "--site", site, put(site, "p.csv", GOOD)]) == 0
    assert run(["ingest", "--site", site, "--remove", "p.csv"]) == 0
    assert "1 removed" in capsys.readouterr().out
    assert run(["ingest", "--site", site, "--remove", "p.csv"]) == 2
    assert capsys.readouterr().err == (
        "microgrid: p.csv: no file of this name is ingested at mini\n"
    )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "name at least one file, folder or pattern to ingest"),
        (["nowhere.csv"], "nowhere.csv: no such file or folder"),
        (["--remove", "p.csv", "p.csv"], "either files to ingest or --remove, not both"),
    ],
)
def test_wrong_usage_is_one_line_and_ends_with_2(
    site: str, capsys: pytest.CaptureFixture[str], arguments: list[str], text: str
) -> None:
    assert run(["ingest", "--site", site, *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"microgrid: {text}\n")


def test_a_site_file_that_turns_in_a_circle_is_one_line(
    site: str, capsys: pytest.CaptureFixture[str]
) -> None:
    circle = MINI_SITE.replace('grid = "grid_power"', 'grid = "load - pv"\nload = "grid + pv"')
    broken = put(site, "circle.toml", circle)
    assert run(["ingest", "--site", broken, put(site, "p.csv", GOOD)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"microgrid: {broken}: profiles.default.roles.")
    assert err.endswith("is a circle\n")
    assert err.count("\n") == 1


def test_a_home_that_cant_be_written_is_one_line_and_ends_with_1(
    site: str, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = home.parent / "blocked"
    blocked.write_text("a file", encoding="utf-8")
    monkeypatch.setenv("MICROGRID_HOME", str(blocked))
    assert run(["ingest", "--site", site, put(site, "p.csv", GOOD)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"microgrid: {blocked}: can't be written (File exists)\n"

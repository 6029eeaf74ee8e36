from __future__ import annotations

import importlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., tuple[int, str, str]]
CLINIC = (
    *("--name", "Clinic", "--type", "critical", "--kind", "hospital"),
    *("--latitude", "35.0", "--longitude", "-106.6", "--rated-power-kw", "120"),
)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs `microgrid consumers ...`; gives exit code, standard output, standard error."""
    for name in ("MICROGRID_DATABASE_URL", "MICROGRID_ROLE", "MICROGRID_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MICROGRID_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MICROGRID_USER", "olga")
    # By its path: the package has a function of the same name.
    main = importlib.import_module("microgrid_lib.cli.main")

    def call(*arguments: str) -> tuple[int, str, str]:
        code: int = main.run(["consumers", *arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return call


def ok(result: tuple[int, str, str]) -> str:
    code, out, err = result
    assert (code, err) == (0, "")
    return out


def refused(result: tuple[int, str, str]) -> str:
    code, out, err = result
    assert (code, out) == (2, "")
    assert err.startswith("microgrid: ")
    assert err.count("\n") == 1
    return err


def test_a_consumers_life_on_the_command_line(run: Run) -> None:
    added: dict[str, Any] = json.loads(ok(run("add", *CLINIC, "--json")))
    assert (added["name"], added["version"], added["created_by"]) == ("Clinic", 1, "olga")
    assert added["site"] == "mesa_del_sol"
    changed = json.loads(
        ok(run("update", "Clinic", "--name", "Ward", "--clear", "rated_power_kw", "--json"))
    )
    assert (changed["id"], changed["name"], changed["version"]) == (added["id"], "Ward", 2)
    assert changed["rated_power_kw"] is None
    assert "already so" in ok(run("update", "Ward", "--name", "Ward"))
    assert "changed by 'olga'" in refused(
        run("update", "Ward", "--notes", "x", "--if-version", "1")
    )
    assert "give --yes" in refused(run("delete", "Ward"))
    assert f"restore {added['id']}" in ok(run("delete", "Ward", "--yes"))
    assert json.loads(ok(run("list", "--json")))["consumers"] == []
    assert len(json.loads(ok(run("list", "--deleted", "--json")))["consumers"]) == 1
    assert ok(run("restore", added["id"][:8])).startswith("restored: ")
    shown = json.loads(ok(run("show", "Ward", "--json")))
    assert shown["consumer"]["version"] == 4
    actions = [entry["action"] for entry in shown["history"]]
    assert actions == ["restore", "delete", "update", "add"]
    assert "olga (admin): update to version 2: name, rated_power_kw" in ok(run("show", "Ward"))


def test_a_list_has_its_page_and_totals(run: Run) -> None:
    ok(run("add", *CLINIC))
    ok(run("add", *CLINIC, "--name", "School", "--type", "non-critical", "--kind", "school"))
    listed = json.loads(ok(run("list", "--page-size", "1", "--page", "2", "--json")))
    assert [one["name"] for one in listed["consumers"]] == ["School"]
    assert (listed["total"], listed["pages"], listed["page"]) == (2, 2, 2)
    assert listed["totals"]["by_type"]["critical"] == {
        "count": 1,
        "rated_power_kw": 120.0,
        "rated_power_unknown": 0,
    }
    out = ok(run("list", "--type", "critical", "--search", "clin"))
    assert "Clinic  (critical, hospital)" in out
    assert "School" not in out
    assert "all: 1 consumers, 120 kW rated" in out


def test_sites_keep_their_consumers_apart(run: Run) -> None:
    ok(run("add", *CLINIC, "--site", "trade_street"))
    assert json.loads(ok(run("list", "--json")))["total"] == 0
    assert json.loads(ok(run("list", "--site", "trade_street", "--json")))["total"] == 1
    assert "unknown site 'nowhere'" in refused(run("list", "--site", "nowhere"))


def test_a_list_goes_out_and_comes_back(run: Run, tmp_path: Path) -> None:
    ok(run("add", *CLINIC, "--name", '=cmd()|"x", 🏥'))
    for suffix in ("csv", "geojson", "xlsx", "json", "md"):
        path = tmp_path / f"list.{suffix}"
        assert ok(run("export", "--out", str(path))) == f"{path}: 1 consumers\n"
        assert path.stat().st_size > 0
    assert ok(run("export")).startswith("id,site,name,")
    for suffix in ("csv", "geojson"):
        out = ok(run("import", str(tmp_path / f"list.{suffix}"), "--dry-run"))
        assert 'row 2: unchanged: =cmd()|"x", 🏥' in out.replace("row 1", "row 2")
        report = json.loads(ok(run("import", str(tmp_path / f"list.{suffix}"), "--json")))
        assert report["counts"]["unchanged"] == 1
    assert "names no format" in refused(run("export", "--out", str(tmp_path / "list.pdf")))
    assert "can't be written" in refused(run("export", "--out", str(tmp_path / "no" / "l.csv")))


def test_a_refused_import_is_one_line_and_a_report_on_request(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("name,type,kind,latitude,longitude\nA,critical,water,95,0\n", encoding="utf-8")
    assert "row 2: latitude: '95' isn't allowed" in refused(run("import", str(path)))
    code, out, err = run("import", str(path), "--dry-run")
    assert (code, err) == (2, "")
    assert "row 2: refused: 'A'\n  latitude: '95' isn't allowed" in out
    code, out, err = run("import", str(path), "--json")
    assert (code, err.count("\n")) == (2, 1)
    assert json.loads(out)["applied"] is False


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", *CLINIC),
        ("update", "Clinic", "--notes", "x"),
        ("delete", "Clinic", "--yes"),
        ("import", "{file}"),
        ("import", "{file}", "--dry-run"),
    ],
)
def test_a_viewer_may_only_look(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    ok(run("add", *CLINIC))
    path = tmp_path / "list.csv"
    ok(run("export", "--out", str(path)))
    monkeypatch.setenv("MICROGRID_ROLE", "viewer")
    err = refused(run(*(part.format(file=path) for part in arguments)))
    assert "'olga' (viewer) may not" in err
    assert json.loads(ok(run("list", "--json")))["total"] == 1


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("add", "--name", "A"), "type: is missing"),
        (("add", *CLINIC, "--latitude", "35,0"), "latitude: '35,0' isn't allowed"),
        (("add", *CLINIC, "--kind", "castle"), "kind: 'castle' isn't allowed: one of housing"),
        (("update", "Clinic"), "name at least one field"),
        (("update", "Clinic", "--notes", "x", "--clear", "notes"), "not both"),
        (("show", "Nobody"), "no such consumer at site mesa_del_sol"),
        (("list", "--search", "x" * 201), "search: String should have at most 200"),
        (("list", "--min-power-kw", "nan"), "min_rated_power_kw: "),
        (("list", "--page", "0"), "Invalid value for '--page'"),
        (("add", *CLINIC, "--user", "a\nb"), "user name"),
    ],
)
def test_a_mistake_is_one_line(run: Run, arguments: tuple[str, ...], problem: str) -> None:
    assert problem in refused(run(*arguments))


class Terminal(io.StringIO):
    """Standard input with a person at it."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "left"), [("n", 1), ("", 1), ("y", 0)])
def test_a_person_is_asked_before_a_delete(
    run: Run, monkeypatch: pytest.MonkeyPatch, answer: str, left: int
) -> None:
    ok(run("add", *CLINIC))
    monkeypatch.setattr("sys.stdin", Terminal(f"{answer}\n"))
    code, _, err = run("delete", "Clinic")
    assert code == 0
    assert "Delete 'Clinic'? [y/N]" in err
    assert ("nothing deleted" in err) is bool(left)
    assert json.loads(ok(run("list", "--json")))["total"] == left

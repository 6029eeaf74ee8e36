"""The tour for data scientists, and the Python of the README, run against a demo month."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from microgrid_lib.api import SiteData, open_site

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "notebooks" / "explore.ipynb"


@pytest.fixture
def june(home: Path, demo_month: Path) -> SiteData:
    data = open_site("mesa_del_sol")
    data.ingest(sorted(demo_month.glob("*.csv")))
    return data


def outputs(notebook: Any) -> dict[str, str]:
    """Text of each code cell's outputs by the cell's id."""
    found = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            texts = [out.get("text") or out["data"]["text/plain"] for out in cell.outputs]
            found[cell.id] = "\n".join(texts)
    return found


@pytest.mark.timeout(240)
def test_the_tour_runs_and_shows_what_the_library_says(
    june: SiteData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(notebook, kernel_name="python3", timeout=180)
    client.execute(cwd=str(NOTEBOOK.parent))

    said = outputs(notebook)
    assert [name for name, text in said.items() if not text] == []
    assert "synthetic demo data" in said["open"]
    images = [out for cell in notebook.cells for out in cell.get("outputs", []) if "data" in out]
    assert sum("image/png" in out["data"] for out in images) == 1
    assert sum("application/vnd.jupyter.widget-view+json" in out["data"] for out in images) == 1
    window = june.window("2022-06", "2022-07")
    assert june.evidence(window)[0].note.text in said["evidence"]
    pv = june.kpis(window).kpis["pv_energy"].value
    assert pv is not None
    own = re.search(r"value=([\d.]+), unit='kWh/kW'", said["own"])
    assert own is not None
    assert float(own.group(1)) == pytest.approx(pv / 50)


def test_the_tour_is_stored_without_outputs_and_stays_short() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.id for cell in code if cell.outputs or cell.execution_count] == []
    assert 12 <= len(code) <= 15
    assert max(len(cell.source.splitlines()) for cell in code) <= 25
    assert [c.id for c in code if re.search(r"^\s*(if|while|try)\b", c.source, re.MULTILINE)] == []


def test_the_python_of_the_readme_runs(june: SiteData) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(block, names)  # noqa: S102  our own README
    assert names["data"].site.name == "mesa_del_sol"
    assert names["june"].hours == 720


def test_a_kpi_table_has_reasons_as_text(june: SiteData) -> None:
    report = june.kpis("2022-06", "2022-07")
    frame = june.kpis_frame("2022-06", "2022-07")
    assert list(frame.index) == list(report.kpis)
    assert frame.loc["genset_energy", "reason"].endswith("has no generator; gas_engine has")
    # Threads add up in any order, so two runs may differ in the last digit.
    assert frame["value"].dropna().to_dict() == pytest.approx(
        {name: kpi.value for name, kpi in report.kpis.items() if kpi.value is not None}, rel=1e-12
    )
    assert frame.loc["peak_load", "time"] == report.kpis["peak_load"].time


def test_the_measurements_are_all_accepted_rows_in_utc(june: SiteData) -> None:
    table = june.measurements()
    (file,) = june.files()
    assert table.count().execute() == file.rows_accepted
    assert str(table.schema()["time"]) == "timestamp('UTC', 6)"
    assert set(june.site.channels) <= set(table.columns)
    assert table.filter(table.pv_power == -999999.0).count().execute() == 0


def test_computing_one_kpi_gives_what_the_report_gives(june: SiteData) -> None:
    from microgrid_lib.kpi.report import definitions

    report = june.kpis("2022-06-03", "2022-06-04")
    missing = june.compute(definitions()["genset_energy"], "2022-06-03", "2022-06-04")
    assert missing == report.kpis["genset_energy"]
    for name in ("pv_energy", "renewable_share", "peak_load"):
        kpi = june.compute(definitions()[name], "2022-06-03", "2022-06-04")
        expected = report.kpis[name]
        assert kpi.model_copy(update={"value": None}) == expected.model_copy(update={"value": None})
        assert [kpi.value] == pytest.approx([expected.value], rel=1e-12)

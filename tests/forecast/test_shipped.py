"""What is shipped in ml/: models that fit the shipped site, and a notebook that runs."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from microgrid_lib.api import open_site
from microgrid_lib.forecast.baselines import BASELINES
from microgrid_lib.forecast.forecast import forecast
from microgrid_lib.forecast.registry import REGISTRY, find_entry, load_model
from microgrid_lib.forecast.roles import FORECAST_ROLES
from microgrid_lib.forecast.source import read_history, role_fingerprint
from microgrid_lib.site.load import load_site

ROOT = Path(__file__).resolve().parents[2]
ML = ROOT / "ml"
REMEDY = "run `microgrid demo` and `python ml/pretrain.py`"


@pytest.mark.parametrize("role", FORECAST_ROLES)
def test_the_shipped_models_fit_the_shipped_site(role: str) -> None:
    profile = load_site("mesa_del_sol").profile()
    entry = find_entry(ML, "mesa_del_sol", profile.name, role)
    assert entry is not None
    assert entry.synthetic
    assert entry.fingerprint == role_fingerprint(profile, role), REMEDY
    locked = (ROOT / "locks" / "all.txt").read_text(encoding="utf-8")
    assert f"\nscikit-learn=={entry.versions.scikit_learn} " in locked, REMEDY
    assert entry.backtest.origins >= 20
    for name, file in entry.models.items():
        content = (ML / file.file).read_bytes()
        assert hashlib.sha256(content).hexdigest() == file.sha256
        assert len(content) <= 5_000_000
        assert load_model(ML, entry, name).name == name
        card = (ML / file.card).read_text(encoding="utf-8")
        assert "synthetic demo data: not measurements" in card
        assert file.sha256 in card


def test_every_file_shipped_is_registered() -> None:
    entries = [find_entry(ML, "mesa_del_sol", "as_published", role) for role in FORECAST_ROLES]
    files = {file.file for entry in entries if entry for file in entry.models.values()}
    assert files == {path.name for path in ML.glob("*.pkl")}
    assert "random_forest_model.pkl" in files
    text = (ML / REGISTRY).read_text(encoding="utf-8")
    assert not re.search(r'"/|\\\\|/(work|root|home|tmp)/', text)


def test_the_shipped_models_forecast_demo_data_at_once(home: Path, demo_month: Path) -> None:
    data = open_site("mesa_del_sol")
    data.ingest(sorted(demo_month.glob("*.csv")))
    for role in ("bus_voltage", "pv"):
        history = read_history(
            data.engine, data.snapshot(), data.profile, role, synthetic=data.synthetic
        )
        assert history.series.index[0].isoformat() == "2022-06-01T07:00:00+00:00"
        assert len(history.series) == 720
        # This month lies before the end of the fifteen that they were trained on.
        report = forecast(history, [ML])
        assert report.notes[0].code == "model_knows_later_data"
        assert report.model in BASELINES


@pytest.mark.timeout(240)
def test_the_training_notebook_runs(
    home: Path, demo_month: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_site("mesa_del_sol").ingest(sorted(demo_month.glob("*.csv")))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    notebook: Any = nbformat.read(ML / "train.ipynb", as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.id for cell in code if cell.outputs or cell.execution_count] == []
    NotebookClient(notebook, kernel_name="python3", timeout=200).execute(cwd=str(ML))
    said = {
        cell.id: "".join(
            out.get("text") or out["data"].get("text/plain", "") for out in cell.outputs
        )
        for cell in code
    }
    assert "synthetic demo data" in said["open"]
    assert "random_forest_model.pkl" in said["train"]
    for name in (*BASELINES, "random_forest", "median_ensemble"):
        assert name in said["backtest"]
    for name in ("random_folds_same_time", "later_hours_same_time", "five_days_ahead"):
        assert name in said["leakage"]

"""Every answer is from one version of the store, also while someone ingests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from microgrid_lib.api import SiteData, open_site
from microgrid_lib.store.snapshot import Snapshot

ANSWERS: dict[str, Callable[[SiteData], object]] = {
    "kpis": lambda data: data.kpis("2022-06-01", "2022-06-02"),
    "kpis of the last day": lambda data: data.kpis("2022-06-28"),
    "kpis_frame": lambda data: data.kpis_frame("2022-06-01", "2022-06-02"),
    "changes": lambda data: data.changes(data.day("2022-06-02")),
    "series": lambda data: data.series(["pv"], data.day("2022-06-02"), 24),
    "soc": lambda data: data.soc(data.day("2022-06-02"), 24),
    "alerts": lambda data: data.alerts("2022-06-01", "2022-06-02"),
    "compliance": lambda data: data.compliance("2022-06-01", "2022-06-02"),
    "excursions": lambda data: data.excursions("2022-06-01", "2022-06-02"),
    "islands": lambda data: data.islands("2022-06-01", "2022-06-02"),
    "evidence": lambda data: data.evidence(data.day("2022-06-02")),
    "data_report": lambda data: data.data_report(data.day("2022-06-02")),
    "files": lambda data: data.files(),
    "history": lambda data: data.history("pv"),
    "simulation_day": lambda data: data.simulation_day("2022-06-02"),
    "measurements": lambda data: data.measurements(),
    "window": lambda data: data.window(),
    "synthetic": lambda data: data.synthetic,
}


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory, demo_month: Path) -> SiteData:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MICROGRID_HOME", str(tmp_path_factory.mktemp("home")))
        patch.delenv("MICROGRID_CONFIG", raising=False)
        data = open_site("mesa_del_sol")
        data.ingest([demo_month])
    return data


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_reads_one_version(
    name: str, stored: SiteData, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, read = stored.lake.snapshot, []

    def snapshot(*arguments: object) -> Snapshot:
        read.append(arguments)
        # A second version could be another one: whoever asked for it would mix the two.
        assert len(read) == 1, f"{name} asks for a second version"
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(stored.lake, "snapshot", snapshot)
    ANSWERS[name](stored)
    assert len(read) == 1


def test_whether_data_are_synthetic_is_said_of_the_version_the_numbers_are_from(
    stored: SiteData, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = [stored.snapshot()]
    empty = Snapshot(stored.site.name, -1, -1, (), {})
    monkeypatch.setattr(stored.lake, "snapshot", lambda site: versions.pop() if versions else empty)
    assert stored.kpis("2022-06-01", "2022-06-02").synthetic
    assert not stored.synthetic

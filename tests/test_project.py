"""The project's own files agree with each other: packaging, locks, layers, commands."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

import microgrid_lib
from microgrid_lib import resources

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "microgrid_lib"

# A module may import from its own layer and from those above it in this list, never from below.
LAYERS = (
    {"errors", "resources", "access"},
    {"settings", "window"},
    {"site", "database"},
    {"store"},
    {"ingest"},
    {"kpi", "simulation", "forecast", "consumers", "accounts", "delivery"},
    {"api", "present"},
    {"report"},
    {"dashboard", "schedule", "server"},
    {"cli"},
    {"__main__"},
)
# `import microgrid_lib` is for scripts and notebooks too: it costs no widget, plot, ML or engine.
HEAVY = {
    *("bqplot", "duckdb", "ibis", "ipyleaflet", "ipywidgets", "IPython", "joblib", "matplotlib"),
    *("pandas", "papermill", "pvlib", "pyspark", "scipy", "sklearn", "typer", "voila"),
}


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    content = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    table: dict[str, Any] = content["project"]
    return table


@pytest.fixture(scope="module")
def setup_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("setup_script", ROOT / "scripts" / "setup.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def locked(name: str) -> dict[str, str]:
    """Package -> version of a lock."""
    text = (ROOT / "locks" / f"{name}.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", text, flags=re.MULTILINE))


def lock_names() -> list[str]:
    return sorted(path.stem for path in (ROOT / "locks").glob("*.txt"))


def required_names(requirements: list[str]) -> set[str]:
    """Normalised distribution names of requirements, the project's own extras left out."""
    names = {re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0] for line in requirements}
    return {re.sub(r"[-_.]+", "-", name).lower() for name in names} - {"microgrid-monitoring"}


def test_every_extra_has_a_lock_and_every_lock_a_purpose(project: dict[str, Any]) -> None:
    assert set(lock_names()) == {*project["optional-dependencies"], "all", "setup"}


def test_a_lock_holds_what_its_extra_asks_for(project: dict[str, Any]) -> None:
    for extra, requirements in project["optional-dependencies"].items():
        wanted = required_names(requirements) | required_names(project["dependencies"])
        assert wanted <= locked(extra).keys(), extra


@pytest.mark.parametrize("name", lock_names())
def test_every_locked_version_carries_hashes_and_no_address(name: str) -> None:
    text = (ROOT / "locks" / f"{name}.txt").read_text(encoding="utf-8")
    assert "//" not in text
    assert not re.search(r"@ |--index|--find-links|/(work|root|home|tmp|Users)/", text)
    unfolded = [line for line in text.replace("\\\n", " ").splitlines() if line[:1].isalnum()]
    assert unfolded
    for line in unfolded:
        assert re.match(r"[a-z0-9._-]+==\S+( ; [^#]+?)?(\s+--hash=sha256:[0-9a-f]{64})+", line)


def test_all_locks_come_from_one_resolution() -> None:
    everything = locked("all")
    for name in lock_names():
        assert locked(name).items() <= everything.items(), name


def test_the_dashboard_pulls_neither_spark_nor_jupyterlab() -> None:
    assert not {"pyspark", "jupyterlab", "papermill"} & locked("dashboard").keys()
    assert "pyspark" not in locked("dev")


def test_every_lock_brings_the_build_backend() -> None:
    for name in lock_names():
        assert {"hatchling", "editables"} <= locked(name).keys(), name


def environment(path: Path) -> tuple[list[str], list[str], list[Path]]:
    """Channels, conda packages and the lock files that pip reads."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    conda = [entry for entry in content["dependencies"] if isinstance(entry, str)]
    (pip,) = (entry["pip"] for entry in content["dependencies"] if isinstance(entry, dict))
    assert all(line.startswith("-r ") for line in pip)
    return content["channels"], conda, [(path.parent / line[3:]).resolve() for line in pip]


def test_conda_and_binder_install_the_same_lock_as_the_analyst(project: dict[str, Any]) -> None:
    conda = environment(ROOT / "environment.yml")
    assert conda == environment(ROOT / "binder" / "environment.yml")
    assert conda[2] == [ROOT / "locks" / "analyst.txt"]
    assert "python=" + project["requires-python"].removeprefix(">=") in conda[1]


def test_binder_installs_the_project_as_the_setup_script_does() -> None:
    post_build = (ROOT / "binder" / "postBuild").read_text(encoding="utf-8")
    assert "--no-deps --no-build-isolation -e ." in post_build
    for name in ("postBuild", "start"):
        assert (ROOT / "binder" / name).stat().st_mode & 0o111, f"{name} must be executable"


def test_the_changelog_and_the_package_know_the_version(project: dict[str, Any]) -> None:
    assert microgrid_lib.__version__ == project["version"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"^## \[(\d[^\]]*)\]", changelog, flags=re.MULTILINE)
    assert released[0] == project["version"]


def test_every_direct_dependency_is_explained(project: dict[str, Any]) -> None:
    table = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"^\| `([a-z0-9-]+)`", table, flags=re.MULTILINE))
    extras = project["optional-dependencies"].values()
    wanted = required_names(
        [*project["dependencies"], *(line for extra in extras for line in extra)]
    )
    assert explained == wanted | {"hatchling", "editables"}


def test_the_makefile_has_the_promised_targets() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    promised = {"dashboard", "lab", "test", "test-long", "check", "bench", "lock", "setup", "clean"}
    assert promised <= targets
    assert promised <= set(re.search(r"\.PHONY:(.*)", makefile).group(1).split())  # type: ignore[union-attr]


def test_the_makefile_sets_up_only_purposes_that_are_locked() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    used = re.findall(r"scripts/setup\.py ([a-z]+)", makefile)
    assert used
    assert set(used) <= set(lock_names())


def modules() -> Iterator[tuple[str, Path]]:
    """Dotted name below microgrid_lib, and file."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imported(source: str) -> set[str]:
    """First name below microgrid_lib of every import, type-only and lazy ones too."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("microgrid_lib.")}


def rank(name: str) -> int:
    for number, layer in enumerate(LAYERS):
        if name in layer:
            return number
    raise AssertionError(f"microgrid_lib.{name} has no place in LAYERS: give it one")


def back_arrows(sources: dict[str, str]) -> list[str]:
    """Imports that point from a layer to a later one; `__init__` of the package is exempt."""
    found = []
    for name, source in sources.items():
        top = name.split(".")[0]
        if not top:
            continue
        known = {other.split(".")[0] for other in sources} - {""}
        found += [
            f"microgrid_lib.{name} imports {target}"
            for target in sorted(imported(source) & known - {top})
            if rank(target) > rank(top)
        ]
    return found


def test_imports_point_one_way() -> None:
    sources = {name: path.read_text(encoding="utf-8") for name, path in modules()}
    assert len(sources) > 1
    assert back_arrows(sources) == []


def test_imports_that_point_back_are_seen_wherever_they_stand() -> None:
    sources = {
        "kpi.totals": "def f():\n    from microgrid_lib.dashboard import cards\n",
        "site": "if TYPE_CHECKING:\n    import microgrid_lib.store\n",
        "report.run": "from microgrid_lib import dashboard\n",
        "dashboard": "from microgrid_lib import report, dashboard\n",
        "store": "",
    }
    assert back_arrows(sources) == [
        "microgrid_lib.kpi.totals imports dashboard",
        "microgrid_lib.site imports store",
        "microgrid_lib.report.run imports dashboard",
    ]


def test_imports_within_a_layer_have_no_circle() -> None:
    arrows: dict[str, set[str]] = {}
    for name, path in modules():
        top = name.split(".")[0]
        if top:
            names = imported(path.read_text(encoding="utf-8")) - {top}
            arrows.setdefault(top, set()).update(names)
    for layer in LAYERS:
        rest = {name: arrows.get(name, set()) & layer for name in layer}
        while free := [name for name, targets in rest.items() if not targets & rest.keys()]:
            for name in free:
                del rest[name]
        assert not rest, f"these import each other: {sorted(rest)}"


def test_imports_of_the_bare_package_stay_light() -> None:
    code = "import json, sys, microgrid_lib; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = {name.split(".")[0] for name in json.loads(done.stdout)}
    assert "microgrid_lib" in loaded
    assert not loaded & HEAVY


def test_a_resource_is_found_in_the_checkout() -> None:
    assert resources.checkout_root() == ROOT
    assert resources.resource_path("data/sites") == ROOT / "data" / "sites"


@pytest.mark.parametrize("name", ["/etc/passwd", "../secret", "data/../../secret"])
def test_a_resource_stays_below_the_root(name: str) -> None:
    with pytest.raises(ValueError, match="relative to the root"):
        resources.resource_path(name)


def test_a_resource_that_is_not_shipped_is_named() -> None:
    with pytest.raises(FileNotFoundError, match="data/nothing"):
        resources.resource_path("data/nothing")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


def test_an_installed_wheel_finds_its_own_copies(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "site-packages"
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "-q"]
    install = [*command, "--target", str(target), str(wheel)]
    done = subprocess.run(install, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    code = (
        f"import sys; sys.path.insert(0, {str(target)!r})\n"
        "from microgrid_lib import resources as r\n"
        "print(r.checkout_root(), r.resource_path('data/sites'), sep='|')"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    root, found = ran.stdout.strip().split("|")
    assert root == "None"
    sites = target / "microgrid_lib" / "_resources" / "data" / "sites"
    assert Path(found) == sites
    # A checkout's own site files lie beside the shipped ones and stay out.
    there = {path.name for path in (ROOT / "data" / "sites").glob("*.toml")}
    shipped = {path.name for path in sites.glob("*.toml")}
    assert {"mesa_del_sol.toml", "trade_street.toml"} <= shipped <= there


def test_a_wheel_carries_the_dashboard_template_where_jupyter_looks(
    wheel: Path, project: dict[str, Any]
) -> None:
    data = f"microgrid_monitoring-{project['version']}.data/data"
    names = zipfile.ZipFile(wheel).namelist()
    assert f"{data}/share/jupyter/voila/templates/microgrid/conf.json" in names
    assert "microgrid_lib/py.typed" in names
    assert "microgrid_lib/report/document.typ" in names
    assert not [name for name in names if name.startswith("tests/")]
    resources = [name for name in names if name.startswith("microgrid_lib/_resources/")]
    assert not [name for name in resources if "/lake/" in name or "/demo/" in name]


@pytest.fixture
def small_root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "locks").mkdir(parents=True)
    for name in ("locks/setup.txt", "locks/dashboard.txt", "locks/dev.txt", "pyproject.toml"):
        (root / name).write_text(name, encoding="ascii")
    (root / ".venv").mkdir()
    return root


def test_a_purpose_is_installed_once_until_its_lock_changes(
    setup_script: ModuleType, small_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed: list[str] = []
    monkeypatch.setattr(setup_script, "ensure_environment", lambda environment: environment)
    monkeypatch.setattr(
        setup_script, "install", lambda root, python, purpose, only_pip: installed.append(purpose)
    )

    setup_script.prepare(small_root, ["dashboard"], only_pip=False)
    setup_script.prepare(small_root, ["dashboard"], only_pip=False)
    assert installed == ["dashboard"]

    setup_script.prepare(small_root, ["dashboard", "dev"], only_pip=False)
    assert installed == ["dashboard", "dev"]

    (small_root / "locks" / "dev.txt").write_text("changed", encoding="ascii")
    setup_script.prepare(small_root, ["dashboard", "dev"], only_pip=False)
    assert installed == ["dashboard", "dev", "dev"]


def test_a_failed_installation_is_tried_again(
    setup_script: ModuleType, small_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(root: Path, python: Path, purpose: str, only_pip: bool) -> None:
        raise setup_script.SetupError("no network")

    monkeypatch.setattr(setup_script, "ensure_environment", lambda environment: environment)
    monkeypatch.setattr(setup_script, "install", fail)
    with pytest.raises(setup_script.SetupError, match="no network"):
        setup_script.prepare(small_root, ["dashboard"], only_pip=False)
    assert not setup_script.is_installed(small_root, small_root / ".venv", "dashboard")


def test_pip_takes_over_where_uv_fails(
    setup_script: ModuleType, small_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[str] = []

    def run(command: list[str | Path]) -> bool:
        commands.append(" ".join(str(part) for part in command[1:]))
        return "-m uv" not in commands[-1]

    monkeypatch.setattr(setup_script, "run", run)
    setup_script.install(small_root, Path("python"), "dashboard", only_pip=False)
    assert [command.split()[1] for command in commands] == ["pip", "uv", "pip", "pip"]
    assert all("--require-hashes" in command for command in commands if " -r " in command)
    assert f"-e {small_root}" in commands[-1]


def test_an_unknown_purpose_is_one_line() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "setup.py"), "nonsense"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout == ""
    assert re.fullmatch(r"unknown purpose 'nonsense'; known: .*dashboard.*\n", done.stderr)


def test_what_the_application_writes_is_ignored_and_what_ships_is_not() -> None:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    ignored = [".venv", "data/lake/x", "data/demo/May_2022.csv", "data/consumers.db"]
    ignored += [
        "reports/output/x.pdf",
        "notebooks/.ipynb_checkpoints/x.ipynb",
        "data/microgrid.toml",
        "data/sites/my_site.toml",
    ]
    tracked = subprocess.run(
        ["git", "ls-files", "data/sites"], cwd=ROOT, capture_output=True, text=True
    ).stdout.split()
    assert "data/sites/mesa_del_sol.toml" in tracked
    shipped = [*tracked, "data/README.md", "data/sample/x.csv", "data/outlines/x.json"]
    done = subprocess.run(
        ["git", "check-ignore", "--no-index", *ignored, *shipped],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ignored

"""The pages agree with the code, and with each other."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path
from types import ModuleType

import pytest

from microgrid_lib.cli.main import run
from microgrid_lib.kpi import notes
from microgrid_lib.kpi.report import definitions
from microgrid_lib.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "data").glob("*.md")])
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def script(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A script of the project, which finds its neighbours as when it is run."""
    monkeypatch.syspath_prepend(ROOT / "scripts")
    return importlib.import_module(request.param)


both = pytest.mark.parametrize("script", ["kpi_reference", "json_reference"], indirect=True)
kpis = pytest.mark.parametrize("script", ["kpi_reference"], indirect=True)
shapes = pytest.mark.parametrize("script", ["json_reference"], indirect=True)


@both
def test_the_reference_on_the_page_is_current(script: ModuleType) -> None:
    page = script.PAGE.read_text(encoding="utf-8")
    assert script.generated.page_with(page, script.reference(), script.SCRIPT) == page


@both
def test_check_notices_a_stale_page_and_leaves_it(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    stale = "before\n" + "what was here\n".join(script.generated.marks(script.SCRIPT)) + "after\n"
    page.write_text(stale, encoding="utf-8")
    run_on = (page, script.reference(), script.SCRIPT)
    assert script.generated.main(*run_on, ["--check"]) == 1
    assert f"run python scripts/{script.SCRIPT}" in capsys.readouterr().out
    assert page.read_text(encoding="utf-8") == stale

    assert script.generated.main(*run_on, []) == 0
    assert script.generated.main(*run_on, ["--check"]) == 0
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "what was here" not in text


@kpis
def test_every_kpi_and_every_code_is_on_the_page(script: ModuleType) -> None:
    page = script.PAGE.read_text(encoding="utf-8")
    assert re.findall(r"^#### `(\w+)`$", page, re.MULTILINE) == list(definitions())
    rows = re.findall(r"^\| `(\w+)` \| (reason|warning) \| (.*) \|$", page, re.MULTILINE)
    assert [code for code, _, _ in rows] == sorted(script.codes())
    assert {code for code, kind, _ in rows if kind == "warning"} == set(notes.WARNING_ORDER)
    assert all(meaning for _, _, meaning in rows)


@kpis
def test_every_reason_a_formula_gives_is_declared(script: ModuleType) -> None:
    known = set(script.codes()) - set(notes.WARNING_ORDER)
    always = {"no_role", "no_data", "coverage_below_half"}
    for definition in definitions().values():
        assert set(definition.reasons) <= known, definition.name
        given = script.mentioned(definition.compute.__code__) & known
        assert given - always <= set(definition.reasons), definition.name


@kpis
@pytest.mark.parametrize(
    ("kpi", "needed", "beside", "warnings"),
    [
        ("pv_energy", ("pv",), (), ("low_coverage",)),
        (
            "renewable_share",
            ("grid",),
            ("pv", "fuel_cell", "genset"),
            ("low_coverage", "derived_grid"),
        ),
        (
            "critical_share",
            ("critical_load", "load"),
            (),
            ("low_coverage", "critical_exceeds_load"),
        ),
        (
            "auxiliaries_mean",
            ("grid",),
            ("pv", "fuel_cell", "genset", "battery"),
            ("low_coverage",),
        ),
    ],
)
def test_roles_and_warnings_of_a_kpi_are_those_of_its_formula(
    script: ModuleType,
    kpi: str,
    needed: tuple[str, ...],
    beside: tuple[str, ...],
    warnings: tuple[str, ...],
) -> None:
    definition = definitions()[kpi]
    assert script.roles(definition) == (needed, beside)
    assert script.warnings(definition) == warnings


@shapes
def test_every_key_of_every_shape_has_a_meaning(script: ModuleType) -> None:
    keys = {f"{n}.{key}" for n, model in script.shapes().items() for key in script.keys(model)}
    without = [
        f"{name}.{key}"
        for name, model in script.shapes().items()
        for key in script.keys(model)
        if not script.meaning(model, key)
    ]
    assert without == []
    assert set(script.MEANINGS) <= keys


@shapes
def test_names_of_shapes_are_used_once(script: ModuleType) -> None:
    page = script.PAGE.read_text(encoding="utf-8")
    headings = re.findall(r"^### (\w+)$", page, re.MULTILINE)
    assert headings == list(dict.fromkeys(headings)) == list(script.shapes())


def headings(page: Path) -> set[str]:
    """Anchors of a page, as made by the usual renderers."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def links(page: Path) -> list[str]:
    """Targets of links and pictures inside the project."""
    found = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    return [target for target in found if not re.match(r"[a-z]+:", target)]


def broken(page: Path, targets: list[str]) -> list[str]:
    """Those that lead nowhere."""
    wrong = []
    for target in targets:
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists() or (anchor and anchor not in headings(path)):
            wrong.append(target)
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    assert broken(page, [link for link in links(page) if not link.endswith(".png")]) == []


def test_every_picture_is_there() -> None:
    if not (ROOT / "docs" / "images").exists():
        pytest.skip("docs/images hasn't been drawn yet")
    pictures = [(page, link) for page in PAGES for link in links(page) if link.endswith(".png")]
    assert pictures
    assert [link for page, link in pictures if broken(page, [link])] == []


def test_a_broken_link_would_be_noticed() -> None:
    targets = ["docs/kpi.md#renewable_share", "docs/none.md", "docs/kpi.md#none"]
    assert broken(ROOT / "README.md", targets) == targets[1:]


def test_the_index_lists_every_page() -> None:
    index = ROOT / "docs" / "index.md"
    listed = {(index.parent / link).resolve() for link in links(index)}
    assert set(PAGES) - {index} <= listed


def test_the_readme_has_every_setting_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(MICROGRID_\w+)` \| (.*?) \|", README, re.MULTILINE))
    fields = {f"MICROGRID_{name.upper()}": field for name, field in Settings.model_fields.items()}
    assert set(rows) == {*fields, "MICROGRID_CONFIG"}
    for name, field in fields.items():
        if isinstance(field.default, str | int):
            assert rows[name] == f"`{field.default}`", name


def shell_lines() -> list[list[str]]:
    """Calls of `microgrid` in the blocks of README and pages, without comments."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        fences = r"^ *```(\w*)\n(.*?)^ *```$"
        for language, block in re.findall(fences, text, re.MULTILINE | re.DOTALL):
            for line in () if language else block.splitlines():
                words = shlex.split(line.replace("\\", "/"), comments=True)
                if words and words[0].endswith("microgrid"):
                    found.append(words[1:])
    return found


def test_every_command_and_option_on_the_pages_exists(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = shell_lines()
    assert len(lines) > 10
    for command, *rest in lines:
        assert run([command, "--help"]) == 0, command
        text = capsys.readouterr().out
        if "COMMAND [ARGS]" in text:
            assert run([command, rest[0], "--help"]) == 0, f"{command} {rest[0]}"
            text = capsys.readouterr().out
        for option in (word for word in rest if word.startswith("--")):
            assert re.search(rf"{option}\b", text), f"{command} {option}"


def test_every_target_of_make_on_the_pages_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", text, re.MULTILINE))
    assert {"dashboard", "test", "lab"} <= named <= targets

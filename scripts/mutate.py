"""Mutation testing: change one operator, comparison or constant at a time and run the tests.

Usage: `python scripts/mutate.py` for all of `microgrid_lib/kpi`, or
`python scripts/mutate.py storage production` for some of its modules. Works on a copy in a
temporary folder. Prints every mutant that the tests don't notice; texts, annotations, docstrings
and decorators aren't changed. Needs `os.fork`: what every mutant imports is imported once.
"""

from __future__ import annotations

import ast
import copy
import importlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("microgrid_lib", "tests", "data/sites", "data/outlines", "scripts", "pyproject.toml")
SHARED = ("pytest", "hypothesis", "pandas", "duckdb", "deltalake", "ibis", "pydantic", "sqlalchemy")
OWN = ("site.profile", "store.engines", "store.series", "store.refresh")
"""What no mutant changes and importing costs seconds: others' packages, modules above `kpi`."""
WORKERS = int(os.environ.get("MUTATE_WORKERS", "2"))
TIMEOUT_S = 300
BASELINE_S = 1800

FORMULAS = ("production", "distribution_storage_quality", "edges")
TESTS: dict[str, tuple[str, ...]] = {
    "access": ("soc", "twins", "alerts"),
    "alert_kinds": ("alert_states", "alerts"),
    "alert_log": ("alerts",),
    "alert_rules": ("alert_conditions", "alert_states", "alerts"),
    "alert_states": ("alert_states", "alerts"),
    "alert_watch": ("alert_states", "alerts"),
    "alerts": ("alert_states", "alerts"),
    "compare": ("report_compare",),
    "compliance": ("compliance_periods", "compliance"),
    "compliance_rules": ("compliance_rules", "compliance"),
    "data_days": ("data_days",),
    "distribution": FORMULAS,
    "energies": ("energies",),
    "evidence": ("evidence",),
    "excursions": ("intervals", "compliance"),
    "gaps": FORMULAS,
    "intervals": ("intervals", "compliance"),
    "islands": ("intervals", "compliance"),
    "limits": ("intervals", "compliance", "alerts"),
    "load_shape": ("load_shape",),
    "newest": ("newest_usual",),
    "notes": ("notes", *FORMULAS, "report_compare", "soc"),
    "production": FORMULAS,
    "quality": FORMULAS,
    "registry": (*FORMULAS, "report_compare"),
    "report": ("report_compare", *FORMULAS),
    "soc": ("soc",),
    "soc_steps": ("soc",),
    "storage": (*FORMULAS, "soc"),
    "totals": ("totals", *FORMULAS, "twins", "properties"),
    "usual": ("newest_usual",),
}
"""Module of `microgrid_lib/kpi` -> the tests that know it, `tests/kpi/test_NAME.py`."""
SWAPS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mult,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
}
CALLS = {"min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum"}


def mutants(source: str) -> Iterator[tuple[int, str, str]]:
    """Line, description and source of every mutant."""
    tree = ast.parse(source)
    skipped = _skipped(tree)
    for index, node in enumerate(ast.walk(tree)):
        if id(node) in skipped:
            continue
        for change in _changes(node):
            mutated = copy.deepcopy(tree)
            target = list(ast.walk(mutated))[index]
            before = ast.unparse(target)
            change(target)
            after = ast.unparse(target)
            if before != after:
                line = getattr(node, "lineno", 0)
                yield line, f"{before} -> {after}", ast.unparse(ast.fix_missing_locations(mutated))


def _skipped(tree: ast.AST) -> set[int]:
    """Nodes that hold no arithmetic: annotations, decorators, docstrings."""
    found: set[int] = set()
    for node in ast.walk(tree):
        parts: list[ast.AST | None] = []
        if isinstance(node, ast.FunctionDef):
            parts += [*node.decorator_list, node.returns]
            parts += [argument.annotation for argument in ast.walk(node.args) if _is_arg(argument)]
        if isinstance(node, ast.AnnAssign):
            parts.append(node.annotation)
        if isinstance(node, ast.Assign) and any("Alias" in ast.dump(t) for t in node.targets):
            parts.append(node.value)
        for part in parts:
            if part is not None:
                found.update(id(inner) for inner in ast.walk(part))
    return found


def _is_arg(node: ast.AST) -> bool:
    return isinstance(node, ast.arg)


def _changes(node: ast.AST) -> Iterator[object]:
    if isinstance(node, ast.BinOp):
        for swap in SWAPS.get(type(node.op), ()):
            yield lambda n, swap=swap: setattr(n, "op", swap())
    if isinstance(node, ast.BoolOp):
        for swap in SWAPS[type(node.op)]:
            yield lambda n, swap=swap: setattr(n, "op", swap())
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            for swap in SWAPS.get(type(operator), ()):
                yield lambda n, place=place, swap=swap: n.ops.__setitem__(place, swap())
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not | ast.Invert):
        yield lambda n: setattr(n, "op", ast.UAdd())
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield lambda n: setattr(n, "value", n.value + 1)
    if isinstance(node, ast.Call):
        name = getattr(node.func, "attr", None) or getattr(node.func, "id", None)
        if name in CALLS:
            field = "attr" if isinstance(node.func, ast.Attribute) else "id"
            yield lambda n, field=field, name=name: setattr(n.func, field, CALLS[name])


def passes(folder: Path, tests: list[str], within_s: float, *, cached: bool = False) -> bool:
    """Whether the tests pass in a copy of the project within a time."""
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        # A mutant's byte code may not be taken for another's of the same second and size.
        sys.dont_write_bytecode = not cached
        os.chdir(folder)
        sys.path.insert(0, str(folder))
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        code = 1
        try:
            import pytest

            # What killed the mutant before is tried first.
            options = ["-x", "-q", "--ff"]
            # hypothesis is a plugin, and already there.
            options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
            code = int(pytest.main([*options, *tests]))
        finally:
            os._exit(code)
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status == 0
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def work(folder: Path, jobs: list[tuple[str, int, str, str]], found: int) -> None:
    """Try mutants in a copy; write the survivors to a pipe."""
    sys.path.insert(0, str(folder))
    for module in OWN:
        importlib.import_module(f"microgrid_lib.{module}")
    for name, line, what, text in jobs:
        target = folder / _file(name)
        original = target.read_text(encoding="utf-8")
        target.write_text(text, encoding="utf-8")
        if passes(folder, _tests(name), TIMEOUT_S):
            os.write(found, f"{_file(name)}:{line}: {what}\n".encode())
        target.write_text(original, encoding="utf-8")


def _file(name: str) -> str:
    return f"microgrid_lib/kpi/{name}.py"


def _tests(name: str) -> list[str]:
    return [f"tests/kpi/test_{tests}.py" for tests in TESTS[name]]


def copied(to: Path) -> Path:
    """Copy what the tests need."""
    for name in COPIED:
        source, target = ROOT / name, to / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)
    return to


def main(names: list[str]) -> int:
    """Print the survivors; the exit code says whether there are any."""
    unknown = [name for name in names if name not in TESTS]
    if unknown:
        print(f"unknown {', '.join(unknown)}; known: {', '.join(TESTS)}", file=sys.stderr)
        return 2
    chosen = names or list(TESTS)
    for module in SHARED:
        importlib.import_module(module)
    jobs = [
        (name, *mutant)
        for name in chosen
        for mutant in mutants((ROOT / _file(name)).read_text(encoding="utf-8"))
    ]
    folder = Path(tempfile.mkdtemp(prefix="microgrid-mutate-"))
    try:
        first = copied(folder / "0")
        wanted = sorted({test for name in chosen for test in _tests(name)})
        if not passes(first, wanted, BASELINE_S, cached=True):
            print("the tests fail without any mutation", file=sys.stderr)
            return 2
        # With the byte code of all that isn't mutated.
        others = [folder / str(number) for number in range(1, WORKERS)]
        copies = [first, *(Path(shutil.copytree(first, other)) for other in others)]
        survived = _survivors(copies, jobs)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    tried = Counter(name for name, *_ in jobs)
    for name in chosen:
        print(f"{name}: {tried[name]} mutants, {survived[_file(name)]} survived")
    print(f"{len(jobs)} mutants, {sum(survived.values())} survived")
    return int(bool(survived))


def _survivors(copies: list[Path], jobs: list[tuple[str, int, str, str]]) -> Counter[str]:
    """File -> number of survivors, which are printed as they are found."""
    reading, writing = os.pipe()
    for number, one in enumerate(copies):
        if os.fork() == 0:
            os.close(reading)
            work(one, jobs[number :: len(copies)], writing)
            os._exit(0)
    os.close(writing)
    survived: Counter[str] = Counter()
    with os.fdopen(reading, encoding="utf-8") as lines:
        for line in lines:
            print(line, end="", flush=True)
            survived[line.partition(":")[0]] += 1
    return survived


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

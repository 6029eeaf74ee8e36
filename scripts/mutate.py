"""Mutation testing: change one operator, comparison or constant at a time and run the tests.

Usage: `python scripts/mutate.py FILE... -- PYTEST_ARGS...`, for instance
`python scripts/mutate.py microgrid_lib/kpi/storage.py -- tests/kpi/test_soc.py`.
Works on a copy in a temporary folder. Prints every mutant that the tests don't notice; texts,
annotations, docstrings and keyword arguments of decorators aren't changed.
"""

from __future__ import annotations

import ast
import copy
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("microgrid_lib", "tests", "data/sites", "data/outlines", "scripts", "pyproject.toml")
WORKERS = 2
TIMEOUT_S = 300
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


def killed(copy_of: Path, file: str, text: str, tests: list[str]) -> bool:
    """Whether the tests fail on a mutant."""
    target = copy_of / file
    original = target.read_text(encoding="utf-8")
    target.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    # A copy imports itself, whatever is installed.
    env = os.environ | {"PYTHONPATH": str(copy_of), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command, cwd=copy_of, env=env, capture_output=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return True
    finally:
        target.write_text(original, encoding="utf-8")
    return done.returncode != 0


def main(arguments: list[str]) -> int:
    """Print the survivors; the exit code says whether there are any."""
    if "--" not in arguments:
        print(__doc__, file=sys.stderr)
        return 2
    files, tests = (arguments[: arguments.index("--")], arguments[arguments.index("--") + 1 :])
    work = Path(tempfile.mkdtemp(prefix="microgrid-mutate-"))
    copies = [work / str(number) for number in range(WORKERS)]
    for folder in copies:
        for name in COPIED:
            source, target = ROOT / name, folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
    jobs = [
        (file, *mutant)
        for file in files
        for mutant in mutants((ROOT / file).read_text(encoding="utf-8"))
    ]
    survivors = 0
    try:
        if killed(copies[0], files[0], (ROOT / files[0]).read_text(encoding="utf-8"), tests):
            print("the tests fail without any mutation", file=sys.stderr)
            return 2
        shares = [jobs[number::WORKERS] for number in range(WORKERS)]

        def run(number: int) -> list[tuple[str, int, str]]:
            return [
                (file, line, what)
                for file, line, what, text in shares[number]
                if not killed(copies[number], file, text, tests)
            ]

        with ThreadPoolExecutor(WORKERS) as pool:
            for found in pool.map(run, range(WORKERS)):
                survivors += len(found)
                for file, line, what in found:
                    print(f"{file}:{line}: {what}")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(f"{len(jobs)} mutants, {survivors} survived")
    return int(survivors > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

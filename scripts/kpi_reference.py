"""Write the reference of every KPI into docs/kpi.md, from the registry itself.

Usage: `python scripts/kpi_reference.py` rewrites the page; `--check` only says whether it is
current (exit code 1 where it isn't).
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from types import CodeType, FunctionType

import generated

from microgrid_lib.kpi import notes
from microgrid_lib.kpi.model import SECTIONS, Note
from microgrid_lib.kpi.registry import Definition
from microgrid_lib.kpi.report import definitions
from microgrid_lib.store.summaries import BASES

SCRIPT = "kpi_reference.py"
PAGE = generated.DOCS / "kpi.md"
COMPARED = {"rate": "means over covered hours", "difference": "plain difference"}
TITLES = {"quality": "Grid quality"}
UNITS = {"1": "1 (a share or a ratio)"}


def reference() -> str:
    """Markdown of all KPIs by section, then of all codes."""
    parts = []
    for section in SECTIONS:
        parts.append(f"### {TITLES.get(section, section.capitalize())}")
        parts += [_kpi(d) for d in definitions().values() if d.section == section]
    parts += ["### Codes of reasons and warnings", _codes()]
    return "\n\n".join(parts) + "\n"


def _kpi(definition: Definition) -> str:
    needed, beside = roles(definition)
    counted = f"; where the site has it: {_names(beside)}" if beside else ""
    lines = [
        ("formula", f"`{definition.formula}`"),
        ("unit", UNITS.get(definition.unit, definition.unit)),
        ("roles", _names(needed) + counted),
        ("n/a with", _names(definition.reasons) if definition.reasons else "nothing of its own"),
        ("warnings", _names(warnings(definition))),
        ("compared with an earlier period as", COMPARED[definition.compare]),
    ]
    if definition.only_without:
        lines.append(("left out", f"where the profile has `{definition.only_without}`"))
    if definition.source != Definition.source:
        lines.append(("source", definition.source))
    listed = "\n".join(f"- {name}: {text}" for name, text in lines)
    return f"#### `{definition.name}`\n{generated.first_line(definition.compute)}\n\n{listed}"


def roles(definition: Definition) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Roles a KPI can't do without, and those that count where the profile has them."""
    basis = next((b for b in BASES if b.name == definition.basis), None)
    needed = dict.fromkeys(definition.needs + (basis.needs if basis else ()))
    beside = [role for role in (basis.optional if basis else ()) if role not in needed]
    return tuple(needed), tuple(beside)


def warnings(definition: Definition) -> tuple[str, ...]:
    """Codes of the warnings a KPI may carry, the most important first."""
    found = {"low_coverage"} | spoken_of(definition.compute)
    # A grid is derived from the load only.
    if "grid" in sum(roles(definition), ()) and definition.only_without != "load":
        found.add("derived_grid")
    return tuple(code for code in notes.WARNING_ORDER if code in found)


def spoken_of(function: FunctionType) -> set[str]:
    """Names a function speaks of, those of helpers of its module too."""
    found = mentioned(function.__code__)
    for name in tuple(found):
        helper = function.__globals__.get(name)
        if inspect.isfunction(helper) and helper.__module__ == function.__module__:
            found |= spoken_of(helper)
    return found


def mentioned(code: CodeType) -> set[str]:
    """Names a function speaks of, those of functions inside it too."""
    inner = (part for part in code.co_consts if isinstance(part, CodeType))
    return set(code.co_names).union(*(mentioned(part) for part in inner))


def codes() -> dict[str, Callable[..., Note]]:
    """Every code of a reason or warning, with the function that makes the note."""
    return {
        name: function
        for name, function in inspect.getmembers(notes, inspect.isfunction)
        if function.__module__ == notes.__name__ and function.__annotations__["return"] == "Note"
    }


def _codes() -> str:
    rows = []
    for name, function in sorted(codes().items()):
        kind = "warning" if name in notes.WARNING_ORDER else "reason"
        meaning = generated.first_line(function).removeprefix("Say that ")
        rows.append((f"`{name}`", kind, meaning[0].upper() + meaning[1:]))
    return generated.table(("code", "kind", "meaning"), rows)


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    sys.exit(generated.main(PAGE, reference(), SCRIPT, sys.argv[1:]))

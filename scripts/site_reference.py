"""Write the reference of every key of a site file into docs/sites.md, from the models themselves.

Usage: `python scripts/site_reference.py` rewrites the page; `--check` only says whether it is
current (exit code 1 where it isn't).
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from microgrid_lib.site.plant import Parameter, PlantSpec
from microgrid_lib.site.profile import Site
from microgrid_lib.site.schema import CHANNELS, ROLES

PAGE = Path(__file__).resolve().parents[1] / "docs" / "sites.md"
START = "<!-- reference: start (made by scripts/site_reference.py) -->\n"
END = "<!-- reference: end -->\n"
KINDS = {"string": "text", "number": "number", "integer": "whole number", "boolean": "true, false"}
BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def reference() -> str:
    """Markdown of all tables: keys, the library's own channels, roles."""
    parts = [_section(heading, model) for heading, model in _tables(Site)]
    parts.append(
        _table(
            "### The library's own channels",
            ("channel", "unit", "column", "plausible range"),
            [
                (f"`{n}`", c.unit, "; ".join(c.spellings), f"{c.low:g} to {c.high:g}")
                for n, c in CHANNELS.items()
            ],
        )
    )
    roles = [(f"`{role}`", unit) for role, unit in ROLES.items()]
    parts.append(_table("### Roles", ("role", "unit"), roles))
    return "\n".join(parts)


def page_with(text: str, tables: str) -> str:
    """Put the tables between the page's marks."""
    before, _, rest = text.partition(START)
    _, mark, after = rest.partition(END)
    if not mark:
        raise SystemExit(f"{PAGE.name}: the marks {START!r} and {END!r} aren't there")
    return f"{before}{START}\n{tables}\n{mark}{after}"


def _tables(
    model: type[BaseModel], path: str = "", brackets: tuple[str, str] = ("[", "]")
) -> Iterator[tuple[str, type[BaseModel]]]:
    yield (f"`{brackets[0]}{path}{brackets[1]}`" if path else "Top level"), model
    for name, field in model.model_fields.items():
        inner = _model_in(field.annotation)
        if inner is None or inner is Parameter:
            continue
        inside = f"{path}.{name}" if path else name
        kind = _property(model, name).get("type")
        if kind == "array":
            yield from _tables(inner, inside, ("[[", "]]"))
        else:
            yield from _tables(inner, inside + (".NAME" if kind == "object" else ""))
    if model is PlantSpec:
        yield "A parameter of `[plant]`", Parameter


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_in(part) for part in get_args(annotation))
    return next((model for model in found if model is not None), None)


def _property(model: type[BaseModel], name: str) -> dict[str, Any]:
    schema: dict[str, Any] = model.model_json_schema()["properties"][name]
    return schema


def _section(heading: str, model: type[BaseModel]) -> str:
    # `source` and `note` mean the same wherever they stand.
    meanings = _meanings(Parameter) | _meanings(model)
    rows = [
        (f"`{name}`", _kind(model, name, field), _default(field), meanings[name])
        for name, field in model.model_fields.items()
    ]
    return _table(f"### {heading}", ("key", "value", "default", "meaning"), rows)


def _meanings(model: type[BaseModel]) -> dict[str, str]:
    """Names and descriptions of a class docstring's Attributes section."""
    _, _, section = (inspect.getdoc(model) or "").partition("Attributes\n----------\n")
    found = re.findall(r"^(\w+(?:, \w+)*)\n((?:    .*(?:\n|$)|\n(?=    ))+)", section, re.MULTILINE)
    return {
        name: " ".join(text.split()) for names, text in found for name in str(names).split(", ")
    }


def _kind(model: type[BaseModel], name: str, field: FieldInfo) -> str:
    if _model_in(field.annotation) is Parameter:
        return _parameter(field)
    return _described(_property(model, name))


def _parameter(field: FieldInfo) -> str:
    metadata = [*field.metadata]
    for part in get_args(field.annotation):
        metadata += getattr(part, "__metadata__", ())
    limits = next(m.func for m in metadata if hasattr(getattr(m, "func", None), "unit"))
    bounds = [
        f"{sign} {bound:g}"
        for sign, bound in ((">", limits.above), ("≥", limits.least), ("≤", limits.most))
        if abs(bound) != float("inf")
    ]
    return " ".join(["parameter", f"[{limits.unit}]", *bounds])


def _described(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return _described(next(s for s in schema["anyOf"] if s.get("type") != "null"))
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{_written(value)}`" for value in schema["enum"])
    if "prefixItems" in schema:
        return "two numbers, the lower first"
    if schema.get("type") == "array":
        return f"list of {_described(schema['items'])}"
    if schema.get("type") == "object":
        values = schema.get("additionalProperties") or next(
            iter(schema["patternProperties"].values())
        )
        return f"table of {_described(values)}"
    if "$ref" in schema:
        return "table"
    kind = KINDS[schema["type"]]
    if str(schema.get("pattern", "")).startswith("^[a-z]"):
        kind = "name"
    return " ".join([kind, *(f"{s} {schema[b]:g}" for b, s in BOUNDS.items() if b in schema)])


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.default
    if isinstance(value, Parameter):
        return f"{value.value:g}, {value.source}: {value.note}"
    if value is None or isinstance(value, BaseModel) or value in ((), {}, ""):
        return "none"
    return f"`{_written(value)}`"


def _written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.5g}"
    if isinstance(value, tuple):
        return "[" + ", ".join(_written(v) for v in value) + "]"
    if isinstance(value, str):
        return '"' + value.replace("\t", "\\t").replace("|", "\\|") + '"'
    return str(value)


def _table(heading: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [heading, "", _row(head), _row(("---",) * len(head)), *map(_row, rows), ""]
    return "\n".join(lines)


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"


def main(arguments: list[str]) -> int:
    """Rewrite or check the page."""
    text = PAGE.read_text(encoding="utf-8")
    wanted = page_with(text, reference())
    if "--check" in arguments:
        if text != wanted:
            print(f"{PAGE.name} isn't current: run python scripts/site_reference.py")
        return int(text != wanted)
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

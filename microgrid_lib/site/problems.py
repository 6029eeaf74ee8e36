"""One line from a failed validation: which key, which value, what is allowed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from microgrid_lib.errors import SiteError
from microgrid_lib.site.models import SiteKeyError
from microgrid_lib.site.profile import Site
from microgrid_lib.site.schema import CHANNELS

_UNKNOWN = "extra_forbidden"
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_EXPECTED = {
    "bool_type": "must be true or false",
    "dict_type": "must be a table",
    "finite_number": "must be a finite number",
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "model_type": "must be a table",
    "string_type": "must be text in quotes",
    "tuple_type": "must be a list",
}
_NAME_RULE = "must be lower-case letters, digits and _, starting with a letter, at most 63"


def site_problem(path: Path, error: ValidationError) -> SiteError:
    """Describe the first problem of a site file, and count the others."""
    return SiteError(path, *first_problem(error, Site))


def first_problem(error: ValidationError, model: type[BaseModel]) -> tuple[str, str]:
    """Key and problem of the first thing wrong in a TOML file, with a count of the others.

    Keys that don't exist come first: what is missing is often what they were meant to be. What only
    follows from another problem isn't counted.

    Parameters
    ----------
    model
        Of the whole file, which has the keys that are allowed.
    """
    details = _causes(error.errors(include_url=False), model)
    key, problem = _described(details[0], model)
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    return key, problem + more


def _causes(details: Sequence[ErrorDetails], model: type[BaseModel]) -> list[ErrorDetails]:
    """Problems without those that follow from others, keys that don't exist first."""
    unknown = [d for d in details if d["type"] == _UNKNOWN]
    meant = {(*d["loc"][:-1], _nearest(d["loc"], model)) for d in unknown}
    others = [
        d
        for d in details
        if d["type"] != _UNKNOWN
        and not (d["type"] == "missing" and d["loc"] in meant)
        and not (d["type"] == "too_short" and _has_problem_within(d["loc"], details))
    ]
    return [*unknown, *others]


def _has_problem_within(location: tuple[str | int, ...], details: Sequence[ErrorDetails]) -> bool:
    n = len(location)
    return any(len(d["loc"]) > n and d["loc"][:n] == location for d in details)


def _nearest(location: Sequence[str | int], model: type[BaseModel]) -> str | None:
    """Find the key of its table that one that doesn't exist is most like."""
    close = difflib.get_close_matches(str(location[-1]), _allowed(location[:-1], model), n=1)
    return close[0] if close else None


def _described(first: ErrorDetails, model: type[BaseModel]) -> tuple[str, str]:
    kind, value = first["type"], first["input"]
    location = [part for part in first["loc"] if part != "[key]"]
    context = first.get("ctx", {})
    cause = context.get("error")
    if isinstance(cause, SiteKeyError):
        return _key([*location, cause.key]), cause.problem
    if cause is not None:
        return _key(location), str(cause)
    if kind == "missing" and isinstance(location[-1], int):
        return _key(location[:-1]), f"must have two numbers, not {_short(value)}"
    if kind == "missing":
        return _key(location), _missing(location)
    if kind == _UNKNOWN:
        nearest = _nearest(location, model)
        hint = f"; did you mean {nearest}?" if nearest else ";"
        return _key(location), f"no such key{hint} allowed: {_listed(location[:-1], model)}"
    if kind == "literal_error":
        return _key(location), f"must be {context['expected']}, not {_short(value)}"
    if kind == "too_short":
        return _key(location), f"must have at least {_entries(context['min_length'])}"
    if kind == "too_long":
        return _key(location), f"must have at most {_entries(context['max_length'])}"
    expected = _EXPECTED.get(kind)
    if kind == "string_pattern_mismatch":
        expected = _NAME_RULE if "a-z" in context["pattern"] else "must be one line of text"
    if expected is None:
        expected = first["msg"].replace("Input should", "must").replace("String should", "must")
    return _key(location), f"{expected}, not {_short(value)}"


def _missing(location: Sequence[str | int]) -> str:
    if len(location) == 3 and location[0] == "channels" and location[1] not in CHANNELS:
        return (
            f"is missing; {location[1]!r} isn't one of the library's own channels, "
            "so columns, unit and range must be given"
        )
    return "is missing"


def _listed(location: Sequence[str | int], model: type[BaseModel]) -> str:
    return ", ".join(_allowed(location, model))


def _allowed(location: Sequence[str | int], model: type[BaseModel]) -> list[str]:
    """Keys of the table at a place in the file."""
    for part in location:
        if isinstance(part, str) and part in model.model_fields:
            model = _table_in(model.model_fields[part].annotation) or model
    return list(model.model_fields)


def _table_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_table_in(part) for part in get_args(annotation))
    return next((table for table in found if table is not None), None)


def _entries(count: int) -> str:
    return "one entry" if count == 1 else f"{count} entries"


def _key(location: Sequence[str | int]) -> str:
    parts = (str(part) for part in location)
    return ".".join(p if _BARE.fullmatch(p.replace(".", "")) else repr(p) for p in parts)


def _short(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."

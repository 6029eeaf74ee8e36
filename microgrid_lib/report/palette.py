"""Colours of print: the light ones of the page, read from its one style sheet."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from microgrid_lib.resources import resource_path

_TOKENS = "share/jupyter/voila/templates/microgrid/static/tokens.css"


@lru_cache(maxsize=1)
def palette() -> Mapping[str, str]:
    """Colours by token, such as `pv`, `ink` or `gap`, each as `#rrggbb`."""
    css = resource_path(_TOKENS).read_text(encoding="utf-8")
    light = css.partition("@media")[0]
    return dict(re.findall(r"--mg-([\w-]+):\s*(#[0-9a-f]{6})", light))


def colour(token: str) -> str:
    """Colour of a token as `#rrggbb`; the ink's where a source has none of its own."""
    colours = palette()
    return colours.get(token, colours["ink"])

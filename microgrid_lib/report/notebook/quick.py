"""Imports that cost less."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_IRI = "rfc3987_syntax"


@contextmanager
def without_iri_grammar() -> Iterator[None]:
    """Import jsonschema, which notebooks are checked with, without its check of IRIs.

    Where `rfc3987_syntax` is installed jsonschema imports it and goes without if it can't; that
    import compiles grammars for two seconds, for a format that notebooks don't have.
    """
    if _IRI in sys.modules or "jsonschema" in sys.modules:
        yield
        return
    sys.modules[_IRI] = None  # type: ignore[assignment]  # what makes an import fail
    try:
        yield
    finally:
        del sys.modules[_IRI]

"""Runs a report notebook with papermill; a mistake names the cell or the parameter."""

from __future__ import annotations

import random
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_lib.errors import MicrogridError
from microgrid_lib.report.errors import ReportError
from microgrid_lib.report.notebook.quick import without_iri_grammar

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from microgrid_lib.store.refresh import Progress

_LONGEST_LINE = 100
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
PARAMETERS = "parameters"
"""Tag of the cell with the parameters' defaults."""


class TemplateError(ReportError):
    """A report notebook that can't be run: which one, which cell or parameter, and why.

    Attributes
    ----------
    details
        The traceback of what the cell raised; may be empty.
    """

    def __init__(self, text: str, exit_code: int = 1, details: str = "") -> None:
        super().__init__(text)
        self.exit_code = exit_code
        self.details = details


def execute(
    template: Path,
    parameters: Mapping[str, Any],
    seed: int = 0,
    progress: Progress | None = None,
) -> NotebookNode:
    """Run a notebook with parameters.

    A notebook whose metadata say `"microgrid": {"in_process": true}` runs in this process, any
    other in a kernel.

    Parameters
    ----------
    template
        A notebook with a cell tagged `parameters`.
    parameters
        Values that replace the cell's.
    seed
        What random numbers begin with, for a notebook that runs in this process.
    progress
        Called after each cell of such a notebook.

    Returns
    -------
    NotebookNode
        The notebook with its outputs.

    Raises
    ------
    TemplateError
        It can't be read, has no such parameter, or a cell raised. What a cell raised as a
        `MicrogridError` keeps its text and exit code.
    ReportError
        papermill isn't installed.
    """
    try:
        with without_iri_grammar(), warnings.catch_warnings():
            # papermill 2.7 reads entry points in a way that setuptools has deprecated
            warnings.simplefilter("ignore", DeprecationWarning)
            import nbformat
            from papermill.exceptions import PapermillExecutionError
            from papermill.execute import execute_notebook

            from microgrid_lib.report.notebook import engine
    except ImportError as error:
        raise ReportError(f"reports need {error.name}, which isn't installed") from error
    notebook = _read(template, nbformat)
    _check(template.name, notebook, parameters)
    in_process = notebook.metadata.get("microgrid", {}).get("in_process", False)
    engine.register()
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  templates may draw from the global generator
    try:
        done: NotebookNode = execute_notebook(
            notebook,
            None,
            parameters=dict(parameters),
            engine_name=engine.NAME if in_process else None,
            kernel_name=None if not in_process else "python3",
            progress_bar=False,
            log_output=False,
            **({"progress": progress} if in_process else {}),
        )
        return done
    except engine.CellError as failed:
        raise _failed(template.name, failed, bool(parameters), notebook) from failed.error
    except PapermillExecutionError as failed:
        line = _first_line(failed.source)
        raise TemplateError(
            f"{template.name}: cell {_number(failed.cell_index, bool(parameters), notebook)} "
            f"({line}) raised {failed.ename}: {_one_line(failed.evalue)}",
            details=_COLOURS.sub("", "\n".join(failed.traceback)),
        ) from failed


def _number(index: int, injected: bool, notebook: NotebookNode) -> int:
    """Number of a cell in the notebook as it is written: papermill puts one in between."""
    tagged = [n for n, c in enumerate(notebook.cells) if PARAMETERS in c.metadata.get("tags", [])]
    return index + 1 - (injected and index > tagged[0])


def _failed(name: str, failed: Any, injected: bool, notebook: NotebookNode) -> TemplateError:
    error = failed.error
    if isinstance(error, MicrogridError):
        return TemplateError(str(error), error.exit_code)
    import traceback

    number = _number(failed.number, injected, notebook)
    return TemplateError(
        f"{name}: cell {number} ({_first_line(failed.source)}) raised "
        f"{type(error).__name__}: {_one_line(str(error))}",
        details="".join(traceback.format_exception(error)),
    )


def _read(template: Path, nbformat: Any) -> NotebookNode:
    try:
        return nbformat.read(template, as_version=4)  # type: ignore[no-any-return]
    except Exception as error:
        raise TemplateError(
            f"{template.name}: isn't a notebook that can be read: {_one_line(str(error))}", 2
        ) from error


def _check(name: str, notebook: NotebookNode, parameters: Mapping[str, Any]) -> None:
    import ast

    tagged = [c for c in notebook.cells if PARAMETERS in c.metadata.get("tags", [])]
    if len(tagged) != 1 or tagged[0].cell_type != "code":
        raise TemplateError(f"{name}: needs one code cell tagged {PARAMETERS!r}", 2)
    try:
        body = ast.parse(tagged[0].source).body
    except SyntaxError as error:
        raise TemplateError(
            f"{name}: the cell of parameters isn't Python: {error.msg}", 2
        ) from None
    named: set[str] = set()
    for line in body:
        targets = line.targets if isinstance(line, ast.Assign) else []
        targets = [line.target] if isinstance(line, ast.AnnAssign) else targets
        named |= {target.id for target in targets if isinstance(target, ast.Name)}
    unknown = [key for key in parameters if key not in named]
    if unknown:
        known = ", ".join(sorted(named)) or "none"
        raise TemplateError(f"{name}: has no parameter {unknown[0]!r}; known: {known}", 2)


def _first_line(source: str) -> str:
    lines = [line.strip() for line in source.splitlines() if line.strip()]
    return (lines[0] if lines else "empty")[:_LONGEST_LINE]


def _one_line(text: str) -> str:
    return " ".join(text.split())

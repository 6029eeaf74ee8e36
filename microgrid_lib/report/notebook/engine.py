"""Runs a notebook in this process: a kernel of its own takes seconds to start.

Only what report templates need: Python cells, `display`, text written to standard output.
Notebooks with magics, or that aren't ours, run in a kernel.
"""

from __future__ import annotations

import ast
import contextlib
import io
import linecache
import traceback
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from nbformat import NotebookNode
from papermill.engines import Engine, NotebookExecutionManager, papermill_engines

if TYPE_CHECKING:
    from microgrid_lib.store.refresh import Progress

NAME = "microgrid"


class InProcessEngine(Engine):  # type: ignore[misc]  # papermill has no types
    """An engine of papermill; see there for its parameters."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        progress: Progress | None = None,
        **kwargs: Any,
    ) -> None:
        """Run the cells in order; the first that raises ends it, with its error as output.

        Parameters
        ----------
        progress
            Called after each cell.
        """
        shown: list[Any] = []
        namespace: dict[str, Any] = {"__name__": "__main__", "display": shown.append}
        waiting: list[tuple[int, Any, str, tuple[Any, ...]]] = []
        for number, cell in enumerate(nb_man.nb.cells):
            if cell.cell_type != "code":
                continue
            shown.clear()
            nb_man.cell_start(cell, number)
            cell.execution_count = number + 1
            written = io.StringIO()
            with _failing(nb_man, number, cell), contextlib.redirect_stdout(written):
                _run(cell.source, namespace, f"cell {number + 1}", shown.append)
            nb_man.cell_complete(cell, number)
            if progress is not None:
                progress(number + 1, len(nb_man.nb.cells), "")
            waiting.append((number, cell, written.getvalue(), tuple(shown)))
        # At the end: by then the figures are drawn that were begun aside.
        for number, cell, text, values in waiting:
            streams = [_made("stream", name="stdout", text=text)] if text else []
            with _failing(nb_man, number, cell):
                cell.outputs = [*streams, *(_output(value) for value in values)]


@contextlib.contextmanager
def _failing(nb_man: NotebookExecutionManager, number: int, cell: Any) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        cell.outputs = [_error(error)]
        nb_man.cell_exception(cell, number, exception=error)
        raise CellError(number, cell.source, error) from error


class CellError(Exception):
    """A cell that raised.

    Attributes
    ----------
    number
        Of the cell, from 0.
    source
        What it says.
    error
        What it raised.
    """

    def __init__(self, number: int, source: str, error: Exception) -> None:
        super().__init__(str(error))
        self.number = number
        self.source = source
        self.error = error


def register() -> None:
    """Make the engine known to papermill."""
    papermill_engines.register(NAME, InProcessEngine)


def _run(source: str, namespace: dict[str, Any], name: str, show: Callable[[Any], None]) -> None:
    """Run a cell; the value of a last expression is shown."""
    # So that a traceback shows the line.
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    module = ast.parse(source, name)
    last = module.body.pop() if module.body and isinstance(module.body[-1], ast.Expr) else None
    exec(compile(module, name, "exec"), namespace)  # noqa: S102  the template is code
    if isinstance(last, ast.Expr):
        value = eval(  # noqa: S307  the template is code
            compile(ast.Expression(last.value), name, "eval"), namespace
        )
        if value is not None and not source.rstrip().endswith(";"):
            show(value)


def _output(value: Any) -> Any:
    bundle = getattr(value, "_repr_mimebundle_", None)
    if bundle is not None:
        return _made("display_data", data=bundle(), metadata={})
    data: dict[str, Any] = {"text/plain": repr(value)}
    for mime, method in (("text/html", "_repr_html_"), ("text/markdown", "_repr_markdown_")):
        written = getattr(value, method, None)
        if written is not None:
            data[mime] = written()
    return _made("display_data", data=data, metadata={})


def _error(error: Exception) -> Any:
    return _made(
        "error",
        ename=type(error).__name__,
        evalue=str(error),
        traceback="".join(traceback.format_exception(error)).splitlines(),
    )


def _made(kind: str, **content: Any) -> NotebookNode:
    return NotebookNode(output_type=kind, **content)  # type: ignore[no-untyped-call]

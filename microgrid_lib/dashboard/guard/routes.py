"""Every address of the server; what isn't listed here isn't there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from jupyter_server.utils import url_path_join

from microgrid_lib.dashboard.guard.channels import EndKernel, OwnChannels, OwnKernel
from microgrid_lib.dashboard.guard.files import (
    FILE,
    TEMPLATE,
    LibraryFiles,
    TemplateFiles,
    WidgetFiles,
)
from microgrid_lib.dashboard.guard.login import LoginPage, LogoutPage
from microgrid_lib.dashboard.guard.pages import NotebookPage, NothingHere
from microgrid_lib.dashboard.guard.visits import Visits, VisitSocket

_KERNEL = r"(?P<kernel_id>\w+-\w+-\w+-\w+-\w+)"


def routes(
    base: str,
    root_notebook: str,
    notebooks: Iterable[str],
    voila_configuration: Any,
    static_paths: Sequence[str],
    labextensions: Sequence[str],
    visits: Visits,
) -> list[tuple[Any, ...]]:
    """List patterns and handlers.

    Parameters
    ----------
    base
        Address of the server's root.
    root_notebook, notebooks
        What the root shows; names without ending of the notebooks that have an address.
    static_paths, labextensions
        Where Voilà's and the widget libraries' files are.
    """

    def at(path: str) -> str:
        return str(url_path_join(base, path))

    page = {"voila_configuration": voila_configuration}
    names = "|".join(sorted(notebooks))
    return [
        (at("/?"), NotebookPage, page | {"notebook_path": root_notebook}),
        (at(rf"/voila/render/((?:{names})\.ipynb)"), NotebookPage, page),
        (at("/login"), LoginPage, page),
        (at("/logout"), LogoutPage, page),
        (at(rf"/api/kernels/{_KERNEL}"), OwnKernel),
        (at(rf"/api/kernels/{_KERNEL}/channels"), OwnChannels),
        (at(rf"/voila/api/shutdown/{_KERNEL}"), EndKernel),
        (at(rf"/voila/query/{_KERNEL}"), VisitSocket, {"visits": visits}),
        (at(rf"/voila/templates/{TEMPLATE}/static/{FILE}"), TemplateFiles),
        (at(rf"/voila/static/{FILE}"), LibraryFiles, {"paths": list(static_paths)}),
        (
            at(rf"/voila/labextensions/{FILE}"),
            WidgetFiles,
            {"path": list(labextensions), "no_cache_paths": ["/"]},
        ),
        (".*", NothingHere, page),
    ]

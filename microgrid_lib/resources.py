"""Where the files shipped beside the code lie: in a checkout, or inside an installed wheel."""

from __future__ import annotations

import sysconfig
from pathlib import Path, PurePosixPath

_PACKAGE = Path(__file__).resolve().parent


def checkout_root() -> Path | None:
    """Root of the checkout the library runs from.

    Returns
    -------
    Path or None
        The folder that holds `pyproject.toml` and `microgrid_lib/`; None for an installed wheel.
    """
    root = _PACKAGE.parent
    return root if (root / "pyproject.toml").is_file() else None


def resource_path(name: str) -> Path:
    """Path of a shipped file or folder, which is to be treated as read-only.

    Parameters
    ----------
    name : str
        Path relative to the root of the checkout, with forward slashes: `"data/sites"`,
        `"notebooks/dashboard.ipynb"`.

    Returns
    -------
    Path
        The checkout's own file when running from one, else the copy in the wheel.

    Raises
    ------
    ValueError
        `name` is absolute or leaves the root: a mistake in the code, not of the user.
    FileNotFoundError
        Nothing of this name is shipped.
    """
    relative = PurePosixPath(name)
    if relative.is_absolute() or ".." in relative.parts:
        raise ValueError(f"a resource is named relative to the root: {name!r}")
    root = checkout_root()
    if root is None:
        # A wheel puts share/ where Jupyter looks for it, everything else beside the code.
        shared = relative.parts[:1] == ("share",)
        root = Path(sysconfig.get_path("data")) if shared else _PACKAGE / "_resources"
    path = root / relative
    if not path.exists():
        raise FileNotFoundError(f"shipped resource {name!r} is missing at {path}")
    return path

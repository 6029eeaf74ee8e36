"""Finding and reading site files.

A site given by name is looked for in `<home>/sites` first, then among the shipped ones, so that
what lies in the home overlays what is shipped.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from microgrid_lib.errors import SiteError, UnknownNameError
from microgrid_lib.resources import resource_path
from microgrid_lib.settings import load_settings
from microgrid_lib.site.problems import site_problem
from microgrid_lib.site.profile import Site


def _folders(home: Path | None) -> list[Path]:
    own = (home or load_settings().home) / "sites"
    return [own, resource_path("data/sites")]


def list_sites(home: Path | None = None) -> dict[str, Path]:
    """Names of the known sites, each with its file."""
    found: dict[str, Path] = {}
    for folder in _folders(home):
        for path in sorted(folder.glob("*.toml")):
            found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def load_site(name_or_path: str | Path, home: Path | None = None) -> Site:
    """Read a site by name or by the path of its file.

    Parameters
    ----------
    name_or_path
        A name from `list_sites`, or a path (anything with a separator or ending in `.toml`).
    home
        Where own sites are; default: the home of the settings.

    Raises
    ------
    UnknownNameError
        No site of that name.
    SiteError
        The file can't be read or is wrong; names file, key and value.
    """
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or text.endswith(".toml") or "/" in text or "\\" in text:
        return read_site_file(Path(name_or_path))
    known = list_sites(home)
    if text not in known:
        raise UnknownNameError("site", text, list(known))
    site = read_site_file(known[text])
    if site.name != text:
        raise SiteError(known[text], "name", f"{site.name!r} must equal the file's name {text!r}")
    return site


def read_site_file(path: Path) -> Site:
    """Read and check one site file.

    Raises
    ------
    SiteError
        See `load_site`.
    """
    try:
        text = path.expanduser().read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SiteError(path, "", "no such file") from None
    except OSError as error:
        raise SiteError(path, "", f"can't be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise SiteError(path, "", f"isn't UTF-8 text (byte {error.start})") from None
    except ValueError as error:
        raise SiteError(repr(str(path)), "", f"can't be read ({error})") from None
    return _checked(path, text)


@lru_cache(maxsize=64)
def _checked(path: Path, text: str) -> Site:
    """Check the text of a site file; a page asks for the same ones at every click."""
    try:
        content = tomllib.loads(text)
    except RecursionError:
        raise SiteError(path, "", "isn't valid TOML: nested too deeply") from None
    except ValueError as error:
        raise SiteError(path, "", f"isn't valid TOML: {error}") from None
    try:
        return Site.model_validate(content)
    except ValidationError as error:
        raise site_problem(path, error) from None

"""Descriptions of datasets: what they are, and where they can be had.

A dataset given by name is looked for in `<home>/datasets` first, then among the shipped ones.
"""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from microgrid_lib.errors import FileProblem, MicrogridError, UnknownNameError
from microgrid_lib.ingest.download.address import address_problem, is_plain_name
from microgrid_lib.resources import resource_path
from microgrid_lib.settings import load_settings

_RECORD = re.compile(r"(?P<base>.*?)/(?:api/)?records?/(?P<record>\d+)/?")


def _usable_address(url: str) -> str:
    if problem := address_problem(url):
        raise ValueError(problem)
    return url


def _plain_name(name: str) -> str:
    if not is_plain_name(name):
        raise ValueError(f"{name[:60]!r} isn't a plain file name")
    return name


Address = Annotated[str, AfterValidator(_usable_address)]
FileName = Annotated[str, AfterValidator(_plain_name)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ListedFile(_Table):
    """A file of which the description says where it is.

    Attributes
    ----------
    name
        Its name here; one that ends in `.zip` is an archive from which the data files are taken.
    url
        Where it is.
    size_bytes, sha256
        To verify it, where known.
    """

    name: FileName
    url: Address
    size_bytes: int | None = Field(default=None, ge=0)
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")


class ZenodoMirror(_Table):
    """A record of a Zenodo server; its API gives names, sizes and md5 of the files."""

    name: Name
    kind: Literal["zenodo"]
    base: Address
    record: int = Field(gt=0)

    @property
    def address(self) -> str:
        """Where its list of files is."""
        return f"{self.base.rstrip('/')}/api/records/{self.record}"


class FilesMirror(_Table):
    """Files at given addresses."""

    name: Name
    kind: Literal["files"]
    files: tuple[ListedFile, ...] = Field(min_length=1)

    @property
    def address(self) -> str:
        """Where its first file is."""
        return self.files[0].url


class FolderMirror(_Table):
    """A folder on a web server that an earlier fetch wrote: its manifest says what is in it."""

    name: Name
    kind: Literal["folder"]
    base: Address

    @property
    def address(self) -> str:
        """Where its manifest is."""
        return f"{self.base.rstrip('/')}/manifest.json"


Mirror = Annotated[ZenodoMirror | FilesMirror | FolderMirror, Field(discriminator="kind")]


class Dataset(_Table):
    """A published dataset.

    Attributes
    ----------
    name, title, doi, licence
        What it is.
    site
        The site its files belong to.
    include
        Patterns of its data files; everything else is left where it is.
    file_count
        How many data files it has at least: a mirror with fewer is incomplete.
    size_bytes
        Roughly, of all data files.
    max_bytes
        More than this is never received or unpacked.
    mirrors
        In the order in which they are tried.
    """

    schema_version: Literal[1]
    name: Name
    title: str
    doi: str = Field(pattern=r"^10\.\d+/\S+$")
    licence: str
    site: Name
    include: tuple[str, ...] = Field(min_length=1)
    file_count: int = Field(ge=1)
    size_bytes: int = Field(ge=1)
    max_bytes: int = Field(ge=1)
    mirrors: tuple[Mirror, ...] = Field(min_length=1)

    def includes(self, name: str) -> bool:
        """Whether a file of this name is one of the data files."""
        return any(fnmatchcase(name.casefold(), pattern.casefold()) for pattern in self.include)

    def chosen_mirrors(self, wanted: str | None) -> tuple[Mirror, ...]:
        """All mirrors, or the one that is wanted by name or by address.

        Raises
        ------
        UnknownNameError, MicrogridError
            No mirror of that name; an address that isn't acceptable.
        """
        if wanted is None:
            return self.mirrors
        if "://" in wanted:
            return (mirror_at(wanted),)
        for mirror in self.mirrors:
            if mirror.name == wanted:
                return (mirror,)
        known = [mirror.name for mirror in self.mirrors]
        raise UnknownNameError("mirror", wanted, [*known, "or an address https://..."])


def mirror_at(url: str) -> Mirror:
    """The mirror an address stands for.

    A `.zip`; a record of a Zenodo server (`.../records/NUMBER`); else a folder that an earlier
    fetch wrote.

    Raises
    ------
    MicrogridError
        The address isn't acceptable.
    """
    if problem := address_problem(url):
        raise MicrogridError(f"mirror: {problem}")
    path = urlsplit(url).path
    if path.lower().endswith(".zip"):
        return FilesMirror(
            name="given", kind="files", files=(ListedFile(name="given.zip", url=url),)
        )
    if record := _RECORD.fullmatch(url.partition("?")[0].partition("#")[0]):
        number = int(record["record"])
        return ZenodoMirror(name="given", kind="zenodo", base=record["base"], record=number)
    return FolderMirror(name="given", kind="folder", base=url)


def list_datasets(home: Path | None = None) -> dict[str, Path]:
    """Names of the known datasets, each with its file."""
    own = (home or load_settings().home) / "datasets"
    found: dict[str, Path] = {}
    for folder in (own, resource_path("data/datasets")):
        for path in sorted(folder.glob("*.toml")):
            found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def load_dataset(name: str, home: Path | None = None) -> Dataset:
    """Read the description of a dataset.

    Parameters
    ----------
    name
        A name from `list_datasets`.
    home
        Where own descriptions are; default: the home of the settings.

    Raises
    ------
    UnknownNameError
        No dataset of that name.
    FileProblem
        Its description can't be read or is wrong.
    """
    known = list_datasets(home)
    if name not in known:
        raise UnknownNameError("dataset", name, list(known))
    path = known[name]
    try:
        dataset = Dataset.model_validate(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise FileProblem(path, f"{key}: {first['msg']}") from None
    except OSError as error:
        raise FileProblem(path, f"can't be read ({error.strerror})") from None
    except ValueError as error:
        raise FileProblem(path, f"isn't valid TOML: {error}") from None
    if dataset.name != name:
        raise FileProblem(path, f"name: {dataset.name!r} must equal the file's name {name!r}")
    return dataset

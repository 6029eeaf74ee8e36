"""What was fetched into a folder: `manifest.json` beside the files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ValidationError

from microgrid_lib.errors import FileProblem
from microgrid_lib.ingest.download.address import is_plain_name
from microgrid_lib.ingest.download.checksum import read_contents

MANIFEST = "manifest.json"


def _plain(name: str) -> str:
    if not is_plain_name(name):
        raise ValueError("isn't a plain file name")
    return name


class ManifestFile(BaseModel):
    """A file as it was when fetched.

    Attributes
    ----------
    size_bytes, modified_ns, sha256
        To notice a change; the time [ns since 1970] saves reading the whole file.
    checksum
        The source's own, `algorithm:hex`, which the file (or the archive it was in) had; null where
        it gives none.
    mirror, url, fetched_at
        Where it came from, and when (UTC).
    """

    size_bytes: int
    modified_ns: int
    sha256: str
    checksum: str | None
    mirror: str
    url: str
    fetched_at: AwareDatetime


class Manifest(BaseModel):
    """The files of a dataset in a folder.

    Attributes
    ----------
    complete
        Whether these are all files of the dataset.
    """

    schema_version: Literal[1] = 1
    dataset: str
    doi: str
    complete: bool = False
    files: dict[Annotated[str, AfterValidator(_plain)], ManifestFile] = {}


def read_manifest(folder: Path, dataset: str, doi: str) -> Manifest:
    """The folder's manifest; an empty one where there is none.

    Raises
    ------
    FileProblem
        It is damaged, or another dataset's.
    """
    path = folder / MANIFEST
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Manifest(dataset=dataset, doi=doi)
    except ValidationError:
        raise FileProblem(path, "isn't a manifest; move it away to fetch again") from None
    except OSError as error:
        raise FileProblem(path, f"can't be read ({error.strerror})") from None
    if manifest.dataset != dataset:
        raise FileProblem(path, f"belongs to the dataset {manifest.dataset!r}; use another folder")
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the folder's manifest in one step.

    Raises
    ------
    OSError
        It can't be written.
    """
    fresh = folder / f"{MANIFEST}.part"
    fresh.write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    fresh.replace(folder / MANIFEST)


def files_in_place(folder: Path, manifest: Manifest) -> set[str]:
    """Names of the manifest's files that are there, unchanged.

    Raises
    ------
    FileProblem
        A file was changed since it was fetched: it is neither used nor overwritten.
    """
    there = set()
    for name, entry in manifest.files.items():
        path = folder / name
        try:
            found = path.stat()
            same = (found.st_size, found.st_mtime_ns) == (entry.size_bytes, entry.modified_ns)
            if not same and read_contents(path).sha256 != entry.sha256:
                raise FileProblem(
                    path, "was changed since it was fetched; move it away to fetch it again"
                )
        except FileNotFoundError:
            continue
        except OSError as error:
            raise FileProblem(path, f"can't be read ({error.strerror})") from None
        entry.modified_ns = found.st_mtime_ns
        there.add(name)
    return there

"""Trained models on disk: files, SHA-256 of each, cards.

Model files are pickles, and opening a pickle runs what is in it. So a file is opened only when its
SHA-256 is in the `registry.json` beside it, and a folder is only as trustworthy as those who may
write to it.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from pydantic import BaseModel, ValidationError

from microgrid_lib.errors import StoreError
from microgrid_lib.forecast.card import card
from microgrid_lib.forecast.entry import Entry, ModelFile
from microgrid_lib.forecast.errors import ModelRefusedError
from microgrid_lib.forecast.history import HourlyHistory
from microgrid_lib.forecast.models import RANDOM_FOREST, Fitted

REGISTRY = "registry.json"
MAX_FILE_BYTES = 5_000_000
"""Largest model file that is written."""

_FIELDS = ("name", "columns", "anchor", "estimator", "settings")


class _Content(BaseModel):
    entries: list[Entry] = []


def find_entry(folder: Path, site: str, profile: str, role: str) -> Entry | None:
    """Return what a folder has for a role; None where it has nothing.

    Raises
    ------
    ModelRefusedError
        The folder's registry can't be read.
    """
    for entry in _read(folder).entries:
        if (entry.site, entry.profile, entry.role) == (site, profile, role):
            return entry
    return None


def check_entry(folder: Path, entry: Entry, history: HourlyHistory) -> None:
    """Refuse models that were trained for something else.

    Raises
    ------
    ModelRefusedError
        Another site, profile or schema version, demo data against measurements, or another
        version of scikit-learn.
    """
    remedy = _remedy(history)
    where = folder / REGISTRY
    if (entry.site, entry.profile) != (history.site, history.profile):
        other = f"{entry.site}, profile {entry.profile}"
        raise ModelRefusedError(where, f"the models were trained for {other}", remedy)
    if entry.fingerprint != history.fingerprint or entry.zone != history.zone:
        problem = "the models were trained for another version of the site's file or schema"
        raise ModelRefusedError(where, problem, remedy)
    if entry.synthetic and not history.synthetic:
        problem = "the models were trained on synthetic demo data, these are measurements"
        raise ModelRefusedError(where, problem, remedy)
    if history.synthetic and not entry.synthetic:
        problem = "the models were trained on measurements, these are synthetic demo data"
        raise ModelRefusedError(where, problem, remedy)
    # Not from the library itself, whose import takes seconds: a refused model needn't be loaded.
    installed = version("scikit-learn")
    if entry.versions.scikit_learn != installed:
        problem = (
            f"the models were made with scikit-learn {entry.versions.scikit_learn}, "
            f"{installed} is installed"
        )
        raise ModelRefusedError(where, problem, remedy)


def load_model(folder: Path, entry: Entry, name: str) -> Fitted:
    """Open one model's file, if it is the one that was registered.

    Raises
    ------
    ModelRefusedError
        The entry has no such model, the file is missing, or a byte of it differs.
    """
    remedy = f"run `microgrid train --site {entry.site} --role {entry.role}`"
    registered = entry.models.get(name)
    if registered is None:
        raise ModelRefusedError(folder / REGISTRY, f"no model {name!r} is registered", remedy)
    if Path(registered.file).name != registered.file:
        raise ModelRefusedError(folder / REGISTRY, f"{registered.file!r} isn't a name", remedy)
    path = folder / registered.file
    try:
        content = path.read_bytes()
    except OSError as error:
        problem = f"can't be read: {error.strerror}"
        raise ModelRefusedError(path, problem, remedy) from None
    if hashlib.sha256(content).hexdigest() != registered.sha256:
        problem = "isn't the file that was registered (its SHA-256 differs), so it isn't opened"
        raise ModelRefusedError(path, problem, remedy)
    import joblib

    # The very bytes that were hashed, not a second reading of the file.
    found = joblib.load(io.BytesIO(content))
    return Fitted(**{field: found[field] for field in _FIELDS})


def write_models(
    folder: Path, entry: Entry, models: Mapping[str, Fitted], largest: int = MAX_FILE_BYTES
) -> Entry:
    """Write models, their cards, and the registry that makes them current.

    Parameters
    ----------
    folder
        Where; made if needed. Other roles' models in it stay.
    entry
        What they are; its `models` are replaced.
    models
        Fitted models by name.
    largest
        Largest size of a file [bytes].

    Returns
    -------
    Entry
        The entry as registered.

    Raises
    ------
    StoreError
        The folder can't be written, or a model is larger than allowed.
    """
    import joblib

    contents = {}
    for name, model in models.items():
        buffer = io.BytesIO()
        joblib.dump({field: getattr(model, field) for field in _FIELDS}, buffer, compress=3)
        contents[name] = buffer.getvalue()
        if len(contents[name]) > largest:
            raise StoreError(
                f"model {name} of {entry.role} has {len(contents[name])} bytes, more than {largest}"
            )
    files = {
        name: _file(entry.role, name, content, models[name]) for name, content in contents.items()
    }
    entry = entry.model_copy(update={"models": files})
    try:
        folder.mkdir(parents=True, exist_ok=True)
        others = [
            other
            for other in _read(folder).entries
            if (other.site, other.profile, other.role) != (entry.site, entry.profile, entry.role)
        ]
        for name, file in files.items():
            _replace(folder / file.file, contents[name])
            _replace(folder / file.card, card(entry, name).encode())
        # Last: until then a reader finds hashes that don't match, and opens nothing.
        registry = _Content(entries=sorted([*others, entry], key=_key))
        _replace(folder / REGISTRY, (registry.model_dump_json(indent=1) + "\n").encode())
    except OSError as error:
        raise StoreError(f"{folder}: models can't be written: {error.strerror}") from None
    return entry


def file_stem(role: str, name: str) -> str:
    """Name of a model's file and card, without ending."""
    # The name the mission gives to its model of the bus voltage.
    if (role, name) == ("bus_voltage", RANDOM_FOREST):
        return "random_forest_model"
    return f"{role}_{name}"


def _file(role: str, name: str, content: bytes, model: Fitted) -> ModelFile:
    stem = file_stem(role, name)
    return ModelFile(
        file=f"{stem}.pkl",
        card=f"{stem}.md",
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        features=list(model.columns),
        settings=model.settings,
    )


def _read(folder: Path) -> _Content:
    path = folder / REGISTRY
    try:
        return _Content.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return _Content()
    except OSError as error:
        problem = f"can't be read: {error.strerror}"
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        problem = f"isn't a registry of this version ({where}: {first['msg']})"
    raise ModelRefusedError(path, problem, "remove it and run `microgrid train`")


def _replace(path: Path, content: bytes) -> None:
    """Write a file as a whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _key(entry: Entry) -> tuple[str, str, str]:
    return entry.site, entry.profile, entry.role


def _remedy(history: HourlyHistory) -> str:
    return f"run `microgrid train --site {history.site} --role {history.role}`"

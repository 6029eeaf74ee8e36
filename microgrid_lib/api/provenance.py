"""What an answer is made of: files, store version, site file, and what people entered."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from microgrid_lib.api.alerting import acknowledgements
from microgrid_lib.api.forecasting import model_folders
from microgrid_lib.errors import MicrogridError

if TYPE_CHECKING:
    from microgrid_lib.api.source import View
    from microgrid_lib.window import Window

_REGISTRY = "registry.json"


class Provenance(BaseModel):
    """What a site's answers are made of; equal ones give equal answers.

    Attributes
    ----------
    state, version
        Of the site's measurements: a hash that changes with them, and the store's version.
    files
        Name -> SHA-256 of the ingested files that reach into the window (of all without one).
    site, profile
        Hashes of the site file's content, and of how the profile reads channels.
    models
        Hash of the registries of trained models.
    acknowledgements
        Hash of who has seen which alert.
    consumers
        Number of changes of the list of consumers; null where its database can't be read.
    """

    model_config = ConfigDict(frozen=True)

    state: str
    version: int
    files: dict[str, str]
    site: str
    profile: str
    models: str
    acknowledgements: str
    consumers: int | None

    @property
    def digest(self) -> str:
        """Hash of all of it but the store's version, which maintenance changes (12 hex digits)."""
        content = self.model_dump(mode="json", exclude={"version"})
        return _hash(json.dumps(content, sort_keys=True))[:12]


def provenance(view: View, window: Window | None) -> Provenance:
    """Say what answers are made of; see `SiteData.provenance`."""
    source = view.source
    records = source.records(view.snapshot).by_file.values()
    files = {
        record.file: record.sha256
        for record in sorted(records, key=lambda one: one.file)
        if window is None
        or (
            record.start is not None
            and record.end is not None
            and record.start < window.end_utc
            and record.end >= window.start_utc
        )
    }
    seen = {key: one.model_dump_json() for key, one in acknowledgements(view).items()}
    registries = [folder / _REGISTRY for folder in model_folders(source)]
    return Provenance(
        state=view.snapshot.state(),
        version=view.snapshot.version,
        files=files,
        site=_hash(source.site.model_dump_json()),
        profile=source.profile.fingerprint,
        models=_hash("".join(p.read_text(encoding="utf-8") for p in registries if p.is_file())),
        acknowledgements=_hash(json.dumps(seen, sort_keys=True)),
        consumers=_consumers(view),
    )


def _consumers(view: View) -> int | None:
    from microgrid_lib.consumers.store import ConsumerStore

    try:
        with ConsumerStore.open(view.source.settings) as store:
            return store.state(view.source.site.name)
    except MicrogridError:
        return None


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()

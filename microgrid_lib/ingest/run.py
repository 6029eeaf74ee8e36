"""Ingesting as a whole: files into measurements, then the summaries of the default profile."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Sequence
from pathlib import Path

from microgrid_lib.ingest.load import Progress, ingest
from microgrid_lib.ingest.result import IngestResult
from microgrid_lib.ingest.summarise import Summariser
from microgrid_lib.settings import Settings
from microgrid_lib.site.profile import Site
from microgrid_lib.store.engines import DuckDBEngine
from microgrid_lib.store.lake import Lake
from microgrid_lib.store.refresh import refresh_summaries
from microgrid_lib.store.sweep import sweep


def ingest_and_summarise(
    paths: Sequence[str | Path],
    site: Site,
    settings: Settings,
    progress: Progress | None = None,
    engine: DuckDBEngine | None = None,
) -> IngestResult:
    """Bring data files into the store, and summaries of the default profile up to date.

    Files that nothing has referred to for a week are deleted. Summaries of other profiles follow
    when they are first read. Arguments and errors are those of
    `ingest.load.ingest`.

    Parameters
    ----------
    engine
        Builds the summaries; default: one of its own.
    """
    # Ibis takes a second to import, which fits beside the reading of files.
    warm_up = threading.Thread(target=importlib.import_module, args=("ibis",))
    warm_up.start()
    lake, engine = Lake(settings.lake), engine or DuckDBEngine(settings)
    summariser = Summariser(lake, engine, site)
    try:
        result = ingest(paths, site, settings, progress, summariser)
    except BaseException:
        summariser.discard()
        raise
    finally:
        warm_up.join()
    refresh_summaries(lake, engine, site, [site.default_profile], ready=summariser.made)
    sweep(lake)
    return result

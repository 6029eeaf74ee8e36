"""Fetching a published dataset: mirrors, resume, checksums, a manifest of what was fetched."""

from microgrid_lib.ingest.download.dataset import Dataset, load_dataset
from microgrid_lib.ingest.download.fetch import fetch_dataset
from microgrid_lib.ingest.download.result import FetchedFile, FetchResult

__all__ = ["Dataset", "FetchResult", "FetchedFile", "fetch_dataset", "load_dataset"]

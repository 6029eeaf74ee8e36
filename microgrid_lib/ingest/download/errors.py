"""What can go wrong with a mirror, and what is said when all of them failed."""

from __future__ import annotations

from collections.abc import Sequence

from microgrid_lib.errors import NoDataError


class MirrorError(Exception):
    """A mirror can't give what is wanted; the next one is tried. The text follows its name."""


class FetchError(NoDataError):
    """No mirror could give the dataset.

    Parameters
    ----------
    dataset, doi, site
        Its name, its DOI, the site its files belong to.
    tried
        Mirror and what was wrong with it.
    kept
        Data files that are there all the same.
    """

    def __init__(
        self, dataset: str, doi: str, site: str, tried: Sequence[tuple[str, str]], kept: int
    ) -> None:
        self.dataset = dataset
        self.tried = tuple(tried)
        self.kept = kept
        problems = "; ".join(f"{mirror} {problem}" for mirror, problem in tried)
        rest = f" ({kept} files are there; run it again to go on)" if kept else ""
        super().__init__(
            f"{dataset} can't be fetched{rest}: {problems}. By hand: download the data from "
            f"https://doi.org/{doi}, put the data files into a folder, then "
            f"`microgrid ingest FOLDER --site {site}`"
        )

"""Fetching a dataset: mirror after mirror until every data file is there and verified."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from microgrid_lib.errors import FileProblem
from microgrid_lib.ingest.download import archive as zipped
from microgrid_lib.ingest.download.address import shown
from microgrid_lib.ingest.download.checksum import Contents, read_contents
from microgrid_lib.ingest.download.client import Client, Patience
from microgrid_lib.ingest.download.dataset import Dataset, Mirror
from microgrid_lib.ingest.download.errors import FetchError, MirrorError
from microgrid_lib.ingest.download.listing import list_files
from microgrid_lib.ingest.download.lock import sole_writer
from microgrid_lib.ingest.download.manifest import (
    Manifest,
    ManifestFile,
    files_in_place,
    read_manifest,
    write_manifest,
)
from microgrid_lib.ingest.download.result import FetchedFile, FetchResult, Status
from microgrid_lib.ingest.download.transfer import RemoteFile, discard, download, size_of

SPARE_BYTES = 64 << 20
Progress = Callable[[int, int, str], None]


def fetch_dataset(
    dataset: Dataset,
    folder: Path,
    mirror: str | None = None,
    progress: Progress | None = None,
    patience: Patience | None = None,
) -> FetchResult:
    """Bring all data files of a dataset into a folder; what is there isn't fetched again.

    Parameters
    ----------
    folder
        Gets the files and their manifest; partial files stay there until they are complete.
    mirror
        Name or address of the only mirror to use; default: all, in order.
    progress
        Called with (bytes there, bytes in all as far as known, file).
    patience
        Timeouts and attempts.

    Raises
    ------
    FetchError
        No mirror could give it; says what was tried.
    UnknownNameError, MicrogridError
        The mirror isn't known or acceptable.
    FileProblem
        A file was changed, is in the way, or can't be written.
    """
    mirrors = dataset.chosen_mirrors(mirror)
    with sole_writer(folder):
        manifest = read_manifest(folder, dataset.name, dataset.doi)
        there = files_in_place(folder, manifest)
        run = _Run(dataset, folder, manifest, there, progress or _silent, patience or Patience())
        if not (manifest.complete and there == manifest.files.keys()):
            try:
                run.take_from_one_of(mirrors)
            except OSError as error:
                problem = f"can't be read or written ({error.strerror or error})"
                raise FileProblem(error.filename or folder, problem) from None
    return run.result()


def _silent(_done: int, _total: int, _item: str) -> None:
    return None


class _Run:
    """One fetch into one folder.

    Parameters
    ----------
    there
        Files of the manifest that are in place.
    """

    def __init__(
        self,
        dataset: Dataset,
        folder: Path,
        manifest: Manifest,
        there: set[str],
        progress: Progress,
        patience: Patience,
    ) -> None:
        self._dataset = dataset
        self._folder = folder
        self._manifest = manifest
        self._status: dict[str, Status] = dict.fromkeys(there, "unchanged")
        self._progress = progress
        self._patience = patience
        self._failed: dict[str, str] = {}

    def take_from_one_of(self, mirrors: Sequence[Mirror]) -> None:
        """Try the mirrors in order; what one brought is kept when the next takes over."""
        for mirror in mirrors:
            label = f"{mirror.name} ({shown(mirror.address)})"
            try:
                with closing(Client(mirror.address, self._patience)) as client:
                    names = self._take(mirror, client)
            except MirrorError as error:
                self._failed[label] = str(error)
                continue
            self._manifest.files = {name: self._manifest.files[name] for name in sorted(names)}
            self._manifest.complete = True
            write_manifest(self._folder, self._manifest)
            return
        raise FetchError(
            self._dataset.name,
            self._dataset.doi,
            self._dataset.site,
            list(self._failed.items()),
            len(self._status),
        )

    def result(self) -> FetchResult:
        """What is there now."""
        files = [
            FetchedFile(
                name=name,
                size_bytes=entry.size_bytes,
                sha256=entry.sha256,
                status=self._status[name],
                verified=entry.checksum is not None,
                checksum=entry.checksum,
                mirror=entry.mirror,
                url=entry.url,
            )
            for name, entry in sorted(self._manifest.files.items())
        ]
        unverified = sum(not file.verified for file in files)
        notes = []
        if unverified:
            notes.append(
                f"{unverified} of {len(files)} files are unverified: the source gives no checksum; "
                "their SHA-256 is in the manifest"
            )
        return FetchResult(
            dataset=self._dataset.name,
            doi=self._dataset.doi,
            licence=self._dataset.licence,
            folder=str(self._folder),
            files=files,
            failed_mirrors=self._failed,
            notes=notes,
        )

    def _take(self, mirror: Mirror, client: Client) -> set[str]:
        """Everything from one mirror; returns the names of the dataset's files."""
        listed = list_files(mirror, self._dataset, client)
        missing = [file for file in listed if not self._have(file, mirror)]
        self._check_space(missing)
        sizes = [file.size_bytes for file in listed]
        total = sum(size or 0 for size in sizes) if all(sizes) else self._dataset.size_bytes
        names = {file.name for file in listed if not file.is_archive}
        for file in missing:
            part = self._folder / f"{file.name}.part"
            contents = self._receive(file, part, client, total)
            if file.is_archive:
                names |= self._unpack(file, part, mirror)
                discard(part)
            else:
                self._keep(file.name, part, contents, file, mirror)
        return names

    def _have(self, file: RemoteFile, mirror: Mirror) -> bool:
        """Whether a file is in place, or lies there with the checksum that the mirror gives.

        Raises
        ------
        FileProblem
            Another file of that name is in the way.
        """
        if file.is_archive:
            return False
        path = self._folder / file.name
        ours = file.name in self._status
        if ours and file.checksum in (None, self._manifest.files[file.name].checksum):
            return True
        if not path.exists():
            return False
        contents = read_contents(path, file.checksum)
        if file.checksum is not None and contents.matches:
            self._record(file.name, path, contents, file, mirror)
            self._status.setdefault(file.name, "found")
            return True
        if not ours:
            raise FileProblem(path, "is in the way: not fetched before, and can't be verified")
        # Fetched earlier, from another source or version: the files must be of one kind.
        del self._status[file.name]
        return False

    def _check_space(self, missing: Sequence[RemoteFile]) -> None:
        """Look before receiving; an archive and what is in it lie there at once."""
        if not missing:
            return
        lacking = max(self._dataset.size_bytes - self._bytes_in_place(), 0)
        sizes = [file.size_bytes for file in missing]
        needed = lacking if None in sizes else sum(size or 0 for size in sizes)
        needed += lacking if any(file.is_archive for file in missing) else 0
        needed -= sum(size_of(self._folder / f"{file.name}.part") for file in missing)
        needed += SPARE_BYTES
        free = shutil.disk_usage(self._folder).free
        if free < needed:
            raise FileProblem(
                self._folder, f"has {free / 1e6:.0f} MB free; {needed / 1e6:.0f} MB are needed"
            )

    def _receive(self, file: RemoteFile, part: Path, client: Client, total: int) -> Contents:
        """Download and compare; damaged bytes are fetched once more from the start."""
        before = 0 if file.is_archive else self._bytes_in_place()

        def report(bytes_there: int) -> None:
            self._progress(before + bytes_there, max(total, before + bytes_there), file.name)

        for _ in range(2):
            limit = self._dataset.max_bytes - before
            download(file, part, client, limit, report)
            contents = read_contents(part, file.checksum)
            if contents.matches:
                return contents
            discard(part)
        raise MirrorError(f"sends {file.name} with another checksum than {file.checksum}")

    def _bytes_in_place(self) -> int:
        return sum(self._manifest.files[name].size_bytes for name in self._status)

    def _unpack(self, file: RemoteFile, part: Path, mirror: Mirror) -> set[str]:
        """Data files of a received archive that aren't in place yet; returns all their names."""
        try:
            with zipped.opened(part) as archive:
                members = zipped.data_members(archive, self._dataset)
                for name, entry in sorted(members.items()):
                    if name in self._status:
                        continue
                    if (self._folder / name).exists():
                        raise FileProblem(self._folder / name, "is in the way: not fetched before")
                    inside = self._folder / f"{name}.part"
                    discard(inside)
                    zipped.unpack(archive, entry, inside)
                    self._keep(name, inside, read_contents(inside), file, mirror)
        except MirrorError:
            discard(part)
            raise
        return set(members)

    def _keep(
        self, name: str, part: Path, contents: Contents, file: RemoteFile, mirror: Mirror
    ) -> None:
        """Give a complete file its name; the manifest knows it first."""
        self._record(name, part, contents, file, mirror)
        part.replace(self._folder / name)
        discard(part)
        self._status[name] = "fetched"

    def _record(
        self, name: str, path: Path, contents: Contents, file: RemoteFile, mirror: Mirror
    ) -> None:
        self._manifest.files[name] = ManifestFile(
            size_bytes=contents.size_bytes,
            modified_ns=path.stat().st_mtime_ns,
            sha256=contents.sha256,
            checksum=file.checksum,
            mirror=mirror.name,
            url=shown(file.url),
            fetched_at=datetime.now(UTC),
        )
        write_manifest(self._folder, self._manifest)

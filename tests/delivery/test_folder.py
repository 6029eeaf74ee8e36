"""Copies in a folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from microgrid_lib.delivery.errors import DeliveryError, Hope
from microgrid_lib.delivery.folder import copy_into


def test_files_are_copied_whole_and_an_equal_one_is_left(tmp_path: Path) -> None:
    source, folder = tmp_path / "a.pdf", tmp_path / "new" / "folder"
    source.write_bytes(b"first")
    copy_into(folder, (source,))
    copied = folder / "a.pdf"
    assert copied.read_bytes() == b"first"
    inode = copied.stat().st_ino
    copy_into(folder, (source,))
    assert copied.stat().st_ino == inode
    source.write_bytes(b"second")
    copy_into(folder, (source,))
    assert copied.read_bytes() == b"second"
    assert [path.name for path in folder.iterdir()] == ["a.pdf"]


def test_a_copy_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, folder = tmp_path / "a.pdf", tmp_path / "folder"
    source.write_bytes(b"first")
    copy_into(folder, (source,))
    source.write_bytes(b"second")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DeliveryError, match=r"can't be written \(No space left") as wrong:
        copy_into(folder, (source,))
    assert wrong.value.hope is Hope.later
    assert [path.name for path in folder.iterdir()] == ["a.pdf"]
    assert (folder / "a.pdf").read_bytes() == b"first"


def test_a_place_that_is_no_folder_is_named(tmp_path: Path) -> None:
    source, file = tmp_path / "a.pdf", tmp_path / "file"
    source.write_bytes(b"x")
    file.write_bytes(b"")
    with pytest.raises(DeliveryError, match=r"folder .*file: can't be written") as wrong:
        copy_into(file, (source,))
    assert wrong.value.hope is Hope.later


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match=r"a\.pdf: is gone") as wrong:
        copy_into(tmp_path, (tmp_path / "a.pdf",))
    assert wrong.value.hope is Hope.never

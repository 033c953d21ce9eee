"""Room is asked for before the work starts."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from shardkit.errors import NoSpace
from synthetic import space


@pytest.fixture(autouse=True)
def disk(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A disk with 1,000,000 bytes and 50 inodes free for us, and more for root."""
    figures = SimpleNamespace(f_bavail=1_000, f_bfree=9_000, f_frsize=1_000, f_files=99, f_favail=50, f_ffree=90)
    monkeypatch.setattr(os, "statvfs", lambda _: figures)
    return figures


def test_what_just_fits_is_allowed(tmp_path: Path) -> None:
    space.require(tmp_path, 1_000_000, 50)


def test_too_many_bytes_are_refused_with_both_figures(tmp_path: Path) -> None:
    with pytest.raises(NoSpace, match=f"{tmp_path}: about 1,000,001 bytes are needed and 1,000,000 are free"):
        space.require(tmp_path, 1_000_001, 1)


def test_too_many_files_are_refused_with_both_figures(tmp_path: Path) -> None:
    with pytest.raises(NoSpace, match=f"{tmp_path}: 51 inodes are needed and 50 are free"):
        space.require(tmp_path, 1, 51)


def test_a_file_system_that_counts_no_inodes_has_enough(tmp_path: Path, disk: SimpleNamespace) -> None:
    disk.f_files = disk.f_favail = 0

    space.require(tmp_path, 1, 1_000_000)

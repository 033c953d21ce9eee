"""One file that holds every sample stays as the plan found it, or nothing of it is packed."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest

from shardkit.errors import Mismatch, ShardkitError, StorageFailing, UsageError
from shardkit.pack.options import PackOptions
from shardkit.pack.source.arrays import ArrayReader, describe_arrays
from tests.shardkit.pack.array_files import SHAPE, binary, npy, values

OPTIONS = PackOptions(codec="zstd", shape=SHAPE)


def read(source: ArrayReader, number: int, mtime_ns: int) -> bytes:
    into = bytearray(96)
    source.read(b"%d" % number, 96, mtime_ns, memoryview(into))
    return bytes(into)


@pytest.mark.parametrize("make", [binary, npy])
def test_a_number_names_a_sample(make: Callable[[Path], Path], tmp_path: Path) -> None:
    options = describe_arrays(make(tmp_path), OPTIONS)
    source = ArrayReader(tmp_path, options)
    mtime_ns = next(tmp_path.glob("images.*")).stat().st_mtime_ns
    assert [read(source, number, mtime_ns) for number in (0, 7, 199)] == [
        values()[each].tobytes() for each in (0, 7, 199)
    ]
    source.close()


def truncated(path: Path) -> None:
    os.truncate(path, 100)


def grown(path: Path) -> None:
    with path.open("ab") as file:
        file.write(bytes(96))


def touched(path: Path) -> None:
    os.utime(path, ns=(0, 0))


def rewritten_with_its_old_time(path: Path) -> None:
    before = path.stat()
    path.write_bytes(bytes(before.st_size))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("change", [truncated, grown, touched, rewritten_with_its_old_time])
def test_a_file_that_changes_ends_the_pack(change: Callable[[Path], None], tmp_path: Path) -> None:
    options = describe_arrays(binary(tmp_path), OPTIONS)
    source, path = ArrayReader(tmp_path, options), tmp_path / "images.bin"
    mtime_ns = path.stat().st_mtime_ns
    assert read(source, 3, mtime_ns)
    change(path)
    with pytest.raises(Mismatch, match=r"changed after the pack was planned.*--replan"):
        read(source, 3, mtime_ns)
    source.close()


@pytest.mark.parametrize(("code", "meaning"), [(errno.EIO, StorageFailing), (errno.ENOENT, UsageError)])
def test_a_disk_that_fails_is_said(code: int, meaning: type[ShardkitError], tmp_path: Path) -> None:
    source = ArrayReader(tmp_path, describe_arrays(binary(tmp_path), OPTIONS))
    with mock.patch.object(os, "preadv", side_effect=OSError(code, os.strerror(code))), pytest.raises(meaning):
        read(source, 3, 0)
    source.close()


def test_reads_that_fall_short_are_gone_on_with(tmp_path: Path) -> None:
    source = ArrayReader(tmp_path, describe_arrays(binary(tmp_path), OPTIONS))
    preadv = os.preadv

    def short(descriptor: int, into: list[memoryview], offset: int) -> int:
        return preadv(descriptor, [into[0][:7]], offset)

    with mock.patch.object(os, "preadv", short):
        assert read(source, 5, (tmp_path / "images.bin").stat().st_mtime_ns) == values()[5].tobytes()
    source.close()

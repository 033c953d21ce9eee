"""Files that do not fit each other, or the command, are refused in one sentence."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from shardkit.errors import Mismatch, ShardkitError, StorageFailing, UsageError
from shardkit.pack.options import PackOptions
from shardkit.pack.source.arrays import ArrayReader, describe_arrays, sample_bytes
from tests.shardkit.pack.array_files import SAMPLES, SHAPE, binary, labels, npy, values

ZSTD = PackOptions(codec="zstd")

SHAPED = PackOptions(codec="zstd", shape=SHAPE)


def test_binary_files_are_described(tmp_path: Path) -> None:
    options = describe_arrays(binary(tmp_path), SHAPED)
    assert options.arrays
    assert (options.arrays.samples, options.arrays.type, options.arrays.images_head) == (SAMPLES, "<f4", "")
    assert sample_bytes(options) == 96
    assert PackOptions.recorded(options.record()) == options


@pytest.mark.parametrize("kind", ["|u1", "<u2", "<f4"])
@pytest.mark.parametrize("shape", [SHAPE, (5, 7)])
def test_npy_files_say_it_themselves(kind: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    options = describe_arrays(npy(tmp_path, values(9, shape, kind), labels(9, "<i8")), ZSTD)
    assert options.arrays
    assert (options.shape, options.arrays.type, options.arrays.label_type) == (shape, kind, "<i8")
    assert bytes.fromhex(options.arrays.images_head) == (tmp_path / "images.npy").read_bytes()[:128]


def cut(name: str) -> Callable[[Path], object]:
    return lambda root: (root / name).write_bytes((root / name).read_bytes()[:-1])


def saved(name: str, content: object) -> Callable[[Path], object]:
    return lambda root: np.save(root / name, np.asarray(content))


CODE = b"\x93NUMPY\x01\x00\x10\x00{'descr': f() } "

WRONG: dict[str, tuple[Callable[[Path], object], PackOptions, str]] = {
    "nothing": (lambda root: (root / "images.bin").unlink(), SHAPED, "neither images.bin nor images.npy"),
    "no labels": (lambda root: (root / "labels.bin").unlink(), SHAPED, "has images.bin but no labels.bin"),
    "no shape": (lambda _: None, ZSTD, "Add --shape, such as 3x32x32"),
    "cut": (cut("images.bin"), SHAPED, "its 19,199 bytes are no multiple of the 96 bytes of a float32 sample of 3x2x4"),
    "empty": (lambda root: (root / "images.bin").write_bytes(b""), SHAPED, "holds no sample"),
    "cut labels": (cut("labels.bin"), SHAPED, "holds 199 labels and a piece of one, and images.bin 200 samples"),
    "wrong shape": (lambda _: None, PackOptions(codec="zstd", shape=(3, 2, 2)), "200 labels, and images.bin 400"),
    "one side": (lambda _: None, PackOptions(codec="zstd", shape=(24,)), "two or three sides"),
    "both": (npy, SHAPED, "has images.bin and images.npy"),
    "png": (lambda _: None, PackOptions(shape=SHAPE), "a PNG holds no float32"),
    "size": (lambda _: None, PackOptions(codec="zstd", size=8), "--size: is for trees"),
    "list": (lambda _: None, PackOptions(codec="zstd", splits="file=abc"), "--split-file: is for trees"),
}

WRONG_NPY: dict[str, tuple[Callable[[Path], object], PackOptions, str]] = {
    "other shape": (
        lambda _: None,
        PackOptions(codec="zstd", shape=(4, 2, 3)),
        "are of 3x2x4 and not of --shape 4x2x3",
    ),
    "cut": (cut("images.npy"), ZSTD, "its header speaks of 19,328"),
    "doubles": (saved("images.npy", np.zeros((200, 3, 2))), ZSTD, "holds '<f8', and can be packed as one of"),
    "big-endian": (saved("images.npy", np.zeros((200, 3, 2), ">f4")), ZSTD, "holds '>f4'"),
    "objects": (saved("labels.npy", np.array([None] * 200)), ZSTD, "holds '|O'"),
    "Fortran": (saved("images.npy", np.asfortranarray(values())), ZSTD, "Fortran order"),
    "rows of labels": (saved("labels.npy", labels().reshape(-1, 1)), ZSTD, "has 2 sides"),
    "fewer labels": (saved("labels.npy", labels(199)), ZSTD, "holds 199 labels, and images.npy 200 samples"),
    "one side": (saved("images.npy", np.zeros((200, 4), "<f4")), ZSTD, "two or three sides"),
    "too large": (saved("images.npy", np.zeros((1, 1, 70_000), "u1")), ZSTD, "is too large: it claims"),
    "no npy": (lambda root: (root / "images.npy").write_bytes(b"\x93NUMPY"), ZSTD, "as numpy.save writes an array"),
    "code": (lambda root: (root / "images.npy").write_bytes(CODE), ZSTD, "as numpy.save writes an array"),
}


@pytest.mark.parametrize("name", WRONG)
def test_binary_files_that_cannot_be_meant(name: str, tmp_path: Path) -> None:
    spoil, options, said = WRONG[name]
    _refused(binary(tmp_path), spoil, options, said)


@pytest.mark.parametrize("name", WRONG_NPY)
def test_npy_files_that_cannot_be_meant(name: str, tmp_path: Path) -> None:
    spoil, options, said = WRONG_NPY[name]
    _refused(npy(tmp_path), spoil, options, said)


def _refused(root: Path, spoil: Callable[[Path], object], options: PackOptions, said: str) -> None:
    spoil(root)
    with pytest.raises(UsageError) as caught:
        describe_arrays(root, options)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


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

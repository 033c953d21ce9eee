"""Arrays as a source: their files, their labels, and the bytes of each sample.

Files that do not fit each other are refused before anything is planned. Labels are read a range at a time: a mapped
file that shrinks would kill the process. A tree loses one image if that image changes. If the file of images changes,
it is unknown which samples did, so the pack ends.
"""

import os
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shardkit.errors import BadInput, Mismatch, UsageError
from shardkit.image.npy import TYPES, check_shape
from shardkit.pack.options import PackOptions
from shardkit.pack.source.array_files import LABEL_TYPES, SIDES, ArrayFiles, NpyHeader, read_npy_header
from shardkit.storage.errors import explain_os_error, os_errors

_EXAMPLE = "3x32x32"

_FOR_TREES = "is for trees of images; arrays have no paths, and are packed as they are. Leave it out."


def sample_bytes(options: PackOptions) -> int:
    assert options.shape, "asked for arrays"
    assert options.arrays, "asked for arrays"
    return prod(options.shape) * TYPES[options.arrays.type].itemsize


def describe_arrays(root: Path, options: PackOptions) -> PackOptions:
    """The options with what the files in `root` add to them."""
    _check_no_tree_options(options)
    images, labels = _names(root)
    read = _described_npy if images.endswith(".npy") else _described_bin
    files, shape = read(root, images, labels, options.shape)
    _check_shape(root / images, shape, files.type)
    found = replace(options, shape=shape, arrays=files)
    _check_file_sizes(root, found, files)
    return found


def _check_no_tree_options(options: PackOptions) -> None:
    if options.codec == "png":
        raise UsageError("--codec png: a PNG holds no float32, nor sides in another order. Choose zstd, lz4 or raw.")
    plain = PackOptions()
    for name in ("layout", "groups", "exclude", "color", "size", "fit", "enhance", "check"):
        if getattr(options, name) != getattr(plain, name):
            raise UsageError(f"--{name}: {_FOR_TREES}")
    if options.splits.startswith("file="):
        raise UsageError(f"--split-file: {_FOR_TREES}")


def _names(root: Path) -> tuple[str, str]:
    endings = [each for each in (".bin", ".npy") if (root / f"images{each}").exists()]
    if not endings:
        raise UsageError(f"{root}: has neither images.bin nor images.npy. Name the folder that holds one of them.")
    if len(endings) > 1:
        raise UsageError(f"{root}: has images.bin and images.npy. Leave only the one that is meant there.")
    images, labels = f"images{endings[0]}", f"labels{endings[0]}"
    if not (root / labels).exists():
        raise UsageError(f"{root}: has {images} but no {labels}. Put the labels beside the images.")
    return images, labels


def _described_bin(
    root: Path, images: str, labels: str, shape: tuple[int, ...] | None
) -> tuple[ArrayFiles, tuple[int, ...]]:
    if shape is None:
        raise UsageError(f"{root / images}: does not say what shape a sample has. Add --shape, such as {_EXAMPLE}.")
    size, one = _size(root / images), prod(shape) * 4
    if size % one:
        raise UsageError(
            f"{root / images}: its {size:,} bytes are no multiple of the {one:,} bytes of a float32 sample of "
            f"{_written(shape)}. Name the right --shape, or take a whole copy of the file."
        )
    return ArrayFiles(images, labels, size // one, "<f4", "<i4", "", ""), shape


def _described_npy(
    root: Path, images: str, labels: str, shape: tuple[int, ...] | None
) -> tuple[ArrayFiles, tuple[int, ...]]:
    values, given = read_npy_header(root / images), read_npy_header(root / labels)
    _check_type(root / images, values, tuple(TYPES))
    _check_type(root / labels, given, LABEL_TYPES)
    samples, *sides = values.shape
    if shape is not None and shape != tuple(sides):
        raise UsageError(
            f"{root / images}: its samples are of {_written(tuple(sides))} and not of --shape {_written(shape)}. "
            "Leave --shape out: the file says it."
        )
    if len(given.shape) != 1:
        raise UsageError(f"{root / labels}: must be one row of labels, and has {len(given.shape)} sides.")
    heads = (values.content.hex(), given.content.hex())
    return ArrayFiles(images, labels, samples, values.type, given.type, *heads), tuple(sides)


def _check_type(path: Path, head: NpyHeader, types: tuple[str, ...]) -> None:
    if head.type not in types:
        raise UsageError(f"{path}: holds {head.type!a}, and can be packed as one of {', '.join(types)}. Convert it.")


def _check_shape(path: Path, shape: tuple[int, ...], kind: str) -> None:
    if len(shape) not in SIDES:
        raise UsageError(f"{path}: a sample has two or three sides, such as {_EXAMPLE}, and not {_written(shape)!r}.")
    try:
        check_shape(shape, TYPES[kind])
    except BadInput as error:
        raise UsageError(f"{path}: a sample of {_written(shape)} is too large: {error}") from error


def _check_file_sizes(root: Path, options: PackOptions, files: ArrayFiles) -> None:
    expected = len(files.images_head) // 2 + files.samples * sample_bytes(options)
    if not files.samples:
        raise UsageError(f"{root / files.images}: holds no sample.")
    if _size(root / files.images) != expected:
        raise UsageError(
            f"{root / files.images}: has {_size(root / files.images):,} bytes, and its header speaks of {expected:,}. "
            "Take a whole copy of the file."
        )
    start, one = len(files.labels_head) // 2, np.dtype(files.label_type).itemsize
    labels, rest = divmod(_size(root / files.labels) - start, one)
    if rest or labels != files.samples:
        raise UsageError(
            f"{root / files.labels}: holds {labels:,} labels{' and a piece of one' if rest else ''}, and "
            f"{files.images} {files.samples:,} samples. Take whole copies of files that belong together"
            f"{'' if files.images_head else ', or name the right --shape'}."
        )


def _size(path: Path) -> int:
    with os_errors(path):
        return path.stat().st_size


def _written(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


@dataclass(frozen=True)
class LabelReader:
    path: Path
    files: ArrayFiles
    moment: tuple[int, int]
    """Size and time: labels that change while a plan is made would be a mixture."""

    @staticmethod
    def opened(root: Path, files: ArrayFiles) -> "LabelReader":
        path = root / files.labels
        with os_errors(path):
            return LabelReader(path, files, _label_moment(path.stat()))

    def read(self, start: int, stop: int) -> NDArray[np.int64]:
        """The labels of some samples that follow each other."""
        kind = np.dtype(self.files.label_type)
        with os_errors(self.path), self.path.open("rb") as file:
            file.seek(len(self.files.labels_head) // 2 + start * kind.itemsize)
            content = file.read((stop - start) * kind.itemsize)
            now = _label_moment(os.fstat(file.fileno()))
        if now != self.moment or len(content) != (stop - start) * kind.itemsize:
            raise Mismatch(f"{self.path}: changed while it was read. Let it come to rest, then run the command again.")
        labels = np.frombuffer(content, kind).astype(np.int64)
        self._check_not_negative(labels, start)
        return labels

    def _check_not_negative(self, labels: NDArray[np.int64], start: int) -> None:
        negative = np.flatnonzero(labels < 0)
        if len(negative):
            first = int(negative[0])
            raise UsageError(
                f"{self.path}: sample {start + first:,} has the label {labels[first]}, and a class is a number from 0 "
                "on. Give every sample a class, or leave those without one out of the files."
            )


def _label_moment(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns


class ArrayReader:
    """The images of arrays, held open; the source of a sample is its number in decimal digits."""

    def __init__(self, root: Path, options: PackOptions) -> None:
        files = options.arrays
        assert files, "the options of arrays describe their files"
        self._path = root / files.images
        self._start, self._sample = len(files.images_head) // 2, sample_bytes(options)
        self._size = self._start + files.samples * self._sample
        with os_errors(self._path):
            self._descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self._moment = _fingerprint(os.fstat(self._descriptor))

    def close(self) -> None:
        os.close(self._descriptor)

    def read(self, source: bytes, size: int, mtime_ns: int, into: memoryview) -> None:
        """Fill `into` with the sample that the plan names."""
        start, filled = self._start + int(source) * self._sample, 0
        try:
            while filled < size and (count := os.preadv(self._descriptor, [into[filled:]], start + filled)):
                filled += count
            now = _fingerprint(os.fstat(self._descriptor))
        except OSError as error:
            raise explain_os_error(error, self._path) or error from error
        if filled < size or now != self._moment or now[:2] != (self._size, mtime_ns):
            raise Mismatch(
                f"{self._path}: changed after the pack was planned: its size or time is another. Bring it back as it "
                "was and run the same command; or add --replan to pack it as it is now."
            )


def _fingerprint(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns

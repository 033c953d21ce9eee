"""Finding the files of arrays, and refusing those that do not fit each other before anything is planned."""

from dataclasses import replace
from math import prod
from pathlib import Path

import numpy as np

from shardkit.errors import BadInput, UsageError
from shardkit.format.refusal import explained
from shardkit.image.npy import TYPES, check_shape
from shardkit.pack.arrays_description import LABEL_TYPES, SIDES, ArrayFiles
from shardkit.pack.arrays_npy import Head, head_of
from shardkit.pack.options import PackOptions

_EXAMPLE = "3x32x32"
_FOR_TREES = "is for trees of images; arrays have no paths, and are packed as they are. Leave it out."


def sample_bytes(options: PackOptions) -> int:
    assert options.shape, "asked for arrays"
    assert options.arrays, "asked for arrays"
    return prod(options.shape) * TYPES[options.arrays.type].itemsize


def described(root: Path, options: PackOptions) -> PackOptions:
    """The options with what the files in `root` add to them."""
    _refuse_what_trees_have(options)
    images, labels = _names(root)
    read = _described_npy if images.endswith(".npy") else _described_bin
    files, shape = read(root, images, labels, options.shape)
    _refuse_odd_shape(root / images, shape, files.type)
    found = replace(options, shape=shape, arrays=files)
    _refuse_other_sizes(root, found, files)
    return found


def _refuse_what_trees_have(options: PackOptions) -> None:
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
    values, given = head_of(root / images), head_of(root / labels)
    _refuse_type(root / images, values, tuple(TYPES))
    _refuse_type(root / labels, given, LABEL_TYPES)
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


def _refuse_type(path: Path, head: Head, types: tuple[str, ...]) -> None:
    if head.type not in types:
        raise UsageError(f"{path}: holds {head.type!a}, and can be packed as one of {', '.join(types)}. Convert it.")


def _refuse_odd_shape(path: Path, shape: tuple[int, ...], kind: str) -> None:
    if len(shape) not in SIDES:
        raise UsageError(f"{path}: a sample has two or three sides, such as {_EXAMPLE}, and not {_written(shape)!r}.")
    try:
        check_shape(shape, TYPES[kind])
    except BadInput as error:
        raise UsageError(f"{path}: a sample of {_written(shape)} is too large: {error}") from error


def _refuse_other_sizes(root: Path, options: PackOptions, files: ArrayFiles) -> None:
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
    with explained(path):
        return path.stat().st_size


def _written(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))

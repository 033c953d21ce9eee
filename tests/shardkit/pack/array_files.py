"""Small arrays on disk, in both forms, and datasets packed from them."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shardkit.cli.commands.pack import pack
from shardkit.cli.commands.unpack import unpack
from tests.packed import arguments

SHAPE = (3, 2, 4)
SAMPLES = 200


def values(samples: int = SAMPLES, shape: tuple[int, ...] = SHAPE, kind: str = "<f4") -> NDArray[Any]:
    drawn = np.random.default_rng(5).integers(0, 256, (samples, *shape))
    return drawn.astype(kind)


def labels(samples: int = SAMPLES, kind: str = "<i4") -> NDArray[Any]:
    return (np.arange(samples) * 7 % 5).astype(kind)


def binary(root: Path, images: NDArray[Any] | None = None, given: NDArray[Any] | None = None) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (values() if images is None else images).tofile(root / "images.bin")
    (labels() if given is None else given).tofile(root / "labels.bin")
    return root


def npy(root: Path, images: NDArray[Any] | None = None, given: NDArray[Any] | None = None) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    np.save(root / "images.npy", values() if images is None else images)
    np.save(root / "labels.npy", labels() if given is None else given)
    return root


def packed(source: Path, folder: Path, **options: object) -> Path:
    shape = {} if (source / "images.npy").exists() else {"shape": "3x2x4"}
    said = arguments({"from_arrays": True, **shape, **options})
    assert pack.main([str(source), str(folder), *said], standalone_mode=False) == 0
    return folder


def unpacked(folder: Path, out: Path, *args: str) -> Path:
    assert unpack.main([str(folder), str(out), "--to-arrays", *args], standalone_mode=False) == 0
    return out

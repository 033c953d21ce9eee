"""What is packed: fingerprints of 512 x 512, made once and kept, and noise by the ten thousand, made anew."""

import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from commands import run
from places import KEPT, SHARDKIT, TOOLS, scratch

IMPRESSIONS = 10
TINY = (16, 16)
TINY_SHARD = "160KB"


def fingerprints(images: int) -> Path:
    """Cheap ones: whoever copies their bytes does not mind that they are all but incompressible."""
    return _prints(f"f512-{images}", images, "--cheap")


def grown_fingerprints(images: int) -> Path:
    """Realistic ones, for whoever decodes them. Making 4 000 takes four minutes on two cores, once."""
    return _prints(f"g512-{images}", images)


def prints_400(images: int) -> Path:
    """Realistic ones of 400 x 320, for whoever trains on them."""
    return _prints(f"g400-{images}", images, size="400x320")


def _prints(name: str, images: int, *options: str, size: str = "512") -> Path:
    """Nothing but PNGs: peers store no sidecars, so there are none to store."""
    tree, made = KEPT / name, KEPT / f"{name}.making"
    if not tree.exists():
        counts = ["--subjects", str(images // IMPRESSIONS), "--impressions", str(IMPRESSIONS), "--size", size]
        run([sys.executable, str(TOOLS / "make_fingerprints.py"), str(made), *counts, *options])
        for other in [path for path in made.rglob("*") if path.is_file() and path.suffix != ".png"]:
            other.unlink()
        made.rename(tree)
    return tree


def noise(tree: Path, images: int) -> None:
    """Each image differs from all others, so that nothing about duplicates has to be remembered or said."""
    rng = np.random.default_rng(0)
    for number in range(images):
        subject, impression = divmod(number, IMPRESSIONS)
        folder = tree / f"subject_{subject:06}"
        folder.mkdir(parents=True, exist_ok=True)
        _, png = cv2.imencode(".png", rng.integers(256, size=TINY, dtype=np.uint8))
        (folder / f"impression_{impression:02}.png").write_bytes(png.tobytes())


def noise_arrays(samples: int, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(256, size=(samples, *shape), dtype=np.uint8)


def as_files(tree: Path, values: NDArray[np.uint8]) -> None:
    for number, value in enumerate(values):
        subject, impression = divmod(number, IMPRESSIONS)
        folder = tree / f"subject_{subject:06}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"impression_{impression:02}.bin").write_bytes(value.tobytes())


def as_arrays(folder: Path, values: NDArray[np.uint8]) -> None:
    """For `pack --from-arrays`: as many samples a class as a subject has impressions, one class after the other."""
    folder.mkdir(parents=True)
    np.save(folder / "images.npy", values)
    np.save(folder / "labels.npy", np.arange(len(values), dtype=np.int32) // IMPRESSIONS)


def tiny_dataset(samples: int) -> Path:
    """Packed arrays of 16 x 16 in shards of 625, made once and kept: of 1.5 million, that takes more than a minute."""
    dataset, made = KEPT / f"a16-{samples}", KEPT / f"a16-{samples}.making"
    if not dataset.exists():
        shutil.rmtree(made, ignore_errors=True)
        with scratch() as room:
            as_arrays(room / "arrays", noise_arrays(samples, (1, *TINY)))
            options = ("--from-arrays", "--codec", "raw", "--shard-size", TINY_SHARD)
            run([SHARDKIT, "pack", str(room / "arrays"), str(made), *options])
        made.rename(dataset)
    return dataset

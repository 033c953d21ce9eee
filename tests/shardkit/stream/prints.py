"""Little datasets whose every pixel is known, packed once and only read: what a stream gives is held against them."""

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shardkit.cli.commands.index import index
from shardkit.reader.dataset import open_dataset
from tests import foreign_tars
from tests.packed import packed
from tests.pictures import Array, pixels, png
from tests.trees import planted

SHAPE = (2, 3)


@dataclass(frozen=True)
class Prints:
    """What lies where, by the numbers of the samples: their place in the order of the index."""

    folder: Path
    keys: tuple[str, ...]
    labels: tuple[int, ...]
    images: NDArray[np.uint8]
    shards: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.keys)


def pack_prints(root: Path, sizes: Sequence[int], **options: object) -> Prints:
    """Subjects with so many impressions each, three subjects a group."""
    names = _names(sizes)
    planted(root / "source", {f"{name}.png": png(shape=SHAPE, seed=seed) for seed, name in enumerate(names)})
    groups = "".join(f"s{subject:02},g{subject // 3}\n" for subject in range(len(sizes)))
    (root / "groups.csv").write_text(f"subject,group\n{groups}")
    folder = packed(root, codec="raw", groups=root / "groups.csv", **options)
    return look_at(folder, {name: pixels(shape=SHAPE, seed=seed) for seed, name in enumerate(names)})


def adopt_prints(root: Path, shards: Sequence[int]) -> Prints:
    """Tars of another tool with exactly so many samples each, two a subject."""
    bounds = np.cumsum([0, *shards]).tolist()
    names = _names([2] * ((bounds[-1] + 1) // 2))[: bounds[-1]]
    folder = adopted(root, *(dict(_members(names, range(*part))) for part in pairwise(bounds)))
    return look_at(folder, {name: pixels(shape=SHAPE, seed=seed) for seed, name in enumerate(names)})


def adopted(root: Path, *tars: dict[str, bytes]) -> Path:
    """Tars with these members, as another tool writes them, indexed where they lie."""
    root.mkdir(parents=True, exist_ok=True)
    paths = [foreign_tars.write(root / f"train-{number:06}.tar", tar) for number, tar in enumerate(tars)]
    index.main([*map(str, paths), str(root), "--workers", "1"], standalone_mode=False)
    return root


def hurt(prints: Prints, root: Path, *numbers: int) -> Prints:
    """A copy in which a bit of these samples' pixels has turned over."""
    folder = shutil.copytree(prints.folder, root / "hurt")
    dataset = open_dataset(folder)
    places = [(shard.name, sample.image) for shard in dataset["train"].shards for sample in dataset.samples(shard)]
    for number in numbers:
        name, image = places[number]
        with (folder / name).open("r+b") as tar:
            tar.seek(image.offset + image.size - 1)
            [byte] = tar.read(1)
            tar.seek(-1, os.SEEK_CUR)
            tar.write(bytes([byte ^ 1]))
    return replace(prints, folder=folder)


def look_at(folder: Path, images: dict[str, Array], split: str = "train") -> Prints:
    """A split as it lies."""
    dataset = open_dataset(folder)
    samples = [sample for shard in dataset[split].shards for sample in dataset.samples(shard)]
    return Prints(
        folder,
        tuple(sample.key for sample in samples),
        tuple(sample.label for sample in samples),
        np.stack([images[sample.key] for sample in samples]).astype(np.uint8),
        tuple(shard.samples for shard in dataset[split].shards),
    )


def _members(names: Sequence[str], seeds: range) -> Iterator[tuple[str, bytes]]:
    for seed in seeds:
        yield f"{names[seed]}.cls", b"%d" % (seed // 2)
        yield f"{names[seed]}.png", png(shape=SHAPE, seed=seed)


def _names(sizes: Sequence[int]) -> list[str]:
    return [f"s{subject:02}/{number:02}" for subject, size in enumerate(sizes) for number in range(size)]

"""Images a second: of a tree of files through a plain DataLoader with OpenCV, and of its packed shards as a stream.

All go through the same images again and again, shuffled, with as many processes or threads. The first epoch does not
count.
"""

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import cv2
import torch
from torch.utils.data import DataLoader, Dataset

import shardkit
from shardkit.cli.console import emit, say
from shardkit.cli.errors import run_command
from shardkit.cli.options import count_cores
from shardkit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shardkit.stream.collate.batch import Batch

_LARGEST_BATCH = 64


@click.command()
@click.argument("tree", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("packed", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--split", default="train", show_default=True)
@click.option("--seconds", type=click.FloatRange(0.01), default=1.0, show_default=True, help="For each of them.")
@click.option("--json", "as_json", is_flag=True, help="Print the rates as a line of JSON.")
def compare_loaders(*, tree: Path, packed: tuple[Path, ...], split: str, seconds: float, as_json: bool) -> None:
    """Compare a DataLoader over the images of TREE that are in the first PACKED with a stream of each PACKED."""
    files = _Files(_files_of(tree, packed[0], split))
    batch, workers = min(_LARGEST_BATCH, len(files)), count_cores()
    say(f"{len(files):,} images that are in memory already, in batches of {batch}")
    loader = DataLoader(files, batch, shuffle=True, drop_last=True, num_workers=workers, persistent_workers=True)
    plain = _rate(loader, seconds)
    say(f"files: {plain:,.0f} images/s, OpenCV in {workers} workers of a DataLoader")
    rates = {}
    for each in packed:
        rates[str(each)] = rate = _rate(_stream(each, split, batch, workers), seconds)
        say(f"{each}: {rate:,.0f} images/s, {workers} threads, every digest compared: {rate / plain:.1f} times as fast")
    if as_json:
        emit({"files": plain, "streams": rates, "workers": workers, "batch": batch})


class _Files(Dataset[torch.Tensor]):
    """What most people write first."""

    def __init__(self, files: list[Path]) -> None:
        self._files = files

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, number: int) -> torch.Tensor:
        image = cv2.imread(str(self._files[number]), cv2.IMREAD_GRAYSCALE)
        if image is None:
            raise UsageError(
                f"{self._files[number]}: there is no such image. Was the dataset packed from another tree?"
            )
        return torch.from_numpy(image)[None]


def _files_of(tree: Path, packed: Path, split: str) -> list[Path]:
    view = shardkit.open(packed)[split]
    files = [tree / os.fsdecode(sample.source) for shard in view.shards for sample in view.samples(shard)]
    missing = next((file for file in files if not file.exists()), None)
    if missing:
        raise UsageError(f"{missing}: there is no such image. Was {packed} packed from another tree?")
    return files


def _stream(packed: Path, split: str, batch: int, threads: int) -> shardkit.StreamingDataset:
    return shardkit.StreamingDataset(
        packed, split=split, batch_size=batch, color="gray", threads=threads, rank=0, world_size=1
    )


def _rate(batches: "Iterable[torch.Tensor | Batch]", seconds: float) -> float:
    """Images a second, over whole epochs, until so much time has passed."""
    for _ in batches:  # threads and processes start, and the page cache fills
        pass
    images, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds or not images:
        images += sum(len(batch) for batch in batches)
    return images / elapsed


if __name__ == "__main__":
    sys.exit(run_command(compare_loaders))

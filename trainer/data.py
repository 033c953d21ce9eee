"""Batches for training and validation: the stream of shardkit, moved to the device and cut into micro-batches.

The clock starts before a batch is requested, so it measures the wait for data and not the copy to the device. This is
the only module of the trainer that opens a `StreamingDataset`. It also holds the shape of the network's input.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import torch

from shardkit import ShardkitError, StreamingDataset
from trainer.augment.pipeline import input_size
from trainer.config import schema
from trainer.config.schema import Data
from trainer.distributed.world import World
from trainer.errors import UsageError


@dataclass(frozen=True)
class MicroBatch:
    number: int
    """Among those of the row, over all ranks."""
    images: torch.Tensor
    labels: torch.Tensor
    numbers: torch.Tensor
    """Which samples these are; on the CPU, -1 where there is none."""
    minutiae: tuple[torch.Tensor, torch.Tensor] | None = None
    """B x M x 3 (x, y, theta) in the stored image, and how many of each line are a sample's own."""


@dataclass(frozen=True)
class Batch:
    """This rank's part of a global batch."""

    micro_batches: tuple[MicroBatch, ...]
    asked: float
    """When it was asked for, by `time.perf_counter`."""
    waited: float
    """Seconds until it was there."""
    epoch: int
    state: Callable[[], dict[str, Any]]
    """Of the stream behind this row: what a checkpoint keeps."""
    keys: Callable[[], list[str]]


class BatchLoader:
    """The rows of a split, for learning or, with `tail="mask"`, for judging every sample once."""

    def __init__(  # noqa: PLR0917 - what a feed is, one by one
        self,
        data: Data,
        split: str,
        world: World,
        seed: int = 0,
        generation: int | None = None,
        subset: int = 0,
        *,
        judging: bool = False,
        minutiae: bool = False,
    ) -> None:
        self._world, self._micro_batch = world, data.micro_batch
        own: dict[str, Any] = {} if judging else _sampling(data)
        self._stream = StreamingDataset(
            data.path,
            split=split,
            global_batch=data.global_batch,
            seed=seed,
            shuffle=not judging,
            tail="mask" if judging else "drop",
            subset=subset or None,
            block_rows=data.block_rows,
            color=data.color,
            size=data.size or None,
            fit=data.fit,
            minutiae=minutiae,
            cache=judging and data.cache_validation,
            on_bad=data.on_bad,
            threads=data.threads or None,
            pin_memory=world.device.type == "cuda",
            rank=world.rank,
            world_size=world.size,
            generation=generation,
            **own,
        )

    def __len__(self) -> int:
        """Rows of an epoch."""
        return len(self._stream)

    def load(self, state: dict[str, Any]) -> None:
        self._stream.load_state_dict(state)

    def state(self) -> dict[str, Any]:
        """Where the next row comes from; of a feed that has not given one yet."""
        return self._stream.state_dict()

    def iter_batches(self) -> Iterator[Batch]:
        """From where the feed stands, epoch after epoch."""
        while True:
            yield from self.epoch()

    def epoch(self) -> Iterator[Batch]:
        """The rest of the epoch that the feed stands in."""
        number = self._stream.state_dict()["epoch"]
        batches: Any = iter(self._stream)  # a generator
        with closing(batches):
            while True:
                began = time.perf_counter()
                batch = _next(batches)
                if batch is None:
                    return
                waited = time.perf_counter() - began
                yield self._row(batch, began, waited, number)

    def _row(self, batch: Any, asked: float, waited: float, epoch: int) -> Batch:  # noqa: ANN401 - its type is no public name
        device, size = self._world.device, self._micro_batch
        images = batch.images.to(device, non_blocking=True)
        labels = batch.labels.to(device, non_blocking=True)
        first = self._world.rank * (len(labels) // size)
        parts = zip(
            images.split(size), labels.split(size), batch.numbers.split(size), self._minutiae(batch), strict=True
        )
        micro_batches = tuple(MicroBatch(first + number, *part) for number, part in enumerate(parts))
        return Batch(micro_batches, asked, waited, epoch, lambda: batch.state, lambda: batch.keys)

    def _minutiae(self, batch: Any) -> Iterable[tuple[torch.Tensor, torch.Tensor] | None]:  # noqa: ANN401 - its type is no public name
        """Of each micro-batch."""
        if batch.minutiae is None:
            return [None] * (len(batch.labels) // self._micro_batch)
        both = (batch.minutiae.points, batch.minutiae.counts)
        moved = (each.to(self._world.device, non_blocking=True).split(self._micro_batch) for each in both)
        return zip(*moved, strict=True)


def _sampling(data: Data) -> dict[str, Any]:
    return {
        "sampler": data.sampler,
        "impressions_per_subject": data.impressions_per_subject or None,
        "mated": data.mated,
        "hard": data.hard,
    }


def _next(batches: Any) -> Any:  # noqa: ANN401 - a batch's type is no public name
    """The stream tells of images that do not fit together by the names of its own options."""
    try:
        return next(batches, None)
    except ShardkitError as error:
        if error.exit_code != UsageError.exit_code:
            raise
        raise UsageError(f"{error} In a run these are data.size, data.fit and data.color.") from None


@dataclass(frozen=True)
class InputShape:
    channels: int
    size: tuple[int, int]
    """Height and width."""

    def as_json(self) -> list[int]:
        return [self.channels, *self.size]

    @classmethod
    def from_json(cls, figures: list[int]) -> "InputShape":
        channels, height, width = figures
        return cls(channels, (height, width))


def input_shape_of(row: Batch, section: schema.Augment) -> InputShape:
    channels, *stored = row.micro_batches[0].images.shape[1:]
    return InputShape(channels, input_size(section, (stored[0], stored[1])))

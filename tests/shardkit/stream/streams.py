"""Streams as a test sees them: all ranks side by side, workers played by this process, and whole rows of numbers."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from typing import Any
from unittest import mock

import numpy as np
from torch.utils.data import _utils, get_worker_info

from shardkit.stream.collate.batch import Batch
from shardkit.stream.dataset import StreamingDataset
from shardkit.stream.options import State
from tests.shardkit.stream.prints import Prints

Rows = list[list[int]]


def streamed(prints: Prints, *, rank: int = 0, world: int = 1, **options: Any) -> StreamingDataset:  # noqa: ANN401 - a stream's own
    return StreamingDataset(prints.folder, rank=rank, world_size=world, **{"threads": 1, **options})


def all_ranks(prints: Prints, world: int, **options: Any) -> list[StreamingDataset]:  # noqa: ANN401 - a stream's own
    return [streamed(prints, rank=rank, world=world, **options) for rank in range(world)]


def resumed(prints: Prints, world: int, state: State, **options: Any) -> list[StreamingDataset]:  # noqa: ANN401 - a stream's own
    """Fresh streams that go on."""
    streams = all_ranks(prints, world, **options)
    for stream in streams:
        stream.load_state_dict(state)
    return streams


def rows_of(batches: list[list[Batch]]) -> Rows:
    """Whole rows, of what each rank was given; every rank must have been given as many."""
    return [[number for batch in row for number in numbers(batch)] for row in zip(*batches, strict=True)]


def rows(streams: list[StreamingDataset], workers: int = 0) -> Rows:
    return rows_of([given(stream, workers) for stream in streams])


def given(stream: StreamingDataset, workers: int = 0) -> list[Batch]:
    """The rest of an epoch, as a plain loop or as the workers of a DataLoader give it."""
    if not workers:
        return list(stream)
    each = [_given_by(stream, number, workers) for number in range(workers)]
    return [batch for turn in zip_longest(*each) for batch in turn if batch is not None]


def numbers(batch: Batch) -> list[int]:
    found: list[int] = batch.numbers.tolist()
    return found


def assert_as_packed(prints: Prints, batch: Batch) -> None:
    """Every slot holds the sample whose number it has, or nobody."""
    assert not isinstance(batch.images, list)
    for line, number in enumerate(numbers(batch)):
        assert bool(batch.valid[line]) == (number >= 0)
        assert batch.keys[line] == (prints.keys[number] if number >= 0 else "")
        assert int(batch.labels[line]) == (prints.labels[number] if number >= 0 else -1)
        expected = prints.images[number] if number >= 0 else np.zeros_like(prints.images[0])
        assert np.array_equal(batch.images[line, 0].numpy(), expected)


def _given_by(stream: StreamingDataset, number: int, workers: int) -> list[Batch]:
    with as_worker(stream, number, workers) as ours:
        return list(ours)


@contextmanager
def as_worker(stream: StreamingDataset, number: int, workers: int) -> Iterator[StreamingDataset]:
    """What a worker has of a stream: a copy that shares its memory and opens its own files."""
    assert get_worker_info() is None, "one at a time"
    ours = copy.copy(stream)
    info = _utils.worker.WorkerInfo(id=number, num_workers=workers, seed=0, dataset=ours)
    with mock.patch.object(_utils.worker, "_worker_info", info):
        yield ours

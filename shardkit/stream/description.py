"""What an epoch will be, said before anybody waits for one: rows and samples, memory and bytes.

Its text is the page that a user reads; its fields are for programs.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shardkit.errors import UsageError
from shardkit.stream.counts import Counts
from shardkit.stream.distinct import expected_distinct
from shardkit.stream.equipment import bytes_a_sample, serving_for, window_bytes
from shardkit.stream.kernels import kernel_bytes, missing_kernels
from shardkit.stream.memory import available_bytes
from shardkit.stream.opened import Opened
from shardkit.stream.ordering import Ordering
from shardkit.stream.page import page
from shardkit.stream.run import Pace
from shardkit.stream.settings import Pixels
from shardkit.stream.slots import slot_for

if TYPE_CHECKING:
    from shardkit.stream.serving import Slot

_IN_HANDS = 2
"""Batches that are neither being filled nor waiting: one with the user, one on its way to the device."""


@dataclass(frozen=True)
class Description:
    dataset: str
    split: str
    generation: int
    ordering: Ordering
    rank: int
    world_size: int
    batch: int
    """Samples of one rank in a row."""
    batches: int
    """Of an epoch, the same on every rank."""
    counts: Counts
    """Of an epoch, over all ranks."""
    distinct_subjects: float | None
    """Expected in a batch of this rank; None where nobody can tell beforehand."""
    window_bytes: int
    """From so much of the shards the batches of this rank are mixed at any moment."""
    free_bytes: int
    by_block: bool
    """Whether whole blocks are asked of the disk ahead, since the page cache can hold the window."""
    slot: str | None
    """What a sample takes in a batch; None where only decoding tells."""
    batches_in_memory: int
    ring_bytes: int
    epoch_bytes: int
    """That this rank reads in an epoch."""
    threads: int
    kernel_bytes: int
    """That these threads keep for decoding PNGs."""
    missing_kernels: str | None
    """Why PNGs are decoded at about half the rate, without compiled kernels; None if they are not, or before a try."""
    index_bytes: int
    """What this process keeps of the index."""

    def __str__(self) -> str:
        return "\n".join(page(self))


def described(opened: Opened, columns: range, pace: Pace, pixels: Pixels) -> Description:
    ordering, counts = opened.source.ordering, opened.order.counts
    batch, in_memory = len(columns), pace.ahead + _IN_HANDS
    slot = _slot(opened, pixels)
    return Description(
        dataset=str(opened.source.folder),
        split=opened.source.split,
        generation=opened.dataset.generation.number,
        ordering=ordering,
        rank=columns.start // batch,
        world_size=ordering.global_batch // batch,
        batch=batch,
        batches=opened.order.steps,
        counts=counts,
        distinct_subjects=_distinct(opened, batch),
        window_bytes=window_bytes(opened, batch),
        free_bytes=available_bytes(),
        by_block=pace.by_block,
        slot=None if slot is None else str(slot),
        batches_in_memory=in_memory,
        ring_bytes=0 if slot is None else in_memory * batch * slot.nbytes,
        epoch_bytes=counts.served * batch // ordering.global_batch * bytes_a_sample(opened),
        threads=pace.threads,
        kernel_bytes=0 if slot is None else pace.threads * kernel_bytes(opened, serving_for(opened, pixels), slot),
        missing_kernels=missing_kernels(opened),
        index_bytes=opened.lookup.expected_bytes,
    )


def _slot(opened: Opened, pixels: Pixels) -> "Slot | None":
    """That of the first sample: where sizes differ, others take more or less."""
    with suppress(UsageError):
        return slot_for(opened.lookup.find(np.zeros(1, np.int64)), opened.lookup, serving_for(opened, pixels))
    return None


def _distinct(opened: Opened, batch: int) -> float | None:
    ordering = opened.source.ordering
    if ordering.sampler == "pk" and ordering.impressions_per_subject:
        return batch / ordering.impressions_per_subject
    if ordering.sampler == "pairs" or ordering.subset is not None or not ordering.shuffle:
        return None
    split = opened.source.split
    sizes = np.array([each.impressions for each in opened.dataset.subjects if each.split == split], np.int64)
    even = np.full(len(sizes), max(1, round(float(sizes.mean()))), np.int64) if len(sizes) else sizes
    return expected_distinct(even if ordering.sampler == "balanced" else sizes, batch)

"""Description of an epoch before it starts: batches, samples, memory and bytes.

Its fields are for programs, and its text is the page of `describe()`.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np

from shardkit.errors import UsageError
from shardkit.host.resources import available_bytes
from shardkit.stream.opened_split import (
    OpenedSplit,
    bytes_per_sample,
    decoder_for,
    kernel_bytes,
    missing_kernels,
    window_bytes,
)
from shardkit.stream.options import DecodeOptions, Prefetch
from shardkit.stream.order.options import EpochCounts, OrderOptions, expected_distinct
from shardkit.stream.read.decoder import common_slot_spec

if TYPE_CHECKING:
    from shardkit.stream.read.decoder import SlotSpec


PAGE_WIDTH = 100

_LABEL = 11

_INDENT = " " * _LABEL

_MOST_DIGITS = 1000


def format_page(said: "Description", width: int = PAGE_WIDTH) -> Iterator[str]:
    yield f"{said.dataset}, split {said.split}, generation {said.generation}: {said.batches:,} batches an epoch"
    yield ""
    yield from labeled_lines(_lines(said), width)


def labeled_lines(lines: Iterable[tuple[str, str]], width: int) -> Iterator[str]:
    for label, text in lines:
        first, *rest = wrap(text, width - _LABEL, break_long_words=False, break_on_hyphens=False)
        yield f"{label:<{_LABEL}}{first}"
        yield from (_INDENT + line for line in rest)


def format_bytes(count: int) -> str:
    """Bytes as people say them: 640 B, 52.4 MB."""
    value, units = float(count), iter(("B", "kB", "MB", "GB", "TB"))
    unit = next(units)
    while value >= _MOST_DIGITS and (larger := next(units, None)):
        value, unit = value / 1000, larger
    return f"{value:,.0f} {unit}" if unit == "B" else f"{value:,.1f} {unit}"


def _lines(said: "Description") -> Iterator[tuple[str, str]]:
    counts = said.counts
    yield "batch", _batch(said)
    yield "order", _order(said.ordering)
    yield "samples", f"{counts.samples:,} in the split, {counts.served - counts.repeated:,} of them served in an epoch"
    for reason, count in counts.left_out.items():
        yield "left out", f"{count:,}: {reason}"
    if counts.repeated:
        yield "repeated", f"{counts.repeated:,} slots hold a sample that another one holds too"
    if counts.invalid:
        yield "not valid", f"{counts.invalid:,} slots of the last row hold no sample"
    for note in counts.notes:
        yield "note", note
    if said.distinct_subjects is not None:
        yield "subjects", f"{said.distinct_subjects:,.1f} different ones expected in a batch of {said.batch:,}"
    yield from _costs(said)


def _costs(said: "Description") -> Iterator[tuple[str, str]]:
    threads = "1 thread" if said.threads == 1 else f"{said.threads} threads"
    yield (
        "window",
        f"{format_bytes(said.window_bytes)}, of {format_bytes(said.free_bytes)} of memory that is free: {_ahead(said)}",
    )
    yield "batches", f"{said.batches_in_memory} in memory at once, {_slots(said)}"
    yield "reading", f"{format_bytes(said.epoch_bytes)} an epoch, by {threads}"
    if said.kernel_bytes:
        yield "decoding", f"{format_bytes(said.kernel_bytes)} in memory for unpacking PNGs, on {threads}"
    if said.missing_kernels:
        yield "slower", f"PNGs are decoded without compiled kernels, at about half the rate: {said.missing_kernels}"
    yield "index", f"{format_bytes(said.index_bytes)} of it in memory"


def _ahead(said: "Description") -> str:
    if said.by_block:
        return "whole blocks are read ahead, in the order of the disk"
    return "more than this rank's share, so only the next rows are read ahead. A smaller block_rows= makes it smaller"


def _slots(said: "Description") -> str:
    return (
        "of sizes that only decoding tells"
        if said.slot is None
        else f"slots {said.slot}: {format_bytes(said.ring_bytes)}"
    )


def _batch(said: "Description") -> str:
    own, whole = f"{said.batch:,} samples", f"{said.ordering.global_batch:,} over all ranks"
    return own if said.world_size == 1 else f"{own} on rank {said.rank} of {said.world_size}, {whole}"


def _order(ordering: OrderOptions) -> str:
    kind = {
        "pk": f"pk, {ordering.impressions_per_subject} impressions of each subject",
        "pairs": f"pairs, {ordering.mated:.0%} mated, {ordering.hard:.0%} of the others from one group",
    }.get(ordering.sampler, ordering.sampler)
    shuffled = f"shuffled by seed {ordering.seed}" if ordering.shuffle else "as they lie in the shards"
    subset = "" if ordering.subset is None else f", a subset of {ordering.subset:,}"
    return f"{kind}, {shuffled}, tail {ordering.tail}{subset}"


_IN_HANDS = 2
"""Batches that are neither being filled nor waiting: one with the user, one on its way to the device."""


@dataclass(frozen=True)
class Description:
    dataset: str
    split: str
    generation: int
    ordering: OrderOptions
    rank: int
    world_size: int
    batch: int
    """Samples of one rank in a row."""
    batches: int
    """Of an epoch, the same on every rank."""
    counts: EpochCounts
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
        return "\n".join(format_page(self))


def describe(opened: OpenedSplit, columns: range, pace: Prefetch, pixels: DecodeOptions) -> Description:
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
        epoch_bytes=counts.served * batch // ordering.global_batch * bytes_per_sample(opened),
        threads=pace.threads,
        kernel_bytes=0 if slot is None else pace.threads * kernel_bytes(opened, decoder_for(opened, pixels), slot),
        missing_kernels=missing_kernels(opened),
        index_bytes=opened.lookup.expected_bytes,
    )


def _slot(opened: OpenedSplit, pixels: DecodeOptions) -> "SlotSpec | None":
    """That of the first sample: where sizes differ, others take more or less."""
    with suppress(UsageError):
        return common_slot_spec(opened.lookup.rows(np.zeros(1, np.int64)), opened.lookup, decoder_for(opened, pixels))
    return None


def _distinct(opened: OpenedSplit, batch: int) -> float | None:
    ordering = opened.source.ordering
    if ordering.sampler == "pk" and ordering.impressions_per_subject:
        return batch / ordering.impressions_per_subject
    if ordering.sampler == "pairs" or ordering.subset is not None or not ordering.shuffle:
        return None
    split = opened.source.split
    sizes = np.array([each.impressions for each in opened.dataset.subjects if each.split == split], np.int64)
    even = np.full(len(sizes), max(1, round(float(sizes.mean()))), np.int64) if len(sizes) else sizes
    return expected_distinct(even if ordering.sampler == "balanced" else sizes, batch)

"""A description as the page that a user reads: one thing a line, with its figures."""

from collections.abc import Iterable, Iterator
from textwrap import wrap
from typing import TYPE_CHECKING

from shardkit.stream.ordering import Ordering

if TYPE_CHECKING:
    from shardkit.stream.description import Description

WIDTH = 100
_LABEL = 11
_INDENT = " " * _LABEL
_MOST_DIGITS = 1000


def page(said: "Description", width: int = WIDTH) -> Iterator[str]:
    yield f"{said.dataset}, split {said.split}, generation {said.generation}: {said.batches:,} batches an epoch"
    yield ""
    yield from labelled(_lines(said), width)


def labelled(lines: Iterable[tuple[str, str]], width: int) -> Iterator[str]:
    for label, text in lines:
        first, *rest = wrap(text, width - _LABEL, break_long_words=False, break_on_hyphens=False)
        yield f"{label:<{_LABEL}}{first}"
        yield from (_INDENT + line for line in rest)


def size(count: int) -> str:
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
    yield "window", f"{size(said.window_bytes)}, of {size(said.free_bytes)} of memory that is free: {_ahead(said)}"
    yield "batches", f"{said.batches_in_memory} in memory at once, {_slots(said)}"
    yield "reading", f"{size(said.epoch_bytes)} an epoch, by {threads}"
    if said.kernel_bytes:
        yield "decoding", f"{size(said.kernel_bytes)} in memory for unpacking PNGs, on {threads}"
    if said.missing_kernels:
        yield "slower", f"PNGs are decoded without compiled kernels, at about half the rate: {said.missing_kernels}"
    yield "index", f"{size(said.index_bytes)} of it in memory"


def _ahead(said: "Description") -> str:
    if said.by_block:
        return "whole blocks are read ahead, in the order of the disk"
    return "more than this rank's share, so only the next rows are read ahead. A smaller block_rows= makes it smaller"


def _slots(said: "Description") -> str:
    return "of sizes that only decoding tells" if said.slot is None else f"slots {said.slot}: {size(said.ring_bytes)}"


def _batch(said: "Description") -> str:
    own, whole = f"{said.batch:,} samples", f"{said.ordering.global_batch:,} over all ranks"
    return own if said.world_size == 1 else f"{own} on rank {said.rank} of {said.world_size}, {whole}"


def _order(ordering: Ordering) -> str:
    kind = {
        "pk": f"pk, {ordering.impressions_per_subject} impressions of each subject",
        "pairs": f"pairs, {ordering.mated:.0%} mated, {ordering.hard:.0%} of the others from one group",
    }.get(ordering.sampler, ordering.sampler)
    shuffled = f"shuffled by seed {ordering.seed}" if ordering.shuffle else "as they lie in the shards"
    subset = "" if ordering.subset is None else f", a subset of {ordering.subset:,}"
    return f"{kind}, {shuffled}, tail {ordering.tail}{subset}"

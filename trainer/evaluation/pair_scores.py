"""Scores of all pairs as exact integers: rounded embeddings, tiles of the score matrix, groups of subjects, histograms.

Unit vectors times 4,000 are rounded. They are shorter than 2^12, so each partial sum is below 2^24 and exact in float32
(not in TF32 or bf16), whatever the tile. Tiles bound memory and are dealt to ranks; the rows of a tile belong to one
group. A group holds whole subjects, follows from only the labels, and is the unit of the confidence interval. A full
histogram would have 32 million bins. The first pass counts coarsely, the second in full within the few bins that hold a
threshold. The index of a score is score + 2^24: never negative, below 2^25.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TypeVar

import torch

from trainer.errors import Diverged, UsageError

GROUPS = 32


@dataclass(frozen=True)
class GroupedEmbeddings:
    vectors: torch.Tensor
    """Of all samples, sorted by label."""
    labels: torch.Tensor
    bounds: tuple[int, ...]
    """Where each group begins, and where the last one ends."""
    sizes: tuple[int, ...]
    """Samples of each subject."""
    order: torch.Tensor
    """Which of the embeddings each of them was."""

    @property
    def groups(self) -> int:
        return len(self.bounds) - 1

    @property
    def mated(self) -> int:
        return sum(_pairs(size) for size in self.sizes)

    @property
    def non_mated(self) -> int:
        return _pairs(len(self.labels)) - self.mated


def group_embeddings(vectors: torch.Tensor, labels: torch.Tensor) -> GroupedEmbeddings:
    order = labels.argsort(stable=True)
    sizes: list[int] = torch.unique_consecutive(labels[order], return_counts=True)[1].tolist()
    samples = GroupedEmbeddings(
        vectors[order], labels[order], _bounds(sizes, min(GROUPS, len(sizes))), tuple(sizes), order
    )
    _check_has_pairs(samples)
    return samples


def _bounds(sizes: list[int], groups: int) -> tuple[int, ...]:
    """Groups of as many subjects each as possible."""
    return tuple(sum(sizes[: number * len(sizes) // groups]) for number in range(groups + 1)) if groups else (0,)


def _check_has_pairs(samples: GroupedEmbeddings) -> None:
    if not samples.mated:
        raise UsageError(
            f"No two of the {len(samples.labels):,} samples to compare are of one subject. Such a split needs subjects "
            "with two samples or more: name another split, or raise validate.subset if it is what leaves them out."
        )
    if not samples.non_mated:
        raise UsageError(
            f"All {len(samples.labels):,} samples to compare are of one subject. Such a split needs two subjects or "
            "more: name another one, or pack the dataset with a greater share of them in it."
        )


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


SCALE = 4000

LIMIT = 1 << 24
"""Above every score and every score's negative."""

WIDEST = 36_863
"""Values of an embedding: rounding adds up to a half in each direction, and 4000 + sqrt(36,864) / 2 is 2^12."""

_AT_ONCE = 4096

_NAMED = 10


def quantize_embeddings(embeddings: torch.Tensor) -> torch.Tensor:
    """Float32 that holds whole numbers, a row for each embedding, where the embeddings are."""
    if embeddings.shape[1] > WIDEST:
        raise UsageError(
            f"Embeddings of {embeddings.shape[1]:,} values are too long to be compared exactly. "
            f"Set model.embedding to {WIDEST:,} or less."
        )
    parts = [_with_length(part) for part in torch.split(embeddings.detach(), _AT_ONCE)]
    _check_has_direction(torch.cat([length for _, length in parts]))
    return torch.cat([(whole / length * SCALE).round_().float() for whole, length in parts])


@contextmanager
def exact_products(device: torch.device) -> Iterator[None]:
    """Matrix products in full float32, whatever was allowed outside."""
    allowed = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.no_grad(), torch.autocast(device.type, enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(allowed)


def _with_length(embeddings: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    double = embeddings.double()
    return double, torch.linalg.vector_norm(double, dim=1, keepdim=True)


def _check_has_direction(lengths: torch.Tensor) -> None:
    rows = torch.nonzero(~(lengths.isfinite() & (lengths > 0)).flatten()).flatten().tolist()
    if not rows:
        return
    more = f" and {len(rows) - _NAMED:,} more" if len(rows) > _NAMED else ""
    raise Diverged(
        f"{len(rows):,} of {len(lengths):,} embeddings are zero or not finite and point nowhere: "
        f"rows {', '.join(map(str, rows[:_NAMED]))}{more}. The weights that made them have diverged: "
        "judge an earlier checkpoint, or train with a lower optim.base_lr, and amp.dtype off."
    )


Exchange = Callable[[torch.Tensor], torch.Tensor]

Heartbeat = Callable[[], None]
"""Called every second or so, by all ranks together; what it raises ends the work."""


def no_heartbeat() -> None:
    """Nobody waits for a sign."""


def own_exchange(found: torch.Tensor) -> torch.Tensor:
    """The exchange of one rank."""
    return found


@dataclass(frozen=True)
class Share:
    rank: int = 0
    world_size: int = 1
    summed: Exchange = own_exchange
    """Adds int64 counts of all ranks."""
    gathered: Exchange = own_exchange
    """Tensors of one shape, one behind the other."""
    beat: Heartbeat = no_heartbeat


SINGLE_RANK = Share()


T = TypeVar("T")

SIDE = 1024
"""A million scores at once: a few megabytes, and as fast as more."""

ROUND = 64
"""Tiles of a rank from one beat to the next: about a second on two cores."""


@dataclass(frozen=True)
class Tile:
    group: int
    """Of the rows."""
    rows: slice
    columns: slice

    def parts(self, bounds: tuple[int, ...]) -> Iterator[tuple[int, slice]]:
        """The columns of each group. Mated pairs lie in those of the rows' own group, and nowhere else."""
        group = bisect_right(bounds, self.columns.start) - 1
        while bounds[group] < self.columns.stop:
            start, stop = max(bounds[group], self.columns.start), min(bounds[group + 1], self.columns.stop)
            yield group, slice(start, stop)
            group += 1


def tiles_of_rank(bounds: tuple[int, ...], share: Share) -> Iterator[Tile]:
    """Those of this rank. Every pair lies in one tile of one rank; tiles on the diagonal hold pairs with i >= j too."""
    return deal_to_rank(partial(_all_tiles, bounds), share)


def deal_to_rank(listed: Callable[[], Iterator[T]], share: Share) -> Iterator[T]:
    """Every so many of a list; the beat comes before each round, on every rank as often, though some have one less."""
    mine = islice(listed(), share.rank, None, share.world_size)
    for _ in range(-(-sum(1 for _ in listed()) // (ROUND * share.world_size))):
        share.beat()
        yield from islice(mine, ROUND)


def split_range(start: int, stop: int) -> Iterator[slice]:
    for each in range(start, stop, SIDE):
        yield slice(each, min(each + SIDE, stop))


def _all_tiles(bounds: tuple[int, ...]) -> Iterator[Tile]:
    for group in range(len(bounds) - 1):
        for rows in split_range(bounds[group], bounds[group + 1]):
            for columns in split_range(rows.start, bounds[-1]):
                yield Tile(group, rows, columns)


WIDTH = 256
"""Places of a bin."""

BINS = 2 * LIMIT // WIDTH

_SHIFT = 8

TensorPair = tuple[torch.Tensor, torch.Tensor]
"""Of mated and of non-mated pairs."""


@dataclass(frozen=True)
class CoarseHistogram:
    """One tensor, so that ranks add it in one exchange."""

    counts: torch.Tensor

    @property
    def mated(self) -> torch.Tensor:
        """Of each group."""
        return self.counts[: len(self.counts) // 2]

    @property
    def touching(self) -> torch.Tensor:
        """Non-mated pairs of which a sample or both are in each group."""
        return self.counts[len(self.counts) // 2 : -1]

    @property
    def inner(self) -> torch.Tensor:
        """Non-mated pairs of which both samples are in one group, whichever."""
        return self.counts[-1]

    @property
    def non_mated(self) -> torch.Tensor:
        """Pairs of two groups touch both."""
        return (self.touching.sum(0) + self.inner) // 2


def count_coarse(samples: GroupedEmbeddings, share: Share) -> torch.Tensor:
    """What this rank's tiles add to `Coarse.counts`."""
    found = CoarseHistogram(torch.zeros(2 * samples.groups + 1, BINS, dtype=torch.int64, device=samples.vectors.device))
    for groups, mated, non_mated in _score_indices(samples, share):
        bins = bins_of(non_mated)
        for group in groups:
            add_counts(found.touching[group], bins)
        if len(groups) == 1:
            add_counts(found.inner, bins)
            add_counts(found.mated[min(groups)], bins_of(mated))
    return found.counts


def all_score_indices(samples: GroupedEmbeddings, share: Share) -> Iterator[TensorPair]:
    """Of this rank's pairs."""
    return ((mated, non_mated) for _, mated, non_mated in _score_indices(samples, share))


def count_fine(pairs: Iterable[TensorPair], bins: list[int], device: torch.device) -> torch.Tensor:
    """Of mated and of non-mated pairs: for each of these bins, how many scores lie at each of its places."""
    rows = torch.full((BINS,), -1, dtype=torch.int32, device=device)
    rows[bins] = torch.arange(len(bins), dtype=torch.int32, device=device)
    found = torch.zeros(2, len(bins) * WIDTH, dtype=torch.int64, device=device)
    for both in pairs:
        for counts, places in zip(found, both, strict=True):
            row = rows.index_select(0, places >> _SHIFT)
            there = row >= 0
            add_counts(counts, (row[there] * WIDTH + places[there] % WIDTH).long())
    return found.view(2, len(bins), WIDTH)


def bins_of(places: torch.Tensor) -> torch.Tensor:
    return (places >> _SHIFT).long()


def add_counts(into: torch.Tensor, at: torch.Tensor) -> None:
    """In place: two groups of few subjects have far fewer pairs than a histogram has places."""
    into.scatter_add_(0, at, into.new_ones(1).expand(len(at)))


def score_index(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    return (one @ other.T).to(torch.int32).add_(LIMIT)


def upper_triangle(rows: slice, columns: slice, device: torch.device) -> torch.Tensor:
    """Where a tile has a pair i < j, and not the same the other way round."""
    whole = torch.ones(rows.stop - rows.start, columns.stop - columns.start, dtype=torch.bool, device=device)
    return whole.triu(1 + rows.start - columns.start)


def _score_indices(samples: GroupedEmbeddings, share: Share) -> Iterator[tuple[set[int], torch.Tensor, torch.Tensor]]:
    """Of the mated and of the non-mated pairs of each two groups, or of one, as far as they lie in one tile."""
    for tile in tiles_of_rank(samples.bounds, share):
        places = score_index(samples.vectors[tile.rows], samples.vectors[tile.columns])
        for group, columns in tile.parts(samples.bounds):
            part = places[:, columns.start - tile.columns.start : columns.stop - tile.columns.start]
            if group == tile.group:
                yield {group}, *_told_apart(part, samples.labels, tile.rows, columns)
            else:
                yield {tile.group, group}, places.new_empty(0), part.flatten()


def _told_apart(places: torch.Tensor, labels: torch.Tensor, rows: slice, columns: slice) -> TensorPair:
    same = labels[rows, None] == labels[None, columns]
    counted = upper_triangle(rows, columns, places.device)
    return places[same & counted], places[~same & counted]

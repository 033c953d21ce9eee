"""Scores into histograms, in two passes: all of them coarsely, then those in some coarse bins one by one.

A histogram of every possible score would have 32 million places. What is asked for are a handful of thresholds, and the
coarse counts tell in which bins these lie: the second pass counts there at full resolution, and is exact.

The place of a score is the score + 2^24: never negative, and below 2^25.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch

from trainer.verification.groups import Grouped
from trainer.verification.rounding import LIMIT
from trainer.verification.share import Share
from trainer.verification.tiles import tiles

WIDTH = 256
"""Places of a bin."""
BINS = 2 * LIMIT // WIDTH
_SHIFT = 8

Both = tuple[torch.Tensor, torch.Tensor]
"""Of mated and of non-mated pairs."""


@dataclass(frozen=True)
class Coarse:
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


def coarse(samples: Grouped, share: Share) -> torch.Tensor:
    """What this rank's tiles add to `Coarse.counts`."""
    found = Coarse(torch.zeros(2 * samples.groups + 1, BINS, dtype=torch.int64, device=samples.vectors.device))
    for groups, mated, non_mated in _places(samples, share):
        bins = bins_of(non_mated)
        for group in groups:
            count(found.touching[group], bins)
        if len(groups) == 1:
            count(found.inner, bins)
            count(found.mated[min(groups)], bins_of(mated))
    return found.counts


def all_places(samples: Grouped, share: Share) -> Iterator[Both]:
    """Of this rank's pairs."""
    return ((mated, non_mated) for _, mated, non_mated in _places(samples, share))


def fine(pairs: Iterable[Both], bins: list[int], device: torch.device) -> torch.Tensor:
    """Of mated and of non-mated pairs: for each of these bins, how many scores lie at each of its places."""
    rows = torch.full((BINS,), -1, dtype=torch.int32, device=device)
    rows[bins] = torch.arange(len(bins), dtype=torch.int32, device=device)
    found = torch.zeros(2, len(bins) * WIDTH, dtype=torch.int64, device=device)
    for both in pairs:
        for counts, places in zip(found, both, strict=True):
            row = rows.index_select(0, places >> _SHIFT)
            there = row >= 0
            count(counts, (row[there] * WIDTH + places[there] % WIDTH).long())
    return found.view(2, len(bins), WIDTH)


def bins_of(places: torch.Tensor) -> torch.Tensor:
    return (places >> _SHIFT).long()


def count(into: torch.Tensor, at: torch.Tensor) -> None:
    """In place: two groups of few subjects have far fewer pairs than a histogram has places."""
    into.scatter_add_(0, at, into.new_ones(1).expand(len(at)))


def places_of(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    return (one @ other.T).to(torch.int32).add_(LIMIT)


def once(rows: slice, columns: slice, device: torch.device) -> torch.Tensor:
    """Where a tile has a pair i < j, and not the same the other way round."""
    whole = torch.ones(rows.stop - rows.start, columns.stop - columns.start, dtype=torch.bool, device=device)
    return whole.triu(1 + rows.start - columns.start)


def _places(samples: Grouped, share: Share) -> Iterator[tuple[set[int], torch.Tensor, torch.Tensor]]:
    """Of the mated and of the non-mated pairs of each two groups, or of one, as far as they lie in one tile."""
    for tile in tiles(samples.bounds, share):
        places = places_of(samples.vectors[tile.rows], samples.vectors[tile.columns])
        for group, columns in tile.parts(samples.bounds):
            part = places[:, columns.start - tile.columns.start : columns.stop - tile.columns.start]
            if group == tile.group:
                yield {group}, *_told_apart(part, samples.labels, tile.rows, columns)
            else:
                yield {tile.group, group}, places.new_empty(0), part.flatten()


def _told_apart(places: torch.Tensor, labels: torch.Tensor, rows: slice, columns: slice) -> Both:
    same = labels[rows, None] == labels[None, columns]
    counted = once(rows, columns, places.device)
    return places[same & counted], places[~same & counted]

"""Search for hard cases: mated pairs with the lowest scores, non-mated pairs with the highest, and likely wrong labels.

Each tile keeps the worst few, and ranks merge theirs. A pair is one integer, its score before its two samples: there
are no ties, and the order is the same for any division of tiles. A label is doubtful if the mean score to another
subject exceeds the mean score to the sample's own; the margin is the difference. Means come from exact integer sums. A
subject with one sample has nothing to compare with, so it is never a candidate.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from math import inf

import torch

from trainer.errors import UsageError
from trainer.evaluation.pair_scores import (
    LIMIT,
    SCALE,
    SINGLE_RANK,
    GroupedEmbeddings,
    Share,
    Tile,
    deal_to_rank,
    exact_products,
    group_embeddings,
    quantize_embeddings,
    score_index,
    split_range,
    tiles_of_rank,
    upper_triangle,
)

_NO_SUBJECT = -1
"""No sample has this number."""


@dataclass(frozen=True)
class Mislabel:
    sample: int
    """Which of the embeddings."""
    own: float
    """Mean cosine to the rest of its subject."""
    best: float
    """Mean cosine to the subject that it resembles most."""
    like: int
    """The first embedding of that one."""

    @property
    def margin(self) -> float:
        return self.best - self.own


@dataclass(frozen=True)
class _Subjects:
    vectors: torch.Tensor
    """Of all samples."""
    of: torch.Tensor
    """The number of each sample's subject."""
    sizes: torch.Tensor
    sums: torch.Tensor
    """Of the vectors of each subject."""
    first: torch.Tensor
    """The first sample of each."""


def find_mislabels(
    embeddings: torch.Tensor, labels: torch.Tensor, count: int, share: Share = SINGLE_RANK
) -> list[Mislabel]:
    """At most so many, the greatest margin first, then by sample. Every rank has all embeddings."""
    with exact_products(embeddings.device):
        them = _subjects(quantize_embeddings(embeddings).double(), labels.to(embeddings.device))
        mine = [
            each
            for rows in deal_to_rank(partial(split_range, 0, len(labels)), share)
            for each in _candidates(them, rows)
        ]
    padded = torch.full((count, 4), _NO_SUBJECT, dtype=torch.float64)
    for row, each in zip(padded, _first(mine, count), strict=False):
        row[:] = torch.tensor([each.sample, each.own, each.best, each.like], dtype=torch.float64)
    rows = share.gathered(padded.to(embeddings.device)).tolist()
    return _first(
        [Mislabel(int(sample), own, best, int(like)) for sample, own, best, like in rows if sample != _NO_SUBJECT],
        count,
    )


def _first(found: list[Mislabel], count: int) -> list[Mislabel]:
    return sorted(found, key=lambda each: (-each.margin, each.sample))[:count]


def _subjects(vectors: torch.Tensor, labels: torch.Tensor) -> _Subjects:
    known, of, sizes = torch.unique(labels, return_inverse=True, return_counts=True)
    sums = vectors.new_zeros(len(known), vectors.shape[1]).index_add_(0, of, vectors)
    first = torch.full_like(known, len(of)).scatter_reduce_(0, of, torch.arange(len(of), device=of.device), "amin")
    return _Subjects(vectors, of, sizes, sums, first)


def _candidates(them: _Subjects, rows: slice) -> Iterator[Mislabel]:
    vectors, of = them.vectors[rows], them.of[rows]
    others = them.sizes[of] - 1
    own = (vectors * (them.sums[of] - vectors)).sum(1) / others / SCALE**2
    best, subject = _nearest(them, vectors, of)
    for at in ((others > 0) & (best > own)).nonzero().flatten().tolist():
        yield Mislabel(rows.start + at, float(own[at]), float(best[at]), int(them.first[subject[at]]))


def _nearest(them: _Subjects, vectors: torch.Tensor, of: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The highest mean cosine to another subject, and the first subject that has it."""
    best, subject = vectors.new_full((len(vectors),), -inf), torch.zeros_like(of)
    for columns in split_range(0, len(them.sizes)):
        means = vectors @ them.sums[columns].T / them.sizes[columns] / SCALE**2
        numbers = torch.arange(columns.start, columns.stop, device=of.device)
        means[of[:, None] == numbers[None]] = -inf
        at = means.argmax(1)
        here = means.gather(1, at[:, None])[:, 0]
        better = here > best
        best, subject = torch.where(better, here, best), torch.where(better, numbers[at], subject)
    return best, subject


MAX_PAIRS = 1 << 19
"""Samples: two numbers of 19 bits and a score of 25 make an integer of 63."""

_BITS = 38

_NONE = (1 << 63) - 1


@dataclass(frozen=True)
class Pair:
    score: int
    one: int
    """Which of the embeddings; the lesser number."""
    other: int

    @property
    def cosine(self) -> float:
        return self.score / SCALE**2


@dataclass(frozen=True)
class WorstPairs:
    mated: tuple[Pair, ...]
    """The lowest score first."""
    non_mated: tuple[Pair, ...]
    """The highest score first."""


def find_worst_pairs(
    embeddings: torch.Tensor, labels: torch.Tensor, count: int, share: Share = SINGLE_RANK
) -> WorstPairs:
    """So many of each kind, or all where there are fewer. Every rank has all embeddings."""
    if len(labels) > MAX_PAIRS:
        raise UsageError(
            f"{len(labels):,} samples are too many to look for the worst pairs of, {MAX_PAIRS:,} are not. Name another "
            "split, or pack one that is smaller."
        )
    with exact_products(embeddings.device):
        samples = group_embeddings(quantize_embeddings(embeddings), labels.to(embeddings.device))
        mated = torch.full((count,), _NONE, device=embeddings.device)
        non_mated = mated.clone()
        for tile in tiles_of_rank(samples.bounds, share):
            mated, non_mated = _with_those_of(tile, samples, mated, non_mated)
    mated, non_mated = share.gathered(mated), share.gathered(non_mated)
    return WorstPairs(
        tuple(Pair(place - LIMIT, *pair) for place, *pair in _unpacked(mated, count)),
        tuple(Pair(LIMIT - place, *pair) for place, *pair in _unpacked(non_mated, count)),
    )


def _with_those_of(
    tile: Tile, samples: GroupedEmbeddings, mated: torch.Tensor, non_mated: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    places = score_index(samples.vectors[tile.rows], samples.vectors[tile.columns])
    same = samples.labels[tile.rows, None] == samples.labels[None, tile.columns]
    counted = upper_triangle(tile.rows, tile.columns, places.device)
    numbers = samples.order[tile.rows], samples.order[tile.columns]
    return _keep_lowest(mated, places, same & counted, numbers), _keep_lowest(
        non_mated, 2 * LIMIT - places, ~same & counted, numbers
    )


def _keep_lowest(
    least: torch.Tensor, places: torch.Tensor, counted: torch.Tensor, numbers: tuple[torch.Tensor, torch.Tensor]
) -> torch.Tensor:
    """As many as before, with those of this tile that are less."""
    row, column = (counted & (places <= least.max() >> _BITS)).nonzero(as_tuple=True)
    one, other = numbers[0][row], numbers[1][column]
    packed = (places[row, column].long() << _BITS) + torch.minimum(one, other) * MAX_PAIRS + torch.maximum(one, other)
    return torch.cat([least, packed]).topk(len(least), largest=False).values


def _unpacked(packed: torch.Tensor, count: int) -> list[tuple[int, int, int]]:
    whole = sorted(each for each in packed.tolist() if each != _NONE)[:count]
    return [(each >> _BITS, each % (1 << _BITS) // MAX_PAIRS, each % MAX_PAIRS) for each in whole]

"""Verification of twins: pairs of two subjects of one group, and the mated pairs of these subjects.

They are few and near the diagonal once samples are sorted by group, so they are counted in two passes of their own. The
accuracy is at the threshold of all pairs, which does not depend on the twins, and comes from summed counts.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import Any

import torch

from trainer.evaluation.pair_scores import (
    BINS,
    LIMIT,
    Share,
    TensorPair,
    add_counts,
    bins_of,
    count_fine,
    deal_to_rank,
    score_index,
    split_range,
    upper_triangle,
)
from trainer.evaluation.roc import Rates, compute_rates, count_inside, exact_thresholds, threshold_bins


@dataclass(frozen=True)
class TwinPairs:
    subjects: int
    mated: int
    non_mated: int
    eer: float | None
    """Over these pairs alone; None where no twin has two samples."""
    right_mated: int
    """Not below the threshold of all pairs."""
    right_non_mated: int
    """Below it."""

    @property
    def pairs(self) -> int:
        return self.mated + self.non_mated

    @property
    def accuracy(self) -> float:
        return (self.right_mated + self.right_non_mated) / self.pairs

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "pairs": self.pairs, "accuracy": self.accuracy}


@dataclass(frozen=True)
class _Families:
    vectors: torch.Tensor
    """Sorted by group, and in it by label."""
    labels: torch.Tensor
    groups: torch.Tensor
    bounds: tuple[int, ...]
    """Where each group begins, and where the last one ends."""


def verify_twins(
    vectors: torch.Tensor, labels: torch.Tensor, groups: torch.Tensor, threshold: int, share: Share
) -> TwinPairs | None:
    """`vectors` hold whole numbers; a group below 0 is none. None where no two subjects are of one group."""
    them = _families(vectors, labels, groups)
    if not len(them.labels):
        return None
    counts = share.summed(_coarse(them, threshold, share)).cpu()
    mated, non_mated = counts[:-2].view(2, BINS).numpy()
    right_mated, right_non_mated = counts[-2:].tolist()
    edges = compute_rates(mated, non_mated)
    return TwinPairs(
        subjects=len(torch.unique(them.labels)),
        mated=edges.mated,
        non_mated=edges.non_mated,
        eer=_eer(them, edges, share) if edges.mated else None,
        right_mated=right_mated,
        right_non_mated=right_non_mated,
    )


def _families(vectors: torch.Tensor, labels: torch.Tensor, groups: torch.Tensor) -> _Families:
    """Samples of subjects that have a twin among the samples."""
    subjects = torch.unique(torch.stack([groups, labels], 1), dim=0)
    known, sizes = torch.unique_consecutive(subjects[:, 0], return_counts=True)
    chosen = torch.isin(groups, known[(sizes > 1) & (known >= 0)]).nonzero().flatten()
    chosen = chosen[labels[chosen].argsort(stable=True)]
    chosen = chosen[groups[chosen].argsort(stable=True)]
    lengths: list[int] = torch.unique_consecutive(groups[chosen], return_counts=True)[1].tolist()
    return _Families(vectors[chosen], labels[chosen], groups[chosen], tuple(accumulate(lengths, initial=0)))


def _coarse(them: _Families, threshold: int, share: Share) -> torch.Tensor:
    """Histograms of mated and of non-mated pairs, then how many of each are right at the threshold."""
    counts = torch.zeros(2 * BINS + 2, dtype=torch.int64, device=them.vectors.device)
    for mated, non_mated in _places(them, share):
        add_counts(counts[:BINS], bins_of(mated))
        add_counts(counts[BINS:-2], bins_of(non_mated))
        counts[-2] += (mated >= threshold + LIMIT).sum()
        counts[-1] += (non_mated < threshold + LIMIT).sum()
    return counts


def _eer(them: _Families, edges: Rates, share: Share) -> float:
    def counted(bins: list[int]) -> torch.Tensor:
        return share.summed(count_fine(_places(them, share), bins, them.vectors.device))

    asked = [Rates.crossing]
    (equal,) = exact_thresholds(edges, asked, count_inside(set(threshold_bins(edges, asked)), set(), counted).counts)
    return float(equal.rates.eer())


def _places(them: _Families, share: Share) -> Iterator[TensorPair]:
    for rows, columns in deal_to_rank(partial(_tiles, them.bounds), share):
        places = score_index(them.vectors[rows], them.vectors[columns])
        akin = (them.groups[rows, None] == them.groups[None, columns]) & upper_triangle(rows, columns, places.device)
        same = them.labels[rows, None] == them.labels[None, columns]
        yield places[same & akin], places[~same & akin]


def _tiles(bounds: tuple[int, ...]) -> Iterator[tuple[slice, slice]]:
    """Rows of some groups, and columns up to where the last of these ends."""
    for rows in split_range(0, bounds[-1]):
        for columns in split_range(rows.start, bounds[bisect_left(bounds, rows.stop)]):
            yield rows, columns

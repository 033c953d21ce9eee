"""Samples that look as if they were of another subject: candidates for a wrong label, to be looked at by people.

A sample's mean score to the other samples of its own subject is compared with its mean score to all samples of each
other subject. Where the best of these is higher, the sample is a candidate, and the margin between the two says how
strong a one. A subject's only sample is none: there is nothing to compare it with.

A mean over a subject is one product with the sum of its vectors, which are whole numbers: float64 holds them exactly.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from math import inf

import torch

from trainer.verification.rounding import SCALE, exact_products, integers
from trainer.verification.share import ALONE, Share
from trainer.verification.tiles import cut, dealt

_NOBODY = -1
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


def mislabels(embeddings: torch.Tensor, labels: torch.Tensor, count: int, share: Share = ALONE) -> list[Mislabel]:
    """At most so many, the greatest margin first, then by sample. Every rank has all embeddings."""
    with exact_products(embeddings.device):
        them = _subjects(integers(embeddings).double(), labels.to(embeddings.device))
        mine = [each for rows in dealt(partial(cut, 0, len(labels)), share) for each in _candidates(them, rows)]
    padded = torch.full((count, 4), _NOBODY, dtype=torch.float64)
    for row, each in zip(padded, _first(mine, count), strict=False):
        row[:] = torch.tensor([each.sample, each.own, each.best, each.like], dtype=torch.float64)
    rows = share.gathered(padded.to(embeddings.device)).tolist()
    return _first(
        [Mislabel(int(sample), own, best, int(like)) for sample, own, best, like in rows if sample != _NOBODY], count
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
    for columns in cut(0, len(them.sizes)):
        means = vectors @ them.sums[columns].T / them.sizes[columns] / SCALE**2
        numbers = torch.arange(columns.start, columns.stop, device=of.device)
        means[of[:, None] == numbers[None]] = -inf
        at = means.argmax(1)
        here = means.gather(1, at[:, None])[:, 0]
        better = here > best
        best, subject = torch.where(better, here, best), torch.where(better, numbers[at], subject)
    return best, subject

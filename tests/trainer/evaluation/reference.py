"""What verification should say, by brute force: every pair, every threshold, whole numbers of Python."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

import torch

from trainer.evaluation.pair_scores import quantize_embeddings

LOWEST = -(1 << 24)


@dataclass(frozen=True)
class Pairs:
    mated: list[int]
    """Scores, the lowest first."""
    non_mated: list[int]

    def fmr(self, threshold: int) -> Fraction:
        return 1 - Fraction(bisect_left(self.non_mated, threshold), len(self.non_mated))

    def fnmr(self, threshold: int) -> Fraction:
        return Fraction(bisect_left(self.mated, threshold), len(self.mated))

    def thresholds(self) -> Iterator[int]:
        """Those behind which something changes."""
        yield LOWEST
        yield from sorted({score + 1 for score in self.mated + self.non_mated})

    def threshold(self) -> int:
        return next(each for each in self.thresholds() if self.fmr(each) <= self.fnmr(each))

    def eer(self) -> float:
        at = self.threshold()
        (left, rising), (right, risen) = ((self.fmr(each), self.fnmr(each)) for each in (at - 1, at))
        # The two lines: left + s (right - left) = rising + s (risen - rising).
        share = (left - rising) / ((risen - rising) - (right - left))
        return float(left + share * (right - left))

    def auc(self) -> float:
        wins = sum((mated > other) - (mated < other) + 1 for mated in self.mated for other in self.non_mated)
        return float(Fraction(wins, 2 * len(self.mated) * len(self.non_mated)))

    def tar(self, far: float) -> float | None:
        accepted = Fraction(str(far))
        if len(self.non_mated) * accepted < 10:
            return None
        return float(1 - self.fnmr(next(each for each in self.thresholds() if self.fmr(each) <= accepted)))


def scores(embeddings: torch.Tensor) -> Iterator[tuple[int, int, int]]:
    """Of all pairs, with the numbers of the two."""
    whole = [[int(value) for value in row] for row in quantize_embeddings(embeddings).tolist()]
    for (one, first), (other, second) in combinations(enumerate(whole), 2):
        yield sum(left * right for left, right in zip(first, second, strict=True)), one, other


def pairs(embeddings: torch.Tensor, labels: Sequence[int], groups: Sequence[int] | None = None) -> Pairs:
    """All; with groups only non-mated ones of one group, and the mated ones of subjects that have such."""
    found = Pairs([], [])
    for score, one, other in scores(embeddings):
        mated = labels[one] == labels[other]
        if groups is None or (groups[one] == groups[other] >= 0 and (not mated or _has_twin(one, labels, groups))):
            (found.mated if mated else found.non_mated).append(score)
    return Pairs(sorted(found.mated), sorted(found.non_mated))


def _has_twin(one: int, labels: Sequence[int], groups: Sequence[int]) -> bool:
    return any(group == groups[one] and label != labels[one] for label, group in zip(labels, groups, strict=True))

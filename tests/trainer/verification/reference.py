"""What verification should say, by brute force: every pair, every threshold, whole numbers of Python."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

import torch

from trainer.verification.rounding import integers

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

    def tar(self, far: float) -> float | None:
        accepted = Fraction(str(far))
        if len(self.non_mated) * accepted < 10:
            return None
        return float(1 - self.fnmr(next(each for each in self.thresholds() if self.fmr(each) <= accepted)))


def pairs(embeddings: torch.Tensor, labels: Sequence[int]) -> Pairs:
    whole = [[int(value) for value in row] for row in integers(embeddings).tolist()]
    found = Pairs([], [])
    for (one, first), (other, second) in combinations(zip(whole, labels, strict=True), 2):
        scores = found.mated if first == second else found.non_mated
        scores.append(sum(left * right for left, right in zip(one, other, strict=True)))
    return Pairs(sorted(found.mated), sorted(found.non_mated))

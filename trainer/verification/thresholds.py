"""The exact thresholds behind what is asked: each lies in a bin that coarse counts name, and is found inside it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from trainer.verification.counting import WIDTH
from trainer.verification.rates import Rates
from trainer.verification.rounding import LIMIT

Asked = Callable[[Rates], int]
"""Says which is the first threshold that will do."""


@dataclass(frozen=True)
class Threshold:
    score: int
    rates: Rates
    """At every score of the bin that it lies in."""
    at: int
    """Where it stands there."""


def exact(edges: Rates, asked: Sequence[Asked], count: Callable[[list[int]], torch.Tensor]) -> list[Threshold]:
    """One for each that is asked; `count` is the second pass, over all ranks."""
    bins = [_bin_before(each(edges)) for each in asked]
    counted = sorted(set(bins))
    mated, non_mated = count(counted).cpu().numpy()
    inside = {bin_: edges.inside(bin_, *both) for bin_, *both in zip(counted, mated, non_mated, strict=True)}
    return [_threshold(bin_, inside[bin_], each) for bin_, each in zip(bins, asked, strict=True)]


def _bin_before(edge: int) -> int:
    """The edge before is too low, so the threshold is above it; below the first edge there is nothing."""
    return max(edge - 1, 0)


def _threshold(bin_: int, inside: Rates, asked: Asked) -> Threshold:
    at = asked(inside)
    return Threshold(bin_ * WIDTH + at - LIMIT, inside, at)

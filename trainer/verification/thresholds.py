"""The exact thresholds behind what is asked: each lies in a bin that coarse counts name, and is found inside it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from trainer.verification.counting import WIDTH
from trainer.verification.rates import Integers, Rates
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


def bins_with(edges: Rates, asked: Sequence[Asked]) -> list[int]:
    """In which bin each of them lies: the edge before is too low; below the first edge there is nothing."""
    return [max(each(edges) - 1, 0) for each in asked]


def exact(edges: Rates, asked: Sequence[Asked], counts: Mapping[int, tuple[Integers, Integers]]) -> list[Threshold]:
    """One for each that is asked, from the counts at all places of its bin."""
    return [
        _threshold(bin_, edges.inside(bin_, *counts[bin_]), each)
        for bin_, each in zip(bins_with(edges, asked), asked, strict=True)
    ]


def _threshold(bin_: int, inside: Rates, asked: Asked) -> Threshold:
    at = asked(inside)
    return Threshold(bin_ * WIDTH + at - LIMIT, inside, at)

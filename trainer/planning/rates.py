"""Samples a second, from what was measured; each figure tells where it comes from, and a user's own beats them all."""

from dataclasses import dataclass
from itertools import pairwise
from math import log

ON_A100 = {1: 1_000.0, 4: 3_500.0, 8: 6_500.0}
"""By cards."""
_GUIDES = "what the users' guides expect of DeepPrint on A100 cards; your net and cards differ: give --rate"
ON_TWO_CORES = 64 * 2_515 / (8 * 60)
"""2,515 rows of 64 in 8 minutes."""
_PROTOTYPE = "measured on two cores with the demo's net at 160 x 128, so another machine or net differs: give --rate"


@dataclass(frozen=True)
class Rate:
    samples: float
    """A second, over all cards."""
    source: str


def rate_on_cards(count: int) -> Rate:
    """Between measured numbers of cards straight in both logarithms, and beyond the last as good a card as there."""
    last = max(ON_A100)
    if count >= last:
        return Rate(ON_A100[last] * count / last, _GUIDES)
    for (fewer, slower), (more, faster) in pairwise(ON_A100.items()):
        if count <= more:
            share = log(count / fewer) / log(more / fewer)
            return Rate(slower * (faster / slower) ** share, _GUIDES)
    raise AssertionError("the table covers every number of cards below its last")


def rate_on_cpu() -> Rate:
    """However many ranks share the cores."""
    return Rate(ON_TWO_CORES, _PROTOTYPE)

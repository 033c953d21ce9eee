"""What so many subjects can tell, and how many would tell more: digits beyond that are chance.

A false accept rate needs a number of non-mated pairs, and these grow with the pairs of subjects: S (S - 1) for S
subjects with as many samples each as they have here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, isqrt
from typing import Any

from trainer.verification.groups import Grouped

FEWEST_ACCEPTED = 10
"""Pairs that a false accept rate must let pass before a rate at it is told: fewer cannot resolve it."""


@dataclass(frozen=True)
class Need:
    pairs: int
    """Non-mated."""
    subjects: int
    """With as many samples each as there are now."""


@dataclass(frozen=True)
class Power:
    difference: float | None
    """Of the EERs of two independent runs: a smaller one may be chance. None where the subjects are too few to say."""
    needs: Mapping[float, Need]
    """By each false accept rate that these pairs cannot resolve."""

    def as_json(self) -> dict[str, Any]:
        return {
            "eer_difference": self.difference,
            "needs": {f"{far:g}": vars(need) for far, need in self.needs.items()},
        }


def resolved(far: float, non_mated: int) -> bool:
    return non_mated * meant(far) >= FEWEST_ACCEPTED


def needs(fars: Iterable[float], samples: Grouped) -> dict[float, Need]:
    return {far: _need(far, samples) for far in fars if not resolved(far, samples.non_mated)}


def meant(far: float) -> Fraction:
    """The decimal that was written: the nearest float of 0.000001 is below it."""
    return Fraction(repr(far))


def _need(far: float, samples: Grouped) -> Need:
    pairs, subjects = ceil(FEWEST_ACCEPTED / meant(far)), len(samples.sizes)
    return Need(pairs, _subjects(ceil(Fraction(pairs * subjects * (subjects - 1), samples.non_mated))))


def _subjects(ordered_pairs: int) -> int:
    """The least S of which S (S - 1) is no less."""
    below = (1 + isqrt(4 * ordered_pairs)) // 2
    return next(each for each in range(max(below - 1, 0), below + 3) if each * (each - 1) >= ordered_pairs)

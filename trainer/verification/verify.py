"""All pairs of a split, from embeddings to what is told of them. The same figures on any number of ranks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import torch

from trainer.verification.counting import Beat, Coarse, coarse, fine, quiet
from trainer.verification.det import det
from trainer.verification.groups import grouped
from trainer.verification.jackknife import interval_of
from trainer.verification.rates import Rates, rates
from trainer.verification.rounding import exact_products, integers
from trainer.verification.thresholds import Asked, Threshold, exact

FEWEST_ACCEPTED = 10
"""Pairs that a false accept rate must let pass before a rate at it is told: fewer cannot resolve it."""


@dataclass(frozen=True)
class Verification:
    eer: float
    interval: tuple[float, float] | None
    """95 % of it, over subjects; None where they are too few."""
    threshold: int
    """The least score at which FMR is not above FNMR: a cosine times 16 million, nearly."""
    tar: Mapping[float, float | None]
    """True accept rate by false accept rate; None where the pairs are too few to tell."""
    mated: int
    non_mated: int
    det: tuple[tuple[float, float], ...]
    """(FMR, FNMR), from the lowest threshold to the highest."""
    subjects: int
    samples: int

    def as_json(self) -> dict[str, Any]:
        return {
            "eer": self.eer,
            "interval": list(self.interval) if self.interval else None,
            "threshold": self.threshold,
            "tar": {f"{far:g}": rate for far, rate in self.tar.items()},
            "mated": self.mated,
            "non_mated": self.non_mated,
            "subjects": self.subjects,
            "samples": self.samples,
            "det": [list(point) for point in self.det],
        }


def alone(counts: torch.Tensor) -> torch.Tensor:
    """The sum over one rank."""
    return counts


def verify(
    embeddings: torch.Tensor,
    labels: torch.Tensor,
    *,
    far: Sequence[float],
    rank: int = 0,
    world_size: int = 1,
    sum_over_ranks: Callable[[torch.Tensor], torch.Tensor] = alone,
    beat: Beat = quiet,
) -> Verification:
    """Every rank has all embeddings and counts its share of the tiles; `sum_over_ranks` adds int64 counts of all."""
    assert len(embeddings) == len(labels)
    with exact_products(embeddings.device):
        samples = grouped(integers(embeddings), labels.to(embeddings.device))
        told = [each for each in far if samples.non_mated * _meant(each) >= FEWEST_ACCEPTED]
        found = Coarse(sum_over_ranks(coarse(samples, rank, world_size, beat)))
        edges = rates(found.mated.sum(0).cpu().numpy(), found.non_mated.cpu().numpy())
        asked: list[Asked] = [Rates.crossing, *(partial(Rates.within, far=_meant(each)) for each in told)]
        equal, *accepting = exact(
            edges, asked, lambda bins: sum_over_ranks(fine(samples, bins, rank, world_size, beat))
        )
    eer = float(equal.rates.eer())
    return Verification(
        eer=eer,
        interval=interval_of(eer, found),
        threshold=equal.score,
        tar=dict.fromkeys(far) | {each: _tar(point) for each, point in zip(told, accepting, strict=True)},
        mated=samples.mated,
        non_mated=samples.non_mated,
        det=det(edges),
        subjects=len(samples.sizes),
        samples=len(labels),
    )


def _meant(far: float) -> Fraction:
    """The decimal that was written: the nearest float of 0.000001 is below it."""
    return Fraction(repr(far))


def _tar(point: Threshold) -> float:
    return float(1 - point.rates.fnmr(point.at))

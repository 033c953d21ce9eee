"""Verification report of a split from its embeddings: EER with a 95% confidence interval, TAR at FAR, AUC, and limits.

All values are the same on any number of ranks. Pairs share samples and are not independent, but subjects are: the
interval is a delete-a-group jackknife over subjects with Student's t of one degree of freedom less than groups. A false
accept rate needs a number of non-mated pairs, which grow as S(S - 1) with S subjects: the report says how many subjects
would be enough, and digits beyond that are noise.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from math import ceil, isqrt, sqrt
from typing import Any

import torch

from trainer.evaluation.pair_scores import (
    ALONE,
    Coarse,
    Grouped,
    Share,
    all_places,
    coarse,
    exact_products,
    fine,
    grouped,
    integers,
)
from trainer.evaluation.roc import Asked, Integers, Rates, Threshold, auc, bins_with, det, exact, inside, mixed, rates
from trainer.evaluation.twins import Twins, twins_of

FEWEST = 8
"""Groups below which a spread says nothing."""

_Z = 1.959964


@dataclass(frozen=True)
class Spread:
    error: float
    """The standard error of the EER."""
    freedom: int

    def around(self, eer: float) -> tuple[float, float]:
        """95 %."""
        reach = _students_t(self.freedom) * self.error
        return max(0.0, eer - reach), min(1.0, eer + reach)

    @property
    def difference(self) -> float:
        """Two independent runs, judged on so many subjects each, differ in truth if their EERs are further apart."""
        return _Z * sqrt(2) * self.error


def spread_of(found: Coarse) -> Spread | None:
    """From coarse counts; None where the subjects are too few, or leaving them out changes nothing."""
    without = _without_each(found)
    if len(without) < FEWEST:
        return None
    mean = sum(without) / len(without)
    error = sqrt((len(without) - 1) / len(without) * sum((each - mean) ** 2 for each in without))
    return Spread(error, len(without) - 1) if error else None


def _without_each(found: Coarse) -> Sequence[float]:
    """The EER without each group; nothing if one of them holds all mated or touches all non-mated pairs."""
    mated, non_mated = found.mated.sum(0), found.non_mated
    left = [
        rates((mated - own).cpu().numpy(), (non_mated - touching).cpu().numpy())
        for own, touching in zip(found.mated, found.touching, strict=True)
    ]
    return [float(each.eer()) for each in left] if all(each.mated and each.non_mated for each in left) else []


def _students_t(freedom: float) -> float:
    """The 97.5 % quantile, by its expansion around the normal one: right to 0.001 from 7 degrees of freedom on."""
    z = _Z
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return sum(term / freedom**power for power, term in enumerate(terms))


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


@dataclass(frozen=True)
class Verification:
    eer: float
    interval: tuple[float, float] | None
    """95 % of it, over subjects; None where they are too few."""
    threshold: int
    """The least score at which FMR is not above FNMR: a cosine times 16 million, nearly."""
    auc: float
    """The area under the ROC curve: how probably a mated pair scores above a non-mated one, where a tie is half."""
    tar: Mapping[float, float | None]
    """True accept rate by false accept rate; None where the pairs are too few to tell."""
    mated: int
    non_mated: int
    det: tuple[tuple[float, float], ...]
    """(FMR, FNMR), from the lowest threshold to the highest."""
    subjects: int
    samples: int
    power: Power
    twins: Twins | None

    @property
    def error(self) -> float:
        """What the best weights have the least of."""
        return self.eer

    def as_json(self) -> dict[str, Any]:
        twins = {"twins": self.twins.as_json()} if self.twins else {}
        return {
            "eer": self.eer,
            "interval": list(self.interval) if self.interval else None,
            "threshold": self.threshold,
            "auc": self.auc,
            "tar": {f"{far:g}": rate for far, rate in self.tar.items()},
            "mated": self.mated,
            "non_mated": self.non_mated,
            "subjects": self.subjects,
            "samples": self.samples,
            "power": self.power.as_json(),
            **twins,
            "det": [list(point) for point in self.det],
        }


@dataclass(frozen=True)
class _Points:
    """What the second pass makes exact."""

    equal: Threshold
    tar: dict[float, float]
    auc: float


def verify(
    embeddings: torch.Tensor,
    labels: torch.Tensor,
    *,
    far: Sequence[float],
    groups: torch.Tensor | None = None,
    share: Share = ALONE,
) -> Verification:
    """Every rank has all embeddings and counts its share of the tiles. Subjects of one of `groups` are twins, if it is
    not below 0.
    """
    assert len(embeddings) == len(labels)
    with exact_products(embeddings.device):
        vectors, labels = integers(embeddings), labels.to(embeddings.device)
        samples = grouped(vectors, labels)
        found = Coarse(share.summed(coarse(samples, share)))
        mated, non_mated = found.mated.sum(0).cpu().numpy(), found.non_mated.cpu().numpy()
        points = _points(samples, mated, non_mated, far, share)
        own = None if groups is None else groups.to(vectors.device)
        twins = None if own is None else twins_of(vectors, labels, own, points.equal.score, share)
    eer, spread = float(points.equal.rates.eer()), spread_of(found)
    return Verification(
        eer=eer,
        interval=spread.around(eer) if spread else None,
        threshold=points.equal.score,
        auc=points.auc,
        tar=dict.fromkeys(far) | points.tar,
        mated=samples.mated,
        non_mated=samples.non_mated,
        det=det(rates(mated, non_mated)),
        subjects=len(samples.sizes),
        samples=len(labels),
        power=Power(spread.difference if spread else None, needs(far, samples)),
        twins=twins,
    )


def _points(samples: Grouped, mated: Integers, non_mated: Integers, far: Sequence[float], share: Share) -> _Points:
    def counted(bins: list[int]) -> torch.Tensor:
        return share.summed(fine(all_places(samples, share), bins, samples.vectors.device))

    edges = rates(mated, non_mated)
    told = [each for each in far if resolved(each, samples.non_mated)]
    asked: list[Asked] = [Rates.crossing, *(partial(Rates.within, far=meant(each)) for each in told)]
    close = inside(set(bins_with(edges, asked)), mixed(mated, non_mated), counted)
    equal, *accepting = exact(edges, asked, close.counts)
    tar = {each: float(1 - point.rates.fnmr(point.at)) for each, point in zip(told, accepting, strict=True)}
    return _Points(equal, tar, float(auc(mated, non_mated, close.wins)))

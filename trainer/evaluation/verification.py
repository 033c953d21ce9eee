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
    SINGLE_RANK,
    CoarseHistogram,
    GroupedEmbeddings,
    Share,
    all_score_indices,
    count_coarse,
    count_fine,
    exact_products,
    group_embeddings,
    quantize_embeddings,
)
from trainer.evaluation.roc import (
    IntArray,
    Rates,
    Threshold,
    ThresholdTarget,
    compute_auc,
    compute_rates,
    count_inside,
    det_curve,
    exact_thresholds,
    mixed_bins,
    threshold_bins,
)
from trainer.evaluation.twins import TwinPairs, verify_twins

MIN_GROUPS = 8
"""Groups below which a spread says nothing."""

_Z = 1.959964


@dataclass(frozen=True)
class ErrorSpread:
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


def estimate_spread(found: CoarseHistogram) -> ErrorSpread | None:
    """From coarse counts; None where the subjects are too few, or leaving them out changes nothing."""
    without = _without_each(found)
    if len(without) < MIN_GROUPS:
        return None
    mean = sum(without) / len(without)
    error = sqrt((len(without) - 1) / len(without) * sum((each - mean) ** 2 for each in without))
    return ErrorSpread(error, len(without) - 1) if error else None


def _without_each(found: CoarseHistogram) -> Sequence[float]:
    """The EER without each group; nothing if one of them holds all mated or touches all non-mated pairs."""
    mated, non_mated = found.mated.sum(0), found.non_mated
    left = [
        compute_rates((mated - own).cpu().numpy(), (non_mated - touching).cpu().numpy())
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


MIN_ACCEPTED = 10
"""Pairs that a false accept rate must let pass before a rate at it is told: fewer cannot resolve it."""


@dataclass(frozen=True)
class PairNeed:
    pairs: int
    """Non-mated."""
    subjects: int
    """With as many samples each as there are now."""


@dataclass(frozen=True)
class Power:
    difference: float | None
    """Of the EERs of two independent runs: a smaller one may be chance. None where the subjects are too few to say."""
    needs: Mapping[float, PairNeed]
    """By each false accept rate that these pairs cannot resolve."""

    def as_json(self) -> dict[str, Any]:
        return {
            "eer_difference": self.difference,
            "needs": {f"{far:g}": vars(need) for far, need in self.needs.items()},
        }


def is_resolved(far: float, non_mated: int) -> bool:
    return non_mated * exact_fraction(far) >= MIN_ACCEPTED


def required_pairs(fars: Iterable[float], samples: GroupedEmbeddings) -> dict[float, PairNeed]:
    return {far: _need(far, samples) for far in fars if not is_resolved(far, samples.non_mated)}


def exact_fraction(far: float) -> Fraction:
    """The decimal that was written: the nearest float of 0.000001 is below it."""
    return Fraction(repr(far))


def _need(far: float, samples: GroupedEmbeddings) -> PairNeed:
    pairs, subjects = ceil(MIN_ACCEPTED / exact_fraction(far)), len(samples.sizes)
    return PairNeed(pairs, _subjects(ceil(Fraction(pairs * subjects * (subjects - 1), samples.non_mated))))


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
    twins: TwinPairs | None

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
    share: Share = SINGLE_RANK,
) -> Verification:
    """Every rank has all embeddings and counts its share of the tiles. Subjects of one of `groups` are twins, if it is
    not below 0.
    """
    assert len(embeddings) == len(labels)
    with exact_products(embeddings.device):
        vectors, labels = quantize_embeddings(embeddings), labels.to(embeddings.device)
        samples = group_embeddings(vectors, labels)
        found = CoarseHistogram(share.summed(count_coarse(samples, share)))
        mated, non_mated = found.mated.sum(0).cpu().numpy(), found.non_mated.cpu().numpy()
        points = _points(samples, mated, non_mated, far, share)
        own = None if groups is None else groups.to(vectors.device)
        twins = None if own is None else verify_twins(vectors, labels, own, points.equal.score, share)
    eer, spread = float(points.equal.rates.eer()), estimate_spread(found)
    return Verification(
        eer=eer,
        interval=spread.around(eer) if spread else None,
        threshold=points.equal.score,
        auc=points.auc,
        tar=dict.fromkeys(far) | points.tar,
        mated=samples.mated,
        non_mated=samples.non_mated,
        det=det_curve(compute_rates(mated, non_mated)),
        subjects=len(samples.sizes),
        samples=len(labels),
        power=Power(spread.difference if spread else None, required_pairs(far, samples)),
        twins=twins,
    )


def _points(
    samples: GroupedEmbeddings, mated: IntArray, non_mated: IntArray, far: Sequence[float], share: Share
) -> _Points:
    def counted(bins: list[int]) -> torch.Tensor:
        return share.summed(count_fine(all_score_indices(samples, share), bins, samples.vectors.device))

    edges = compute_rates(mated, non_mated)
    told = [each for each in far if is_resolved(each, samples.non_mated)]
    asked: list[ThresholdTarget] = [Rates.crossing, *(partial(Rates.within, far=exact_fraction(each)) for each in told)]
    close = count_inside(set(threshold_bins(edges, asked)), mixed_bins(mated, non_mated), counted)
    equal, *accepting = exact_thresholds(edges, asked, close.counts)
    tar = {each: float(1 - point.rates.fnmr(point.at)) for each, point in zip(told, accepting, strict=True)}
    return _Points(equal, tar, float(compute_auc(mated, non_mated, close.wins)))

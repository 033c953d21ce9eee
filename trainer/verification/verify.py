"""All pairs of a split, from embeddings to what is told of them. The same figures on any number of ranks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from trainer.verification.auc import auc, inside, mixed
from trainer.verification.counting import Coarse, all_places, coarse, fine
from trainer.verification.det import det
from trainer.verification.groups import Grouped, grouped
from trainer.verification.jackknife import spread_of
from trainer.verification.power import Power, meant, needs, resolved
from trainer.verification.rates import Integers, Rates, rates
from trainer.verification.rounding import exact_products, integers
from trainer.verification.share import ALONE, Share
from trainer.verification.thresholds import Asked, Threshold, bins_with, exact
from trainer.verification.twins import Twins, twins_of


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

"""Specification of an order: its options, the sample counts that it is made from, and the accounting of an epoch.

A state must find all of it again to resume. The first part computes how many subjects a global batch would show if it
were drawn from all samples, the reference for a shuffle.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import exp, lgamma
from operator import index

import numpy as np
from numpy.typing import NDArray

from shardkit.errors import UsageError
from shardkit.stream.order.rng import IntArray


def expected_distinct(sizes: IntArray, batch: int) -> float:
    """Distinct subjects among `batch` samples of a perfect permutation, by the number of samples of each subject."""
    samples = int(sizes.sum())
    found, often = np.unique(sizes, return_counts=True)
    missed = np.array([_missed(samples, size, batch) for size in found.tolist()])
    return float(((1 - missed) * often).sum())


def _missed(samples: int, size: int, batch: int) -> float:
    """The chance that none of `size` samples is among the drawn."""
    if samples - size < batch:
        return 0.0
    return exp(_ways(samples - size, batch) - _ways(samples, batch))


def _ways(things: int, drawn: int) -> float:
    """The logarithm of how many ways there are to order so many things of these."""
    return lgamma(things + 1) - lgamma(things - drawn + 1)


_SAMPLERS = ("uniform", "balanced", "pk", "pairs")

_TAILS = ("drop", "wrap", "mask")


@dataclass(frozen=True)
class OrderOptions:
    global_batch: int
    sampler: str = "uniform"
    shuffle: bool = True
    seed: int = 0
    tail: str = "drop"
    block_rows: int = 512
    impressions_per_subject: int | None = None
    mated: float = 0.5
    hard: float = 0.3
    subset: int | None = None

    def __post_init__(self) -> None:
        self._make_plain()
        self._check_choices()
        for name, value in (("global_batch", self.global_batch), ("block_rows", self.block_rows)):
            if value < 1:
                raise UsageError(f"{name}={value}: it must be at least 1.")
        if self.subset is not None and self.subset < 1:
            raise UsageError(f"subset={self.subset}: a subset has at least one sample.")
        for name, share in (("mated", self.mated), ("hard", self.hard)):
            if not 0 <= share <= 1:
                raise UsageError(f"{name}={share}: a share lies between 0 and 1.")
        self._check_combinations()

    def _make_plain(self) -> None:
        """Hold numbers of other libraries as Python's own, since a state keeps them as JSON; TypeError for text."""
        for name in ("global_batch", "seed", "block_rows", "impressions_per_subject", "subset"):
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, index(value))
        for name in ("mated", "hard"):
            object.__setattr__(self, name, float(0.0 + getattr(self, name)))
        if not isinstance(self.shuffle, bool | np.bool_):
            raise TypeError(f"shuffle={self.shuffle!r}")
        object.__setattr__(self, "shuffle", bool(self.shuffle))

    def _check_choices(self) -> None:
        for name, value, choices in (("sampler", self.sampler, _SAMPLERS), ("tail", self.tail, _TAILS)):
            if value not in choices:
                raise UsageError(f"{name}={value!r} is none of {', '.join(map(repr, choices))}.")

    def _check_combinations(self) -> None:
        if not self.shuffle and self.sampler != "uniform":
            raise UsageError(
                f"sampler={self.sampler!r} draws anew in every epoch, so it has no order without a shuffle. Say "
                "shuffle=True, or sampler='uniform' to go through the samples as they lie."
            )
        if self.sampler == "pk" and self.tail != "drop":
            raise UsageError(
                f"tail={self.tail!r}: a row of sampler='pk' is whole or it is none, as what is left over may be all of "
                "one subject. Say tail='drop'; other samples are left out in each epoch."
            )
        if (self.sampler == "pk") != (self.impressions_per_subject is not None):
            raise UsageError("impressions_per_subject= belongs to sampler='pk', which cannot do without it. Give both.")


@dataclass(frozen=True, eq=False)
class SplitCatalog:
    """A sample's number is its place in the index of the split: shard by shard, from 0 on."""

    shards: NDArray[np.int64]
    """Samples in each shard."""
    subjects: NDArray[np.int64] | None = None
    """The subject of each sample, numbered from 0; not there when no sampler asks."""
    groups: NDArray[np.int64] | None = None
    """The group of each subject, numbered from 0; without it each subject is a group by itself."""

    @cached_property
    def samples(self) -> int:
        return int(self.shards.sum())


@dataclass(frozen=True)
class EpochCounts:
    """served - repeated + all that is left out = samples, and served + invalid = the slots of all rows."""

    samples: int
    """In the split."""
    served: int
    """Slots that hold a sample."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Samples that no slot holds, by reason."""
    repeated: int = 0
    """Slots whose sample another slot holds too, without the first."""
    invalid: int = 0
    """Slots that hold none."""
    notes: tuple[str, ...] = ()
    """What was asked for and the data cannot give."""

    @property
    def not_served(self) -> int:
        return sum(self.left_out.values())

    def __str__(self) -> str:
        said = [f"{self.served:,} of {self.samples:,} samples served"]
        if self.repeated:
            distinct = self.served - self.repeated
            said = [f"{distinct:,} of {self.samples:,} samples served, {self.repeated:,} slots repeat one"]
        said += [f"{count:,} left out: {reason}" for reason, count in self.left_out.items()]
        said += [f"{self.invalid:,} slots are not valid"] if self.invalid else []
        return "; ".join([*said, *self.notes])

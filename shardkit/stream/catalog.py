"""What an order is made from: how many samples each shard of a split holds, and who is on them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Catalog:
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

"""What decides an order, besides the data and the epoch: all that a state must find again to go on."""

from dataclasses import dataclass
from operator import index

import numpy as np

from shardkit.errors import UsageError

_SAMPLERS = ("uniform", "balanced", "pk", "pairs")
_TAILS = ("drop", "wrap", "mask")


@dataclass(frozen=True)
class Ordering:
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
        self._refuse_no_choice()
        for name, value in (("global_batch", self.global_batch), ("block_rows", self.block_rows)):
            if value < 1:
                raise UsageError(f"{name}={value}: it must be at least 1.")
        if self.subset is not None and self.subset < 1:
            raise UsageError(f"subset={self.subset}: a subset has at least one sample.")
        for name, share in (("mated", self.mated), ("hard", self.hard)):
            if not 0 <= share <= 1:
                raise UsageError(f"{name}={share}: a share lies between 0 and 1.")
        self._refuse_what_does_not_go_together()

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

    def _refuse_no_choice(self) -> None:
        for name, value, choices in (("sampler", self.sampler, _SAMPLERS), ("tail", self.tail, _TAILS)):
            if value not in choices:
                raise UsageError(f"{name}={value!r} is none of {', '.join(map(repr, choices))}.")

    def _refuse_what_does_not_go_together(self) -> None:
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

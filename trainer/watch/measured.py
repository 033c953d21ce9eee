"""What the loop measured since the last record."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    step: int
    """Rows done."""
    steps: int
    """Of how many in the run."""
    epoch: float
    loss: float
    terms: Mapping[str, float]
    """What it is the sum of, over the last row."""
    lr: float
    grad_norm: float
    samples: int
    seconds: float
    """Of these steps alone."""
    elapsed: float
    """Since the record before, validations and snapshots included."""
    waits: tuple[float, ...]
    """Seconds that each rank waited for its data in this time: from before a batch was asked for until it was there."""
    skipped: int
    """Updates that an fp16 overflow left out, of the whole run."""
    scale: float | None
    """Of fp16."""

    @property
    def samples_per_second(self) -> float:
        return self.samples / self.seconds if self.seconds > 0 else 0.0

    @property
    def data_wait(self) -> float:
        """The share of the time that the slowest rank waited: all others waited for it in turn."""
        return min(1.0, max(self.waits, default=0.0) / self.seconds) if self.seconds > 0 else 0.0

    @property
    def slowest(self) -> int:
        """The rank that waited most for its data."""
        return self.waits.index(max(self.waits)) if self.waits else 0

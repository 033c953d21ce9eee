"""How an epoch accounts for every sample and for every slot of its rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Counts:
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

"""How far a run is, in numbers that JSON keeps: what a resume needs beside tensors and the stream's state."""

from dataclasses import asdict, dataclass, field
from math import isfinite, nan
from typing import Any


@dataclass
class Progress:
    step: int = 0
    """Rows done."""
    skipped: int = 0
    """Updates that an fp16 overflow left out."""
    skipped_in_a_row: int = 0
    losses: float = 0.0
    """Summed since the last record, over `counted` rows: a resumed run records what a straight one would."""
    counted: int = 0
    validated: int = -1
    """The step of the last validation; below 0, there was none."""
    best: dict[str, float] = field(default_factory=dict)
    """The least error, by the kind of validation: kinds are never compared with each other."""
    best_step: int = 0
    """Of the full validation that was best."""
    stale: int = 0
    """Validations of the routine kind since the best of them."""

    def took(self, loss: float, *, applied: bool) -> None:
        self.step += 1
        if isfinite(loss):  # one that an overflow of fp16 left out may be none
            self.losses += loss
            self.counted += 1
        self.skipped += not applied
        self.skipped_in_a_row = 0 if applied else self.skipped_in_a_row + 1

    def mean_loss(self) -> float:
        """Since the last call."""
        mean = self.losses / self.counted if self.counted else nan
        self.losses, self.counted = 0.0, 0
        return mean

    def judged(self, kind: str, error: float, *, routine: bool) -> bool:
        """Whether it is better than any of its kind before."""
        better = self.is_best(kind, error)
        if better:
            self.best[kind] = error
        if better and kind == "full":
            self.best_step = self.step
        if routine:
            self.stale = 0 if better else self.stale + 1
        return better

    def is_best(self, kind: str, error: float | None) -> bool:
        return error is not None and error < self.best.get(kind, float("inf"))

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

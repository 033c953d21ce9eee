"""Schedule of a run: the learning rate and the duties (validate, save, log, stop) at each step.

All are functions of only the step, so a checkpoint stores nothing of them. `step` counts the steps that are done. There
are two kinds of validation: `full`, and the quick `subset`, if the config enables it.
"""

from dataclasses import dataclass
from math import cos, pi, sqrt
from typing import Literal

from trainer.config.schema import Checkpoint, Log, Optim, Validate

ValidationKind = Literal["subset", "full"]


@dataclass(frozen=True)
class Due:
    log: bool
    validate: ValidationKind | None
    save: bool
    stop: bool


@dataclass(frozen=True)
class Schedule:
    epoch: int
    """Rows of an epoch."""
    steps: int
    """Rows of the run."""
    peak: float
    """The learning rate after the warm-up."""
    optim: Optim
    validate: Validate
    checkpoint: Checkpoint
    log: Log

    def due(self, step: int) -> Due:
        stop = step >= self.steps
        return Due(
            log=step > 0 and (step % self.log.every == 0 or stop),
            validate=self._validation(step, stop),
            save=stop or self._turn(step, self.checkpoint.every_steps, self.checkpoint.every_epochs),
            stop=stop,
        )

    def lr(self, step: int) -> float:
        """For the row that follows `step` done ones."""
        warm = self.optim.warmup * self.epoch
        if step < warm:
            return self.peak * (self.optim.warmup_from + (1 - self.optim.warmup_from) * step / warm)
        return self.peak * self._curve(step, warm)

    def _validation(self, step: int, stop: bool) -> ValidationKind | None:  # noqa: FBT001
        if step == 0 and not stop:
            return "full" if self.validate.first else None
        if not stop and not self._turn(step, self.validate.every_steps, self.validate.every_epochs):
            return None
        if stop or not self.validate.subset:
            return "full"
        return "full" if self._turns(step) % self.validate.full_every == 0 else "subset"

    def _turn(self, step: int, every_steps: int, every_epochs: int) -> bool:
        """Whether one of the two intervals ends at this step."""
        intervals = (every_steps, every_epochs * self.epoch)
        return step > 0 and any(each > 0 and step % each == 0 for each in intervals)

    def _turns(self, step: int) -> int:
        """Validations up to this step: those of both intervals, each step once."""
        every, epochs = self.validate.every_steps, self.validate.every_epochs * self.epoch
        return len({*range(0, step + 1, every or step + 1), *range(0, step + 1, epochs or step + 1)}) - 1

    def _curve(self, step: int, warm: float) -> float:
        optim = self.optim
        if optim.schedule == "constant":
            return 1.0
        if optim.schedule == "step":
            return float(optim.gamma) ** sum(step >= each * self.epoch for each in optim.milestones)
        share = min(1.0, (step - warm) / max(1.0, self.steps - 1 - warm))
        fall = (1 + cos(pi * share)) / 2 if optim.schedule == "cosine" else (1 - share) ** optim.power
        return float(optim.final + (1 - optim.final) * fall)


def peak_lr(optim: Optim, global_batch: int, samples: int) -> float:
    """The base rate scaled to this batch: 0.1 at 256 is 0.4 at 1,024 by the linear rule; and to so many samples."""
    ratio = global_batch / optim.base_batch
    of_batch = optim.base_lr * {"linear": ratio, "sqrt": sqrt(ratio), "none": 1.0}[optim.scale]
    return of_batch * sqrt(optim.base_samples / samples) if optim.base_samples else of_batch

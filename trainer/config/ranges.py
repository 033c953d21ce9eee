"""Range of each number in the config, and the messages for numbers outside it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf

from trainer.config.settings import Values


@dataclass(frozen=True)
class Range:
    least: float = 0
    greatest: float = inf
    open_below: bool = False
    open_above: bool = False

    def holds(self, value: float) -> bool:
        """Never a NaN."""
        above = value > self.least if self.open_below else value >= self.least
        return above and (value < self.greatest if self.open_above else value <= self.greatest) and value < inf

    def __str__(self) -> str:
        low = f"more than {self.least:g}" if self.open_below else f"at least {self.least:g}"
        if self.greatest == inf:
            return low
        return f"{low} and {'less than' if self.open_above else 'at most'} {self.greatest:,}"


_FROM_0, _FROM_1, _ABOVE_0 = Range(), Range(1), Range(open_below=True)

_SHARE, _PART = Range(0, 1), Range(0, 1, open_above=True)

_FACTOR = Range(0, 1, open_below=True)

_INSIDE = Range(0, 1, open_below=True, open_above=True)

RANGES: Mapping[str, Range] = {
    "run.epochs": _FROM_1,
    "run.steps": _FROM_0,
    "run.seed": Range(0, 2**63 - 1),
    "run.wait": _FROM_0,
    "data.global_batch": _FROM_1,
    "data.micro_batch": _FROM_1,
    "data.impressions_per_subject": _FROM_0,
    "data.mated": _SHARE,
    "data.hard": _SHARE,
    "data.block_rows": _FROM_1,
    "data.size": Range(0, 1 << 14),
    "data.threads": _FROM_0,
    "augment.shrink": _FROM_1,
    "augment.crop": _FROM_0,
    "augment.rotation": Range(0, 180),
    "augment.shift": _FROM_0,
    "augment.contrast": _ABOVE_0,
    "augment.gain": _ABOVE_0,
    "augment.flip": _SHARE,
    "augment.erase": _SHARE,
    "augment.erase_area": _FACTOR,
    "augment.ridge_period": _FROM_0,
    "augment.mean": Range(-inf),
    "augment.std": _ABOVE_0,
    "model.width": _ABOVE_0,
    "model.patch": _FROM_1,
    "model.blocks": _FROM_0,
    "model.embedding": _FROM_1,
    "model.dropout": _PART,
    "head.margin": _PART,
    "head.scale": _ABOVE_0,
    "head.sampled": _FACTOR,
    "loss.classes": _FROM_0,
    "loss.label_smoothing": _PART,
    "loss.center": _FROM_0,
    "loss.center_rate": _SHARE,
    "loss.minutiae_map": _FROM_0,
    "loss.triplet": _FROM_0,
    "loss.triplet_margin": _FROM_0,
    "loss.pairs": _FROM_0,
    "loss.focal": _FROM_0,
    "loss.focal_gamma": _FROM_0,
    "optim.base_lr": _ABOVE_0,
    "optim.base_batch": _FROM_1,
    "optim.base_samples": _FROM_0,
    "optim.warmup": _FROM_0,
    "optim.warmup_from": _SHARE,
    "optim.final": _SHARE,
    "optim.milestones": _ABOVE_0,
    "optim.gamma": _FACTOR,
    "optim.power": _ABOVE_0,
    "optim.momentum": _PART,
    "optim.betas": _PART,
    "optim.eps": _ABOVE_0,
    "optim.weight_decay": _FROM_0,
    "optim.clip": _FROM_0,
    "ema.decay": _PART,
    "amp.init_scale": _ABOVE_0,
    "amp.growth_interval": _FROM_1,
    "system.threads": _FROM_0,
    "system.timeout": _ABOVE_0,
    "system.first_timeout": _ABOVE_0,
    "checkpoint.every_steps": _FROM_0,
    "checkpoint.every_epochs": _FROM_0,
    "checkpoint.keep": _FROM_1,
    "validate.every_epochs": _FROM_0,
    "validate.every_steps": _FROM_0,
    "validate.subset": _FROM_0,
    "validate.full_every": _FROM_1,
    "validate.patience": _FROM_0,
    "validate.far": _INSIDE,
    "log.every": _FROM_1,
    "log.profile": _FROM_0,
}


def range_errors(values: Values) -> Iterator[str]:
    for name, allowed in RANGES.items():
        value = values[name]
        several = value if isinstance(value, tuple) else (value,)
        for each in several:
            if not allowed.holds(each):
                yield f"{name} is {each:,}. It must be {allowed}."

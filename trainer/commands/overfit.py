"""`python -m trainer overfit --config …`: one row, learnt by heart. If that fails, the wiring is wrong."""

import sys
from collections.abc import Sequence
from dataclasses import replace

from trainer.commands.train import before_cuda
from trainer.config.checks import check
from trainer.config.load import loaded
from trainer.config.sections import Config
from trainer.run.parts import Parts, parts_of
from trainer.world.parents import die_with_parent
from trainer.world.ranks import World, joined

STEPS = 300
LEARNT = 0.05
"""A loss below this is as good as 0."""
NOT_LEARNT = 1


def main(arguments: Sequence[str]) -> int:
    die_with_parent()
    config = without_disturbance(loaded(arguments))
    before_cuda(config)
    with joined(config.system) as world:
        check(config, world.size, world.device.type)
        parts = parts_of(config, world, None, lambda text: _say(world, text))
        loss, steps = _learnt(parts, world)
        good = loss < LEARNT
        _say(world, _verdict(loss, steps, good=good))
    return 0 if good else NOT_LEARNT


def without_disturbance(config: Config) -> Config:
    """Nothing that keeps a network from learning by heart, and a learning rate that stays."""
    return replace(
        config,
        augment=replace(config.augment, enabled=False),
        model=replace(config.model, dropout=0.0),
        loss=replace(config.loss, label_smoothing=0.0),
        optim=replace(config.optim, schedule="constant", warmup=0.0, weight_decay=0.0),
    )


def _learnt(parts: Parts, world: World) -> tuple[float, int]:
    """The loss that was reached, and after how many steps."""
    loss = float("inf")
    for step in range(1, STEPS + 1):
        loss = parts.step(parts.first, parts.schedule.peak, 0).said.loss
        if step % 25 == 0:
            _say(world, f"step {step:>4}   loss {loss:.4f}")
        if loss < LEARNT:
            return loss, step
    return loss, STEPS


def _verdict(loss: float, steps: int, *, good: bool) -> str:
    if good:
        return f"Learnt by heart: loss {loss:.4f} after {steps} steps on one row. The wiring is right."
    return (
        f"Not learnt: loss {loss:.4f} after {steps} steps on one row of the same samples. Look at the labels (do "
        "samples of one subject share one?), the pictures (`python -m trainer replay`), the learning rate "
        "(optim.base_lr), and whether another run's weights were read (model.init)."
    )


def _say(world: World, text: str) -> None:
    if world.leads:
        sys.stderr.write(f"{text}\n")

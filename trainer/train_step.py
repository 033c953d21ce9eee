"""Training step: forward and backward of each micro-batch, one exchange between ranks, clipping, one update.

Random generators are seeded at each micro-batch from seed, step and micro-batch, so no generator state is saved.
"""

import random
from dataclasses import dataclass
from math import isfinite

import numpy as np
import torch

from trainer.augment.geometry import minutiae_map
from trainer.augment.pipeline import Augmentation
from trainer.augment.random_draws import mix_key
from trainer.checkpoint.state import State
from trainer.data import Batch, MicroBatch
from trainer.distributed.gradients import GradClipper, GradientReducer
from trainer.distributed.step_stats import (
    NegativeSampler,
    RowGatherer,
    StepStats,
    StepStatsReducer,
)
from trainer.errors import Diverged
from trainer.network import Targets

MAX_SKIPPED_STEPS = 50
"""Overflows in a row after which fp16 will not find a scale any more."""
FIRST_WEIGHTS = 1 << 40
"""A step that no run reaches: the draws of the first weights are nobody else's."""


@dataclass(frozen=True)
class StepResult:
    said: StepStats
    norm: float
    """Of all gradients together, before clipping."""
    applied: bool


class TrainStep:
    def __init__(  # noqa: PLR0917 - what a step is made of
        self,
        state: State,
        gradients: GradientReducer,
        tally: StepStatsReducer,
        gathered: RowGatherer,
        drawn: NegativeSampler,
        norm: GradClipper,
        augment: Augmentation,
        seed: int,
    ) -> None:
        self._state, self._gradients, self._augment = state, gradients, augment
        self._tally, self._gathered, self._drawn, self._norm = tally, gathered, drawn, norm
        self._seed = seed

    def __call__(self, row: Batch, lr: float, asked: int) -> StepResult:
        """`asked` is the signal by which this rank was asked to stop, or 0."""
        said, norm = self.forward_backward_all(row, asked)
        applied = isfinite(norm)
        if applied:
            self._apply(lr)
        elif self._state.scaler is None or self._state.progress.skipped_in_a_row >= MAX_SKIPPED_STEPS:
            raise _diverged(said, row, self._state.progress.step)
        self._state.optimizer.zero_grad()
        if self._state.scaler:
            self._state.scaler.update(applied)
        self._state.progress.took(said.loss, applied=applied)
        return StepResult(said, norm, applied)

    def forward_backward_all(self, row: Batch, asked: int = 0) -> tuple[StepStats, float]:
        """What all say of a row, and the norm of its gradients, which lie in the parameters now."""
        self._tally.clear()
        self._gathered.clear()
        self.draw(*row.micro_batches)
        for micro_batch in row.micro_batches:
            terms = self._forward_backward(micro_batch, row.epoch, last=micro_batch is row.micro_batches[-1])
            self._tally.add(micro_batch.number, terms)
            self._gathered.add(micro_batch.labels)
        said = self._tally.reduce(row.waited, asked)
        return said, self._reduce_and_clip(said)

    def warm_up(self, like: MicroBatch) -> None:
        """A forward and backward that are thrown away: DDP lays its buckets, compilers compile."""
        self.draw(like)
        self._forward_backward(like, 0, last=True)
        self._gradients.discard()
        self._state.optimizer.zero_grad()

    def draw(self, *micro_batches: MicroBatch) -> None:
        """What these are compared with: of a row, all that this rank has of it."""
        self._drawn.draw(torch.cat([each.labels for each in micro_batches]), self._state.progress.step)

    def _forward_backward(self, micro_batch: MicroBatch, epoch: int, *, last: bool) -> torch.Tensor:
        seed_all(self._seed, self._state.progress.step, micro_batch.number)
        images = self._augment(micro_batch.images, micro_batch.numbers, epoch, learning=True)
        targets = self.targets(micro_batch, epoch, images)
        with self._gradients.sync_context(last=last):
            terms: torch.Tensor = self._gradients.network(images, targets)
            loss = self._gradients.scale_loss(terms.sum())
            (loss * self._scale).backward()  # type: ignore[no-untyped-call]  # torch does not say
        self._gradients.accumulate()
        return terms

    def targets(self, micro_batch: MicroBatch, epoch: int, images: torch.Tensor) -> Targets:
        """What there is to learn of these images, as the network sees them."""
        if micro_batch.minutiae is None:
            return Targets(micro_batch.labels)
        points, counts = micro_batch.minutiae
        stored = (micro_batch.images.shape[-2], micro_batch.images.shape[-1])
        moved = self._augment.points(points, micro_batch.numbers, epoch, stored, learning=True)
        shown = minutiae_map(moved, counts, (images.shape[-2], images.shape[-1]))
        return Targets(micro_batch.labels, shown, counts > 0)

    def _reduce_and_clip(self, said: StepStats) -> float:
        """The norm of the row's gradients, clipped behind it; not finite where a loss or a gradient is not."""
        if not isfinite(said.loss):
            self._gradients.discard()
            return said.loss
        self._gradients.finalize(self._scale)
        return self._norm.clipped()

    def _apply(self, lr: float) -> None:
        for group in self._state.optimizer.param_groups:
            group["lr"] = lr
        self._state.optimizer.step()
        self._tally.update_modules()
        self._gathered.update_modules()
        if self._state.ema:
            self._state.ema.update(self._state.network)

    @property
    def _scale(self) -> float:
        return self._state.scaler.scale if self._state.scaler else 1.0


def seed_all(seed: int, step: int, micro_batch: int) -> None:
    """Dropout and whatever else draws starts anew at each micro-batch: so no state of a generator is ever saved."""
    key = mix_key(seed, step, micro_batch)
    torch.manual_seed(key)
    random.seed(key)
    np.random.seed(key & 0xFFFFFFFF)  # noqa: NPY002 - a user's model may draw from it


def _diverged(said: StepStats, row: Batch, step: int) -> Diverged:
    bad = [number for number, loss in enumerate(said.losses) if not isfinite(loss)]
    mine = [each for each in row.micro_batches if each.number in bad]
    first, size = row.micro_batches[0].number, len(row.micro_batches[0].labels)
    keys = [key for each in mine for key in row.keys()[(each.number - first) * size :][:size]]
    where = f"micro-batches {', '.join(map(str, bad))}" if bad else "the gradients, though no loss is"
    names = f" Samples here: {', '.join(keys)}." if keys else ""
    return Diverged(
        f"Step {step + 1}: the loss is not finite in {where}. Nothing of this step was applied.{names} Try, in this "
        "order: amp.dtype = bf16 or off; half of optim.base_lr; optim.clip = 1. `python -m trainer replay` shows the "
        "step."
    )

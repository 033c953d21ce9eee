"""Validation of the current weights on a split, and the final test of the best weights.

It uses the averaged weights, if the run keeps them, and the generation of the dataset that the run trains on. The test
split is evaluated once, after the last step; its result is never replaced. The page `run.md` is written after that.
"""

import json
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import torch

from shardkit import publish
from trainer.build import RunComponents, run_facts
from trainer.checkpoint.store import find_best, load_tensors, read_unverified
from trainer.data import BatchLoader
from trainer.evaluation.embedding import classify_split, groups_of, verify_split
from trainer.metrics.report import write_page
from trainer.run_record import RunContext
from trainer.schedule import ValidationKind


class ValidationResult(Protocol):
    @property
    def error(self) -> float:
        """What best and patience go by; less is better."""

    def as_json(self) -> dict[str, Any]: ...


@dataclass
class Validator:
    parts: RunComponents
    around: RunContext
    split: str
    _feeds: dict[ValidationKind, BatchLoader] = field(default_factory=dict)
    """Kept, so that a validation may find its images decoded in memory."""

    def __call__(self, kind: ValidationKind) -> ValidationResult | None:
        state, validate = self.parts.state, self.parts.config.validate
        with_what = (state.network, self._feed(kind), self.parts.augment, self.around.world)
        with state.ema.swapped_in(state.network) if state.ema else nullcontext():
            if validate.metric == "accuracy":
                return classify_split(*with_what, self._go_on)
            return verify_split(*with_what, validate.far, self._go_on, self._groups)

    @cached_property
    def _groups(self) -> torch.Tensor | None:
        return groups_of(self.parts.config.data.path, self.parts.dataset.generation, self.split)

    def _go_on(self) -> bool:
        self.around.dog.heartbeat()
        return not self.around.request.signal

    def _feed(self, kind: ValidationKind) -> BatchLoader:
        if kind not in self._feeds:
            config, generation = self.parts.config, self.parts.dataset.generation
            subset = config.validate.subset if kind == "subset" else 0
            self._feeds[kind] = BatchLoader(
                config.data, self.split, self.around.world, config.run.seed, generation, subset, judging=True
            )
        return self._feeds[kind]


TEST_FILE = "test.json"
"""Who is judged a second time on the same split is chosen by it: so the file is never replaced."""


def run_final_test(parts: RunComponents, around: RunContext) -> bool:
    """False if somebody asked to stop on the way."""
    folder = Path(parts.config.run.folder)
    if (
        parts.config.data.test
        and not around.world.broadcast_object((folder / TEST_FILE).exists())
        and not _test(parts, around, folder)
    ):
        return False
    if around.watch:
        write_page(folder, parts.config, run_facts(parts, around))
    return True


def _test(parts: RunComponents, around: RunContext, folder: Path) -> bool:
    mine = find_best(folder, around.say) if around.world.is_main else None
    step = around.world.broadcast_object(mine.step if mine else parts.state.progress.step)
    chosen = mine or read_unverified(folder, step)
    parts.state.load(load_tensors(chosen.folder, parts.state.reads), chosen.state)
    found = Validator(parts, around, parts.config.data.test)("full")
    if found and around.watch:
        around.watch.validated(step, "test", found.as_json())
        with publish(folder / TEST_FILE) as file:
            file.write(json.dumps({"step": step, **found.as_json()}, indent=2).encode())
    return found is not None

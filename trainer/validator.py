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
from trainer.build import Parts, facts_of
from trainer.checkpoint.store import best, load, told
from trainer.data import Feed
from trainer.evaluation.embedding import groups_of, judged, named
from trainer.metrics.report import write_page
from trainer.run_record import Surroundings
from trainer.schedule import Kind


class Verdict(Protocol):
    @property
    def error(self) -> float:
        """What best and patience go by; less is better."""

    def as_json(self) -> dict[str, Any]: ...


@dataclass
class Judge:
    parts: Parts
    around: Surroundings
    split: str
    _feeds: dict[Kind, Feed] = field(default_factory=dict)
    """Kept, so that a validation may find its images decoded in memory."""

    def __call__(self, kind: Kind) -> Verdict | None:
        state, validate = self.parts.state, self.parts.config.validate
        with_what = (state.network, self._feed(kind), self.parts.augment, self.around.world)
        with state.ema.in_place(state.network) if state.ema else nullcontext():
            if validate.metric == "accuracy":
                return named(*with_what, self._go_on)
            return judged(*with_what, validate.far, self._go_on, self._groups)

    @cached_property
    def _groups(self) -> torch.Tensor | None:
        return groups_of(self.parts.config.data.path, self.parts.dataset.generation, self.split)

    def _go_on(self) -> bool:
        self.around.dog.alive()
        return not self.around.request.signal

    def _feed(self, kind: Kind) -> Feed:
        if kind not in self._feeds:
            config, generation = self.parts.config, self.parts.dataset.generation
            subset = config.validate.subset if kind == "subset" else 0
            self._feeds[kind] = Feed(
                config.data, self.split, self.around.world, config.run.seed, generation, subset, judging=True
            )
        return self._feeds[kind]


TEST = "test.json"
"""Who is judged a second time on the same split is chosen by it: so the file is never replaced."""


def judged_at_last(parts: Parts, around: Surroundings) -> bool:
    """False if somebody asked to stop on the way."""
    folder = Path(parts.config.run.folder)
    if (
        parts.config.data.test
        and not around.world.agreed((folder / TEST).exists())
        and not _test(parts, around, folder)
    ):
        return False
    if around.watch:
        write_page(folder, parts.config, facts_of(parts, around))
    return True


def _test(parts: Parts, around: Surroundings, folder: Path) -> bool:
    mine = best(folder, around.say) if around.world.leads else None
    step = around.world.agreed(mine.step if mine else parts.state.progress.step)
    chosen = mine or told(folder, step)
    parts.state.load(load(chosen.folder, parts.state.reads), chosen.state)
    found = Judge(parts, around, parts.config.data.test)("full")
    if found and around.watch:
        around.watch.validated(step, "test", found.as_json())
        with publish(folder / TEST) as file:
            file.write(json.dumps({"step": step, **found.as_json()}, indent=2).encode())
    return found is not None

"""Judging the run's own weights: the averaged ones where they are kept, on the generation that it learns from."""

from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cached_property

import torch

from trainer.batches import Feed
from trainer.judging import groups_of, judged
from trainer.naming import named
from trainer.run.duties import Verdict
from trainer.run.parts import Parts
from trainer.run.surroundings import Surroundings
from trainer.schedule import Kind


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

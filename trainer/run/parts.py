"""The parts of a run, put together: from its config, or from its config and the checkpoint that it goes on from."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from trainer.augment.augment import Augment
from trainer.batches import Feed, Row
from trainer.checkpoint.find import Found, load
from trainer.config.identity import identity_of, refuse_other
from trainer.config.sections import Config
from trainer.run.built import network_of, set_up, start_from, state_of, step_of
from trainer.run.facts import (
    Dataset,
    dataset_of,
    record_of,
    refuse_missing_generation,
    refuse_other_dataset,
    refuse_without_minutiae,
    resolved,
    tell_what_differs,
)
from trainer.run.inputs import Input, input_of
from trainer.schedule import Schedule, peak_of
from trainer.state.state import State
from trainer.step import Step
from trainer.world.ranks import World

Say = Callable[[str], None]


@dataclass(frozen=True)
class Parts:
    config: Config
    """With every `auto` decided."""
    dataset: Dataset
    record: Mapping[str, Any]
    """What every checkpoint says of the run."""
    schedule: Schedule
    state: State
    augment: Augment
    step: Step
    stream: Mapping[str, Any]
    """The stream's state before the first of the rows."""
    rows: Iterator[Row]
    first: Row


def parts_of(config: Config, world: World, before: Found | None, say: Say) -> Parts:
    config = resolved(config, world, before.state if before else None)
    if before:
        refuse_other(before.state["identity"], identity_of(config))
        refuse_missing_generation(before.state, config.data.path)
    dataset = dataset_of(config, before.state["dataset"]["generation"] if before else None)
    if before:
        refuse_other_dataset(before.state, dataset, config.data.path)
    set_up(config, world.device)
    minutiae = config.loss.minutiae_map > 0
    if minutiae and not before:
        refuse_without_minutiae(config, dataset.generation)
    feed = Feed(config.data, config.data.train, world, config.run.seed, dataset.generation, minutiae=minutiae)
    if before:
        feed.load(before.state["stream"])
    stream, rows = feed.state(), feed.rows()
    first = next(rows)
    seen = input_of(first, config.augment)
    record = record_of(config, dataset, seen, world)
    if before:
        tell_what_differs(before.state, record, say)
    state = _state(config, world, dataset, seen, before, say)
    augment = Augment(config.augment, config.run.seed)
    step = step_of(config, state, augment, world)
    schedule = schedule_of(config, len(feed), dataset.samples)
    return Parts(config, dataset, record, schedule, state, augment, step, stream, chain([first], rows), first)


def schedule_of(config: Config, epoch: int, samples: int) -> Schedule:
    whole = config.run.epochs * epoch
    steps = min(whole, config.run.steps) if config.run.steps else whole
    peak = peak_of(config.optim, config.data.global_batch, samples)
    return Schedule(epoch, steps, peak, config.optim, config.validate, config.checkpoint, config.log)


def _state(  # noqa: PLR0917 - what a state is made from
    config: Config, world: World, dataset: Dataset, seen: Input, before: Found | None, say: Say
) -> State:
    network = network_of(config, dataset.classes, seen, world)
    if config.model.init and not before:
        start_from(config.model.init, network, say)
    state = state_of(config, network, world)
    if before:
        state.load(load(before.folder, state.reads), before.state)
    return state

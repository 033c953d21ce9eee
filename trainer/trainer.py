"""Training loop: steps, validation, checkpoints, stop and resume.

Start with `carried_out`: it finds the newest valid checkpoint, builds the run, prints the banner and trains to the end.
All ranks take each decision alike: rank 0 decides, or all ranks reduce a value. A checkpoint is saved before a
validation, which takes long and may fail, and again after it if the weights are the best so far.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import shardkit
from shardkit import publish
from trainer.augment.pipeline import LEAST_RIDGE_PERIOD, ridge_period_at_input
from trainer.build import RunComponents, build_run, run_facts
from trainer.checkpoint.state import State
from trainer.checkpoint.store import CheckpointRef, find_latest, read_unverified
from trainer.checkpoint.writer import CheckpointWriter
from trainer.config.files import config_to_toml
from trainer.config.schema import Config, System
from trainer.data import Batch
from trainer.distributed.watchdog import exit_code_of
from trainer.metrics.console import format_banner
from trainer.metrics.logger import StepReporter
from trainer.metrics.profiler import profile_steps
from trainer.run_record import RunContext
from trainer.schedule import Schedule, ValidationKind
from trainer.train_step import StepResult
from trainer.validator import ValidationResult, Validator, run_final_test


@dataclass(frozen=True)
class RunResult:
    step: int
    why: str
    exit_code: int

    @property
    def finished(self) -> bool:
        return self.exit_code == 0


class Duties(Protocol):
    def __call__(self, behind: Batch | None, asked: int) -> RunResult | None:
        """Validate and save what is due behind a row; an ending if there is nothing more to do.

        `asked` is the signal by which any rank was asked to stop, as all agreed, or 0.
        """


def train(
    rows: Iterator[Batch],
    learn: Callable[[Batch], StepResult],
    duties: Duties,
    report: Callable[[Batch, StepResult], None],
) -> RunResult:
    row, asked = None, 0
    while (ending := duties(row, asked)) is None:
        row = next(rows)
        outcome = learn(row)
        report(row, outcome)
        asked = outcome.said.signal
    return ending


Validate = Callable[[ValidationKind], ValidationResult | None]
"""None where a rank was asked to stop on the way."""


@dataclass
class RunDuties:
    schedule: Schedule
    state: State
    around: RunContext
    system: System
    record: Mapping[str, Any]
    stream: Callable[[], Mapping[str, Any]]
    """The stream's state behind the last row; reckoned where it is saved, and not at each step."""
    judge: Validate | None
    """None where there is no split to validate on."""
    writer: CheckpointWriter | None
    """Rank 0 alone writes."""
    saved: tuple[int, int]
    """The step of the newest checkpoint, and that of the last validation that it knows of."""

    def __call__(self, behind: Batch | None, asked: int) -> RunResult | None:
        if behind is not None:
            self.stream = behind.state
        if asked:
            return self._stopped(asked)
        due = self.schedule.due(self.state.progress.step)
        if due.save:
            self._save(best=False)  # before a validation, which takes long and may fail
        better = False
        if due.validate and self.judge and self.state.progress.validated < self.state.progress.step:
            verdict = self._validated(due.validate)
            if verdict is None:
                return self._stopped(self.around.request.signal)
            better = verdict
        over = self._over(stop=due.stop)
        if due.save or better or over:
            self._save(best=better)
        return over

    def _over(self, *, stop: bool) -> RunResult | None:
        progress = self.state.progress
        if stop:
            return RunResult(progress.step, "all its steps are done", 0)
        patience = self.schedule.validate.patience
        if self.judge and patience and progress.stale >= patience:
            return RunResult(
                progress.step,
                f"{progress.stale} validations brought no better {self.schedule.validate.metric} (validate.patience)",
                0,
            )
        return None

    def _validated(self, kind: ValidationKind) -> bool | None:
        """Whether a full one is the best so far; None if somebody asked to stop, and then nothing counts.

        A subset that looks better than any before is made sure of by a full validation.
        """
        progress = self.state.progress
        errors = {kind: self._error(kind)}
        if kind == "subset" and progress.is_best(kind, errors[kind]):
            errors["full"] = self._error("full")
        if None in errors.values():
            return None
        routine = "subset" if self.schedule.validate.subset else "full"
        better = {
            each: progress.judged(each, error, routine=each == routine)
            for each, error in errors.items()
            if error is not None
        }
        progress.validated = progress.step
        return better.get("full", False)

    def _error(self, kind: ValidationKind) -> float | None:
        """As rank 0 says."""
        assert self.judge
        found = self.judge(kind)
        if found is None:
            return None
        if self.around.watch:
            self.around.watch.validated(self.state.progress.step, kind, found.as_json())
        return float(self.around.world.broadcast_object(found.error))

    def _stopped(self, asked: int) -> RunResult:
        self._save(best=False)
        return RunResult(self.saved[0], "it was asked to stop, and the same command goes on", exit_code_of(asked))

    def _save(self, *, best: bool) -> None:
        now = (self.state.progress.step, self.state.progress.validated)
        if self.saved == now and not best:
            return
        self.saved = now
        self.around.dog.heartbeat(self.system.first_timeout)  # a slow disk is no stuck rank
        tensors = self.state.tensors(leads=self.around.world.is_main)
        if self.writer:
            state = {**self.record, **self.state.facts(), "stream": dict(self.stream())}
            self.writer.save(now[0], tensors, state, best=best)
        self.around.world.all_true(True)  # noqa: FBT003 - all wait for whoever waits for the disk
        self.around.dog.heartbeat(self.system.timeout)


def log_start(parts: RunComponents, around: RunContext, *, resumed: bool) -> None:
    assert around.watch
    facts = run_facts(parts, around)
    around.watch.say(format_banner(parts.config, facts))
    period = ridge_period_at_input(parts.config.augment)
    if 0 < period < LEAST_RIDGE_PERIOD:
        around.say(
            f"Ridges are {period:.1f} pixels apart at the network's input, and below {LEAST_RIDGE_PERIOD:g} they run "
            "into each other: lower augment.shrink, or pack larger images. If these are no prints, set "
            "augment.ridge_period to 0."
        )
    if parts.config.data.size and period:
        _tell_of_size(parts, around)
    around.watch.event("resumed" if resumed else "started", step=parts.state.progress.step, **parts.record)


def _tell_of_size(parts: RunComponents, around: RunContext) -> None:
    """A period is measured before pictures are resized, and counts behind that."""
    data, own = parts.config.data, parts.config.augment
    dataset = shardkit.open(data.path, parts.dataset.generation)
    first = dataset.samples(dataset[data.train].shards[0])[0]
    if max(first.height, first.width) != data.size:
        around.say(
            f"data.size brings images of {first.height} x {first.width} to {data.size}, and augment.ridge_period = "
            f"{own.ridge_period:g} counts behind that: of prints at 500 ppi it is "
            f"{9 * data.size / max(first.height, first.width):.1f}."
        )


def run_training(config: Config, around: RunContext) -> RunResult:
    folder = Path(config.run.folder)
    before = find_resume_point(folder, around)
    parts = build_run(config, around.world, before, around.say)
    if around.watch:
        _keep_config(folder, parts.config)
        around.watch.resume(parts.state.progress.step)
        log_start(parts, around, resumed=before is not None)
    with ExitStack() as stack:
        writer = CheckpointWriter(folder, parts.config.checkpoint.keep, around.watch.saved) if around.watch else None
        if writer:
            stack.callback(writer.close)
        ending = _trained(parts, around, writer)
        around.dog.heartbeat(config.system.first_timeout)
    if ending.finished and not run_final_test(parts, around):
        return replace(ending, why="it was asked to stop before the test split was judged", exit_code=around.stopped)
    return ending


def find_resume_point(folder: Path, around: RunContext) -> CheckpointRef | None:
    """The newest valid checkpoint, as rank 0 finds it: ranks that look for themselves may see different ones."""
    mine = find_latest(folder, around.say) if around.world.is_main else None
    step = around.world.broadcast_object(mine.step if mine else None)
    if step is None:
        return None
    return mine or read_unverified(folder, step)


def _trained(parts: RunComponents, around: RunContext, writer: CheckpointWriter | None) -> RunResult:
    duties = RunDuties(
        parts.schedule,
        parts.state,
        around,
        parts.config.system,
        parts.record,
        lambda: parts.stream,
        Validator(parts, around, parts.config.data.val) if parts.config.data.val else None,
        writer,
        (parts.state.progress.step, parts.state.progress.validated),
    )
    report = StepReporter(parts.schedule, parts.state, parts.config.data.global_batch, around.watch)

    def learn(row: Batch) -> StepResult:
        outcome = parts.step(row, parts.schedule.lr(parts.state.progress.step), around.request.signal)
        around.dog.heartbeat(parts.config.system.timeout)
        if writer:
            writer.check()
        return outcome

    parts.step.warm_up(parts.first.micro_batches[-1])
    with profile_steps(
        learn, parts.config.log.profile, Path(parts.config.run.folder), around.say if around.watch else None
    ) as own:
        return train(parts.rows, own, duties, report)


def _keep_config(folder: Path, config: Config) -> None:
    with publish(folder / "config.toml") as file:
        file.write(config_to_toml(config).encode())

"""What is due behind a row: validation, a checkpoint, the end. Whatever is decided is decided by all ranks alike."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from trainer.batches import Row
from trainer.checkpoint.writer import Writer
from trainer.config.sections import System
from trainer.loop import Ending
from trainer.run.surroundings import Surroundings
from trainer.schedule import Kind, Schedule
from trainer.state.state import State
from trainer.world.signals import exit_code_of


class Verdict(Protocol):
    @property
    def error(self) -> float:
        """What best and patience go by; less is better."""

    def as_json(self) -> dict[str, Any]: ...


Judge = Callable[[Kind], Verdict | None]
"""None where a rank was asked to stop on the way."""


@dataclass
class RunDuties:
    schedule: Schedule
    state: State
    around: Surroundings
    system: System
    record: Mapping[str, Any]
    stream: Callable[[], Mapping[str, Any]]
    """The stream's state behind the last row; reckoned where it is saved, and not at each step."""
    judge: Judge | None
    """None where there is no split to validate on."""
    writer: Writer | None
    """Rank 0 alone writes."""
    saved: tuple[int, int]
    """The step of the newest checkpoint, and that of the last validation that it knows of."""

    def __call__(self, behind: Row | None, asked: int) -> Ending | None:
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

    def _over(self, *, stop: bool) -> Ending | None:
        progress = self.state.progress
        if stop:
            return Ending(progress.step, "all its steps are done", 0)
        patience = self.schedule.validate.patience
        if self.judge and patience and progress.stale >= patience:
            return Ending(
                progress.step,
                f"{progress.stale} validations brought no better {self.schedule.validate.metric} (validate.patience)",
                0,
            )
        return None

    def _validated(self, kind: Kind) -> bool | None:
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

    def _error(self, kind: Kind) -> float | None:
        """As rank 0 says."""
        assert self.judge
        found = self.judge(kind)
        if found is None:
            return None
        if self.around.watch:
            self.around.watch.validated(self.state.progress.step, kind, found.as_json())
        return float(self.around.world.agreed(found.error))

    def _stopped(self, asked: int) -> Ending:
        self._save(best=False)
        return Ending(self.saved[0], "it was asked to stop, and the same command goes on", exit_code_of(asked))

    def _save(self, *, best: bool) -> None:
        now = (self.state.progress.step, self.state.progress.validated)
        if self.saved == now and not best:
            return
        self.saved = now
        self.around.dog.alive(self.system.first_timeout)  # a slow disk is no stuck rank
        tensors = self.state.tensors(leads=self.around.world.leads)
        if self.writer:
            state = {**self.record, **self.state.facts(), "stream": dict(self.stream())}
            self.writer.save(now[0], tensors, state, best=best)
        self.around.world.all_say(True)  # noqa: FBT003 - all wait for whoever waits for the disk
        self.around.dog.alive(self.system.timeout)

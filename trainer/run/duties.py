"""What is due behind a row: validation, a checkpoint, the end. Whatever is decided is decided by all ranks alike."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from trainer.batches import Row
from trainer.checkpoint.writer import Writer
from trainer.loop import Ending
from trainer.schedule import Kind, Schedule
from trainer.state.state import State
from trainer.verification.verify import Verification
from trainer.watch.watch import Watch
from trainer.world.ranks import World
from trainer.world.signals import Request, exit_code_of

Judge = Callable[[Kind], Verification | None]
"""None where a rank was asked to stop on the way."""


@dataclass
class RunDuties:
    schedule: Schedule
    state: State
    world: World
    request: Request
    record: Mapping[str, Any]
    stream: Mapping[str, Any]
    """The stream's state, where no row was given since the start."""
    judge: Judge | None
    """None where there is no split to validate on."""
    writer: Writer | None
    """Rank 0 alone writes and talks."""
    watch: Watch | None
    saved: int

    def __call__(self, behind: Row | None, asked: int) -> Ending | None:
        if behind is not None:
            self.stream = behind.state()
        if asked:
            return self._stopped(asked)
        due = self.schedule.due(self.state.progress.step)
        better = False
        if due.validate and self.judge and self.state.progress.validated < self.state.progress.step:
            verdict = self._validated(due.validate)
            if verdict is None:
                return self._stopped(self.request.signal)
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
            return Ending(progress.step, f"{progress.stale} validations brought no better EER (validate.patience)", 0)
        return None

    def _validated(self, kind: Kind) -> bool | None:
        """Whether a full one is the best so far; None if somebody asked to stop, and then nothing counts.

        A subset that looks better than any before is made sure of by a full validation.
        """
        progress = self.state.progress
        eers = {kind: self._eer(kind)}
        if kind == "subset" and progress.is_best(kind, eers[kind]):
            eers["full"] = self._eer("full")
        if None in eers.values():
            return None
        routine = "subset" if self.schedule.validate.subset else "full"
        better = {
            each: progress.judged(each, eer, routine=each == routine) for each, eer in eers.items() if eer is not None
        }
        progress.validated = progress.step
        return better.get("full", False)

    def _eer(self, kind: Kind) -> float | None:
        """As rank 0 says."""
        assert self.judge
        found = self.judge(kind)
        if found is None:
            return None
        if self.watch:
            self.watch.validated(self.state.progress.step, kind, found.as_json())
        return float(self.world.agreed(found.eer))

    def _stopped(self, asked: int) -> Ending:
        self._save(best=False)
        return Ending(self.saved, "it was asked to stop, and the same command goes on", exit_code_of(asked))

    def _save(self, *, best: bool) -> None:
        if self.saved == self.state.progress.step and not best:
            return
        self.saved = self.state.progress.step
        tensors = self.state.tensors(leads=self.world.leads)
        if self.writer:
            state = {**self.record, **self.state.facts(), "stream": dict(self.stream)}
            self.writer.save(self.saved, tensors, state, best=best)

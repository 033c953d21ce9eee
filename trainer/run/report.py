"""From single rows to the figures of a record: what happened since the last one."""

import time
from dataclasses import dataclass, field

from trainer.batches import Row
from trainer.schedule import Schedule
from trainer.state.state import State
from trainer.step import Outcome
from trainer.watch.measured import Measured
from trainer.watch.watch import Watch


@dataclass
class Report:
    schedule: Schedule
    state: State
    global_batch: int
    watch: Watch | None
    """Rank 0's; the others count along, since a checkpoint keeps what is counted."""
    _rows: int = 0
    _waits: list[float] = field(default_factory=list)
    _recorded: float = field(default_factory=time.perf_counter)
    _seconds: float = 0.0
    """From asking for a row to the end of its step: neither validations nor snapshots make training look slow."""

    def __call__(self, row: Row, outcome: Outcome) -> None:
        self._rows += 1
        self._seconds += time.perf_counter() - row.asked
        self._waits = [
            sum(each) for each in zip(self._waits or [0.0] * len(outcome.said.waits), outcome.said.waits, strict=True)
        ]
        if self.schedule.due(self.state.progress.step).log:
            self._record(outcome)

    def _record(self, outcome: Outcome) -> None:
        progress, now = self.state.progress, time.perf_counter()
        loss = progress.mean_loss()
        if self.watch:
            self.watch.record(
                Measured(
                    step=progress.step,
                    steps=self.schedule.steps,
                    epoch=progress.step / self.schedule.epoch,
                    loss=loss,
                    terms=dict(zip(self.state.network.objective.names, outcome.said.means, strict=True)),
                    lr=self.schedule.lr(progress.step - 1),
                    grad_norm=outcome.norm,
                    samples=self._rows * self.global_batch,
                    seconds=self._seconds,
                    elapsed=now - self._recorded,
                    waits=tuple(self._waits),
                    skipped=progress.skipped,
                    scale=self.state.scaler.scale if self.state.scaler else None,
                )
            )
        self._rows, self._waits, self._seconds, self._recorded = 0, [], 0.0, now

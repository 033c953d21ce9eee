"""Metrics logger of rank 0 and its sinks: `metrics.jsonl`, console, TensorBoard and W&B, and the averages per record.

JSON lines are written first, and only they may end a run; another sink that fails says so once and is dropped. The
checkpoint thread logs too, so calls are serialized. TensorBoard (`RUN/tensorboard`) is flushed at each record, since a
kill would lose it. W&B runs offline in `RUN/wandb`: nothing leaves the machine until you call `wandb sync`.
"""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from threading import RLock
from typing import Any, Protocol, TextIO

from trainer.checkpoint.state import State
from trainer.config.schema import Log
from trainer.data import Batch
from trainer.metrics import console
from trainer.metrics import records as entries
from trainer.metrics.console import Console, DataBoundDetector, EtaEstimator, format_bytes, format_duration
from trainer.metrics.machine import SystemMonitor
from trainer.metrics.records import METRICS_FILE, JsonLines, Record, StepMetrics, scalars
from trainer.schedule import Schedule
from trainer.train_step import StepResult

TENSORBOARD_FOLDER = "tensorboard"


class TensorBoard:
    def __init__(self, folder: Path, behind: int) -> None:
        """What was drawn of steps beyond `behind` disappears."""
        board = import_module("torch.utils.tensorboard")  # a second, which only who asks for it pays
        self._writer: Any = board.SummaryWriter(str(folder / TENSORBOARD_FOLDER), purge_step=behind + 1)

    def write(self, step: int, scalars: Mapping[str, float]) -> None:
        for name, value in scalars.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


_STEP = "step"
"""The axis of every curve. W&B's own counter would start again with each resume, and never goes back."""


class Wandb:
    def __init__(self, folder: Path, _: int) -> None:
        """Every start is a run of its own there, in the group of the run folder."""
        library: Any = import_module("wandb")
        self._run: Any = library.init(
            project="trainer",
            group=folder.absolute().name,
            dir=str(folder),
            mode="offline",
            settings=library.Settings(console="off"),
        )
        self._run.define_metric("*", step_metric=_STEP)

    def write(self, step: int, scalars: Mapping[str, float]) -> None:
        self._run.log({_STEP: step, **scalars})

    def close(self) -> None:
        self._run.finish()


class Sink(Protocol):
    def write(self, step: int, scalars: Mapping[str, float]) -> None: ...

    def close(self) -> None: ...


SINKS: Mapping[str, Callable[[Path, int], Sink]] = {"tensorboard": TensorBoard, "wandb": Wandb}
"""By the setting of [log] that asks for them, which is also the name of the package that they need."""


class Sinks:
    def __init__(self, folder: Path, log: Log, say: Callable[[str], None]) -> None:
        self._folder, self._say = folder, say
        self._asked = [name for name in SINKS if getattr(log, name)]
        self._open: dict[str, Sink] = {}
        self._behind = 0

    def resume(self, step: int) -> None:
        """Before anything is written."""
        self._behind = step

    def write(self, record: Record) -> None:
        figures = scalars(record)
        if not figures:
            return
        self._open_asked()
        for name, sink in list(self._open.items()):
            self._carefully(name, partial(sink.write, record["step"], figures))

    def close(self) -> None:
        for name, sink in list(self._open.items()):
            self._carefully(name, sink.close)
        self._open.clear()

    def _open_asked(self) -> None:
        """At the first figures: a run that ends before them waits for no import."""
        asked, self._asked = self._asked, []
        for name in asked:
            self._carefully(name, partial(self._open_one, name))

    def _open_one(self, name: str) -> None:
        self._open[name] = SINKS[name](self._folder, self._behind)

    def _carefully(self, name: str, act: Callable[[], None]) -> None:
        try:
            act()
        except ImportError as error:
            self._say(
                f"log.{name} is asked for and cannot be imported here ({error}): the run goes on without. "
                f"`pip install {name}`, or set log.{name} = false."
            )
        except Exception as error:  # noqa: BLE001 - whatever another library does, figures are no reason to stop
            self._open.pop(name, None)
            self._say(
                f"log.{name} failed and is left out from now on ({type(error).__name__}: {error}). "
                "metrics.jsonl has what it would have got."
            )


class MetricsLogger:
    def __init__(self, folder: Path, log: Log, *, talk: TextIO | None = None) -> None:
        self._console = Console(sys.stderr if talk is None else talk)
        self._json = JsonLines(folder / METRICS_FILE)
        self._sinks = Sinks(folder, log, self._console.say)
        self._machine, self._pace = SystemMonitor(), EtaEstimator()
        self._verdicts = DataBoundDetector()
        self._lock = RLock()

    def resume(self, step: int) -> None:
        """Before anything else: a killed run wrote further than its last checkpoint, which was at `step`."""
        with self._lock:
            self._json.keep_up_to(step)
            self._sinks.resume(step)
            self._pace = EtaEstimator(step)

    def record(self, measured: StepMetrics) -> None:
        with self._lock:
            usage, eta = self._machine.usage(), self._pace.seconds_left(measured)
            self._pass_on(entries.step_record(measured, usage, eta), console.format_steps(measured, usage, eta))
            if said := self._verdicts.of(measured):
                self._console.say(said)

    def validated(self, step: int, kind: str, figures: Mapping[str, Any]) -> None:
        """`kind`: "subset", "full" or "test"."""
        self._pass_on(entries.validation_record(step, kind, figures), console.format_validation(step, kind, figures))

    def saved(self, step: int, seconds: float, nbytes: int) -> None:
        facts = {"step": step, "seconds": seconds, "bytes": nbytes}
        self._pass_on(
            entries.event_record("saved", facts),
            f"saved step {step:,}: {format_bytes(nbytes)}, written in {format_duration(seconds)}",
        )

    def event(self, name: str, /, **facts: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
        """Something that happened, to be found again in the records."""
        self._pass_on(entries.event_record(name, facts), console.format_event(name, facts))

    def say(self, text: str) -> None:
        """For people alone."""
        with self._lock:
            self._console.say(text)

    def close(self) -> None:
        with self._lock:
            self._sinks.close()
            self._json.close()

    def _pass_on(self, told: entries.Record, line: str) -> None:
        with self._lock:
            self._json.write({**told, "time": round(time.time(), 3)})
            self._console.say(line)
            self._sinks.write(told)


@dataclass
class StepReporter:
    schedule: Schedule
    state: State
    global_batch: int
    watch: MetricsLogger | None
    """Rank 0's; the others count along, since a checkpoint keeps what is counted."""
    _rows: int = 0
    _waits: list[float] = field(default_factory=list)
    _recorded: float = field(default_factory=time.perf_counter)
    _seconds: float = 0.0
    """From asking for a row to the end of its step: neither validations nor snapshots make training look slow."""

    def __call__(self, row: Batch, outcome: StepResult) -> None:
        self._rows += 1
        self._seconds += time.perf_counter() - row.asked
        self._waits = [
            sum(each) for each in zip(self._waits or [0.0] * len(outcome.said.waits), outcome.said.waits, strict=True)
        ]
        if self.schedule.due(self.state.progress.step).log:
            self._record(outcome)

    def _record(self, outcome: StepResult) -> None:
        progress, now = self.state.progress, time.perf_counter()
        loss = progress.mean_loss()
        if self.watch:
            self.watch.record(
                StepMetrics(
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

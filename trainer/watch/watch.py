"""The one that is told what a run does, on rank 0: it measures the machine beside it, and passes all of it on.

JSON lines come first, and only they may end a run. The thread that writes checkpoints speaks here as well, so one
speaks at a time.
"""

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from threading import RLock
from typing import Any, TextIO

from trainer.config.sections import Log
from trainer.watch import entries, lines
from trainer.watch.console import Console
from trainer.watch.jsonl import METRICS, JsonLines
from trainer.watch.machine import Machine
from trainer.watch.measured import Measured
from trainer.watch.pace import Pace
from trainer.watch.sinks import Sinks
from trainer.watch.verdict import Verdicts
from trainer.watch.words import duration, size


class Watch:
    def __init__(self, folder: Path, log: Log, *, talk: TextIO | None = None) -> None:
        self._console = Console(sys.stderr if talk is None else talk)
        self._json = JsonLines(folder / METRICS)
        self._sinks = Sinks(folder, log, self._console.say)
        self._machine, self._pace = Machine(), Pace()
        self._verdicts = Verdicts()
        self._lock = RLock()

    def resume(self, step: int) -> None:
        """Before anything else: a killed run wrote further than its last checkpoint, which was at `step`."""
        with self._lock:
            self._json.keep_up_to(step)
            self._sinks.resume(step)
            self._pace = Pace(step)

    def record(self, measured: Measured) -> None:
        with self._lock:
            usage, eta = self._machine.usage(), self._pace.seconds_left(measured)
            self._pass_on(entries.of_steps(measured, usage, eta), lines.of_steps(measured, usage, eta))
            if said := self._verdicts.of(measured):
                self._console.say(said)

    def validated(self, step: int, kind: str, figures: Mapping[str, Any]) -> None:
        """`kind`: "subset", "full" or "test"."""
        self._pass_on(entries.of_validation(step, kind, figures), lines.of_validation(step, kind, figures))

    def saved(self, step: int, seconds: float, nbytes: int) -> None:
        facts = {"step": step, "seconds": seconds, "bytes": nbytes}
        self._pass_on(
            entries.of_event("saved", facts), f"saved step {step:,}: {size(nbytes)}, written in {duration(seconds)}"
        )

    def event(self, name: str, /, **facts: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
        """Something that happened, to be found again in the records."""
        self._pass_on(entries.of_event(name, facts), lines.of_event(name, facts))

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

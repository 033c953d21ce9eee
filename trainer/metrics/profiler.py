"""Trace of some steps by PyTorch's profiler, for `chrome://tracing` or Perfetto."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

from shardkit import publish
from trainer.data import Batch
from trainer.train_step import StepResult

FIRST_PROFILED_STEP = 10
"""Steps that are left out: memory, kernels and threads come to be in them."""
TRACE_FILE = "trace.json"

RunStep = Callable[[Batch], StepResult]


@contextmanager
def profile_steps(learn: RunStep, steps: int, folder: Path, say: Callable[[str], object] | None) -> Iterator[RunStep]:
    """Yield the same steps; the rank that has `say` writes a trace of some of them into the run folder."""
    if not steps or say is None:
        yield learn
        return
    tracer = Tracer(learn, steps, folder / TRACE_FILE)
    try:
        yield tracer
    finally:
        say(tracer.ended())


class Tracer:
    def __init__(self, learn: RunStep, steps: int, path: Path) -> None:
        self._learn, self._steps, self._path = learn, steps, path
        self._done, self._kept = 0, 0
        cuda = [ProfilerActivity.CUDA] if torch.cuda.is_available() else []
        self._profiler = profile(activities=[ProfilerActivity.CPU, *cuda])

    def __call__(self, row: Batch) -> StepResult:
        if self._done == FIRST_PROFILED_STEP:
            self._profiler.start()
        outcome = self._learn(row)
        self._done += 1
        if self._done == FIRST_PROFILED_STEP + self._steps:
            self._keep()
        return outcome

    def ended(self) -> str:
        """What there is to look at."""
        if self._done > FIRST_PROFILED_STEP and not self._kept:
            self._keep()
        if not self._kept:
            return f"No trace: the first {FIRST_PROFILED_STEP} steps are left out, and {self._done} were done."
        return f"A trace of {self._kept} steps: {self._path}. Open it in chrome://tracing or ui.perfetto.dev."

    def _keep(self) -> None:
        """Through a file of its own: the profiler writes where it likes."""
        self._profiler.stop()
        self._kept = self._done - FIRST_PROFILED_STEP
        beside = self._path.with_name(f".{self._path.name}")
        self._profiler.export_chrome_trace(str(beside))
        with publish(self._path) as file:
            file.write(beside.read_bytes())
        beside.unlink()

"""A trace of some steps by PyTorch's own profiler, for `chrome://tracing` or Perfetto."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

from shardkit import publish
from trainer.batches import Row
from trainer.step import Outcome

FIRST = 10
"""Steps that are left out: memory, kernels and threads come to be in them."""
TRACE = "trace.json"

Learn = Callable[[Row], Outcome]


def profiled(learn: Learn, steps: int, folder: Path, say: Callable[[str], None]) -> Learn:
    """The same steps; of some of them a trace is written into the run folder."""
    done = 0
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if torch.cuda.is_available() else [])]
    profiler = profile(activities=activities)

    def watched(row: Row) -> Outcome:
        nonlocal done
        if done == FIRST:
            profiler.start()
        outcome = learn(row)
        done += 1
        if done == FIRST + steps:
            profiler.stop()
            _keep(profiler, folder / TRACE)
            say(f"A trace of {steps} steps: {folder / TRACE}. Open it in chrome://tracing or ui.perfetto.dev.")
        return outcome

    return watched


def _keep(profiler: profile, path: Path) -> None:
    """Through a file of its own: the profiler writes where it likes."""
    beside = path.with_name(f".{path.name}")
    profiler.export_chrome_trace(str(beside))
    with publish(path) as file:
        file.write(beside.read_bytes())
    beside.unlink()

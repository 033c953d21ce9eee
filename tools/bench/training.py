"""What the trainer and the stream cost beside the arithmetic: against a bare PyTorch loop over one resident batch.

Both train the same network with the same optimiser, clipping and micro-batches, on one thread each, in one process and
in turn. The bare loop has its pictures in memory, cropped, as floats, from the start. The trainer streams PNGs of
400 x 320, checks and decodes them, shrinks, crops and normalises them, reports every ten steps, and saves at the end of
a turn.
"""

import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from commands import run
from places import KEPT, SHARDKIT, scratch
from report import publish_report
from trainer.build import RunComponents, build_run
from trainer.checkpoint.writer import CheckpointWriter
from trainer.config.files import load_config
from trainer.config.schema import Config
from trainer.data import Batch
from trainer.distributed.watchdog import Watchdog
from trainer.distributed.world import World
from trainer.metrics.logger import MetricsLogger, StepReporter
from trainer.network import Targets
from trainer.train_step import StepResult
from trainer.trainer import RunResult, train
from trees import prints_400

STEPS, TURNS = 20, 3
CASES = ((1, False), (1, True), (2, False))
"""Width (1: 16 channels first), and whether pictures are moved and lit by chance."""
ALONE = World(0, 1, torch.device("cpu"))


def main() -> None:
    figures: dict[str, float] = {}
    with scratch() as room:
        packed = KEPT / "p400-1000-packed"
        if not packed.exists():
            run([SHARDKIT, "pack", str(prints_400(1000)), str(packed)])
        for width, chance in CASES:
            name = f"width {width}, {'with' if chance else 'without'} augmentation"
            figures |= {f"{name}: {what}": each for what, each in _measured(room, packed, width, chance).items()}
    publish_report("training", figures)


def _measured(room: Path, packed: Path, width: int, chance: bool) -> dict[str, float]:  # noqa: FBT001 - of two
    config = _config(room / f"{width}-{chance}", packed, width, chance=chance)
    ours, bare = _Trainer(config), _Bare(config)
    ours.turn()  # memory, kernels and threads are there from now on
    bare.turn()
    best_bare, turns, waited = float("inf"), [], 0.0
    for _ in range(TURNS):
        best_bare = min(best_bare, bare.turn())
        turns.append(ours.turn())
        waited += ours.waited
    ours.close()
    best, spent = min(turns), sum(turns)
    samples = STEPS * config.data.global_batch
    return {
        "bare loop, samples a second": samples / best_bare,
        "trainer and stream, samples a second": samples / best,
        "trainer / bare": best_bare / best,
        "data wait, per cent, of all turns": 100 * waited / spent,
    }


def _config(folder: Path, packed: Path, width: int, *, chance: bool) -> Config:
    settings = {
        "run.folder": folder,
        "data.path": packed,
        "data.val": "",
        "augment.enabled": str(chance).lower(),
        "model.width": width,
        "system.threads": 1,
        "log.tensorboard": "false",
    }
    words = [each for name, value in settings.items() for each in (f"--{name}", str(value))]
    return load_config(["--config", "demo", *words])


class _Trainer:
    """The loop as a run has it, in turns."""

    def __init__(self, config: Config) -> None:
        folder = Path(config.run.folder)
        folder.mkdir()
        self._quiet = (folder / "said").open("w")
        self._parts = build_run(config, ALONE, None, lambda _: None)
        self._watch = MetricsLogger(folder, config.log, talk=self._quiet)
        self._writer = CheckpointWriter(folder, 1, self._watch.saved)
        self._report = StepReporter(self._parts.schedule, self._parts.state, config.data.global_batch, self._watch)
        self._dog = Watchdog(0)
        self.waited = 0.0

    def turn(self) -> float:
        began, self.waited = time.perf_counter(), 0.0
        train(self._parts.rows, self._learn, _Enough(self._parts, self._writer), self._report)
        return time.perf_counter() - began

    def close(self) -> None:
        self._writer.close()
        self._watch.close()
        self._quiet.close()
        self._dog.stop()

    def _learn(self, row: Batch) -> StepResult:
        outcome = self._parts.step(row, self._parts.schedule.lr(self._parts.state.progress.step), 0)
        self._dog.heartbeat(1000.0)
        self.waited += row.waited
        return outcome


@dataclass
class _Enough:
    """The duties of a turn: a checkpoint at its end."""

    parts: RunComponents
    writer: CheckpointWriter
    left: int = STEPS

    def __call__(self, behind: Batch | None, asked: int) -> RunResult | None:  # noqa: ARG002 - nobody asks
        if self.left:
            self.left -= 1
            return None
        state = self.parts.state
        facts = {**self.parts.record, **state.facts(), "stream": behind.state() if behind else {}}
        self.writer.save(state.progress.step, state.tensors(leads=True), facts)
        return RunResult(state.progress.step, "the turn is over", 0)


class _Bare:
    """What anybody would write in twenty lines."""

    def __init__(self, config: Config) -> None:
        parts = build_run(replace(config, run=replace(config.run, seed=1)), ALONE, None, lambda _: None)
        self._network, self._optimizer = parts.state.network, parts.state.optimizer
        row = next(parts.rows)
        self._pictures = [parts.augment(each.images, each.numbers, 0, learning=True) for each in row.micro_batches]
        self._labels = [each.labels for each in row.micro_batches]
        self._lr, self._clip = parts.schedule.peak, config.optim.clip

    def turn(self) -> float:
        began = time.perf_counter()
        for _ in range(STEPS):
            for pictures, labels in zip(self._pictures, self._labels, strict=True):
                (self._network(pictures, Targets(labels)).sum() / len(self._labels)).backward()
            torch.nn.utils.clip_grad_norm_(self._network.parameters(), self._clip)
            for group in self._optimizer.param_groups:
                group["lr"] = self._lr
            self._optimizer.step()
            self._optimizer.zero_grad()
        return time.perf_counter() - began


if __name__ == "__main__":
    main()

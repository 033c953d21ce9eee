"""`torchrun … -m trainer doctor --config run.toml`: what would stop this job, found in seconds.

Started like the run itself, on the same machines: ranks meet, measure their exchange, look at the one run folder, read
the dataset's first row, and, on GPUs, find the largest micro-batch that fits.
"""

import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from shardkit import ShardkitError
from trainer.batches import MicroBatch
from trainer.commands.train import before_cuda
from trainer.config.checks import check
from trainer.config.load import loaded
from trainer.config.sections import Config
from trainer.run.parts import Parts, parts_of
from trainer.run.room import bytes_of_checkpoint
from trainer.world.folder import held
from trainer.world.parents import die_with_parent
from trainer.world.ranks import World, joined

GUIDE_GBIT, GUIDE_MS = 10.0, 1.0
"""What the guides ask of a network between nodes."""
_BULK, _REPEATS = 16 << 20, 5
PROBLEMS = 4


@dataclass
class Findings:
    world: World
    problems: int = 0

    def good(self, text: str) -> None:
        self._say("ok      ", text)

    def advice(self, text: str) -> None:
        self._say("advice  ", text)

    def bad(self, text: str) -> None:
        self.problems += 1
        self._say("problem ", text)

    def close(self) -> None:
        self._say("", f"{self.problems} problem{'s' * (self.problems != 1)}" if self.problems else "No problems.")

    def _say(self, mark: str, text: str) -> None:
        if self.world.leads:
            sys.stderr.write(f"{mark}{text}\n")

    @contextmanager
    def part(self) -> Iterator[None]:
        """What ends this part is a finding, and the next part goes on."""
        try:
            yield
        except ShardkitError as error:
            self.bad(str(error))


def main(arguments: Sequence[str]) -> int:
    die_with_parent()
    config = loaded(arguments)
    before_cuda(config)
    with joined(config.system) as world:
        found = Findings(world)
        found.good(f"{world.size} rank{'s' * (world.size > 1)} met, rank 0 on {world.device}")
        for part in (_exchange, _config, _folder, _data):
            with found.part():
                part(config, found)
        found.close()
    return PROBLEMS if found.problems else 0


def _config(config: Config, found: Findings) -> None:
    check(config, found.world.size, found.world.device.type)
    found.good("the config fits this number of ranks")


def _exchange(_: Config, found: Findings) -> None:
    """All-reduce: the seconds of nearly nothing, and of many bytes."""
    world = found.world
    if world.size == 1:
        return
    latency = _seconds(world, 8)
    bulk = _seconds(world, _BULK)
    # Each rank sends and receives 2 (W - 1) / W of what is reduced.
    gbit = _BULK * 8 * 2 * (world.size - 1) / world.size / bulk / 1e9
    text = f"all-reduce: {latency * 1e3:.2f} ms for 8 bytes, {gbit:.1f} Gbit/s for {_BULK >> 20} MiB"
    if latency * 1e3 > GUIDE_MS or gbit < GUIDE_GBIT:
        found.advice(
            f"{text}. Between nodes {GUIDE_MS:g} ms and {GUIDE_GBIT:g} Gbit/s are enough; less makes ranks wait."
        )
    else:
        found.good(text)


def _seconds(world: World, size: int) -> float:
    values = torch.zeros(size // 4, device=world.device)
    best = float("inf")
    for _ in range(_REPEATS):
        world.all_say(True)  # they start together  # noqa: FBT003
        began = time.perf_counter()
        world.sum(values)
        float(values[0])  # it is done now
        best = min(best, time.perf_counter() - began)
    return best


def _folder(config: Config, found: Findings) -> None:
    """Held as a run holds it, so a job at work is found, too."""
    folder = Path(config.run.folder)
    there = folder.exists()
    with held(folder, found.world, config.run.wait):
        found.good(f"every rank sees {folder}, and no other job is at work in it")
    if not there and found.world.leads:
        shutil.rmtree(folder)


def _data(config: Config, found: Findings) -> None:
    parts = parts_of(config, found.world, None, found.advice)
    shape = tuple(parts.first.micro_batches[0].images.shape)
    samples, classes = parts.dataset.samples, parts.dataset.classes
    found.good(
        f"{samples:,} samples of {classes:,} classes; micro-batches of {shape}; {parts.schedule.epoch:,} rows an epoch"
    )
    _room(parts, found)
    if found.world.device.type == "cuda":
        _largest(parts, found)


def _room(parts: Parts, found: Findings) -> None:
    need = bytes_of_checkpoint(parts.state) * (parts.config.checkpoint.keep + 2)
    place = Path(parts.config.run.folder).absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    text = f"checkpoints need {need / 1e9:.2f} GB at most, and {free / 1e9:.1f} GB are free"
    (found.good if free > need else found.bad)(text)
    cores = len(os.sched_getaffinity(0)) / found.world.neighbours
    if parts.config.system.threads > cores:
        found.advice(
            f"system.threads is {parts.config.system.threads}, and a rank has {cores:g} cores: ranks will wait for "
            "each other."
        )


def _largest(parts: Parts, found: Findings) -> None:
    """Doubled until it does not fit. Nothing is changed: the micro-batch is part of a run's identity."""
    like, fits = parts.first.micro_batches[0], 0
    size = len(like.labels)
    while _fits(parts, like, size) and size <= parts.config.data.global_batch:
        fits, size = size, size * 2
    own = parts.config.data.micro_batch
    text = f"the largest micro-batch that fits, doubling from {own}: {fits or 'none'}"
    (found.good if fits >= own else found.bad)(
        f"{text}. Smaller ones: system.activation_checkpoint = true." if fits < own else text
    )


def _fits(parts: Parts, like: MicroBatch, size: int) -> bool:
    times = -(-size // len(like.labels))
    larger = replace(
        like,
        images=like.images.repeat(times, 1, 1, 1)[:size],
        labels=like.labels.repeat(times)[:size],
        numbers=like.numbers.repeat(times)[:size],
    )
    try:
        parts.step.warm_up(larger)
    except torch.OutOfMemoryError:
        return False
    finally:
        torch.cuda.empty_cache()
    return True

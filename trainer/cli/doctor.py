"""`python -m trainer doctor`: finds what would stop this job, within seconds.

Start it under torchrun like the run itself, on the same machines. Ranks connect, measure their exchange, check the run
folder and read the first batch of the dataset. On GPUs it finds the largest micro-batch that fits, and only reports it,
since the micro-batch is part of a run's identity. Rank 0 prints the findings; a rank prints what only it finds.
"""

import os
import shutil
import socket
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from shardkit import ShardkitError
from trainer.build import RunComponents, build_run
from trainer.cli.app import make_config_parser, parse_arguments
from trainer.cli.train import set_cuda_environment
from trainer.config.checks import check_config
from trainer.config.files import load_config
from trainer.config.schema import Config
from trainer.data import MicroBatch
from trainer.distributed.run_lock import make_run_folder, run_folder_lock
from trainer.distributed.world import World, die_with_parent, distributed_session
from trainer.errors import UsageError
from trainer.run_record import checkpoint_bytes, read_dataset_record


@dataclass
class DoctorReport:
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

    @contextmanager
    def part(self) -> Iterator[None]:
        """What ends this part on all ranks is a finding, and the next part goes on."""
        try:
            yield
        except ShardkitError as error:
            self.bad(str(error))

    def everywhere(self, look: Callable[[], object]) -> bool:
        """Whether `look`, which asks no other rank, raises on none of them."""
        try:
            look()
        except ShardkitError as error:
            mine = str(error)
        else:
            mine = ""
        if self.world.all_true(not mine):
            return True
        first = self.world.broadcast_object(mine)
        self.bad(first or "another rank finds what rank 0 does not:")
        if mine not in {"", first}:
            sys.stderr.write(f"problem rank {self.world.rank}: {mine}\n")
        return False

    def _say(self, mark: str, text: str) -> None:
        if self.world.is_main:
            lines = text.replace("\n", f"\n{mark}")
            sys.stderr.write(f"{mark}{lines}\n")


GUIDE_GBIT, GUIDE_MS = 10.0, 1.0
"""What the guides ask of a network between nodes."""

_BULK, _REPEATS = 16 << 20, 5

_PATIENCE = 5.0


def check_reachable(master: str, found: DoctorReport) -> None:
    """HOST:PORT, before a job is started: something must listen there, torchrun's first agent for example."""
    host, _, port = master.rpartition(":")
    if not host or not port.isdecimal():
        raise UsageError(f"--master is {master!r}, and it must be HOST:PORT.")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE).close()
    except (OSError, OverflowError) as error:
        found.bad(
            f"{master} cannot be reached from here ({_explain_error(error)}). It answers while the first "
            "machine's torchrun waits for the others: start that one first, with this host and port, then look "
            "at firewall and routes."
        )
    else:
        found.good(f"{master} can be reached from here")


def measure_all_reduce(found: DoctorReport) -> None:
    """All-reduce: the seconds of nearly nothing, and of many bytes."""
    world = found.world
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
        world.all_true(True)  # they start together  # noqa: FBT003
        began = time.perf_counter()
        world.all_reduce(values)
        float(values[0])  # it is done now
        best = min(best, time.perf_counter() - began)
    return best


def _explain_error(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def find_largest_batch(parts: RunComponents, found: DoctorReport) -> None:
    """Doubled until it does not fit."""
    like, fits = parts.first.micro_batches[0], 0
    own = size = len(like.labels)
    while _fits(parts, like, size) and size <= parts.config.data.global_batch:
        fits, size = size, size * 2
    text = f"the largest micro-batch that fits, doubling from {own}: {fits or 'none'}"
    if fits:
        found.good(text)
    else:
        found.bad(f"{text}. Try a smaller data.micro_batch, or system.activation_checkpoint = true.")


def _fits(parts: RunComponents, like: MicroBatch, size: int) -> bool:
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


EXIT_PROBLEMS = 4

_DESCRIPTION = """Find what would stop this job: its network, run folder, dataset, disk space, GPU memory.

Start it like the run itself, on the same machines:
  torchrun … -m trainer doctor --config run.toml
Before that, on any machine of the job:
  python -m trainer doctor --master HOST:PORT --config run.toml

It ends with 4 if there are problems (torchrun itself then says 1), and leaves nothing behind."""


def main(arguments: Sequence[str]) -> int:
    die_with_parent()
    parser = make_config_parser("doctor", _DESCRIPTION, "--config run.toml")
    parser.add_argument("--master", metavar="HOST:PORT", help="the first machine of a job, to be reached from here")
    words, flags = parse_arguments(parser, arguments)
    config = load_config(flags)
    set_cuda_environment(config)
    with distributed_session(config.system) as world:
        found = DoctorReport(world)
        _network(words, found)
        with found.part():
            _folder(config, found)
        if found.everywhere(lambda: check_config(config, world.size, world.device.type)):
            found.good("the config fits this number of ranks")
            with found.part():
                _data(config, found)
        found.close()
    return EXIT_PROBLEMS if found.problems else 0


def _network(words: Namespace, found: DoctorReport) -> None:
    world = found.world
    if words.master:
        check_reachable(words.master, found)
    if world.size == 1:
        found.good(f"1 rank, on {world.device}. Started by torchrun, the network between ranks is measured as well")
        return
    place = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
    found.good(f"{world.size} ranks met at {place} and reach each other, rank 0 on {world.device}")
    measure_all_reduce(found)


def _folder(config: Config, found: DoctorReport) -> None:
    """Held as a run holds it, so a job at work is found, too."""
    folder = Path(config.run.folder)
    missing = [each for each in (folder, *folder.parents) if not each.exists()] if found.world.is_main else []
    # By rank 0, beforehand: while it takes the lock, the others wait for what it says.
    if not found.everywhere(lambda: make_run_folder(folder) if found.world.is_main else None):
        return
    try:
        with run_folder_lock(folder, found.world, config.run.wait):
            found.good(f"every rank sees {folder}, and no other job is at work in it")
    finally:
        if missing:
            (folder / ".lock").unlink(missing_ok=True)
        with suppress(OSError):  # somebody else needs it by now
            for each in missing:
                each.rmdir()


def _data(config: Config, found: DoctorReport) -> None:
    if not found.everywhere(lambda: read_dataset_record(config, None)):
        return
    parts = build_run(config, found.world, None, found.advice)
    shape = " x ".join(map(str, parts.first.micro_batches[0].images.shape))
    samples, classes = parts.dataset.samples, parts.dataset.classes
    found.good(
        f"{samples:,} samples of {classes:,} classes; micro-batches of {shape}; {parts.schedule.epoch:,} rows an epoch"
    )
    _check_disk_space(parts, found)
    _cores(parts, found)
    if found.world.device.type == "cuda":
        find_largest_batch(parts, found)


def _check_disk_space(parts: RunComponents, found: DoctorReport) -> None:
    """For the newest ones, the best one and the one that is being written."""
    need = checkpoint_bytes(parts.state) * (parts.config.checkpoint.keep + 2)
    place = Path(parts.config.run.folder).absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    text = f"checkpoints need {need / 1e9:.2f} GB at most, and {free / 1e9:.1f} GB are free at {place}"
    if free > need:
        found.good(text)
    else:
        found.bad(f"{text}. Make room, keep fewer (checkpoint.keep), or name another --run.folder.")


def _cores(parts: RunComponents, found: DoctorReport) -> None:
    cores = len(os.sched_getaffinity(0)) / found.world.neighbours
    if parts.config.system.threads > cores:
        found.advice(
            f"system.threads is {parts.config.system.threads}, and a rank has {cores:g} cores: ranks will wait for "
            "each other."
        )

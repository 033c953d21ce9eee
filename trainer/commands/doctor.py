"""`torchrun … -m trainer doctor --config run.toml`: what would stop this job, found in seconds.

Started like the run itself, on the same machines: ranks meet, measure their exchange, look at the one run folder, read
the dataset's first row, and, on GPUs, find the largest micro-batch that fits.
"""

import os
import shutil
from argparse import Namespace
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from trainer.commands.exchange import measured, reached
from trainer.commands.findings import Findings
from trainer.commands.memory import largest
from trainer.commands.train import before_cuda
from trainer.commands.words import parser_of_config, words_of
from trainer.config.checks import check
from trainer.config.load import loaded
from trainer.config.sections import Config
from trainer.run.facts import dataset_of
from trainer.run.parts import Parts, parts_of
from trainer.run.room import bytes_of_checkpoint
from trainer.world.folder import held, make
from trainer.world.parents import die_with_parent
from trainer.world.ranks import joined

PROBLEMS = 4

_DESCRIPTION = """Find what would stop this job: its network, run folder, dataset, disk space, GPU memory.

Start it like the run itself, on the same machines:
  torchrun … -m trainer doctor --config run.toml
Before that, on any machine of the job:
  python -m trainer doctor --master HOST:PORT --config run.toml

It ends with 4 if there are problems (torchrun itself then says 1), and leaves nothing behind."""


def main(arguments: Sequence[str]) -> int:
    die_with_parent()
    parser = parser_of_config("doctor", _DESCRIPTION, "--config run.toml")
    parser.add_argument("--master", metavar="HOST:PORT", help="the first machine of a job, to be reached from here")
    words, flags = words_of(parser, arguments)
    config = loaded(flags)
    before_cuda(config)
    with joined(config.system) as world:
        found = Findings(world)
        _network(words, found)
        with found.part():
            _folder(config, found)
        if found.everywhere(lambda: check(config, world.size, world.device.type)):
            found.good("the config fits this number of ranks")
            with found.part():
                _data(config, found)
        found.close()
    return PROBLEMS if found.problems else 0


def _network(words: Namespace, found: Findings) -> None:
    world = found.world
    if words.master:
        reached(words.master, found)
    if world.size == 1:
        found.good(f"1 rank, on {world.device}. Started by torchrun, the network between ranks is measured as well")
        return
    place = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
    found.good(f"{world.size} ranks met at {place} and reach each other, rank 0 on {world.device}")
    measured(found)


def _folder(config: Config, found: Findings) -> None:
    """Held as a run holds it, so a job at work is found, too."""
    folder = Path(config.run.folder)
    missing = [each for each in (folder, *folder.parents) if not each.exists()] if found.world.leads else []
    # By rank 0, beforehand: while it takes the lock, the others wait for what it says.
    if not found.everywhere(lambda: make(folder) if found.world.leads else None):
        return
    try:
        with held(folder, found.world, config.run.wait):
            found.good(f"every rank sees {folder}, and no other job is at work in it")
    finally:
        if missing:
            (folder / ".lock").unlink(missing_ok=True)
        with suppress(OSError):  # somebody else needs it by now
            for each in missing:
                each.rmdir()


def _data(config: Config, found: Findings) -> None:
    if not found.everywhere(lambda: dataset_of(config, None)):
        return
    parts = parts_of(config, found.world, None, found.advice)
    shape = " x ".join(map(str, parts.first.micro_batches[0].images.shape))
    samples, classes = parts.dataset.samples, parts.dataset.classes
    found.good(
        f"{samples:,} samples of {classes:,} classes; micro-batches of {shape}; {parts.schedule.epoch:,} rows an epoch"
    )
    _room(parts, found)
    _cores(parts, found)
    if found.world.device.type == "cuda":
        largest(parts, found)


def _room(parts: Parts, found: Findings) -> None:
    """For the newest ones, the best one and the one that is being written."""
    need = bytes_of_checkpoint(parts.state) * (parts.config.checkpoint.keep + 2)
    place = Path(parts.config.run.folder).absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    text = f"checkpoints need {need / 1e9:.2f} GB at most, and {free / 1e9:.1f} GB are free at {place}"
    if free > need:
        found.good(text)
    else:
        found.bad(f"{text}. Make room, keep fewer (checkpoint.keep), or name another --run.folder.")


def _cores(parts: Parts, found: Findings) -> None:
    cores = len(os.sched_getaffinity(0)) / found.world.neighbours
    if parts.config.system.threads > cores:
        found.advice(
            f"system.threads is {parts.config.system.threads}, and a rank has {cores:g} cores: ranks will wait for "
            "each other."
        )

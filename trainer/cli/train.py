"""`python -m trainer --config run.toml`: starts a run, or resumes the one in its run folder."""

import os
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from trainer.config.checks import check
from trainer.config.files import loaded
from trainer.config.schema import Config
from trainer.distributed.run_lock import held
from trainer.distributed.watchdog import listening, watched
from trainer.distributed.world import World, die_with_parent, joined
from trainer.metrics.logger import Watch
from trainer.run_record import Surroundings
from trainer.trainer import carried_out


def main(arguments: Sequence[str]) -> int:
    die_with_parent()
    config = loaded(arguments)
    before_cuda(config)
    with joined(config.system) as world:
        check(config, world.size, world.device.type)
        return _in_world(config, world)


def _in_world(config: Config, world: World) -> int:
    folder = Path(config.run.folder)
    with ExitStack() as stack:
        request = stack.enter_context(listening())
        stack.enter_context(held(folder, world, config.run.wait))
        watch = stack.enter_context(closing(Watch(folder, config.log))) if world.leads else None
        dog = stack.enter_context(watched(world.rank, config.system.first_timeout, lambda: bool(request.signal)))
        ending = carried_out(config, Surroundings(world, dog, request, watch))
        if watch:
            watch.event("ended", step=ending.step, why=ending.why, exit_code=ending.exit_code)
    return ending.exit_code


def before_cuda(config: Config) -> None:
    """What CUDA and NCCL read when they start."""
    if config.system.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        os.environ.setdefault("NCCL_ALGO", "Ring")

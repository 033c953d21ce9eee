"""`python -m trainer --config run.toml`: train, or go on with what the run folder holds."""

import os
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from trainer.config.checks import check
from trainer.config.load import loaded
from trainer.config.sections import Config
from trainer.run.carried_out import carried_out
from trainer.run.surroundings import Surroundings
from trainer.watch.watch import Watch
from trainer.world.folder import held
from trainer.world.parents import die_with_parent
from trainer.world.ranks import World, joined
from trainer.world.signals import listening
from trainer.world.watchdog import watched


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

"""`python -m trainer --config run.toml`: starts a run, or resumes the one in its run folder."""

import os
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from trainer.config.checks import check_config
from trainer.config.files import load_config
from trainer.config.schema import Config
from trainer.distributed.run_lock import run_folder_lock
from trainer.distributed.watchdog import catch_stop_signals, stall_watchdog
from trainer.distributed.world import World, die_with_parent, distributed_session
from trainer.metrics.logger import MetricsLogger
from trainer.run_record import RunContext
from trainer.trainer import run_training


def main(arguments: Sequence[str]) -> int:
    die_with_parent()
    config = load_config(arguments)
    set_cuda_environment(config)
    with distributed_session(config.system) as world:
        check_config(config, world.size, world.device.type)
        return _in_world(config, world)


def _in_world(config: Config, world: World) -> int:
    folder = Path(config.run.folder)
    with ExitStack() as stack:
        request = stack.enter_context(catch_stop_signals())
        stack.enter_context(run_folder_lock(folder, world, config.run.wait))
        watch = stack.enter_context(closing(MetricsLogger(folder, config.log))) if world.is_main else None
        dog = stack.enter_context(stall_watchdog(world.rank, config.system.first_timeout, lambda: bool(request.signal)))
        ending = run_training(config, RunContext(world, dog, request, watch))
        if watch:
            watch.event("ended", step=ending.step, why=ending.why, exit_code=ending.exit_code)
    return ending.exit_code


def set_cuda_environment(config: Config) -> None:
    """What CUDA and NCCL read when they start."""
    if config.system.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        os.environ.setdefault("NCCL_ALGO", "Ring")

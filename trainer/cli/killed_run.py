"""Training process for `prove` that kills itself with SIGKILL after a step, as in a power cut.

Call: `python -m trainer.cli.killed_run STEP --config …`. It first waits for the checkpoint to resume from, so that the
result does not depend on the speed of the disk.
"""

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from threading import Event

from trainer.cli.app import run_command
from trainer.cli.train import set_cuda_environment
from trainer.config.files import load_config
from trainer.config.schema import Config
from trainer.distributed.run_lock import run_folder_lock
from trainer.distributed.watchdog import catch_stop_signals, stall_watchdog
from trainer.distributed.world import World, die_with_parent, distributed_session
from trainer.metrics.logger import MetricsLogger
from trainer.metrics.records import StepMetrics
from trainer.run_record import RunContext
from trainer.trainer import run_training

_PATIENCE = 60.0


class KillAfterStep(MetricsLogger):
    """Rank 0's; when it is gone, torchrun ends the other ranks."""

    def __init__(self, config: Config, last: int) -> None:
        super().__init__(Path(config.run.folder), config.log)
        self._last, self._whole = last, Event()

    def saved(self, step: int, seconds: float, nbytes: int) -> None:
        super().saved(step, seconds, nbytes)
        self._whole.set()

    def record(self, measured: StepMetrics) -> None:
        super().record(measured)
        if measured.step >= self._last:
            self._die()

    def _die(self) -> None:
        """Where no checkpoint comes, the run goes on to say why."""
        if self._whole.wait(_PATIENCE):
            os.kill(os.getpid(), signal.SIGKILL)


def main(arguments: Sequence[str]) -> int:
    last, *flags = arguments
    die_with_parent()
    config = load_config(flags)
    set_cuda_environment(config)
    with distributed_session(config.system) as world:
        return _in_world(config, world, int(last))


def _in_world(config: Config, world: World, last: int) -> int:
    with ExitStack() as stack:
        request = stack.enter_context(catch_stop_signals())
        stack.enter_context(run_folder_lock(Path(config.run.folder), world, config.run.wait))
        watch = stack.enter_context(closing(KillAfterStep(config, last))) if world.is_main else None
        dog = stack.enter_context(stall_watchdog(world.rank, config.system.first_timeout))
        return run_training(config, RunContext(world, dog, request, watch)).exit_code


if __name__ == "__main__":
    sys.exit(run_command(lambda: main(sys.argv[1:])))

"""Training as processes of their own, as a user starts it, in a folder that is thrown away."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from shardkit import ShardkitError
from trainer.watch.jsonl import METRICS, records

_TERMINATED = 128 + signal.SIGTERM


class TrialFailed(ShardkitError):
    """A run that was to be compared did not get as far as that."""


class Trial:
    def __init__(self, ranks: int, settings: Sequence[str]) -> None:
        agent = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={ranks}"] if ranks > 1 else []
        self._python, self._settings = [sys.executable, *agent], settings

    def train(self, folder: Path) -> None:
        code, said = self._run(folder, "trainer")
        if code:
            raise TrialFailed(f"The run ended with exit code {code}, so there is nothing to compare. It said:\n{said}")

    def train_until_killed(self, folder: Path, last: int) -> None:
        """Behind the step `last`."""
        code, said = self._run(folder, "trainer.commands.doomed", str(last))
        if not code or recorded(folder) != last:
            raise TrialFailed(
                f"The run was to be killed behind step {last}, and it ended by itself behind {recorded(folder)}, with "
                f"exit code {code}. It said:\n{said}"
            )

    def _run(self, folder: Path, module: str, *words: str) -> tuple[int, str]:
        command = [*self._python, "-m", module, *words, *self._settings, f"--run.folder={folder}"]
        with _started(command) as process:
            said, _ = process.communicate()
            return process.returncode, said.strip()


def recorded(folder: Path) -> int:
    """The last step of which there is a record."""
    return max((each["step"] for each in records(folder / METRICS) if each["kind"] == "step"), default=0)


@contextmanager
def _started(command: Sequence[str]) -> Iterator["subprocess.Popen[str]"]:
    """It does not outlive this block; nor do its ranks, which hold its output open until they are gone."""
    environment = {**os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}  # torchrun warns without
    with (
        _unwinding(),
        subprocess.Popen(  # noqa: S603 - our own command
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()
            if process.stdout and not process.stdout.closed:
                process.stdout.read()


@contextmanager
def _unwinding() -> Iterator[None]:
    """SIGTERM leaves like Ctrl-C, through every block that clears away."""
    before = signal.signal(signal.SIGTERM, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _leave(_: int, __: FrameType | None) -> None:
    sys.exit(_TERMINATED)

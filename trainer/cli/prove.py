"""`python -m trainer prove RUN`: checks that a killed and resumed run ends bit-identical to an uninterrupted one.

It runs on your data, config and machine, as real processes in a temporary folder: twenty steps without interruption,
then the same with a SIGKILL in the middle and a resume, then a comparison of every tensor. Validation is switched off:
it may take long and changes no weights.
"""

import os
import signal
import subprocess
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import torch
from blake3 import blake3

from shardkit import ShardkitError
from trainer.checkpoint.store import find_at, load_tensors
from trainer.cli.run_folder import make_run_parser, parse_run
from trainer.config.checks import check_config
from trainer.config.schema import Config
from trainer.errors import UsageError
from trainer.metrics.records import METRICS_FILE, read_records

Tensors = Mapping[str, torch.Tensor]


def compare_tensors(one: Tensors, other: Tensors) -> str:
    """Nothing where there is none."""
    if alone := sorted(one.keys() ^ other.keys()):
        return f"only one of them has {alone[0]}"
    differing = [name for name in sorted(one) if not _alike(one[name], other[name])]
    if not differing:
        return ""
    name = differing[0]
    return f"{len(differing)} of {len(one)} tensors differ, first {name}, {_how_far(one[name], other[name])}"


def digest_tensors(tensors: Tensors) -> str:
    hasher = blake3()
    for name in sorted(tensors):
        hasher.update(f"{name} {tensors[name].dtype} {tuple(tensors[name].shape)}".encode())
        hasher.update(_bits(tensors[name]).numpy().data)
    return hasher.hexdigest()[:32]


def _alike(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype and torch.equal(_bits(one), _bits(other))


def _bits(tensor: torch.Tensor) -> torch.Tensor:
    """As bytes, in which a NaN is like itself, and 0 is not like -0."""
    return tensor.contiguous().flatten().view(torch.uint8)


def _how_far(one: torch.Tensor, other: torch.Tensor) -> str:
    if one.shape != other.shape:
        return f"of shape {tuple(one.shape)} and {tuple(other.shape)}"
    return f"by {(one.double() - other.double()).abs().max().item():g} at most"


_TERMINATED = 128 + signal.SIGTERM


class TrialFailedError(ShardkitError):
    """A run that was to be compared did not get as far as that."""


class TrainingProcess:
    def __init__(self, ranks: int, settings: Sequence[str]) -> None:
        agent = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={ranks}"] if ranks > 1 else []
        self._python, self._settings = [sys.executable, *agent], settings

    def train(self, folder: Path) -> None:
        code, said = self._run(folder, "trainer")
        if code:
            raise TrialFailedError(
                f"The run ended with exit code {code}, so there is nothing to compare. It said:\n{said}"
            )

    def train_until_killed(self, folder: Path, last: int) -> None:
        """Behind the step `last`."""
        code, said = self._run(folder, "trainer.cli.killed_run", str(last))
        if not code or last_recorded_step(folder) != last:
            raise TrialFailedError(
                f"The run was to be killed behind step {last}, and it ended by itself behind "
                f"{last_recorded_step(folder)}, with exit code {code}. It said:\n{said}"
            )

    def _run(self, folder: Path, module: str, *words: str) -> tuple[int, str]:
        command = [*self._python, "-m", module, *words, *self._settings, f"--run.folder={folder}"]
        with _started(command) as process:
            said, _ = process.communicate()
            return process.returncode, said.strip()


def last_recorded_step(folder: Path) -> int:
    """The last step of which there is a record."""
    return max((each["step"] for each in read_records(folder / METRICS_FILE) if each["kind"] == "step"), default=0)


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


_DESCRIPTION = """Train some steps of a run's config twice, the second time killed in the middle, and compare the bits.

The run itself is not touched. It ends with 0 if all tensors are the same, and with 1 if not."""

EXIT_DIFFERENT = 1

_LEAST = 4
"""Steps: a checkpoint, a kill behind it, and a rest."""


def main(arguments: Sequence[str]) -> int:
    parser = make_run_parser("prove", _DESCRIPTION, "runs/first", "runs/first --ranks 2 --steps 20")
    parser.add_argument("--ranks", type=int, default=1, metavar="N", help="processes, started by torchrun (default: 1)")
    parser.add_argument("--steps", type=int, default=20, metavar="N", help="of each run (default: 20)")
    words, config, flags = parse_run(parser, arguments)
    _check_arguments(words, config)
    with tempfile.TemporaryDirectory(dir=words.run, prefix=".prove-") as place:
        straight, killed = Path(place) / "straight", Path(place) / "killed"
        settings = ["--config", str(words.run / "config.toml"), *flags, *_proving(config, words.steps)]
        trial = TrainingProcess(words.ranks, settings)
        half = words.steps // 2
        _say(f"{words.steps} steps straight through, on {words.ranks} rank{'s' * (words.ranks > 1)} …")
        trial.train(straight)
        _say(f"The same, killed behind step {half + 1} …")
        trial.train_until_killed(killed, half + 1)
        _say(f"Taken up at step {half} …")
        trial.train(killed)
        return _compare_runs(_tensors(straight, words.steps), _tensors(killed, words.steps), words.steps)


def _check_arguments(words: Namespace, config: Config) -> None:
    """Mistakes are told before anything starts."""
    if words.steps < _LEAST:
        raise UsageError(
            f"prove: --steps must be {_LEAST} at least, so that there is something before and behind the kill."
        )
    if words.ranks < 1:
        raise UsageError("prove: --ranks must be 1 at least.")
    cuda = config.system.device == "cuda" or (config.system.device == "auto" and torch.cuda.is_available())
    check_config(config, words.ranks, "cuda" if cuda else "cpu")


def _proving(config: Config, steps: int) -> list[str]:
    """So many steps and one checkpoint in their middle, whatever the run itself does besides."""
    settings: dict[str, object] = {
        "run.steps": steps,
        "run.epochs": max(config.run.epochs, steps),  # an epoch has a step at least
        "data.val": "",
        "data.test": "",
        "checkpoint.every_steps": steps // 2,
        "checkpoint.every_epochs": 0,
        "checkpoint.keep": steps,
        "log.every": 1,
        "log.tensorboard": "false",
        "log.wandb": "false",
        "log.profile": 0,
    }
    return [f"--{name}={value}" for name, value in settings.items()]


def _compare_runs(one: Tensors, other: Tensors, steps: int) -> int:
    if found := compare_tensors(one, other):
        _say(f"NOT the same: {found}.")
        return EXIT_DIFFERENT
    for name, tensors in (("straight", one), ("killed and taken up", other)):
        _say(f"{name:<20} {digest_tensors(tensors)}")
    _say(f"The same bits in all {len(one)} tensors of weights, averages and optimiser, after {steps} steps.")
    return 0


def _tensors(folder: Path, steps: int) -> Tensors:
    files = load_tensors(find_at(folder, steps).folder)
    return {f"{file}/{name}": tensor for file, tensors in files.items() for name, tensor in tensors.items()}


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")

"""`python -m trainer prove RUN`: does a run of this config, killed and taken up, end with the bits of a straight one?

The trainer's guarantee, on the user's own data, config and machine: twenty steps straight through; the same with a
SIGKILL in the middle and the same command again; then every tensor of both is compared.
"""

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from blake3 import blake3

from trainer.checkpoint.find import at, load
from trainer.commands.run_folder import parser_of
from trainer.errors import Mismatch, UsageError
from trainer.run.weights import config_of
from trainer.watch.jsonl import METRICS, records

_DESCRIPTION = "Train some steps of a run's config twice, the second time killed in the middle, and compare the bits."
DIFFERENT = 1
_POLL = 0.05


def main(arguments: Sequence[str]) -> int:
    parser = parser_of("prove", _DESCRIPTION)
    parser.add_argument("--ranks", type=int, default=1, help="processes, started by torchrun (default: 1)")
    parser.add_argument("--steps", type=int, default=20, help="of each run (default: 20)")
    words, flags = parser.parse_known_args(list(arguments))
    config_of(words.run, flags)  # mistakes are told before anything starts
    if words.steps < 4:  # noqa: PLR2004 - a checkpoint, a kill behind it and a rest
        raise UsageError("prove: --steps must be 4 at least, so that there is something before and behind the kill.")
    with tempfile.TemporaryDirectory(dir=words.run, prefix=".prove-") as place:
        proof = Proof(words.run, Path(place), words.steps, words.ranks, flags)
        proof.straight()
        proof.killed()
        return proof.compared()


class Proof:
    def __init__(self, run: Path, place: Path, steps: int, ranks: int, flags: Sequence[str]) -> None:
        self._place, self._steps = place, steps
        self._half = steps // 2
        config = ["--config", str(run / "config.toml"), *flags]
        settings = {
            "run.steps": steps,
            "checkpoint.every_steps": self._half,
            "checkpoint.keep": steps,
            "log.every": 1,
            "log.tensorboard": "false",
            "log.wandb": "false",
            "log.profile": 0,
            "data.test": "",
        }
        own = [each for name, value in settings.items() for each in (f"--{name}", str(value))]
        agent = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={ranks}"] if ranks > 1 else []
        self._command = [sys.executable, *agent, "-m", "trainer", *config, *own]

    def straight(self) -> None:
        _say(f"Straight: {self._steps} steps …")
        self._finish(self._start("straight"), "straight")

    def killed(self) -> None:
        """Behind the first checkpoint, at least one step later, so that something has to be done again."""
        _say(f"Killed behind step {self._half + 1}, and taken up …")
        job = self._start("killed")
        while job.poll() is None and self._done("killed") <= self._half:
            time.sleep(_POLL)
        job.send_signal(signal.SIGKILL)
        job.communicate()
        if self._done("killed") >= self._steps:
            _say("It was done before it could be killed: the proof is of two straight runs only. Ask for more --steps.")
        self._finish(self._start("killed"), "killed")

    def compared(self) -> int:
        one, other = (self._tensors(name) for name in ("straight", "killed"))
        differing = [name for name in one if not torch.equal(one[name], other[name])]
        if differing:
            name = differing[0]
            most = (one[name].double() - other[name].double()).abs().max().item()
            _say(f"NOT the same: {len(differing)} of {len(one)} tensors differ, first {name}, by {most:g} at most.")
            return DIFFERENT
        for name, tensors in (("straight", one), ("killed and taken up", other)):
            _say(f"{name:<20} {_digest(tensors)}")
        _say(f"The same bits in all {len(one)} tensors of weights, averages and optimiser, after {self._steps} steps.")
        return 0

    def _start(self, name: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(  # noqa: S603 - our own command
            [*self._command, "--run.folder", str(self._place / name)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _finish(self, job: "subprocess.Popen[str]", name: str) -> None:
        said, _ = job.communicate()
        if job.returncode:
            raise Mismatch(
                f"The {name} run ended with exit code {job.returncode}, so there is nothing to compare:\n{said}"
            )

    def _done(self, name: str) -> int:
        """Steps that were recorded so far."""
        there = records(self._place / name / METRICS)
        return max((each["step"] for each in there if each["kind"] == "step"), default=0)

    def _tensors(self, name: str) -> dict[str, torch.Tensor]:
        last = at(self._place / name, self._steps)
        return {
            f"{file}/{each}": tensor for file, tensors in load(last.folder).items() for each, tensor in tensors.items()
        }


def _digest(tensors: dict[str, torch.Tensor]) -> str:
    hasher = blake3()
    for name in sorted(tensors):
        hasher.update(name.encode())
        hasher.update(tensors[name].flatten().view(torch.uint8).numpy().tobytes())
    return hasher.hexdigest()[:32]


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")

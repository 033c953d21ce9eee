"""`python -m trainer prove RUN`: does a run of this config, killed and taken up, end with the bits of a straight one?

The trainer's guarantee, on the user's own data, config and machine: twenty steps straight through; the same with a
SIGKILL behind a step in the middle and the same command again; then every tensor of both is compared. Nothing is
judged on the way: that changes no weights, and may take long.
"""

import sys
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

import torch

from trainer.checkpoint.find import at, load
from trainer.commands.run_folder import parser_of_run, run_and_config
from trainer.commands.same import Tensors, digest, first_difference
from trainer.commands.trial import Trial
from trainer.config.checks import check
from trainer.config.sections import Config
from trainer.errors import UsageError

_DESCRIPTION = """Train some steps of a run's config twice, the second time killed in the middle, and compare the bits.

The run itself is not touched. It ends with 0 if all tensors are the same, and with 1 if not."""
DIFFERENT = 1
_LEAST = 4
"""Steps: a checkpoint, a kill behind it, and a rest."""


def main(arguments: Sequence[str]) -> int:
    parser = parser_of_run("prove", _DESCRIPTION, "runs/first", "runs/first --ranks 2 --steps 20")
    parser.add_argument("--ranks", type=int, default=1, metavar="N", help="processes, started by torchrun (default: 1)")
    parser.add_argument("--steps", type=int, default=20, metavar="N", help="of each run (default: 20)")
    words, config, flags = run_and_config(parser, arguments)
    _refuse(words, config)
    with tempfile.TemporaryDirectory(dir=words.run, prefix=".prove-") as place:
        straight, killed = Path(place) / "straight", Path(place) / "killed"
        settings = ["--config", str(words.run / "config.toml"), *flags, *_proving(config, words.steps)]
        trial = Trial(words.ranks, settings)
        half = words.steps // 2
        _say(f"{words.steps} steps straight through, on {words.ranks} rank{'s' * (words.ranks > 1)} …")
        trial.train(straight)
        _say(f"The same, killed behind step {half + 1} …")
        trial.train_until_killed(killed, half + 1)
        _say(f"Taken up at step {half} …")
        trial.train(killed)
        return _compared(_tensors(straight, words.steps), _tensors(killed, words.steps), words.steps)


def _refuse(words: Namespace, config: Config) -> None:
    """Mistakes are told before anything starts."""
    if words.steps < _LEAST:
        raise UsageError(
            f"prove: --steps must be {_LEAST} at least, so that there is something before and behind the kill."
        )
    if words.ranks < 1:
        raise UsageError("prove: --ranks must be 1 at least.")
    cuda = config.system.device == "cuda" or (config.system.device == "auto" and torch.cuda.is_available())
    check(config, words.ranks, "cuda" if cuda else "cpu")


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


def _compared(one: Tensors, other: Tensors, steps: int) -> int:
    if found := first_difference(one, other):
        _say(f"NOT the same: {found}.")
        return DIFFERENT
    for name, tensors in (("straight", one), ("killed and taken up", other)):
        _say(f"{name:<20} {digest(tensors)}")
    _say(f"The same bits in all {len(one)} tensors of weights, averages and optimiser, after {steps} steps.")
    return 0


def _tensors(folder: Path, steps: int) -> Tensors:
    files = load(at(folder, steps).folder)
    return {f"{file}/{name}": tensor for file, tensors in files.items() for name, tensor in tensors.items()}


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")

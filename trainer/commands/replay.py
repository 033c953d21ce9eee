"""`python -m trainer replay RUN STEP`: a step done again, for whoever wants to see what happened in it.

From the newest checkpoint before it the run is repeated up to the step, in one process that takes all micro-batches
of a row. Then its pictures as the network saw them, its losses sample by sample and its gradients tensor by tensor are
laid down in `RUN/replay/step-…`. The run itself is not touched.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from shardkit import publish
from trainer.batches import Row
from trainer.checkpoint.find import before
from trainer.commands.run_folder import parser_of
from trainer.commands.sheet import sheet
from trainer.commands.train import before_cuda
from trainer.errors import UsageError
from trainer.run.parts import Parts, parts_of
from trainer.run.weights import config_of
from trainer.step import seed_all
from trainer.world.ranks import joined

_DESCRIPTION = "Do one step again: its pictures, losses and gradients, and the sample behind a NaN."


def main(arguments: Sequence[str]) -> int:
    parser = parser_of("replay", _DESCRIPTION)
    parser.add_argument("step", type=int, metavar="STEP", help="which one, counted from 1")
    words, flags = parser.parse_known_args(list(arguments))
    config = config_of(words.run, flags)
    before_cuda(config)
    with joined(config.system) as world:
        if world.size > 1:
            raise UsageError(
                "replay runs in one process: start it without torchrun. It does all micro-batches of a row."
            )
        start = before(words.run, words.step, _say)
        parts = parts_of(config, world, start, _say)
        _refuse_unreachable(words.step, parts)
        _repeat(parts, words.step)
        seen = look_into(parts, next(parts.rows))
    folder = words.run / "replay" / f"step-{words.step:010d}"
    _lay_down(folder, seen)
    _say(_told(seen, words.step, folder))
    return 0


@dataclass(frozen=True)
class Seen:
    """Of one row."""

    images: torch.Tensor
    """As the network saw them."""
    samples: list[dict[str, Any]]
    gradients: dict[str, float]
    """The norm of each."""
    loss: float
    norm: float


def look_into(parts: Parts, row: Row) -> Seen:
    images, samples = [], []
    for micro_batch, keys in zip(row.micro_batches, _split(row), strict=True):
        seed_all(parts.config.run.seed, parts.state.progress.step, micro_batch.number)
        shown = parts.augment(micro_batch.images, micro_batch.numbers, row.epoch, learning=True)
        losses = _losses(parts, shown, micro_batch.labels)
        images.append(shown.cpu())
        for key, label, loss, one in zip(keys, micro_batch.labels.tolist(), losses, shown, strict=True):
            samples.append({"key": key, "label": label, "loss": loss, "finite": bool(torch.isfinite(one).all())})
    said, norm = parts.step.measured(row)
    named = parts.state.network.named_parameters()
    clipped = min(1.0, parts.config.optim.clip / norm) if parts.config.optim.clip else 1.0
    gradients = {name: float(each.grad.norm()) / clipped for name, each in named if each.grad is not None}
    return Seen(torch.cat(images), samples, gradients, said.loss, norm)


@torch.no_grad()
def _losses(parts: Parts, images: torch.Tensor, labels: torch.Tensor) -> list[float]:
    network = parts.state.network
    scores = network.head(network.embed(images), labels)
    return [float(each) for each in network.loss.of_each(scores, labels)]  # type: ignore[operator]  # ours have it


def _repeat(parts: Parts, step: int) -> None:
    parts.step.warm_up(parts.first.micro_batches[-1])
    while parts.state.progress.step < step - 1:
        done = parts.state.progress.step
        parts.step(next(parts.rows), parts.schedule.lr(done), 0)


def _split(row: Row) -> list[list[str]]:
    keys, size = row.keys(), len(row.micro_batches[0].labels)
    return [keys[first : first + size] for first in range(0, len(keys), size)]


def _refuse_unreachable(step: int, parts: Parts) -> None:
    if not 1 <= step <= parts.schedule.steps:
        raise UsageError(f"replay: this run has the steps 1 to {parts.schedule.steps:,}, and not {step:,}.")


def _lay_down(folder: Path, seen: Seen) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    facts = {"loss": seen.loss, "norm": seen.norm, "samples": seen.samples, "gradients": seen.gradients}
    for name, content in (("images.png", sheet(seen.images)), ("step.json", json.dumps(facts, indent=1).encode())):
        with publish(folder / name) as file:
            file.write(content)


def _told(seen: Seen, step: int, folder: Path) -> str:
    worst = sorted(seen.samples, key=lambda each: -_rank(each["loss"]))[:5]
    steepest = sorted(seen.gradients.items(), key=lambda each: -_rank(each[1]))[:5]
    lines = [
        f"Step {step:,}: loss {seen.loss:.6g}, gradients {seen.norm:.6g}. Pictures and figures: {folder}",
        "Greatest losses:",
        *(f"  {each['loss']:>12.6g}  {each['key']}" for each in worst),
        "Greatest gradients:",
        *(f"  {norm:>12.6g}  {name}" for name, norm in steepest),
    ]
    return "\n".join(lines)


def _rank(value: float) -> float:
    """What is no number comes first."""
    return float("inf") if value != value else abs(value)  # noqa: PLR0124 - NaN alone is not itself


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")

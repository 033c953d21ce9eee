"""`python -m trainer replay RUN STEP`: repeats one step and shows its images, losses and gradients.

The run is repeated from the newest checkpoint before that step, in one process that takes all micro-batches. Results go
to `RUN/replay/step-…`; the run itself does not change. Batch norm spreads a NaN from one sample to its micro-batch, so
where a loss is not finite, each of its samples is tried again separately, in evaluation mode.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, inf, isfinite, isnan, sqrt
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from shardkit import publish
from trainer.build import RunComponents, build_run
from trainer.checkpoint.store import CheckpointRef, find_before
from trainer.cli.run_folder import make_run_parser, parse_run
from trainer.cli.train import set_cuda_environment
from trainer.data import Batch, MicroBatch
from trainer.distributed.world import distributed_session
from trainer.errors import UsageError
from trainer.evaluation.hard_cases_page import encode_png
from trainer.network import Targets
from trainer.train_step import seed_all


@dataclass(frozen=True)
class InspectedSample:
    key: str
    label: int
    loss: float
    picture: bool
    """Whether the picture that the network saw is all numbers."""
    alone: bool
    """Whether the sample has a finite loss by itself; not asked where the whole micro-batch has."""

    @property
    def sound(self) -> bool:
        return self.picture and self.alone


@dataclass(frozen=True)
class StepInspection:
    """Of one row."""

    images: torch.Tensor
    """As the network saw them."""
    samples: Sequence[InspectedSample]
    gradients: dict[str, float]
    """The norm of each, before clipping; none where the norm of all is not finite, which clipping spreads over all."""
    loss: float
    norm: float


def inspect_step(parts: RunComponents, row: Batch) -> StepInspection:
    images: list[torch.Tensor] = []
    samples: list[InspectedSample] = []
    parts.step.draw(*row.micro_batches)
    for micro_batch, keys in zip(row.micro_batches, _split(row), strict=True):
        shown = _augmented_images(parts, micro_batch, row.epoch)
        targets = parts.step.targets(micro_batch, row.epoch, shown)
        losses = _losses(parts, shown, targets)
        alone = [True] * len(losses) if all(map(isfinite, losses)) else _alone(parts, shown, targets)
        pictures = shown.flatten(1).isfinite().all(1).tolist()
        images.append(shown.cpu())
        samples += map(InspectedSample, keys, micro_batch.labels.tolist(), losses, pictures, alone)
    said, norm = parts.step.forward_backward_all(row)
    return StepInspection(
        torch.cat(images), samples, _gradients(parts, norm) if isfinite(norm) else {}, said.loss, norm
    )


def _augmented_images(parts: RunComponents, micro_batch: MicroBatch, epoch: int) -> torch.Tensor:
    """With the draws of the step."""
    seed_all(parts.config.run.seed, parts.state.progress.step, micro_batch.number)
    return parts.augment(micro_batch.images, micro_batch.numbers, epoch, learning=True)


@torch.no_grad()
def _losses(parts: RunComponents, images: torch.Tensor, targets: Targets) -> list[float]:
    network = parts.state.network
    losses: list[float] = network.objective.of_each(network.features(images), targets).tolist()
    return losses


def _alone(parts: RunComponents, images: torch.Tensor, targets: Targets) -> list[bool]:
    network = parts.state.network.eval()
    try:
        return [
            isfinite(_losses(parts, image, Targets(label))[0])
            for image, label in zip(images[:, None], targets.labels[:, None], strict=True)
        ]
    finally:
        network.train()


def _gradients(parts: RunComponents, norm: float) -> dict[str, float]:
    """`norm` is that of all together before they were clipped."""
    clip = parts.config.optim.clip
    clipped = min(1.0, clip / max(norm, 1e-12)) if clip else 1.0
    named = parts.state.network.named_parameters()
    return {name: float(each.grad.norm()) / clipped for name, each in named if each.grad is not None}


def _split(row: Batch) -> list[list[str]]:
    keys, size = row.keys(), len(row.micro_batches[0].labels)
    return [keys[first : first + size] for first in range(0, len(keys), size)]


_MOST = 5

_OVERFLOWS = (
    "Each sample has a finite loss by itself, and the row's loss or gradients are not finite: something overflows. Try "
    "amp.dtype = bf16 or off, then half of optim.base_lr."
)


def format_inspection(seen: StepInspection, step: int, folder: Path) -> str:
    worst = sorted(seen.samples, key=lambda each: -_rank(each.loss))[:_MOST]
    steepest = sorted(seen.gradients.items(), key=lambda each: -_rank(each[1]))[:_MOST]
    lines = [
        f"Step {step:,}: loss {seen.loss:.6g}, gradients {seen.norm:.6g}. Pictures and figures: {folder}",
        *_blamed(seen),
        "Greatest losses:",
        *(f"  {each.loss:>12.6g}  {each.key}" for each in worst),
    ]
    if steepest:
        lines += ["Greatest gradients:", *(f"  {norm:>12.6g}  {name}" for name, norm in steepest)]
    return "\n".join(lines)


def inspection_record(seen: StepInspection) -> Mapping[str, Any]:
    """JSON knows no NaN: null stands for it."""
    return {
        "loss": _number(seen.loss),
        "norm": _number(seen.norm),
        "samples": [
            {"key": each.key, "label": each.label, "loss": _number(each.loss), "finite": each.sound}
            for each in seen.samples
        ],
        "gradients": {name: _number(norm) for name, norm in seen.gradients.items()},
    }


def _blamed(seen: StepInspection) -> list[str]:
    """Nothing where all is finite."""
    odd = [each for each in seen.samples if not each.sound]
    if not odd:
        return [] if isfinite(seen.norm) else [_OVERFLOWS]
    if len(odd) == len(seen.samples) and all(each.picture for each in odd):
        return [
            "No sample has a finite loss, even by itself: the weights are not finite any more. Replay an earlier step."
        ]
    return ["Behind it:", *(f"  {each.key}: {_reason(each)}" for each in odd)]


def _reason(sample: InspectedSample) -> str:
    if not sample.picture:
        return "its picture, as the network saw it, holds what is no finite number"
    return "its picture is sound, and yet the network makes no finite loss of it"


def _rank(value: float) -> float:
    """What is no number comes first."""
    return inf if isnan(value) else abs(value)


def _number(value: float) -> float | None:
    return value if isfinite(value) else None


_GAP = 2


def render_sheet(images: torch.Tensor) -> bytes:
    """Of B x C x h x w floats: each stretched to black and white by itself, channels averaged."""
    grey = torch.nan_to_num(images.float().mean(1))
    low, high = grey.amin((1, 2), keepdim=True), grey.amax((1, 2), keepdim=True)
    bytes_ = ((grey - low) / (high - low).clamp(min=1e-12) * 255).round().to(torch.uint8)
    return encode_png(_grid(functional.pad(bytes_, (0, _GAP, 0, _GAP), value=128)).numpy())


def _grid(cells: torch.Tensor) -> torch.Tensor:
    count, height, width = cells.shape
    columns = ceil(sqrt(count * height / width))
    rows = ceil(count / columns)
    blank = cells.new_full((rows * columns - count, height, width), 128)
    whole = torch.cat([cells, blank]).view(rows, columns, height, width)
    return whole.permute(0, 2, 1, 3).reshape(rows * height, columns * width)


_DESCRIPTION = """Do one step again: its pictures, losses and gradients, and the sample behind a NaN.

They are laid down in RUN/replay/step-…; the run itself is not touched."""

_TOLD_EVERY = 100


def main(arguments: Sequence[str]) -> int:
    parser = make_run_parser("replay", _DESCRIPTION, "runs/first 1200")
    parser.add_argument("step", type=int, metavar="STEP", help="which one, counted from 1")
    words, config, _ = parse_run(parser, arguments)
    set_cuda_environment(config)
    with distributed_session(config.system) as world:
        if world.size > 1:
            raise UsageError(
                "replay runs in one process: start it without torchrun. It does all micro-batches of a row."
            )
        start = find_before(words.run, words.step, _say)
        parts = build_run(config, world, start, _say)
        _check_reachable(words.step, parts)
        folder = _made(words.run / "replay" / f"step-{words.step:010d}")
        _repeat(parts, words.step, start)
        seen = inspect_step(parts, next(parts.rows))
    _lay_down(folder, seen)
    _say(format_inspection(seen, words.step, folder))
    return 0


def _repeat(parts: RunComponents, step: int, start: CheckpointRef | None) -> None:
    done = parts.state.progress.step
    if done < step - 1:
        whence = f"from the checkpoint of step {done:,}" if start else "from the beginning"
        _say(f"{step - 1 - done:,} steps are done again first, {whence} …")
    parts.step.warm_up(parts.first.micro_batches[-1])
    while parts.state.progress.step < step - 1:
        done = parts.state.progress.step
        parts.step(next(parts.rows), parts.schedule.lr(done), 0)
        if done % _TOLD_EVERY == _TOLD_EVERY - 1:
            _say(f"step {done + 1:,}")


def _check_reachable(step: int, parts: RunComponents) -> None:
    if not 1 <= step <= parts.schedule.steps:
        raise UsageError(f"replay: this run has the steps 1 to {parts.schedule.steps:,}, and not {step:,}.")


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{folder}: the pictures cannot be laid down here ({error.strerror}). Copy the run folder to where you may "
            "write, and replay it there."
        ) from None
    return folder


def _lay_down(folder: Path, seen: StepInspection) -> None:
    content = json.dumps(inspection_record(seen), indent=1, allow_nan=False).encode()
    for name, each in (("images.png", render_sheet(seen.images)), ("step.json", content)):
        with publish(folder / name) as file:
            file.write(each)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")

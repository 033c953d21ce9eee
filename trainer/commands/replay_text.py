"""What `replay` says of a step: to people, and as JSON."""

from collections.abc import Mapping
from math import inf, isfinite, isnan
from pathlib import Path
from typing import Any

from trainer.commands.looking import Sample, Seen

_MOST = 5
_OVERFLOWS = (
    "Each sample has a finite loss by itself, and the row's loss or gradients are not finite: something overflows. Try "
    "amp.dtype = bf16 or off, then half of optim.base_lr."
)


def told(seen: Seen, step: int, folder: Path) -> str:
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


def figures_of(seen: Seen) -> Mapping[str, Any]:
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


def _blamed(seen: Seen) -> list[str]:
    """Nothing where all is finite."""
    odd = [each for each in seen.samples if not each.sound]
    if not odd:
        return [] if isfinite(seen.norm) else [_OVERFLOWS]
    if len(odd) == len(seen.samples) and all(each.picture for each in odd):
        return [
            "No sample has a finite loss, even by itself: the weights are not finite any more. Replay an earlier step."
        ]
    return ["Behind it:", *(f"  {each.key}: {_reason(each)}" for each in odd)]


def _reason(sample: Sample) -> str:
    if not sample.picture:
        return "its picture, as the network saw it, holds what is no finite number"
    return "its picture is sound, and yet the network makes no finite loss of it"


def _rank(value: float) -> float:
    """What is no number comes first."""
    return inf if isnan(value) else abs(value)


def _number(value: float) -> float | None:
    return value if isfinite(value) else None

"""The newest checkpoint that is whole, found by looking at the bytes and not by trusting a name.

A damaged one is passed over with a warning. What is loaded is what was hashed: the same bytes in memory.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from blake3 import blake3
from safetensors.torch import load as tensors_of

from trainer.checkpoint.layout import BEST, STATE, checkpoints, folder_of, steps_in
from trainer.errors import Mismatch

Warn = Callable[[str], None]
Tensors = dict[str, dict[str, torch.Tensor]]


@dataclass(frozen=True)
class Found:
    step: int
    folder: Path
    state: dict[str, Any]


class Unsound(Exception):
    """Why a folder is no whole checkpoint."""


def found(run: Path, warn: Warn) -> Found | None:
    return _newest(run, reversed(steps_in(run)), warn)


def before(run: Path, step: int, warn: Warn) -> Found | None:
    """The newest one from which step `step`, counted from 1, is still to come."""
    return _newest(run, [each for each in reversed(steps_in(run)) if each < step], warn)


def best(run: Path, warn: Warn) -> Found | None:
    """The one that validation liked most, as the last that was saved tells."""
    try:
        step = json.loads((checkpoints(run) / BEST).read_text())["step"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return _newest(run, [step], warn)


def at(run: Path, step: int) -> Found:
    folder = folder_of(run, step)
    try:
        return looked_at(folder, step)
    except Unsound as why:
        there = ", ".join(map(str, steps_in(run))) or "none"
        raise Mismatch(f"{folder}: this is no whole checkpoint: {why}. Steps with a checkpoint: {there}.") from None


def load(folder: Path) -> Tensors:
    """All tensors, by file; checked while they are read."""
    files = _state(folder)["files"]
    try:
        return {Path(name).stem: tensors_of(_checked(folder / name, seal)) for name, seal in files.items()}
    except Unsound as why:
        raise Mismatch(f"{why}. It was whole a moment ago: is another job at work in this folder?") from None


def looked_at(folder: Path, step: int) -> Found:
    """Unsound if anything of it is not what was written."""
    state = _state(folder)
    for name, seal in state["files"].items():
        _checked(folder / name, seal)
    return Found(step, folder, state)


def _newest(run: Path, steps: Iterable[int], warn: Warn) -> Found | None:
    passed: list[str] = []
    for step in steps:
        try:
            whole = looked_at(folder_of(run, step), step)
        except Unsound as why:
            passed.append(f"{folder_of(run, step)} is passed over: {why}.")
        else:
            _tell(passed, f"Step {step:,} is used instead.", warn)
            return whole
    _tell(passed, "There is none before it, so the run begins anew.", warn)
    return None


def _tell(passed: list[str], instead: str, warn: Warn) -> None:
    if passed:
        warn(" ".join([*passed, instead]))


def _state(folder: Path) -> dict[str, Any]:
    path = folder / STATE
    try:
        sealed = json.loads(path.read_bytes())
        state, digest = sealed["state"], sealed["blake3"]
    except FileNotFoundError:
        raise Unsound(f"it has no {STATE}, so it was never finished") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unsound(f"{STATE} cannot be read ({error})") from None
    if digest != digest_of_state(state):
        raise Unsound(f"{STATE} is not what was written (its digest differs)")
    return dict(state)


def digest_of_state(state: object) -> str:
    return blake3(json.dumps(state, sort_keys=True).encode()).hexdigest()


def _checked(path: Path, seal: dict[str, Any]) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Unsound(f"{path.name} cannot be read ({error.strerror})") from None
    if len(content) != seal["size"]:
        raise Unsound(f"{path.name} has {len(content):,} bytes, and {seal['size']:,} were written")
    if blake3(content, max_threads=blake3.AUTO).hexdigest() != seal["blake3"]:
        raise Unsound(f"{path.name} is not what was written (its digest differs)")
    return content

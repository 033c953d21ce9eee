"""The newest checkpoint that is whole, found by looking at the bytes and not by trusting a name.

A damaged one is passed over with a warning. What is loaded is what was hashed: the same bytes in memory.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import torch
from safetensors.torch import load as tensors_of

from trainer.checkpoint.layout import folder_of, steps_in
from trainer.checkpoint.sound import Found, Unsound, content_of, looked_at, state_in
from trainer.errors import Mismatch

__all__ = ["Found", "at", "before", "best", "found", "load", "marked", "told"]

Warn = Callable[[str], None]
Tensors = dict[str, dict[str, torch.Tensor]]


def found(run: Path, warn: Warn) -> Found | None:
    return _first(run, reversed(steps_in(run)), warn, "There is none before it, so the run begins anew.")


def before(run: Path, step: int, warn: Warn) -> Found | None:
    """The newest one from which step `step`, counted from 1, is still to come."""
    steps = [each for each in reversed(steps_in(run)) if each < step]
    return _first(run, steps, warn, "There is none before it.")


def best(run: Path, warn: Warn) -> Found | None:
    """The one that validation liked most."""
    return _first(run, marked(run), warn, "No other one that is left was ever the best.")


def marked(run: Path) -> Iterator[int]:
    """Steps that were the best when they were saved, so the newest of them is the best; newest first.

    It stands in their own states and nowhere else: between a checkpoint and a file that points at it a run may be
    killed, and nobody would ever validate that step again.
    """
    for step in reversed(steps_in(run)):
        with suppress(Unsound):
            if state_in(folder_of(run, step)).get("best"):
                yield step


def at(run: Path, step: int) -> Found:
    """Whole, to the last byte."""
    return _or_refused(run, step, lambda folder: looked_at(folder, step))


def told(run: Path, step: int) -> Found:
    """As rank 0 found it: others need not read everything, and `load` checks what they do read."""
    return _or_refused(run, step, lambda folder: Found(step, folder, state_in(folder)))


def load(folder: Path, wanted: Callable[[str], bool] = lambda _: True) -> Tensors:
    """Tensors by file, of those files that are wanted; checked while they are read."""
    try:
        files = {Path(name).stem: (folder / name, seal) for name, seal in state_in(folder)["files"].items()}
        return {name: tensors_of(content_of(*file)) for name, file in files.items() if wanted(name)}
    except Unsound as why:
        raise Mismatch(
            f"{folder}: {why}. It was whole a moment ago: is another job at work in this folder? Run the same command "
            "again."
        ) from None


def _or_refused(run: Path, step: int, look: Callable[[Path], Found]) -> Found:
    folder = folder_of(run, step)
    try:
        return look(folder)
    except Unsound as why:
        there = ", ".join(map(str, steps_in(run))) or "none"
        raise Mismatch(f"{folder}: this is no whole checkpoint: {why}. Steps with a checkpoint: {there}.") from None


def _first(run: Path, steps: Iterable[int], warn: Warn, without: str) -> Found | None:
    """That is whole; who hears of the others also hears which one is used, or that it is done `without`."""
    passed: list[str] = []
    for step in steps:
        try:
            whole = looked_at(folder_of(run, step), step)
        except Unsound as why:
            passed.append(f"{folder_of(run, step)} is passed over: {why}.")
        else:
            _tell(passed, f"Step {step:,} is used instead.", warn)
            return whole
    _tell(passed, without, warn)
    return None


def _tell(passed: list[str], instead: str, warn: Warn) -> None:
    if passed:
        warn(" ".join([*passed, instead]))

"""Checkpoints on disk: their layout, digests, search for the newest valid one, and rotation.

A checkpoint is a folder `RUN/checkpoints/step-0000001234`; steps are compared as numbers, not as text. `state.json`
holds the digest of every other file and its own. A folder counts only if its bytes match; a damaged one is skipped with
a warning. The bytes that are loaded are those that were hashed. Rotation keeps the newest few and the best.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from blake3 import blake3
from safetensors.torch import load as tensors_of

from trainer.errors import Mismatch

STATE = "state.json"
"""Comes last, and seals the other files: a folder without it is no checkpoint."""

BEST = "best.json"
"""For people and scripts, as is LATEST: what is best is written in the checkpoints themselves."""

LATEST = "latest.json"

TENSORS = ".safetensors"

_NAME = re.compile(r"step-([0-9]{10,})")


def checkpoints(run: Path) -> Path:
    return run / "checkpoints"


def folder_of(run: Path, step: int) -> Path:
    return checkpoints(run) / f"step-{step:010d}"


def steps_in(run: Path) -> list[int]:
    """Of all folders that are called like a checkpoint, oldest first."""
    if not checkpoints(run).is_dir():
        return []
    named = [(each, _NAME.fullmatch(each.name)) for each in checkpoints(run).iterdir()]
    there = {each: int(name[1]) for each, name in named if name and each.is_dir()}
    return sorted(step for each, step in there.items() if each == folder_of(run, step))


Seal = dict[str, str | int]


@dataclass(frozen=True)
class Found:
    step: int
    folder: Path
    state: dict[str, Any]


class Unsound(Exception):
    """Why a folder is no whole checkpoint."""


def seal_of(content: bytes) -> Seal:
    return {"blake3": blake3(content, max_threads=blake3.AUTO).hexdigest(), "size": len(content)}


def sealed(state: Mapping[str, Any]) -> bytes:
    """What `state.json` holds; the state must be what JSON gives back."""
    return json.dumps({"state": state, "blake3": _digest(state)}, allow_nan=False, indent=1).encode()


def state_in(folder: Path) -> dict[str, Any]:
    try:
        whole = json.loads((folder / STATE).read_bytes())
        state, digest = whole["state"], whole["blake3"]
    except FileNotFoundError:
        raise Unsound(f"it has no {STATE}, so it was never finished") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unsound(f"{STATE} cannot be read ({error})") from None
    if digest != _digest(state):
        raise Unsound(f"{STATE} is not what was written (its digest differs)")
    return dict(state)


def content_of(path: Path, seal: Seal) -> bytes:
    """The very bytes that were hashed."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Unsound(f"{path.name} cannot be read ({error.strerror})") from None
    if len(content) != seal["size"]:
        raise Unsound(f"{path.name} has {len(content):,} bytes, and {seal['size']:,} were written")
    if seal_of(content) != seal:
        raise Unsound(f"{path.name} is not what was written (its digest differs)")
    return content


def looked_at(folder: Path, step: int) -> Found:
    """Unsound if anything of it is not what was written."""
    state = state_in(folder)
    if state["step"] != step:
        raise Unsound(f"it was written as step {state['step']:,}, under another name")
    for name, seal in state["files"].items():
        content_of(folder / name, seal)
    return Found(step, folder, state)


def _digest(state: object) -> str:
    return blake3(json.dumps(state, sort_keys=True).encode()).hexdigest()


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


def going(steps: Iterable[int], keep: int, best: int | None) -> list[int]:
    """Of these, the ones to delete; oldest first."""
    ordered = sorted(steps)
    return [step for step in ordered[: max(0, len(ordered) - keep)] if step != best]


def rotate(run: Path, newest: int, keep: int, best: int | None) -> None:
    """Behind a checkpoint that is durable. Steps beyond it are of a run that was taken up before them; they stay, since
    they will be written again, and what is damaged among them is replaced then.
    """
    steps = [step for step in steps_in(run) if step <= newest]
    whole = [step for step in steps if (folder_of(run, step) / STATE).exists()]
    staying = {*whole} - {*going(whole, keep, best)}
    for step in steps:
        if step not in staying:
            remove(folder_of(run, step))


def remove(folder: Path) -> None:
    """The state goes first: a folder that is half gone is no checkpoint.

    So what cannot go now harms nobody, and is tried again behind the next save: a file that somebody still reads over
    a network, or what a user laid there.
    """
    (folder / STATE).unlink(missing_ok=True)
    with suppress(OSError):
        for each in folder.iterdir():
            _let_go(each)
        folder.rmdir()


def _let_go(path: Path) -> None:
    with suppress(OSError):
        path.unlink()

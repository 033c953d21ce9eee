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

STATE_FILE = "state.json"
"""Comes last, and seals the other files: a folder without it is no checkpoint."""

BEST_FILE = "best.json"
"""For people and scripts, as is LATEST: what is best is written in the checkpoints themselves."""

LATEST_FILE = "latest.json"

TENSORS_SUFFIX = ".safetensors"

_NAME = re.compile(r"step-([0-9]{10,})")


def checkpoints_folder(run: Path) -> Path:
    return run / "checkpoints"


def checkpoint_folder(run: Path, step: int) -> Path:
    return checkpoints_folder(run) / f"step-{step:010d}"


def list_steps(run: Path) -> list[int]:
    """Of all folders that are called like a checkpoint, oldest first."""
    if not checkpoints_folder(run).is_dir():
        return []
    named = [(each, _NAME.fullmatch(each.name)) for each in checkpoints_folder(run).iterdir()]
    there = {each: int(name[1]) for each, name in named if name and each.is_dir()}
    return sorted(step for each, step in there.items() if each == checkpoint_folder(run, step))


FileDigest = dict[str, str | int]


@dataclass(frozen=True)
class CheckpointRef:
    step: int
    folder: Path
    state: dict[str, Any]


class CorruptCheckpointError(Exception):
    """Why a folder is no whole checkpoint."""


def content_digest(content: bytes) -> FileDigest:
    return {"blake3": blake3(content, max_threads=blake3.AUTO).hexdigest(), "size": len(content)}


def with_digest(state: Mapping[str, Any]) -> bytes:
    """What `state.json` holds; the state must be what JSON gives back."""
    return json.dumps({"state": state, "blake3": _digest(state)}, allow_nan=False, indent=1).encode()


def read_state(folder: Path) -> dict[str, Any]:
    try:
        whole = json.loads((folder / STATE_FILE).read_bytes())
        state, digest = whole["state"], whole["blake3"]
    except FileNotFoundError:
        raise CorruptCheckpointError(f"it has no {STATE_FILE}, so it was never finished") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorruptCheckpointError(f"{STATE_FILE} cannot be read ({error})") from None
    if digest != _digest(state):
        raise CorruptCheckpointError(f"{STATE_FILE} is not what was written (its digest differs)")
    return dict(state)


def read_checked(path: Path, seal: FileDigest) -> bytes:
    """The very bytes that were hashed."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CorruptCheckpointError(f"{path.name} cannot be read ({error.strerror})") from None
    if len(content) != seal["size"]:
        raise CorruptCheckpointError(f"{path.name} has {len(content):,} bytes, and {seal['size']:,} were written")
    if content_digest(content) != seal:
        raise CorruptCheckpointError(f"{path.name} is not what was written (its digest differs)")
    return content


def verify_files(folder: Path, step: int) -> CheckpointRef:
    """Unsound if anything of it is not what was written."""
    state = read_state(folder)
    if state["step"] != step:
        raise CorruptCheckpointError(f"it was written as step {state['step']:,}, under another name")
    for name, seal in state["files"].items():
        read_checked(folder / name, seal)
    return CheckpointRef(step, folder, state)


def _digest(state: object) -> str:
    return blake3(json.dumps(state, sort_keys=True).encode()).hexdigest()


Warn = Callable[[str], None]

Tensors = dict[str, dict[str, torch.Tensor]]


def find_latest(run: Path, warn: Warn) -> CheckpointRef | None:
    return _first(run, reversed(list_steps(run)), warn, "There is none before it, so the run begins anew.")


def find_before(run: Path, step: int, warn: Warn) -> CheckpointRef | None:
    """The newest one from which step `step`, counted from 1, is still to come."""
    steps = [each for each in reversed(list_steps(run)) if each < step]
    return _first(run, steps, warn, "There is none before it.")


def find_best(run: Path, warn: Warn) -> CheckpointRef | None:
    """The one that validation liked most."""
    return _first(run, best_steps(run), warn, "No other one that is left was ever the best.")


def best_steps(run: Path) -> Iterator[int]:
    """Steps that were the best when they were saved, so the newest of them is the best; newest first.

    It stands in their own states and nowhere else: between a checkpoint and a file that points at it a run may be
    killed, and nobody would ever validate that step again.
    """
    for step in reversed(list_steps(run)):
        with suppress(CorruptCheckpointError):
            if read_state(checkpoint_folder(run, step)).get("best"):
                yield step


def find_at(run: Path, step: int) -> CheckpointRef:
    """Whole, to the last byte."""
    return _or_refused(run, step, lambda folder: verify_files(folder, step))


def read_unverified(run: Path, step: int) -> CheckpointRef:
    """As rank 0 found it: others need not read everything, and `load` checks what they do read."""
    return _or_refused(run, step, lambda folder: CheckpointRef(step, folder, read_state(folder)))


def load_tensors(folder: Path, wanted: Callable[[str], bool] = lambda _: True) -> Tensors:
    """Tensors by file, of those files that are wanted; checked while they are read."""
    try:
        files = {Path(name).stem: (folder / name, seal) for name, seal in read_state(folder)["files"].items()}
        return {name: tensors_of(read_checked(*file)) for name, file in files.items() if wanted(name)}
    except CorruptCheckpointError as why:
        raise Mismatch(
            f"{folder}: {why}. It was whole a moment ago: is another job at work in this folder? Run the same command "
            "again."
        ) from None


def _or_refused(run: Path, step: int, look: Callable[[Path], CheckpointRef]) -> CheckpointRef:
    folder = checkpoint_folder(run, step)
    try:
        return look(folder)
    except CorruptCheckpointError as why:
        there = ", ".join(map(str, list_steps(run))) or "none"
        raise Mismatch(f"{folder}: this is no whole checkpoint: {why}. Steps with a checkpoint: {there}.") from None


def _first(run: Path, steps: Iterable[int], warn: Warn, without: str) -> CheckpointRef | None:
    """That is whole; who hears of the others also hears which one is used, or that it is done `without`."""
    passed: list[str] = []
    for step in steps:
        try:
            whole = verify_files(checkpoint_folder(run, step), step)
        except CorruptCheckpointError as why:
            passed.append(f"{checkpoint_folder(run, step)} is passed over: {why}.")
        else:
            _tell(passed, f"Step {step:,} is used instead.", warn)
            return whole
    _tell(passed, without, warn)
    return None


def _tell(passed: list[str], instead: str, warn: Warn) -> None:
    if passed:
        warn(" ".join([*passed, instead]))


def expired_steps(steps: Iterable[int], keep: int, best: int | None) -> list[int]:
    """Of these, the ones to delete; oldest first."""
    ordered = sorted(steps)
    return [step for step in ordered[: max(0, len(ordered) - keep)] if step != best]


def rotate_checkpoints(run: Path, newest: int, keep: int, best: int | None) -> None:
    """Behind a checkpoint that is durable. Steps beyond it are of a run that was taken up before them; they stay, since
    they will be written again, and what is damaged among them is replaced then.
    """
    steps = [step for step in list_steps(run) if step <= newest]
    whole = [step for step in steps if (checkpoint_folder(run, step) / STATE_FILE).exists()]
    staying = {*whole} - {*expired_steps(whole, keep, best)}
    for step in steps:
        if step not in staying:
            remove_checkpoint(checkpoint_folder(run, step))


def remove_checkpoint(folder: Path) -> None:
    """The state goes first: a folder that is half gone is no checkpoint.

    So what cannot go now harms nobody, and is tried again behind the next save: a file that somebody still reads over
    a network, or what a user laid there.
    """
    (folder / STATE_FILE).unlink(missing_ok=True)
    with suppress(OSError):
        for each in folder.iterdir():
            _let_go(each)
        folder.rmdir()


def _let_go(path: Path) -> None:
    with suppress(OSError):
        path.unlink()

"""Checkpoint writer: a thread that writes a snapshot while training continues; handling of full and failing disks.

Each file appears complete and durable (`shardkit.publish`), `state.json` last with the digests of the others. One
checkpoint is written at a time. An error is raised by the next call of `save`, `check` or `wait`. Free space is checked
before anything is written.
"""

import errno
import json
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save as bytes_of

from shardkit import ShardkitError, publish
from trainer.checkpoint.store import (
    BEST_FILE,
    LATEST_FILE,
    STATE_FILE,
    TENSORS_SUFFIX,
    CorruptCheckpointError,
    FileDigest,
    best_steps,
    checkpoint_folder,
    checkpoints_folder,
    content_digest,
    remove_checkpoint,
    rotate_checkpoints,
    verify_files,
    with_digest,
)
from trainer.errors import NoSpace

_MARGIN = 16 << 20
"""Bytes beside the tensors that a disk must have: headers, the state, metrics."""

_FULL = {errno.ENOSPC, errno.EDQUOT}

_GO_ON = "Make room and start the same command: it goes on from the newest of them."


def check_disk_space(run: Path, nbytes: int) -> None:
    need = nbytes + _MARGIN
    free = shutil.disk_usage(run).free
    if free < need:
        raise NoSpace(
            f"{run}: a checkpoint needs {need / 1e6:,.0f} MB, and {free / 1e6:,.0f} MB are free. Nothing was written; "
            f"the checkpoints before it are whole. {_GO_ON}"
        )


def clean_up_failure(error: BaseException, folder: Path) -> BaseException:
    """What the user hears when a checkpoint failed; on a full disk, what was not finished is gone, too.

    What is finished stays: the disk may have been full only behind it, and those before it may have gone by then.
    """
    finished = _is_finished(folder)
    if _is_full(error) and not finished:
        with suppress(OSError):
            remove_checkpoint(folder)
        return NoSpace(
            f"{folder}: the disk is full. The checkpoint was not finished and is removed; those before it are whole. "
            f"{_GO_ON}"
        )
    if not isinstance(error, OSError):
        return error
    left = "This checkpoint is whole" if finished else "The checkpoint was not finished; those before it are whole"
    kind = NoSpace if _is_full(error) else ShardkitError
    return kind(
        f"{folder}: the disk reports «{error.strerror}». {left}. Mend that and start the same command: it goes on from "
        "the newest that is whole."
    )


def _is_full(error: BaseException) -> bool:
    """Also where `publish` explained it."""
    explained = isinstance(error, ShardkitError) and error.exit_code == NoSpace.exit_code
    return explained or getattr(error, "errno", None) in _FULL


def _is_finished(folder: Path) -> bool:
    with suppress(OSError):
        return (folder / STATE_FILE).exists()
    return False


Files = Mapping[str, Mapping[str, torch.Tensor]]


class CheckpointWriter:
    def __init__(self, run: Path, keep: int, on_saved: Callable[[int, float, int], None] = lambda *_: None) -> None:
        self._run, self._keep, self._on_saved = run, keep, on_saved
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    def save(self, step: int, files: Files, state: Mapping[str, Any], *, best: bool = False) -> None:
        """Returns while it is written; waits for the one before."""
        self.wait()
        as_json = json.loads(json.dumps({**state, "step": step, "best": best}, allow_nan=False))
        check_disk_space(self._run, sum(each.nbytes for tensors in files.values() for each in tensors.values()))
        self._thread = threading.Thread(
            target=self._carried_out, args=(step, files, as_json), name="trainer-checkpoint"
        )
        self._thread.start()

    def check(self) -> None:
        """Raise what failed, without waiting for what has not."""
        if self._failure:
            failure, self._failure = self._failure, None
            raise failure

    def wait(self) -> None:
        if self._thread:
            self._thread.join()
            self._thread = None
        self.check()

    close = wait

    def _carried_out(self, step: int, files: Files, state: dict[str, Any]) -> None:
        began = time.perf_counter()
        folder = checkpoint_folder(self._run, step)
        try:
            nbytes = _written(folder, step, files, state)
            self._point_at(step)
            self._on_saved(step, time.perf_counter() - began, nbytes)
        except BaseException as error:  # noqa: BLE001 - the thread that asks next raises it
            self._failure = clean_up_failure(error, folder)

    def _point_at(self, step: int) -> None:
        """These also make the folder's own name durable; only then others may go."""
        best = next((each for each in best_steps(self._run) if each <= step), None)
        if best is not None:
            _publish(checkpoints_folder(self._run) / BEST_FILE, json.dumps({"step": best}).encode())
        _publish(checkpoints_folder(self._run) / LATEST_FILE, json.dumps({"step": step}).encode())
        rotate_checkpoints(self._run, step, self._keep, best)


def _written(folder: Path, step: int, files: Files, state: dict[str, Any]) -> int:
    """Files that lie there as they would be written stay, and with them the state, until it is replaced in one go: a
    step that is saved again because it turned out to be the best is a checkpoint all the time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    there = _seals_in(folder, step)
    seals, nbytes = dict[str, FileDigest](), 0
    for name, tensors in files.items():
        file, content = f"{name}{TENSORS_SUFFIX}", bytes_of(dict(tensors))
        seals[file] = content_digest(content)
        nbytes += len(content)
        if there.get(file) != seals[file]:
            (folder / STATE_FILE).unlink(missing_ok=True)
            _publish(folder / file, content)
    _publish(folder / STATE_FILE, with_digest({**state, "files": seals}))
    return nbytes


def _seals_in(folder: Path, step: int) -> dict[str, FileDigest]:
    """Of a checkpoint that is whole."""
    try:
        return dict(verify_files(folder, step).state["files"])
    except CorruptCheckpointError:
        return {}


def _publish(path: Path, content: bytes) -> None:
    with publish(path) as file:
        file.write(content)

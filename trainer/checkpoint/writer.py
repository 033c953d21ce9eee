"""Checkpoints are written by a thread, from a snapshot that nobody changes, so that training goes on meanwhile.

Each file appears whole and durable (`shardkit.publish`), `state.json` last, with the digests of the others. One is
written at a time; what fails is told to whoever asks next.
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
from blake3 import blake3
from safetensors.torch import save as bytes_of

from shardkit import ShardkitError, publish
from trainer.checkpoint.find import digest_of_state
from trainer.checkpoint.layout import BEST, LATEST, STATE, TENSORS, checkpoints, folder_of
from trainer.checkpoint.rotate import remove, rotate
from trainer.errors import NoSpace

Files = Mapping[str, Mapping[str, torch.Tensor]]
_MARGIN = 16 << 20
"""Bytes beside the tensors that a disk must have: headers, the state, metrics."""


class Writer:
    def __init__(self, run: Path, keep: int, on_saved: Callable[[int, float, int], None] = lambda *_: None) -> None:
        self._run, self._keep, self._on_saved = run, keep, on_saved
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    def save(self, step: int, files: Files, state: Mapping[str, Any], *, best: bool = False) -> None:
        """Returns while it is written; waits for the one before."""
        self.wait()
        _refuse_without_room(self._run, files)
        self._thread = threading.Thread(
            target=self._carried_out, args=(step, files, state, best), name="trainer-checkpoint"
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

    def _carried_out(self, step: int, files: Files, state: Mapping[str, Any], best: bool) -> None:  # noqa: FBT001
        began = time.perf_counter()
        try:
            nbytes = self._write(step, files, state, best=best)
        except BaseException as error:  # noqa: BLE001 - the thread that asks next raises it
            self._failure = _explained(error, folder_of(self._run, step))
        else:
            self._on_saved(step, time.perf_counter() - began, nbytes)

    def _write(self, step: int, files: Files, state: Mapping[str, Any], *, best: bool) -> int:
        folder = folder_of(self._run, step)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / STATE).unlink(missing_ok=True)
        seals = {}
        for name, tensors in files.items():
            content = bytes_of(dict(tensors))
            _publish(folder / f"{name}{TENSORS}", content)
            seals[f"{name}{TENSORS}"] = {
                "blake3": blake3(content, max_threads=blake3.AUTO).hexdigest(),
                "size": len(content),
            }
        sealed = {**state, "step": step, "files": seals}
        whole = {"state": sealed, "blake3": digest_of_state(sealed)}
        _publish(folder / STATE, json.dumps(whole, allow_nan=False, indent=1).encode())
        self._point_at(step, best=best)
        return sum(seal["size"] for seal in seals.values())  # type: ignore[misc]  # sizes are numbers

    def _point_at(self, step: int, *, best: bool) -> None:
        """These also make the folder's own name durable."""
        place = checkpoints(self._run)
        if best:
            _publish(place / BEST, json.dumps({"step": step}).encode())
        _publish(place / LATEST, json.dumps({"step": step}).encode())
        rotate(self._run, step, self._keep, _best(place))


def _best(place: Path) -> int | None:
    with suppress(OSError, ValueError, KeyError):
        return int(json.loads((place / BEST).read_bytes())["step"])
    return None


def _publish(path: Path, content: bytes) -> None:
    with publish(path) as file:
        file.write(content)


def _refuse_without_room(run: Path, files: Files) -> None:
    need = sum(each.nbytes for tensors in files.values() for each in tensors.values()) + _MARGIN
    free = shutil.disk_usage(run).free
    if free < need:
        raise NoSpace(
            f"{run}: a checkpoint needs {need / 1e6:,.0f} MB, and {free / 1e6:,.0f} MB are free. Nothing was written; "
            "the checkpoints before it are whole. Make room and start the same command: it goes on from the newest of "
            "them."
        )


def _explained(error: BaseException, folder: Path) -> BaseException:
    full = getattr(error, "errno", None) in {errno.ENOSPC, errno.EDQUOT}
    full = full or (isinstance(error, ShardkitError) and error.exit_code == NoSpace.exit_code)
    if not full:
        return error
    with suppress(OSError):
        remove(folder)
    return NoSpace(
        f"{folder}: the disk is full. The checkpoint was not finished and is removed; those before it are whole. Make "
        "room and start the same command: it goes on from the newest of them."
    )

"""Disks that are full, or that fail: seen before anything is written, or told with what is left there."""

import errno
import shutil
from contextlib import suppress
from pathlib import Path

from shardkit import ShardkitError
from trainer.checkpoint.layout import STATE
from trainer.checkpoint.rotate import remove
from trainer.errors import NoSpace

_MARGIN = 16 << 20
"""Bytes beside the tensors that a disk must have: headers, the state, metrics."""
_FULL = {errno.ENOSPC, errno.EDQUOT}
_GO_ON = "Make room and start the same command: it goes on from the newest of them."


def refuse_without_room(run: Path, nbytes: int) -> None:
    need = nbytes + _MARGIN
    free = shutil.disk_usage(run).free
    if free < need:
        raise NoSpace(
            f"{run}: a checkpoint needs {need / 1e6:,.0f} MB, and {free / 1e6:,.0f} MB are free. Nothing was written; "
            f"the checkpoints before it are whole. {_GO_ON}"
        )


def cleared(error: BaseException, folder: Path) -> BaseException:
    """What the user hears when a checkpoint failed; on a full disk, what was not finished is gone, too.

    What is finished stays: the disk may have been full only behind it, and those before it may have gone by then.
    """
    finished = _is_finished(folder)
    if _is_full(error) and not finished:
        with suppress(OSError):
            remove(folder)
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
        return (folder / STATE).exists()
    return False

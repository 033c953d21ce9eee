"""A save that fails or is killed at one of its file operations."""

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from shardkit import ShardkitError
from tests.faults.operations import Nth, failing, watched
from tests.trainer.checkpoint.kept import saved


class Killed(BaseException):
    """Nothing after it happens."""


def killed() -> None:
    raise Killed


FAULTS = pytest.mark.parametrize(
    ("act", "on"),
    [
        (killed, True),
        (failing(errno.ENOSPC), False),
        (failing(errno.ENOSPC), True),
        (failing(errno.EIO), False),
        (failing(errno.EIO), True),
    ],
    ids=["killed", "full once", "full from then on", "failing once", "failing from then on"],
)


def tried(run: Path, step: int, number: int, act: Callable[[], None], *, on: bool) -> bool:
    """Save a new best one, where one is kept, with a fault at an operation; whether it was done before the fault."""
    operations = Nth(number, act, on=on)
    with watched(operations):
        try:
            saved(run, step, keep=1, best=(step,))
        except (ShardkitError, Killed):
            assert not operations.untouched
    return operations.untouched

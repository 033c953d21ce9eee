"""A repair that is stopped, or meets a full disk, at any of its operations: the next one ends it."""

import errno
from collections.abc import Callable
from functools import partial
from itertools import count

import pytest

from shardkit.errors import NoSpace
from tests.faults.operations import Nth, failing, watched
from tests.shardkit.verify.small import Small, flipped
from tests.shardkit.verify.test_verifier import swap


class Killed(BaseException):
    pass


def killed() -> None:
    raise Killed


def but_reading(nth: Nth, name: str) -> None:
    """Opening changes nothing that a repair could lose."""
    if name != "open":
        nth(name)


def damage(small: Small) -> None:
    """Something for every step to do."""
    swap(small)
    (small.folder / "index/train-00000.parquet").unlink()
    for name in ("val-000000.tar", "B3SUMS", "manifest.json"):
        path = small.folder / name
        path.write_bytes(flipped(path.read_bytes(), 250))


@pytest.mark.parametrize(("act", "expected"), [(killed, Killed), (failing(errno.ENOSPC), NoSpace)])
def test_a_repair_stopped_anywhere_is_ended_by_the_next(
    small: Small, act: Callable[[], None], expected: type[BaseException]
) -> None:
    sound = small.files
    stopped = 0
    for number in count(1):
        small.put(sound)
        damage(small)
        nth = Nth(number, act)
        try:
            with watched(partial(but_reading, nth)):
                small.repaired(small.source)
        except expected:
            stopped += 1
        assert small.repaired(small.source).report.findings == ()
        assert small.files == sound
        if nth.untouched:
            break
    assert stopped > 5

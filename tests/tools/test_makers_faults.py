"""A data tool whose every file operation fails once, and one that is killed at random: the same command mends it."""

import errno
import itertools
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from make_fingerprints import make_fingerprints
from shardkit.errors import NoSpace, StorageFailing
from tests.faults.operations import Nth, failing, watched
from tests.tools.tool import ROOT, made, tree

TINY = ("--subjects", "2", "--impressions", "1", "--size", "128", "--cheap", "--workers", "1")


@pytest.mark.parametrize(("code", "expected"), [(errno.ENOSPC, NoSpace), (errno.EIO, StorageFailing)])
def test_a_failure_at_the_nth_operation_is_mended_by_the_same_command(
    code: int, expected: type[Exception], tmp_path: Path
) -> None:
    make(tmp_path / "whole")
    for number in itertools.count(1):
        out = tmp_path / str(number)
        operations = Nth(number, failing(code))
        with watched(operations), suppress(expected):
            make(out)
        if operations.untouched:
            break
        make(out)
        assert tree(out) == tree(tmp_path / "whole")
    assert number > 20


def make(out: Path) -> None:
    make_fingerprints.main([str(out), *TINY], standalone_mode=False)


CAMPAIGNS = {
    "make_fingerprints": ("--subjects", "12", "--impressions", "6", "--size", "256"),
    "make_twins": ("--pairs", "6", "--images", "8", "--size", "128"),
    "make_arrays": ("--samples", "40000"),
}
KILLS = 25


@pytest.mark.campaign
@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("name", CAMPAIGNS)
def test_killed_at_random_moments_again_and_again(name: str, workers: str, tmp_path: Path) -> None:
    options = (*CAMPAIGNS[name], "--workers", workers)
    start = time.monotonic()
    made(name, tmp_path / "whole", *options)
    longest = time.monotonic() - start
    moments = random.Random(f"{name} {workers}")  # noqa: S311 - moments, not secrets
    kills, out = 0, tmp_path / "out"
    while kills < KILLS:
        if killed(name, out, options, moments.uniform(0, longest)):
            kills += 1
        else:
            assert same(out, tmp_path / "whole")
            shutil.rmtree(out)
    made(name, out, *options)
    assert same(out, tmp_path / "whole")


def killed(name: str, out: Path, options: tuple[str, ...], after: float) -> bool:
    """Kill a run without warning, and say whether it was still running."""
    command = [sys.executable, str(ROOT / "tools" / f"{name}.py"), str(out), *options]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as running:
        time.sleep(after)
        running.send_signal(signal.SIGKILL)
        return running.wait() == -signal.SIGKILL


def same(one: Path, other: Path) -> bool:
    # Not by pytest's comparison: to show where gigabytes differ would take for ever.
    return tree(one) == tree(other)

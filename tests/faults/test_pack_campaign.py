"""A pack of 2 000 images, killed without warning again and again: one clean rerun, and nothing tells."""

import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests import trees
from tests.commands import ended, packed, process

KILLS = 50
OPTIONS = ("--shard-size", "20KB", "--split", "train=0.8,val=0.2", "--sha256", "--workers", 2)


@pytest.mark.campaign
def test_killed_at_random_moments_again_and_again(tmp_path: Path) -> None:
    source, folder, whole = trees.grown(tmp_path, 500, 4), tmp_path / "packed", tmp_path / "whole"
    start = time.monotonic()
    assert ended(process("pack", source, whole, *OPTIONS)).code == 0
    longest = time.monotonic() - start
    moments = random.Random("pack")  # noqa: S311 - moments, not secrets
    kills = 0
    while kills < KILLS:
        if killed(source, folder, moments.uniform(0, longest)):
            kills += 1
        else:
            assert same(folder, whole)
            shutil.rmtree(folder)
    assert same(packed(source, folder, *OPTIONS), whole)
    assert not trees.left_over(folder)


def killed(source: Path, folder: Path, after: float) -> bool:
    """Kill a run without warning, and say whether it was still running."""
    with process("pack", source, folder, *OPTIONS) as running:
        time.sleep(after)
        running.send_signal(signal.SIGKILL)
        return running.wait() == -signal.SIGKILL


def same(one: Path, other: Path) -> bool:
    # Not by pytest's comparison: to show where so many files differ would take for ever.
    return trees.files(one) == trees.files(other)

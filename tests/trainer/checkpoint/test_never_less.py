"""What is there stays there: whatever goes wrong with a save, no more is lost than what it was about to write."""

import errno
import itertools
import json
from contextlib import suppress
from pathlib import Path

import pytest

from shardkit import ShardkitError
from tests.faults.disk import run_on_disk
from tests.faults.operations import Nth, failing, watched
from tests.trainer.checkpoint.failed import Killed, killed
from tests.trainer.checkpoint.kept import files, saved, state, warned
from trainer.checkpoint.store import (
    BEST_FILE,
    STATE_FILE,
    checkpoint_folder,
    checkpoints_folder,
    find_at,
    find_best,
    find_latest,
    list_steps,
)
from trainer.checkpoint.writer import CheckpointWriter
from trainer.errors import NoSpace


def test_a_damaged_best_json_costs_nothing(tmp_path: Path) -> None:
    saved(tmp_path, 1, 2, keep=1, best=(1,))
    (checkpoints_folder(tmp_path) / BEST_FILE).write_text("[]")
    saved(tmp_path, 3, keep=1)
    assert list_steps(tmp_path) == [1, 3]
    assert json.loads((checkpoints_folder(tmp_path) / BEST_FILE).read_bytes()) == {"step": 1}


def test_a_best_one_that_is_damaged_gives_way_to_the_one_before(tmp_path: Path) -> None:
    saved(tmp_path, 1, 2, 3, best=(1, 2))
    (checkpoint_folder(tmp_path, 2) / "model.safetensors").unlink()
    said: list[str] = []
    liked = find_best(tmp_path, said.append)
    assert liked
    assert liked.step == 1
    assert "model.safetensors" in said[0]


def test_a_full_disk_behind_a_finished_one_leaves_it_there(tmp_path: Path) -> None:
    """Some file systems need room to delete."""

    def full(name: str) -> None:
        if name == "unlink" and (checkpoint_folder(tmp_path, 2) / STATE_FILE).exists():
            failing(errno.ENOSPC)()

    saved(tmp_path, 1, keep=1)
    with watched(full), pytest.raises(NoSpace, match="This checkpoint is whole"):
        saved(tmp_path, 2, keep=1)
    newest = find_latest(tmp_path, warned)
    assert newest
    assert newest.step == 2


def test_what_a_user_laid_into_a_folder_stays_and_stops_nothing(tmp_path: Path) -> None:
    saved(tmp_path, 1)
    notes = checkpoint_folder(tmp_path, 1) / "notes"
    notes.mkdir()
    saved(tmp_path, 2, 3, keep=1)
    assert notes.is_dir()
    assert [each.name for each in checkpoint_folder(tmp_path, 1).iterdir()] == ["notes"]
    saved(tmp_path, 4, keep=1)


def test_what_whoever_hears_of_it_could_not_do_is_told(tmp_path: Path) -> None:
    def full(*_: object) -> None:
        raise ShardkitError("the records are full")

    writer = CheckpointWriter(tmp_path, 3, full)
    writer.save(1, files(1), state(1))
    with pytest.raises(ShardkitError, match="the records are full"):
        writer.wait()
    assert find_latest(tmp_path, warned)


@pytest.mark.parametrize("operation", ["mkdir", "unlink"])
def test_a_failing_disk_is_told_in_a_sentence(tmp_path: Path, operation: str) -> None:
    saved(tmp_path, 1)

    def fail(name: str) -> None:
        if name == operation:
            failing(errno.EIO)()

    with watched(fail), pytest.raises(ShardkitError, match=r"step-0000000002: .*Input/output error.*"):
        saved(tmp_path, 2, keep=1)


def test_a_step_that_comes_out_otherwise_is_no_checkpoint_until_it_is_whole(tmp_path: Path) -> None:
    for number in itertools.count(1):
        run = tmp_path / str(number)
        saved(run, 1)
        operations = Nth(number, killed, on=True)
        writer = CheckpointWriter(run, 1)
        with watched(operations), suppress(Killed):
            writer.save(1, files(5), state(1))
            writer.close()
        if (checkpoint_folder(run, 1) / STATE_FILE).exists():
            find_at(run, 1)
        if operations.untouched:
            break
    assert number > 10


def test_a_best_one_that_is_still_to_come_again_does_not_count(tmp_path: Path) -> None:
    """It is damaged, so the run was taken up before it: until then another is the best, and is not cleared away."""
    saved(tmp_path, 1, 2, 4, best=(1, 4))
    (checkpoint_folder(tmp_path, 4) / "model.safetensors").unlink()
    saved(tmp_path, 3, keep=1)
    assert list_steps(tmp_path) == [1, 3, 4]
    liked = find_best(tmp_path, warned)
    assert liked
    assert liked.step == 1


ON_A_SMALL_DISK = """
import torch
from pathlib import Path
from trainer.checkpoint import writer as room
from trainer.checkpoint.store import find_latest
from trainer.checkpoint.store import list_steps
from trainer.checkpoint.writer import CheckpointWriter
from trainer.errors import NoSpace

room._MARGIN = -(64 << 20)  # it looks as if there were room
run, writer = Path.cwd(), CheckpointWriter(Path.cwd(), 3)
tensors = {"model": {"weight": torch.zeros(1 << 20)}, "ema": {"weight": torch.ones(1 << 20)}}
writer.save(1, tensors, {})
writer.wait()
writer.save(2, tensors, {})
try:
    writer.wait()
except NoSpace as error:
    print(error)
assert list_steps(run) == [1]
assert find_latest(run, print).step == 1
"""


def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    """In the second of two files of its second checkpoint."""
    ended = run_on_disk("size=14m", tmp_path, ON_A_SMALL_DISK)
    assert ended.returncode == 0, ended.stderr
    assert "the disk is full. The checkpoint was not finished and is removed" in ended.stdout

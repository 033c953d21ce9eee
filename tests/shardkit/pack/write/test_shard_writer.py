"""A shard is a task of its own: a function of the plan and the sources, done as often as anybody likes."""

from pathlib import Path

import pytest

from shardkit.errors import Mismatch
from shardkit.format.tar import END_BLOCKS
from shardkit.pack.plan.planfile import read_plan
from shardkit.pack.workspace import receipt_name
from shardkit.pack.write.receipts import read_receipt, receipt_rows
from shardkit.pack.write.shard_writer import PackJob, pack_shard
from shardkit.parallel import CancelledError
from shardkit.storage.atomic import publish_bytes
from tests import trees
from tests.commands import ran


def unwatched(_images: int, _size: int) -> None:
    pass


@pytest.fixture
def work(tmp_path: Path) -> PackJob:
    """A plan of three shards, of which none is made."""
    source = trees.grown(tmp_path, subjects=3, impressions=2, sidecars=True)
    ran("pack", source, tmp_path / "packed", "--shard-size", "600", "--task", "4/4", "--sha256")
    return PackJob(source, tmp_path / "packed", read_plan(tmp_path / "packed"))


def test_a_part_says_what_the_shard_came_to(work: PackJob) -> None:
    part = pack_shard(work, 1, unwatched)
    rows = receipt_rows(work.folder, part.name).to_pylist()
    assert [row["key"] for row in rows] == ["0001/00", "0001/01"]
    tar = (work.folder / part.name).read_bytes()
    assert (part.samples, part.size, part.skipped) == (2, len(tar), ())
    assert read_receipt(work.folder, work.plan.shards[1], work.plan.hash) == part
    source = trees.files(work.root)
    for row in rows:
        for member in (row["image"], *row["sidecars"]):
            held = tar[member["offset"] : member["offset"] + member["size"]]
            assert held == source[f"{row['key']}.{member['ext']}"]


def test_a_shard_that_is_there_is_not_made_again(work: PackJob) -> None:
    part = pack_shard(work, 0, unwatched)
    before = (work.folder / part.name).stat()
    told = list[tuple[int, int]]()
    assert pack_shard(work, 0, lambda *each: told.append(each)) == part
    assert (work.folder / part.name).stat() == before
    assert told == [(work.plan.shards[0].samples, work.plan.shards[0].bytes)]


@pytest.mark.parametrize("lost", ["tar", "part"])
def test_a_half_that_is_lost_is_made_again(lost: str, work: PackJob) -> None:
    part = pack_shard(work, 0, unwatched)
    tar = (work.folder / part.name).read_bytes()
    (work.folder / part.name if lost == "tar" else work.folder / receipt_name(part.name)).unlink()
    assert read_receipt(work.folder, work.plan.shards[0], work.plan.hash) is None
    assert pack_shard(work, 0, unwatched) == part
    assert (work.folder / part.name).read_bytes() == tar


def test_the_part_of_another_plan_does_not_count(work: PackJob) -> None:
    pack_shard(work, 0, unwatched)
    assert read_receipt(work.folder, work.plan.shards[0], "another") is None


@pytest.mark.parametrize("content", [b"", b"somebody's"])
def test_other_bytes_under_its_name_are_refused_and_kept(content: bytes, work: PackJob) -> None:
    path = work.folder / work.plan.shards[0].name
    publish_bytes(path, content)
    with pytest.raises(Mismatch, match="is there with other bytes"):
        pack_shard(work, 0, unwatched)
    assert path.read_bytes() == content
    assert not (work.folder / receipt_name(path.name)).exists()


@pytest.mark.parametrize("after", [0, 1])
def test_work_that_is_stopped_leaves_nothing(after: int, work: PackJob) -> None:
    told = list[int]()

    def stop(images: int, _size: int) -> None:
        told.append(images)
        if len(told) > after:
            raise CancelledError

    before = trees.files(work.folder)
    with pytest.raises(CancelledError):
        pack_shard(work, 0, stop)
    assert trees.files(work.folder) == before


def test_a_shard_of_which_nothing_is_left_is_an_empty_tar(work: PackJob) -> None:
    for path in (work.root / "0001").glob("*.png"):
        path.unlink()
    part = pack_shard(work, 1, unwatched)
    assert (part.samples, [skip.reason for skip in part.skipped]) == (0, ["gone", "gone"])
    assert (work.folder / part.name).read_bytes() == END_BLOCKS
    ended = ran("pack", work.root, work.folder, "--shard-size", "600", "--sha256", "--json")
    assert (ended.code, ended.json["packed"], ended.json["skipped"]) == (3, 4, {"gone": 2})
    assert ended.json["splits"]["train"]["shards"] == 3

"""No byte of a sample is handed out that is not what was packed: each damage is named where it is."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import shardkit
from shardkit.errors import Damaged
from shardkit.format.tar import BLOCK
from shardkit.reader.dataset import Dataset
from shardkit.reader.shard import open_shard
from shardkit.schema import Sample, Shard


@pytest.fixture
def dataset(packed_copy: Path) -> Dataset:
    return shardkit.open(packed_copy)


@pytest.fixture
def shard(dataset: Dataset) -> Shard:
    return dataset["train"].shards[1]


@pytest.fixture
def sample(dataset: Dataset, shard: Shard) -> Sample:
    return dataset.samples(shard)[1]


def flip(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1]))


def damage(dataset: Dataset, sample: Sample) -> str:
    with pytest.raises(Damaged) as raised:
        dataset["train"][sample.key]
    assert f"`shardkit verify {dataset.folder}` says" in str(raised.value)
    return str(raised.value)


def test_one_positional_read_a_sample(dataset: Dataset, sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[tuple[int, int]] = []
    preadv = os.preadv

    def noted(descriptor: int, buffers: list[memoryview], offset: int) -> int:
        reads.append((offset, len(buffers[0])))
        return preadv(descriptor, buffers, offset)

    monkeypatch.setattr(os, "preadv", noted)
    record = dataset["train"][sample.key]

    start, last = sample.image.offset - BLOCK, sample.members[-1]
    assert reads == [(start, last.offset + last.size - start)]
    assert (len(record.image), {*record.sidecars}) == (sample.image.size, {each.ext for each in sample.sidecars})


def test_a_flipped_bit_in_any_member_is_named_with_its_place(dataset: Dataset, shard: Shard, sample: Sample) -> None:
    for member in sample.members:
        at = member.offset + member.size // 2
        flip(dataset.path(shard), at)
        said = damage(dataset, sample)
        assert f"{shard.name}: '{sample.key}.{member.ext}' at byte {member.offset:,} must have the digest " in said
        assert f"{member.xxh3.hex()} and has " in said
        flip(dataset.path(shard), at)


@pytest.mark.parametrize("place", [0, 100, 124, 511])
def test_a_flipped_bit_in_a_header_is_named(dataset: Dataset, shard: Shard, sample: Sample, place: int) -> None:
    for member in sample.members:
        flip(dataset.path(shard), member.offset - BLOCK + place)
        assert f"the header of '{sample.key}.{member.ext}' must stand at byte {member.offset - BLOCK:,}" in damage(
            dataset, sample
        )
        flip(dataset.path(shard), member.offset - BLOCK + place)


def test_a_shard_in_the_place_of_another_of_its_size_is_noticed(dataset: Dataset, packed_once: Path) -> None:
    first, *others = dataset["train"].shards
    other = next(each for each in others if each.size == first.size)
    dataset.path(first).write_bytes((packed_once / other.name).read_bytes())

    theirs = f"{dataset.samples(other)[0].key}.png".encode()
    assert f"and {theirs!r} stands there" in damage(dataset, dataset.samples(first)[0])


def replace_by_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("hurt", "said"),
    [
        (lambda path: os.truncate(path, 1024), "bytes and has 1,024"),
        (lambda path: path.write_bytes(path.read_bytes() + b"\0"), "this shard must have"),
        (lambda path: path.unlink(), "missing"),
        (replace_by_pipe, "this must be a plain file"),
    ],
    ids=["cut", "longer", "missing", "a pipe"],
)
def test_a_shard_of_another_size_is_not_read(
    dataset: Dataset, shard: Shard, sample: Sample, hurt: Callable[[Path], None], said: str
) -> None:
    hurt(dataset.path(shard))

    assert said in damage(dataset, sample)


def test_a_shard_that_is_cut_while_it_is_read_is_noticed(dataset: Dataset, shard: Shard, sample: Sample) -> None:
    with open_shard(dataset.path(shard), shard) as file:
        os.truncate(file.path, sample.image.offset + 5)
        with pytest.raises(Damaged, match=f"it ends at byte {sample.image.offset + 5:,}"):
            file.record(sample)


@pytest.mark.parametrize(("offset", "size"), [(-1, 5), (0, 5), (512, -5), (512, 1 << 60), (1 << 62, 5)])
def test_an_index_that_leads_out_of_the_shard_is_refused(
    dataset: Dataset, shard: Shard, sample: Sample, offset: int, size: int
) -> None:
    lying = replace(sample, image=replace(sample.image, offset=offset, size=size))

    with open_shard(dataset.path(shard), shard) as file, pytest.raises(Damaged, match="which this shard of"):
        file.record(lying)


def test_members_far_apart_are_read_each_for_itself(
    dataset: Dataset, shard: Shard, sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = 6 << 30
    path, sidecar = dataset.path(shard), sample.sidecars[0]
    content = path.read_bytes()[sidecar.offset - BLOCK : sidecar.offset + sidecar.size]
    with path.open("r+b") as file:
        file.seek(far - BLOCK)
        file.write(content)
    large = replace(shard, size=path.stat().st_size)
    apart = replace(sample, sidecars=(replace(sidecar, offset=far), *sample.sidecars[1:]))
    monkeypatch.setattr("shardkit.reader.shard.bytearray", small_bytearray, raising=False)

    with open_shard(path, large) as tar:
        record = tar.record(apart)
    assert record.sidecars[sidecar.ext] == content[BLOCK:]
    assert len(record.image) == sample.image.size


def small_bytearray(size: int) -> bytearray:
    assert size < 1 << 20
    return bytearray(size)


def test_members_that_lie_in_each_other_are_refused(dataset: Dataset, shard: Shard, sample: Sample) -> None:
    lying = replace(sample, sidecars=sample.sidecars * 1000)

    with open_shard(dataset.path(shard), shard) as file, pytest.raises(Damaged, match="lie in each other"):
        file.record(lying)


def test_of_an_adopted_shard_headers_are_others_and_digests_count(
    dataset: Dataset, shard: Shard, sample: Sample
) -> None:
    adopted = replace(shard, other=bytes(16))
    flip(dataset.path(shard), sample.image.offset - BLOCK)

    with open_shard(dataset.path(shard), adopted) as file:
        assert len(file.record(sample).image) == sample.image.size
    flip(dataset.path(shard), sample.image.offset)
    with open_shard(dataset.path(shard), adopted) as file, pytest.raises(Damaged, match="must have the digest"):
        file.record(sample)

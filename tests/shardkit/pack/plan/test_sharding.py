"""What a plan refuses before hours are spent on packing, and what its hash is of."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from shardkit.errors import UsageError
from shardkit.format.tar import LARGEST_MEMBER
from shardkit.pack.options import PackOptions
from shardkit.pack.plan import sharding as planning
from shardkit.pack.plan.planfile import PlanHeader, read_plan, write_plan
from shardkit.pack.plan.sharding import PriorState
from shardkit.pack.source.candidates import keys_of
from tests.shardkit.pack.plan.found import image, plan_of, table_of

FOUND = [image(subject, impression, size=30) for subject in "abcd" for impression in "12"]

TERMS = PlanHeader(
    options=PackOptions().record(),
    codec="png",
    choice="as asked for",
    splitting={},
    versions={},
    preparation={},
    generation=0,
    by="pack",
    inputs=len(FOUND),
)


def test_two_samples_of_one_key_are_named() -> None:
    again = [image("b", impression)._replace(source=f"else/b/{impression}.png".encode()) for impression in "12"]
    with pytest.raises(
        UsageError, match=r"2 samples have the key of another. 'b/1.png' and 'else/b/1.png' would both be b/1\."
    ):
        plan_of([*FOUND, *again])


def test_one_impression_of_two_subjects_is_no_duplicate() -> None:
    assert sum(shard.samples for shard in plan_of([image("a", "1"), image("b", "1")]).shards) == 2


@pytest.mark.parametrize(
    ("subject", "impression", "fits"), [(155, 92, True), (156, 1, False), (1, 93, False), (91, 1, True)]
)
def test_names_that_no_tar_takes(subject: int, impression: int, *, fits: bool) -> None:
    found = [*FOUND, image("s" * subject, "i" * impression)]
    if fits:
        assert plan_of(found).shards
    else:
        with pytest.raises(UsageError, match="155 bytes for the subject, 100 for the impression"):
            plan_of(found)


def test_a_file_that_no_tar_takes() -> None:
    assert plan_of([image("a", "1", size=LARGEST_MEMBER)]).shards
    with pytest.raises(UsageError, match=r"'a/1.png': a member of a tar must be smaller than 8 GiB"):
        plan_of([image("a", "1", size=LARGEST_MEMBER + 1)])


@pytest.mark.parametrize(("most", "shards"), [(1, [1] * 8), (2, [2] * 4), (3, [2] * 4), (4, [4, 4]), (8, [8])])
def test_a_shard_has_no_more_samples_than_readers_take(
    monkeypatch: pytest.MonkeyPatch, most: int, shards: list[int]
) -> None:
    monkeypatch.setattr(planning, "MAX_SAMPLES", most)
    assert [shard.samples for shard in plan_of(FOUND, shard_size=1000).shards] == shards


def test_shards_are_numbered_in_each_split() -> None:
    plan = plan_of(FOUND, shard_size=60)
    assert [shard.name for shard in plan.shards] == [f"train-{number:06}.tar" for number in range(4)]


def test_columns_that_grow_with_the_tree_may_exceed_2_gib() -> None:
    found = pa.table(table_of(FOUND, a_chunk=3))
    assert (found.schema.field("source").type, found.schema.field("impression").type) == (
        pa.large_binary(),
        pa.large_string(),
    )
    assert keys_of(found).type == pa.large_string()


def test_more_shards_than_names_are_refused() -> None:
    with pytest.raises(UsageError, match="'train': would have more than 1,000,000 shards"):
        plan_of(FOUND, shard_size=60, before=PriorState(shards={"train": 999_999}))


def test_a_subject_that_exceeds_a_shard_is_cut_where_it_must_be() -> None:
    found = [image("a", str(each), size=40) for each in range(5)] + [image("b", "0", size=10)]
    assert [(shard.samples, shard.bytes) for shard in plan_of(found, shard_size=90).shards] == [
        (2, 80),
        (2, 80),
        (2, 50),
    ]


def test_a_plan_comes_back_from_its_file(tmp_path: Path) -> None:
    plan = plan_of(FOUND, shard_size=100)
    there = write_plan(tmp_path, plan, TERMS)
    assert (there.terms, there.shards, there.hash) == (TERMS, plan.shards, read_plan(tmp_path).hash)
    for number, shard in enumerate(plan.shards):
        assert there.rows(number).to_pylist() == plan.rows(shard).to_pylist()


def test_the_hash_of_a_plan_is_of_all_that_changes_bytes(tmp_path: Path) -> None:
    plan = plan_of(FOUND)
    others = {
        "another size": (plan_of([FOUND[0]._replace(size=31), *FOUND[1:]]), TERMS),
        "another time": (plan_of([FOUND[0]._replace(mtime_ns=1), *FOUND[1:]]), TERMS),
        "a sidecar": (plan_of([image("a", "1", size=30, sidecars=1), *FOUND[1:]]), TERMS),
        "another group": (plan_of(FOUND, groups={"a": "g"}), TERMS),
        "other shards": (plan_of(FOUND, shard_size=130), TERMS),
        "another codec": (plan, replace(TERMS, codec="raw")),
        "another version": (plan, replace(TERMS, versions={"zstandard": "9"})),
    }
    first = write_plan(tmp_path, plan, TERMS).hash
    hashes = {write_plan(tmp_path, other, terms).hash for other, terms in others.values()}
    assert len(hashes | {first}) == len(others) + 1
    assert write_plan(tmp_path, plan_of(FOUND[::-1]), TERMS).hash == first

"""Whatever was found and whatever is asked for, a plan keeps its promises."""

from itertools import pairwise
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shardkit.pack.plan.sharding import PriorState, TreePlan
from shardkit.pack.plan.split import Thresholds, circle_position, fit_thresholds, parse_ratios
from shardkit.pack.source.candidates import Candidate
from tests.shardkit.pack.plan.found import bytes_of, founds, names, plan_of

sizes = st.integers(1, 120)
SPLITS = parse_ratios("train=0.5,val=0.3,test=0.2")


def rows(plan: TreePlan) -> list[list[dict[str, Any]]]:
    return [plan.rows(shard).to_pylist() for shard in plan.shards]


def subjects_of(found: list[Candidate]) -> list[str]:
    return sorted({each.subject for each in found})


def thresholds(found: list[Candidate], groups: dict[str, str]) -> Thresholds:
    held = [groups.get(subject, subject) for subject in subjects_of(found)]
    counts = {group: held.count(group) for group in held}
    ratios = SPLITS if len(counts) >= len(SPLITS) else {"train": 1.0}
    return fit_thresholds(ratios, counts)


@st.composite
def groupings(draw: st.DrawFn, found: list[Candidate]) -> dict[str, str]:
    return {subject: draw(st.sampled_from("XYZW")) for subject in subjects_of(found) if draw(st.booleans())}


@given(st.data(), founds(), sizes)
def test_every_image_is_in_exactly_one_shard(data: st.DataObject, found: list[Candidate], shard_size: int) -> None:
    groups = data.draw(groupings(found))
    plan = plan_of(found, shard_size, groups, thresholds=thresholds(found, groups))
    planned = [row for shard in rows(plan) for row in shard]
    assert sorted(row["source"] for row in planned) == sorted(each.source for each in found)
    assert [shard.samples for shard in plan.shards] == [len(shard) for shard in rows(plan)]
    for row in planned:
        assert row["key"] == f"{row['subject']}/{row['impression']}"
        assert row["source"].decode() == f"{row['key']}.png"
        assert row["group"] == groups.get(row["subject"], row["subject"])


@given(st.data(), founds(), sizes)
def test_a_subject_is_in_one_split_and_no_group_is_torn(
    data: st.DataObject, found: list[Candidate], shard_size: int
) -> None:
    groups = data.draw(groupings(found))
    plan = plan_of(found, shard_size, groups, thresholds=thresholds(found, groups))
    pairs = zip(plan.shards, rows(plan), strict=True)
    in_split = {(row["group"], shard.split) for shard, held in pairs for row in held}
    assert len(in_split) == len({group for group, _ in in_split})


@given(founds(), sizes)
def test_shards_are_full_but_not_too_full(found: list[Candidate], shard_size: int) -> None:
    plan = plan_of(found, shard_size)
    known = {each.source: bytes_of(each) for each in found}
    for shard, held in zip(plan.shards, rows(plan), strict=True):
        assert shard.bytes == sum(known[row["source"]] for row in held)
        assert shard.bytes <= shard_size or len(held) == 1
    of_subject = {
        subject: sum(bytes_of(each) for each in found if each.subject == subject) for subject in subjects_of(found)
    }
    in_shards = {
        subject: sum(subject in {row["subject"] for row in held} for held in rows(plan)) for subject in of_subject
    }
    assert all(count == 1 or of_subject[subject] > shard_size for subject, count in in_shards.items())
    for (shard, _), (_, following) in pairwise(list(zip(plan.shards, rows(plan), strict=True))):
        first = of_subject[following[0]["subject"]]
        assert first > shard_size or shard.bytes + first > shard_size, "the next subject would have fitted in"


@given(founds(), sizes, st.randoms(use_true_random=False), st.integers(1, 9))
def test_the_order_of_what_was_found_changes_nothing(
    found: list[Candidate], shard_size: int, random: Random, a_chunk: int
) -> None:
    plan = plan_of(found, shard_size)
    again = plan_of(random.sample(found, len(found)), shard_size, a_chunk=a_chunk)
    assert again.shards == plan.shards
    assert rows(again) == rows(plan)


@given(st.data(), founds(), sizes)
def test_labels_of_a_split_are_contiguous(data: st.DataObject, found: list[Candidate], shard_size: int) -> None:
    groups = data.draw(groupings(found))
    plan = plan_of(found, shard_size, groups, thresholds=thresholds(found, groups))
    labels = dict[str, dict[str, int]]()
    for shard, held in zip(plan.shards, rows(plan), strict=True):
        for row in held:
            assert labels.setdefault(shard.split, {}).setdefault(row["subject"], row["label"]) == row["label"]
    for each in labels.values():
        assert sorted(each.values()) == list(range(len(each)))


@given(founds(), founds(), sizes)
def test_who_comes_later_moves_nobody(found: list[Candidate], later: list[Candidate], shard_size: int) -> None:
    parted = thresholds(found, {})
    plan = plan_of(found, shard_size, thresholds=parted)
    described = list(
        zip(plan.subjects.names.to_pylist(), plan.subjects.splits, plan.subjects.labels.tolist(), strict=True)
    )
    classes = {split: plan.subjects.splits.count(split) for split in plan.subjects.splits}
    counts = {split: sum(shard.split == split for shard in plan.shards) for split in classes}
    before = PriorState({name: label for name, _, label in described}, classes, counts)
    grown = plan_of(later, shard_size, thresholds=parted, before=before)
    known = {name: (split, label) for name, split, label in described}
    newcomers = dict[str, list[int]]()
    for name, split, label in zip(
        grown.subjects.names.to_pylist(), grown.subjects.splits, grown.subjects.labels.tolist(), strict=True
    ):
        if name in known:
            assert known[name] == (split, label)
        else:
            newcomers.setdefault(split, []).append(label)
    for split, labels in newcomers.items():
        assert sorted(labels) == [classes.get(split, 0) + each for each in range(len(labels))]
    assert not {shard.name for shard in plan.shards} & {shard.name for shard in grown.shards}


@given(st.dictionaries(names, st.integers(1, 5), min_size=1, max_size=60), st.integers(1, 4))
def test_splits_hold_what_was_asked_for_within_a_group(counts: dict[str, int], splits: int) -> None:
    splits = min(splits, len(counts))
    ratios = {f"s{number}": 1 / splits for number in range(splits)}
    parted = fit_thresholds(ratios, counts)
    held = dict.fromkeys(ratios, 0)
    for group, count in counts.items():
        held[parted.split_of(group)] += count
    assert all(held.values()), "a split that was asked for is empty"
    total, largest = sum(counts.values()), max(counts.values())
    if total / splits >= 2 * largest:
        assert all(abs(held[name] - share * total) <= largest for name, share in ratios.items())


@given(st.dictionaries(names, st.integers(1, 3), min_size=3, max_size=30))
def test_thresholds_outlive_the_manifest(counts: dict[str, int]) -> None:
    parted = fit_thresholds(SPLITS, counts)
    assert Thresholds.recorded(parted.record()) == parted
    assert list(parted.below) == sorted(parted.below)
    assert [parted.split_of(group) for group in sorted(counts, key=circle_position)] == sorted(
        (parted.split_of(group) for group in counts), key=parted.names.index
    )

"""The plan of arrays: every sample once, in the order of the file, however it is cut into chunks."""

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardkit.errors import Mismatch, UsageError
from shardkit.pack.options import PackOptions
from shardkit.pack.plan import arrays
from shardkit.pack.plan import arrays as arrays_layout
from shardkit.pack.plan import arrays as arrays_split
from shardkit.pack.plan.arrays import (
    ArrayPlan,
    circle_positions,
    draft_array_plan,
    fit_sample_thresholds,
    sample_splitting_record,
    splits_of,
)
from shardkit.pack.plan.planner import PackRequest, PlanDraft
from shardkit.pack.plan.sharding import PLAN_SCHEMA
from shardkit.pack.plan.split import Thresholds, parse_ratios
from shardkit.pack.source.arrays import describe_arrays
from tests.shardkit.pack.array_files import SAMPLES, SHAPE, binary, labels


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return binary(tmp_path_factory.mktemp("arrays"))


def drafted(source: Path, splits: str = "train", shard_size: int = 1000, chunk: int = 64) -> PlanDraft:
    options = PackOptions(codec="zstd", shape=SHAPE, splits=splits, shard_size=shard_size)
    request = PackRequest(source, source / "nowhere", describe_arrays(source, options))
    with mock.patch.object(arrays_layout, "_CHUNK", chunk):
        return draft_array_plan(request, lambda _: None)


def tables(draft: PlanDraft, chunk: int = 64) -> Iterator[pa.Table]:
    with mock.patch.object(arrays, "_CHUNK", chunk):
        yield from [draft.plan.rows(shard) for shard in draft.plan.shards]


@given(
    splits=st.sampled_from(["train", "train=0.8,val=0.2", "val=0.1,train=0.7,a=0.2", "folds=3"]),
    shard_size=st.integers(1, 30_000),
    chunk=st.integers(1, 300),
)
def test_every_sample_is_in_one_shard_in_the_order_of_the_file(
    source: Path, splits: str, shard_size: int, chunk: int
) -> None:
    draft = drafted(source, splits, shard_size, chunk)
    numbers = []
    for shard, rows in zip(draft.plan.shards, tables(draft, chunk), strict=True):
        here = [int(source) for source in rows["source"].to_pylist()]
        assert (len(here), shard.bytes) == (shard.samples, 96 * shard.samples)
        assert shard.samples == 1 or shard.bytes <= shard_size
        assert here == sorted(here)
        numbers += here
    assert sorted(numbers) == list(range(SAMPLES))


def test_a_row_says_what_a_sample_is(source: Path) -> None:
    draft = drafted(source, shard_size=1_000_000)
    (rows,) = tables(draft)
    assert rows.schema == PLAN_SCHEMA
    assert rows.slice(6, 1).to_pylist() == [
        {
            "key": "2/006",
            "subject": "2",
            "impression": "006",
            "group": "2",
            "label": 2,
            "source": b"6",
            "size": 96,
            "mtime_ns": (source / "images.bin").stat().st_mtime_ns,
            "sidecars": [],
        }
    ]
    assert rows["label"].to_pylist() == labels().tolist()
    assert draft.plan.shards[0].name == "train-000000.tar"


def test_every_class_is_a_subject_of_every_split_that_it_is_in(source: Path) -> None:
    draft = drafted(source, "train=0.8,val=0.2")
    subjects = draft.plan.subjects
    assert sorted(zip(subjects.splits, subjects.names.to_pylist(), strict=True)) == [
        (split, str(label)) for split in ("train", "val") for label in range(5)
    ]
    assert draft.splitting.record()["by"] == "sample"


def test_some_rows_are_rows_of_the_plan(source: Path) -> None:
    plan = drafted(source).plan
    assert isinstance(plan, ArrayPlan)
    every = {row["key"]: row for rows in map(plan.rows, plan.shards) for row in rows.to_pylist()}
    some = plan.some(32).to_pylist()
    assert 16 < len(some) <= 32
    assert all(every[row["key"]] == row for row in some)
    assert plan.some(32).to_pylist() == some


def test_a_negative_label_is_refused_by_its_place(tmp_path: Path) -> None:
    given = labels()
    given[131] = -1
    with pytest.raises(UsageError, match="sample 131 has the label -1, and a class is a number from 0 on"):
        drafted(binary(tmp_path, given=given))


def test_labels_that_change_while_they_are_planned_are_no_plan(tmp_path: Path) -> None:
    draft = drafted(binary(tmp_path))
    (labels() + 1).astype("<i4")[:-1].tofile(tmp_path / "labels.bin")
    with pytest.raises(Mismatch, match=r"labels\.bin: changed while it was read"):
        list(tables(draft))


def test_planning_keeps_nothing_a_sample(tmp_path: Path) -> None:
    """A million samples of one value each: their labels alone would be 8 MB."""
    samples = 1 << 20
    binary(tmp_path, np.zeros((samples, 1, 1), "<f4"), np.zeros(samples, "<i4"))
    options = PackOptions(codec="zstd", shape=(1, 1), splits="train=0.5,val=0.5", shard_size=1 << 20)
    request = PackRequest(tmp_path, tmp_path, describe_arrays(tmp_path, options))
    with mock.patch.object(arrays_layout, "_CHUNK", 1 << 14), mock.patch.object(arrays_split, "_CHUNK", 1 << 14):
        tracemalloc.start()
        draft = draft_array_plan(request, lambda _: None)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert sum(shard.samples for shard in draft.plan.shards) == samples
    assert peak < 6 << 20


def test_a_shard_has_no_more_samples_than_readers_take(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "MAX_SAMPLES", 7)
    held = [shard.samples for shard in drafted(source, shard_size=1 << 30).plan.shards]
    assert sum(held) == SAMPLES
    assert max(held) == 7


RATIOS = st.lists(st.integers(1, 9), min_size=1, max_size=5).map(
    lambda shares: {f"s{number}": share / sum(shares) for number, share in enumerate(shares)}
)

GOLDEN = ["f082f9a1db566bda", "a737eb94dac21a32", "499ea78cc81fed0f"]


@given(ratios=RATIOS, samples=st.integers(5, 3000))
def test_splits_get_their_shares_to_the_sample(ratios: dict[str, float], samples: int) -> None:
    with mock.patch.object(arrays, "_CHUNK", 256):
        counts = np.bincount(
            splits_of(fit_sample_thresholds(ratios, samples), np.arange(samples)), minlength=len(ratios)
        )
    assert counts.sum() == samples
    assert counts.min() > 0
    if samples > 100:
        assert np.abs(counts - np.array([*ratios.values()]) * samples).max() <= 1


def test_no_two_samples_share_a_place_and_neighbours_part() -> None:
    found = circle_positions(np.arange(100_000))
    assert len(np.unique(found)) == len(found)
    assert abs(np.corrcoef(found[1:].astype(float), found[:-1].astype(float))[0, 1]) < 0.02


def test_places_never_change() -> None:
    """A dataset packed today and one packed in ten years split alike."""
    assert [f"{place:016x}" for place in circle_positions(np.array([0, 1, 49_999_999])).tolist()] == GOLDEN


def test_what_is_recorded_splits_the_same() -> None:
    thresholds = fit_sample_thresholds(parse_ratios("train=0.7,val=0.3"), 1000)
    recorded = sample_splitting_record(thresholds)
    assert recorded["by"] == "sample"
    assert Thresholds.recorded(recorded["thresholds"]) == thresholds


def test_fewer_samples_than_splits_are_refused() -> None:
    with pytest.raises(UsageError, match="1 samples cannot fill 2 splits"):
        fit_sample_thresholds(parse_ratios("train=0.7,val=0.3"), 1)

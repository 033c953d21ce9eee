"""What the index of an untrusted dataset says about paths is checked before the first file is written."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import shardkit
from shardkit.errors import Damaged
from shardkit.format.tables import INDEX, write_table
from shardkit.pack.unpack import paths as unpack_paths
from shardkit.pack.unpack.tree import unpack
from shardkit.reader.dataset import select
from shardkit.storage.folder import DatasetFolder
from tests.packed import files

Rows = list[dict[str, Any]]


def unpacked(folder: Path, out: Path, subject: str | None = None) -> list[str]:
    dataset = shardkit.open(folder)
    outcomes = list(unpack(dataset, out, select(dataset, None, subject), 2, lambda _samples, _bytes: None))
    return [finding for each in outcomes for finding in each.findings]


def rewrite(folder: Path, change: Callable[[Rows], object]) -> None:
    """Change the rows of the train split, whose first two samples are in the first shard."""
    dataset = shardkit.open(folder)
    groups = [dataset.rows(each).to_pylist() for each in dataset["train"].shards]
    rows = [row for group in groups for row in group]
    change(rows)
    name = dataset["train"].shards[0].index
    write_table(DatasetFolder(folder), name, INDEX, [pa.Table.from_pylist(each, INDEX) for each in groups])


def same_source(rows: Rows) -> None:
    rows[-1]["source"] = rows[0]["source"]


def same_source_written_otherwise(rows: Rows) -> None:
    rows[-1]["source"] = b"./" + rows[0]["source"]


def image_in_the_place_of_a_sidecar(rows: Rows) -> None:
    rows[-1]["source"] = rows[0]["source"].removesuffix(b"png") + b"mnt"


def two_sidecars_of_one_ending(rows: Rows) -> None:
    rows[0]["sidecars"] = rows[0]["sidecars"][:1] * 2


@pytest.mark.parametrize("digests", [1 << 20, 15, 4])
@pytest.mark.parametrize(
    "change",
    [same_source, same_source_written_otherwise, image_in_the_place_of_a_sidecar, two_sidecars_of_one_ending],
)
def test_two_samples_with_one_path_are_found_before_anything_is_written(
    packed_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Rows], object], digests: int
) -> None:
    monkeypatch.setattr(unpack_paths, "_MOST_DIGESTS", digests)
    rewrite(packed_copy, change)

    with pytest.raises(Damaged, match="expected one sample for each path, got two for"):
        unpacked(packed_copy, tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_a_key_of_another_subject_is_found_before_anything_is_written(packed_copy: Path, tmp_path: Path) -> None:
    rewrite(packed_copy, lambda rows: rows[0].update(impression="other"))

    with pytest.raises(Damaged, match=r"train-00000\.parquet: expected the key '.*/other', got"):
        unpacked(packed_copy, tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_only_the_samples_that_are_restored_count(packed_copy: Path, tmp_path: Path) -> None:
    rewrite(packed_copy, same_source)

    assert not unpacked(packed_copy, tmp_path / "out", "S.1")
    assert files(tmp_path / "out/S.1")


def test_equal_digests_of_different_paths_are_no_finding(
    packed_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpack_paths, "xxh3_64_intdigest", lambda _path: 7)
    monkeypatch.setattr(unpack_paths, "_MOST_DIGESTS", 4)

    assert not unpacked(packed_once, tmp_path / "out")


def test_what_cannot_be_written_hides_nothing_behind_it(packed_copy: Path, tmp_path: Path) -> None:
    def change(rows: Rows) -> None:
        rows[0]["source"] = b"../out.png"
        same_source(rows[1:])

    rewrite(packed_copy, change)

    with pytest.raises(Damaged, match="expected one sample for each path"):
        unpacked(packed_copy, tmp_path / "out")

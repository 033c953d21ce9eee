"""Writing the index: what is in memory at a time, and under which names."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from shardkit.format.tables import INDEX
from shardkit.pack import generation_writer as indexing
from shardkit.pack.generation_writer import GenerationWriter, UnindexedShard, write_index
from shardkit.schema import Shard
from shardkit.storage.folder import DatasetFolder


def shard(name: str, split: str) -> Shard:
    return Shard(name, split, samples=0, size=1024, blake3="", rows="", index="", row_group=0, generation=0)


def test_the_rows_of_one_shard_are_written_before_the_next_is_made(tmp_path: Path) -> None:
    done: list[str] = []

    def rows(name: str) -> pa.Table:
        done.append(f"rows of {name}")
        return INDEX.empty_table()

    def shards() -> Iterator[UnindexedShard]:
        for name in ("a", "b", "c"):
            done.append(f"made {name}")
            yield UnindexedShard(shard(name, "train"), lambda name=name: rows(name))  # type: ignore[misc]

    list(write_index(shards(), [], GenerationWriter(DatasetFolder(tmp_path))))

    assert done == [f"{what} {name}" for name in ("a", "b", "c") for what in ("made", "rows of")]


def test_each_file_has_a_name_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where there are many shards, and where a split's shards stand between those of another."""
    monkeypatch.setattr(indexing, "SHARDS_PER_FILE", 2)
    shards = [
        shard(f"{split}{number}", split) for split, count in (("a", 3), ("b", 1), ("a", 1)) for number in range(count)
    ]
    files = GenerationWriter(DatasetFolder(tmp_path))

    placed = list(
        write_index((UnindexedShard(each, INDEX.empty_table) for each in shards), ["index/a-00004.parquet"], files)
    )

    places = [(each.index, each.row_group) for each in placed]
    assert places == [
        ("index/a-00005.parquet", 0),
        ("index/a-00005.parquet", 1),
        ("index/a-00006.parquet", 0),
        ("index/b-00000.parquet", 0),
        ("index/a-00007.parquet", 0),
    ]
    assert {*files.sealed} == {name for name, _ in places}

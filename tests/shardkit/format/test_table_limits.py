"""Tables of kilobytes that claim gigabytes: they are refused before memory is spent on them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import shardkit
from shardkit.errors import Damaged, ShardkitError, UsageError
from shardkit.format import table_limits, tables
from shardkit.format.row_checks import group_limits
from shardkit.format.table_limits import GroupLimits, find_excess
from shardkit.format.tables import (
    INDEX,
    MEMBER,
    SHARDS,
    SUBJECTS,
    TableFile,
    read_table,
    write_table,
)
from shardkit.storage.folder import DatasetFolder
from shardkit.stream.dataset import StreamingDataset
from tests.commands import ran
from tests.shardkit.format.lying import GENERATION, MANIFEST, SHARD, SUBJECT, dataset, repeated, samples

LIMITS = GroupLimits(values=1 << 20, text_free=1 << 20)


def test_a_dataset_that_does_not_lie_is_read(tmp_path: Path) -> None:
    """So that what the others refuse is what they say."""
    opened = shardkit.open(dataset(tmp_path / "it", index=samples(20_000)))

    assert len(list(opened["train"])) == 20_000
    assert len(opened.samples(opened["train"].shards[0])) == 20_000
    assert [each.subject for each in opened.subjects] == ["a"]


def ending(size: int) -> pa.Table:
    """The same of a text within the column of images."""
    rows = samples(2_000)
    _, *others = rows["image"].combine_chunks().flatten()
    image = pa.StructArray.from_arrays([repeated_text(size, 2_000), *others], [each.name for each in MEMBER])
    return rows.set_column(12, "image", image)


def repeated_text(size: int, count: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), pa.array(["x" * size]))


def with_text(table: pa.Table, column: str, size: int) -> pa.Table:
    return table.set_column(table.schema.get_field_index(column), column, repeated_text(size, len(table)))


def digests(width: int) -> pa.Table:
    values = pa.array([b"x" * width], pa.binary(width)).take(pa.array(np.zeros(2_000, np.int64)))
    return samples(2_000).set_column(15, "other", values)


def sidecars(count: int, *, missing: bool) -> pa.Table:
    """One row with so many sidecars."""
    member = {"ext": "json", "offset": 512, "size": 0, "xxh3": b"x" * 16}
    members = pa.array([None if missing else member], MEMBER).take(pa.array(np.zeros(count, np.int64)))
    row = samples(1)
    lists = pa.ListArray.from_arrays(pa.array([0, count], pa.int32()), members)
    return row.set_column(13, INDEX.field("sidecars"), lists.cast(INDEX.field("sidecars").type))


LIES: dict[str, Callable[[Path], Path]] = {
    "many shards": lambda folder: dataset(folder, shards=repeated(SHARD, SHARDS, 200_000)),
    "many subjects": lambda folder: dataset(folder, subjects=repeated(SUBJECT, SUBJECTS, 500_000)),
    "more shards than the manifest counts": lambda folder: dataset(
        folder, shards=repeated(SHARD, SHARDS, 2), manifest=MANIFEST
    ),
    "more subjects than the manifest counts": lambda folder: dataset(
        folder, subjects=repeated(SUBJECT, SUBJECTS, 2), manifest=MANIFEST
    ),
    "a long name of many shards": lambda folder: dataset(
        folder, shards=with_text(repeated(SHARD, SHARDS, 1_000), "blake3", 200_000)
    ),
    "a long group of many subjects": lambda folder: dataset(
        folder, subjects=with_text(repeated(SUBJECT, SUBJECTS, 1_000), "group", 200_000)
    ),
    "many samples": lambda folder: dataset(folder, index=samples(1).take(pa.array(np.zeros(500_000, np.int64)))),
    "a long group": lambda folder: dataset(folder, index=with_text(samples(2_000), "group", 400_000)),
    "a long ending": lambda folder: dataset(folder, index=ending(400_000)),
    "what is shared is stored once": lambda folder: dataset(
        folder,
        index=samples(2_000, group="g" * 50_000),
        use_dictionary=False,
        column_encoding={"group": "DELTA_BYTE_ARRAY"},
    ),
    "a wide digest": lambda folder: dataset(folder, index=digests(40_000)),
    "many missing sidecars": lambda folder: dataset(folder, index=sidecars(1_000_000, missing=True)),
    "many sidecars": lambda folder: dataset(folder, index=sidecars(1_000_000, missing=False)),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_table_is_refused_before_memory_is_spent_on_it(tmp_path: Path, lie: str) -> None:
    folder = LIES[lie](tmp_path / "it")
    assert sum(path.stat().st_size for path in folder.rglob("*.parquet")) < 1_000_000
    peak = pa.default_memory_pool().max_memory()

    with pytest.raises(Damaged, match=rf"`shardkit verify {folder}` says"):
        _read(folder)
    for command in (("info",), ("ls", "--long"), ("cat", "a/0"), ("verify", "--quick")):
        ended = ran(*command[:1], folder, *command[1:])
        assert ended.code in (0, Damaged.exit_code), ended.stderr
    with pytest.raises(ShardkitError):
        list(StreamingDataset(folder, batch_size=1))
    assert pa.default_memory_pool().max_memory() <= max(peak, 300 << 20)


@pytest.mark.parametrize("lie", ["a long group", "a long ending", "many missing sidecars", "many sidecars"])
def test_a_footer_need_not_be_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lie: str) -> None:
    """A crafted footer can say anything about the pages, which are asked themselves."""
    monkeypatch.setattr(tables, "find_excess", lambda *_: None)
    with pytest.raises(Damaged, match=r"has texts of|values in a column"):
        _read(LIES[lie](tmp_path / "it"))


def test_a_page_is_not_unpacked_that_becomes_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = dataset(tmp_path / "it", index=samples(1, group="x" * 1_000_000), use_dictionary=False)
    monkeypatch.setattr(table_limits, "_ENCODED_FREE", 1 << 20)
    assert shardkit.open(folder).shards
    monkeypatch.setattr(table_limits, "_ENCODED_FREE", 900_000)
    monkeypatch.setattr(tables, "find_excess", lambda *_: None)

    with pytest.raises(Damaged, match="bytes for 1 rows"):
        _read(folder)


def test_a_file_has_the_bytes_of_its_columns() -> None:
    assert find_excess(group(1_000, 1, stored=1_000), LIMITS, file_size=999) == (
        "has 1,000 values in 999 bytes, and each takes one at least"
    )


def _read(folder: Path) -> None:
    opened = shardkit.open(folder)
    assert opened.subjects
    for shard in opened["train"].shards:
        opened.samples(shard)


@dataclass(frozen=True)
class Column:
    num_values: int
    total_uncompressed_size: int
    total_compressed_size: int


@dataclass(frozen=True)
class Group:
    num_rows: int
    total_byte_size: int
    columns: tuple[Column, ...] = ()

    @property
    def num_columns(self) -> int:
        return len(self.columns)

    def column(self, i: int) -> Column:
        return self.columns[i]


def group(rows: int, encoded: int, stored: int = 10_000_000) -> Group:
    return Group(rows, encoded, (Column(rows, encoded, stored),))


@pytest.mark.parametrize(
    ("footer", "excess"),
    [
        (group(10, 256 << 20), None),
        (group(10, (256 << 20) + 1), "bytes for 10 rows"),
        (group(1_000_000, 512 << 20), None),
        (group(1_000_000, (1 << 30) + 1), "bytes for 1,000,000 rows"),
        (replace(group(10, 1), columns=(Column(10, (256 << 20) + 1, 10_000_000),)), "bytes for 10 rows"),
        (group((1 << 20) + 1, 1), "values in a column"),
        (replace(group(10, 1), columns=(Column((1 << 20) + 1, 1, 10_000_000),)), "values in a column"),
        (group(1_000, 1, stored=1_000), None),
        (group(1_000, 1, stored=999), "1,000 values in 999 bytes"),
        (Group(1, 0), "1 values in 0 bytes"),
        (group(10, 1, stored=(256 << 20) + 1), "bytes for 10 rows"),
    ],
)
def test_a_row_group_is_large_only_with_many_rows(footer: Group, excess: str | None) -> None:
    found = find_excess(footer, LIMITS, file_size=1 << 29)
    assert found is None if excess is None else excess in str(found)


def test_a_shard_without_samples_is_read(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "it", index=samples(0))
    opened = shardkit.open(folder)

    assert [opened.samples(shard) for shard in opened["train"].shards] == [[]]


def test_a_table_of_shards_that_are_empty_is_read(tmp_path: Path) -> None:
    """As after a removal: of all tables that we write, this one is compressed most."""
    empty = repeated(replace(SHARD, samples=0, size=1024), SHARDS, 3_000)
    names = pa.array([f"train-{number:06}.tar" for number in range(3_000)])
    index = pa.array([f"index/train-{number // 1024:05}.parquet" for number in range(3_000)])
    places = pa.array(np.arange(3_000) % 1024, pa.int32())
    rows = empty.set_column(0, "name", names).set_column(6, "index", index).set_column(7, "row_group", places)
    generation = replace(GENERATION, splits={"train": replace(GENERATION.splits["train"], shards=3_000)})

    folder = dataset(tmp_path / "it", shards=rows, manifest=replace(MANIFEST, generations=(generation,)))
    assert len(shardkit.open(folder).shards) == 3_000


@pytest.mark.parametrize("what", ["train-000000.tar", "row group 0 of index/train-00000.parquet"])
def test_no_two_shards_are_the_same(tmp_path: Path, what: str) -> None:
    other = SHARD if what == SHARD.name else replace(SHARD, name="train-000001.tar")
    rows = pa.concat_tables([repeated(SHARD, SHARDS, 1), repeated(other, SHARDS, 1)])

    with pytest.raises(Damaged, match=f"two shards have {what}"):
        shardkit.open(dataset(tmp_path / "it", shards=rows)).shards  # noqa: B018 - reading it is what fails


@pytest.mark.parametrize("counted", [{"samples": 2}, {"bytes": 2047}, {"shards": 2}])
def test_a_split_has_what_the_manifest_counts(tmp_path: Path, counted: dict[str, int]) -> None:
    generation = replace(GENERATION, splits={"train": replace(GENERATION.splits["train"], **counted)})
    folder = dataset(tmp_path / "it", manifest=replace(MANIFEST, generations=(generation,)))

    with pytest.raises(Damaged, match="and the manifest counts"):
        shardkit.open(folder)["train"].shards  # noqa: B018 - reading it is what fails


def test_a_footer_with_more_columns_than_any_table_is_refused(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "it")
    wide = repeated(SHARD, SHARDS, 1)
    for number in range(64):
        wide = wide.append_column(f"more{number}", pa.array([0]))
    pq.write_table(wide, folder / "shards.parquet")

    with pytest.raises(Damaged, match="it has another column"):
        shardkit.open(folder).shards  # noqa: B018 - reading it is what fails


def long_paths(count: int, size: int) -> pa.Table:
    """Rows with as many paths of so many bytes, all different."""
    paths = np.full((count, size), ord("x"), np.uint8)
    paths[:, :8] = np.frombuffer(b"".join(b"%08d" % number for number in range(count)), np.uint8).reshape(count, 8)
    offsets = pa.array(np.arange(count + 1) * size, pa.int32())
    column = pa.BinaryArray.from_buffers(pa.binary(), count, [None, offsets.buffers()[1], pa.py_buffer(paths)])
    return samples(count).set_column(5, "source", column)


@pytest.mark.parametrize(("count", "size"), [(17_500, 1_000), (40_000, 720), (131_000, 500), (20_000, 4_095)])
def test_long_paths_are_written_and_read(tmp_path: Path, count: int, size: int) -> None:
    rows = long_paths(count, size)
    write_table(DatasetFolder(tmp_path), "it.parquet", INDEX, [rows])

    shard = replace(SHARD, samples=count, size=2048 * count)
    assert TableFile(tmp_path / "it.parquet").read_group(0, INDEX, group_limits(shard))["source"] == rows["source"]
    assert len(read_table(tmp_path / "it.parquet", INDEX)) == count


def many_sidecars(count: int, each: int) -> pa.Table:
    """Rows that have so many sidecars each, with endings of 40 bytes."""
    member = {"ext": "x" * 40, "offset": 512, "size": 0, "xxh3": b"x" * 16}
    members = pa.array([member], MEMBER).take(pa.array(np.zeros(count * each, np.int64)))
    offsets = pa.array(np.arange(count + 1) * each, pa.int32())
    lists = pa.ListArray.from_arrays(offsets, members).cast(INDEX.field("sidecars").type)
    return samples(count).set_column(13, INDEX.field("sidecars"), lists)


@pytest.mark.parametrize(
    ("rows", "free", "text"),
    [
        (long_paths(10, 99), 1_000, 10),
        (long_paths(10, 400), 1_000, 100),
        (long_paths(10, 400), 1_000, 500),
        (long_paths(100, 50), 1 << 20, 1),
        (many_sidecars(100, 10), 1_000, 60),
        (many_sidecars(100, 10), 1_000, 30),
        (samples(0), 0, 1),
        (samples(100), 0, 1),
    ],
)
def test_what_is_written_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: pa.Table, free: int, text: int
) -> None:
    """Under limits that are so small that some tables exceed them."""
    monkeypatch.setattr(table_limits, "_BYTES_PER_VALUE", text)
    monkeypatch.setattr(tables, "GROUP_LIMITS", GroupLimits(values=1 << 20, text_free=free))
    path = tmp_path / "it.parquet"
    try:
        write_table(DatasetFolder(tmp_path), path.name, INDEX, [rows])
    except UsageError:
        assert not path.exists()
    else:
        assert len(read_table(path, INDEX)) == len(rows)
        for column in INDEX:
            assert len(read_table(path, pa.schema([column]))) == len(rows)


@pytest.mark.parametrize("column", ["group", "source", "key"])
def test_what_would_not_be_read_is_not_written(tmp_path: Path, column: str) -> None:
    rows = with_text(samples(2_000), column, 40_000)
    kept = rows.set_column(rows.schema.get_field_index(column), column, rows[column].cast(INDEX.field(column).type))

    with pytest.raises(UsageError, match=r"it.parquet: a reader would refuse .* texts of .* `--shard-size`"):
        write_table(DatasetFolder(tmp_path), "it.parquet", INDEX, [kept])
    assert not list(tmp_path.iterdir())

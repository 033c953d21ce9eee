"""An index from a stranger: what it says is looked at before memory is spent on it, and before it is used."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import shardkit
from shardkit.errors import Damaged
from shardkit.format.tables import INDEX, SHARDS, write_table
from shardkit.image.formats import MAX_BYTES, MAX_PIXELS, MAX_SIDE
from shardkit.image.npy import TYPES
from shardkit.reader.dataset import Dataset
from shardkit.schema import LARGEST_SIDE, LARGEST_UNPACKED, MAX_DEPTH, Shard
from shardkit.storage.folder import DatasetFolder
from shardkit.stream.dataset import StreamingDataset

Row = dict[str, Any]


def rewritten(folder: Path, change: Callable[[Row], object], schema: pa.Schema = INDEX) -> tuple[Dataset, Shard]:
    """The dataset with another first row in the index of its first shard."""
    dataset = shardkit.open(folder)
    shard = dataset["train"].shards[0]
    groups = [dataset.rows(each).to_pylist() for each in dataset["train"].shards]
    change(groups[0][0])
    write_table(DatasetFolder(folder), shard.index, schema, [pa.Table.from_pylist(each, schema) for each in groups])
    return shardkit.open(folder), shard


@pytest.mark.parametrize("column", [each for each in INDEX.names if each != "other"])
def test_a_value_that_is_missing_is_damage(packed_copy: Path, column: str) -> None:
    dataset, shard = rewritten(packed_copy, lambda row: row.update({column: None}))

    with pytest.raises(Damaged, match=r"row group 0, of train-000000\.tar, lacks values"):
        dataset.samples(shard)


@pytest.mark.parametrize("of", ["image", "sidecars"])
@pytest.mark.parametrize(
    ("field", "value"),
    [("ext", None), ("xxh3", None), *((each, value) for each in ("offset", "size") for value in (None, -1, 1 << 62))],
)
def test_a_member_that_cannot_be_is_damage(packed_copy: Path, of: str, field: str, value: object) -> None:
    def change(row: Row) -> None:
        member = row["image"] if of == "image" else row["sidecars"][0]
        member[field] = value

    dataset, shard = rewritten(packed_copy, change)
    with pytest.raises(Damaged, match=r"lacks values|does not lie in the shard"):
        dataset["train"][dataset.rows(shard, ["key"])["key"][0].as_py()]


@pytest.mark.parametrize("name", ["key", "subject"])
def test_text_that_is_none_is_damage(packed_copy: Path, name: str) -> None:
    schema = pa.schema([field.with_type(pa.binary()) if field.name == name else field for field in INDEX])
    dataset, shard = rewritten(packed_copy, lambda row: row.update({name: b"\xff"}), schema)

    with pytest.raises(Damaged, match="this table cannot be read"):
        dataset.samples(shard)
    with pytest.raises(Damaged, match="this table cannot be read"):
        list(dataset["train"].keys(shard, "nobody"))


def test_many_rows_in_few_bytes_are_not_read(packed_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = shardkit.open(packed_copy)
    shard = dataset["train"].shards[0]
    row = dataset.rows(shard).slice(0, 1)
    pq.write_table(row.take(pa.array([0] * 10_000)), packed_copy / shard.index, compression="zstd")
    monkeypatch.setattr(pq.ParquetFile, "read_row_group", None)

    with pytest.raises(Damaged, match=f"has 10,000 rows, and {shard.samples} samples"):
        shardkit.open(packed_copy).rows(shard)
    with pytest.raises(Damaged, match=f"has 10,000 rows, more than {shard.size:,} bytes can hold"):
        shardkit.open(packed_copy).rows(replace(shard, samples=10_000))


@pytest.mark.parametrize("field", [*(each for each in SHARDS.names if each != "other")])
def test_the_table_of_shards_lacks_nothing(packed_copy: Path, field: str) -> None:
    first, *others = pq.read_table(packed_copy / "shards.parquet").to_pylist()
    write_table(
        DatasetFolder(packed_copy),
        "shards.parquet",
        SHARDS,
        [pa.Table.from_pylist([first | {field: None}, *others], SHARDS)],
    )

    with pytest.raises(Damaged, match=r"shards\.parquet: values are missing"):
        shardkit.open(packed_copy)["train"].shards  # noqa: B018 - reading it is what fails


@pytest.mark.parametrize("odd", [{"split": "nosuch"}, {"samples": -1}, {"size": -1}])
def test_a_shard_that_cannot_be_is_damage(packed_copy: Path, odd: Row) -> None:
    first, *others = pq.read_table(packed_copy / "shards.parquet").to_pylist()
    write_table(
        DatasetFolder(packed_copy), "shards.parquet", SHARDS, [pa.Table.from_pylist([first | odd, *others], SHARDS)]
    )

    with pytest.raises(Damaged, match="cannot be of"):
        shardkit.open(packed_copy)["train"].shards  # noqa: B018 - reading it is what fails


@pytest.mark.parametrize(
    "odd",
    [
        *(
            {name: value}
            for name in ("width", "height", "channels", "original_width")
            for value in (-1, 1 << 20, 2**31 - 1)
        ),
        {"bit_depth": -1},
        {"bit_depth": 64},
        {"width": 65_536, "height": 65_536},
        {"width": 999_999, "height": 999_999, "channels": 999_999, "bit_depth": 32},
        {"label": -1},
        {"label": 10_000},
        {"generation": -1},
        {"generation": 1},
    ],
    ids=str,
)
def test_a_number_that_no_image_has_is_damage(packed_copy: Path, odd: Row) -> None:
    dataset, shard = rewritten(packed_copy, lambda row: row.update(odd))

    with pytest.raises(Damaged, match=r"row group 0, of train-000000\.tar, has .* expected"):
        dataset.rows(shard, sorted({"width", "height", "channels", "bit_depth"} | odd.keys()))
    if not odd.keys() & {"original_width", "generation"}:  # which a stream does not read
        with pytest.raises(Damaged, match="row group 0, of"):
            list(StreamingDataset(packed_copy, batch_size=2))


@pytest.mark.parametrize(
    "sides",
    [
        {"width": 0, "height": 0, "channels": 0, "bit_depth": 0},
        {"width": 65_536, "height": 2_048, "channels": 4, "bit_depth": 1},
        {"width": 999_999, "height": 1, "channels": 67, "bit_depth": 32},
    ],
    ids=str,
)
def test_an_image_may_have_any_sides_that_are_packed(packed_copy: Path, sides: Row) -> None:
    dataset, shard = rewritten(packed_copy, lambda row: row.update(sides))
    assert dataset.samples(shard)


def test_the_index_allows_what_a_header_may_claim() -> None:
    assert max(MAX_SIDE, MAX_PIXELS // MAX_SIDE) <= LARGEST_SIDE
    assert max(MAX_PIXELS * 4, MAX_BYTES) <= LARGEST_UNPACKED
    assert max(each.itemsize * 8 for each in TYPES.values()) <= MAX_DEPTH


def test_two_rows_of_one_shard_are_damage(packed_copy: Path) -> None:
    path = packed_copy / "shards.parquet"
    first, *others = pq.read_table(path).to_pylist()
    write_table(
        DatasetFolder(packed_copy), path.name, SHARDS, [pa.Table.from_pylist([first, first, *others[1:]], SHARDS)]
    )

    with pytest.raises(Damaged, match=r"shards\.parquet: two shards have train-000000\.tar, expected one"):
        shardkit.open(packed_copy)["train"].shards  # noqa: B018 - reading it is what fails


FLIPPED = """
import os, sys
from pathlib import Path
from shardkit.errors import Damaged
from shardkit.format.tables import SHARDS, TableFile, read_table

path, step = Path(sys.argv[1]), int(sys.argv[2])
content = path.read_bytes()
footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
for bit in range(8 * footer, 8 * (len(content) - 8), step):
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    path.write_bytes(changed)
    print(bit)
    try:
        read_table(path, SHARDS)
        TableFile(path).statistics(0, "name")
    except (Damaged, ValueError, OSError):
        pass
print("end")
"""


def test_no_flipped_bit_of_a_footer_ends_the_process(packed_copy: Path) -> None:
    """For one bit of a hundred, the metadata objects of pyarrow would end it when they are asked for a column."""
    command = [sys.executable, "-c", FLIPPED, str(packed_copy / "shards.parquet"), "13"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ended.stdout.endswith("end\n"), ended.stdout[-10:] + ended.stderr[-300:]

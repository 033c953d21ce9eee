"""What docs/format.md says is enough to read a dataset: its reader is run, and its digests are reckoned as it says."""

import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from blake3 import blake3

from shardkit.format.digest import dataset_digest
from shardkit.format.opened import open_dataset
from tests.packed import packed

ROOT = Path(__file__).parents[1]
Samples = Callable[[Path], Iterator[tuple[str, str, int, bytes]]]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packed(tmp_path_factory.mktemp("document"))


def documented() -> Samples:
    code = re.findall(r"```python\n(.*?)```", (ROOT / "docs/format.md").read_text(), re.DOTALL)[-1]
    names: dict[str, Samples] = {}
    exec(code, names)  # noqa: S102 - our own document
    return names["samples"]


def test_a_stranger_reads_every_sample(dataset: Path) -> None:
    opened = open_dataset(dataset)
    expected = [(shard.split, each.key, each.label) for shard in opened.shards for each in opened.samples(shard)]

    assert [read[:3] for read in documented()(dataset)] == expected


def test_a_stranger_reckons_the_digest_of_rows(dataset: Path) -> None:
    opened = open_dataset(dataset)

    for shard in opened.shards:
        rows = opened.rows(shard)
        hasher = blake3()
        for name in rows.column_names:
            hasher.update(name.encode() + b"\x00" + values(rows[name].to_pylist(), rows.schema.field(name).type))
        assert hasher.hexdigest() == shard.rows


def test_a_stranger_reckons_the_digest_of_the_dataset(dataset: Path) -> None:
    shards = open_dataset(dataset).shards
    lines = "".join(f"{shard.name}\0{shard.blake3}\0{shard.rows}\n" for shard in shards)

    assert blake3(lines.encode()).hexdigest() == open_dataset(dataset).digest
    assert (
        dataset_digest((each.name, each.blake3, each.rows) for each in reversed(shards)) == open_dataset(dataset).digest
    )


def values(column: list[object], kind: pa.DataType) -> bytes:
    return integers([len(column)]) + content(column, kind)


def content(column: list[object], kind: pa.DataType) -> bytes:
    if pa.types.is_integer(kind):
        return integers(column)
    if pa.types.is_struct(kind):
        fields = [kind.field(number) for number in range(kind.num_fields)]
        return b"".join(values([row[field.name] for row in column], field.type) for field in fields)  # type: ignore[index]
    if pa.types.is_list(kind):
        lists: list[list[object]] = column  # type: ignore[assignment]
        return integers([len(each) for each in lists]) + values(
            [one for each in lists for one in each], kind.value_type
        )
    encoded = [each.encode() if isinstance(each, str) else each for each in column]
    joined = b"".join(each for each in encoded if isinstance(each, bytes))
    return integers([len(each) if isinstance(each, bytes) else -1 for each in encoded]) + joined


def integers(numbers: list[object] | list[int]) -> bytes:
    return b"".join(struct.pack("<q", number) for number in numbers)

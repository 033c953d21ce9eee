"""Digests are of values, and of all of them: not of how a table is cut, nor of who wrote it."""

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from shardkit.format.digests import dataset_digest, rows_digest
from shardkit.format.tables import INDEX
from shardkit.storage.local import hash_file, sha256_file

MEMBERS = st.fixed_dictionaries(
    {
        "ext": st.text(max_size=4),
        "offset": st.integers(0, 2**40),
        "size": st.integers(0, 2**40),
        "xxh3": st.binary(min_size=16, max_size=16),
    }
)
KINDS = {pa.string(): st.text(max_size=8), pa.binary(): st.binary(max_size=8), pa.int32(): st.integers(0, 2**31 - 1)}
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            **{each.name: KINDS.get(each.type, st.integers(0, 2**40)) for each in INDEX},
            "image": MEMBERS,
            "sidecars": st.lists(MEMBERS, max_size=2),
            "other": st.none() | st.binary(min_size=16, max_size=16),
        }
    ),
    max_size=5,
)


def table(rows: list[dict[str, object]]) -> pa.Table:
    return pa.Table.from_pylist(rows, INDEX)


@given(ROWS, st.integers(0, 5))
def test_how_a_table_is_cut_changes_nothing(rows: list[dict[str, object]], cut: int) -> None:
    whole = table(rows)
    pieces = pa.concat_tables([whole.slice(0, cut), whole.slice(cut)])
    assert rows_digest(pieces) == rows_digest(whole)
    within = table(rows + rows).slice(len(rows))
    assert rows_digest(within) == rows_digest(whole)


@given(ROWS, ROWS)
def test_other_rows_have_another_digest(some: list[dict[str, object]], others: list[dict[str, object]]) -> None:
    assert (rows_digest(table(some)) == rows_digest(table(others))) == (some == others)


def test_a_missing_value_is_not_an_empty_one() -> None:
    nothing, empty = (rows_digest(pa.table({"a": pa.array([each], pa.binary())})) for each in (None, b""))
    assert nothing != empty


def test_where_a_value_ends_counts() -> None:
    assert rows_digest(pa.table({"a": ["ab", "c"]})) != rows_digest(pa.table({"a": ["a", "bc"]}))
    assert rows_digest(pa.table({"a": ["x"], "b": ["y"]})) != rows_digest(pa.table({"b": ["x"], "a": ["y"]}))


def test_parquet_gives_the_same_rows_back(tmp_path: Path) -> None:
    rows = pa.table({"key": ["a/1", "a/2", "b/1"], "label": [0, 0, 1], "source": [b"\xff", b"", None]})
    pq.write_table(rows, tmp_path / "rows.parquet", row_group_size=2, compression="gzip")
    assert rows_digest(pq.read_table(tmp_path / "rows.parquet")) == rows_digest(rows)


def test_it_is_what_it_was() -> None:
    """Datasets on disks carry it: this may never change."""
    rows = pa.table({"key": ["a/1", "é"], "size": pa.array([1, 2**40], pa.int64()), "other": pa.array([b"", None])})
    assert rows_digest(rows) == "3e0fc6994bd2d5717c8c5a7527efa53c5c6e0910580a51850f5a9b1f08f14b9d"


def test_the_digest_of_a_dataset_is_of_its_shards_in_the_order_of_their_names() -> None:
    shards = [("train-000001.tar", "b", "r"), ("train-000000.tar", "a", "s")]
    expected = blake3(b"train-000000.tar\0a\0s\ntrain-000001.tar\0b\0r\n").hexdigest()
    assert dataset_digest(shards) == dataset_digest(shards[::-1]) == expected


@pytest.mark.parametrize("size", [0, 1, (1 << 20) + 1])
def test_the_seal_of_a_file(size: int, tmp_path: Path) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    content = content[:size]
    (tmp_path / "file").write_bytes(content)
    assert (hash_file(tmp_path / "file").blake3, hash_file(tmp_path / "file").size) == (
        blake3(content).hexdigest(),
        size,
    )
    assert sha256_file(tmp_path / "file") == hashlib.sha256(content).hexdigest()

"""The rows that a rank reads are the rows of the order, whatever part of them and whichever of them it wants."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shardkit.reader.dataset import open_dataset
from shardkit.stream.order.epoch import build_order
from shardkit.stream.order.options import OrderOptions, SplitCatalog
from shardkit.stream.read.row_planner import RowPlanner
from shardkit.stream.read.sample_index import IndexRows, IntArray, SampleIndex, slot_key
from tests.packed import packed
from tests.pictures import png
from tests.trees import planted

SAMPLES = 41


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("rows")
    planted(root / "source", {f"{n // 3:02}/{n % 3}.png": png(seed=n, shape=(3, 3)) for n in range(SAMPLES)})
    return packed(root, shard_size="1KB")


@settings(max_examples=60)
@given(data=st.data())
def test_rows_are_those_of_the_order(folder: Path, data: st.DataObject) -> None:
    batch = data.draw(st.integers(1, SAMPLES), "batch")
    ranks = data.draw(st.sampled_from([each for each in range(1, batch + 1) if batch % each == 0]), "ranks")
    rank = data.draw(st.integers(0, ranks - 1), "rank")
    columns = range(rank * batch // ranks, (rank + 1) * batch // ranks)
    tail = data.draw(st.sampled_from(["drop", "wrap", "mask"]), "tail")
    block_rows = data.draw(st.integers(1, 9), "block rows")
    lookup = SampleIndex(open_dataset(folder), "train", minutiae=False)
    catalog = SplitCatalog(np.array([shard.samples for shard in lookup.shards]))
    order = build_order(
        catalog, OrderOptions(batch, tail=tail, block_rows=block_rows, shuffle=data.draw(st.booleans()))
    )
    epoch = order.epoch(data.draw(st.integers(0, 3), "epoch"))
    wanted = range(
        data.draw(st.integers(0, order.steps), "start"), order.steps, data.draw(st.integers(1, 12), "stride")
    )
    told = set[tuple[int, int]]()

    def coming(found: IndexRows, rows: IntArray) -> None:
        told.update(zip(rows.tolist(), found.numbers.tolist(), strict=True))

    rows = list(RowPlanner(epoch, columns, lookup, coming).rows(wanted))

    assert [each.row for each in rows] == list(wanted)
    for each in rows:
        assert each.found.numbers.tolist() == epoch.row(each.row)[columns.start : columns.stop].tolist()
        assert told.issuperset((each.row, number) for number in each.found.numbers.tolist())


def test_lines_are_about_their_numbers(folder: Path) -> None:
    dataset = open_dataset(folder)
    keys = list(dataset["train"])
    lookup = SampleIndex(dataset, "train", minutiae=False)
    order = build_order(SplitCatalog(np.array([shard.samples for shard in lookup.shards])), OrderOptions(8))
    [row, *_] = RowPlanner(order.epoch(0), range(8), lookup, lambda *_: None).rows(range(order.steps))

    assert [slot_key(row.found, line) for line in range(8)] == [keys[number] for number in row.found.numbers]

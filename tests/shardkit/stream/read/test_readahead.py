"""Asking the kernel ahead: the right ranges, really brought, and nothing where all is there."""

import os
import shutil
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from shardkit.format.tar import BLOCK
from shardkit.reader.dataset import open_dataset
from shardkit.stream.order.epoch import build_order
from shardkit.stream.order.options import OrderOptions, SplitCatalog
from shardkit.stream.read.readahead import ReadAhead, is_cached, needed_ranges
from shardkit.stream.read.sample_index import (
    EMPTY_SLOT,
    FIELD_COUNT,
    MINUTIAE_FIELD_COUNT,
    Field,
    IndexRows,
    MinutiaeField,
    SampleIndex,
)
from shardkit.stream.read.shard_files import ShardFiles
from tests.packed import packed
from tests.pictures import png
from tests.trees import planted

IMAGES = 24


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("ahead")
    planted(root / "source", {f"{n:02}/a.png": png(seed=n, shape=(150, 200)) for n in range(IMAGES)})
    return packed(root, shard_size="200KB", codec="raw")


def samples_at(*places: tuple[int, int, int]) -> IndexRows:
    """Samples by shard, first byte of the payload, and size."""
    figures = np.zeros((len(places), FIELD_COUNT), np.int64)
    shards, figures[:, Field.OFFSET], figures[:, Field.SIZE] = np.array(places).reshape(-1, 3).T
    return IndexRows(np.arange(len(places)), shards, figures, None, {})


def test_samples_that_lie_close_are_read_at_once_from_the_first_header_to_the_last_byte() -> None:
    found = samples_at((1, 10 * BLOCK, 99), (0, 7 * BLOCK, 300), (0, BLOCK, 50), (0, 3 * BLOCK, 100))

    ranges = needed_ranges(found, np.array([4, 2, 9, 3]))

    assert ranges == [(0, 0, 7 * BLOCK + 300, 9), (1, 9 * BLOCK, 10 * BLOCK + 99, 4)]


def test_what_lies_between_distant_samples_is_not_read() -> None:
    """Up to 1 MiB is cheaper to read than to skip."""
    far = BLOCK + 70 + (1 << 20) + BLOCK

    near, split = (
        needed_ranges(samples_at((0, at, 70), (0, BLOCK, 70)), np.zeros(2, np.int64)) for at in (far, far + 1)
    )

    assert near == [(0, 0, far + 70, 0)]
    assert split == [(0, 0, BLOCK + 70, 0), (0, far + 1 - BLOCK, far + 1 + 70, 0)]


@pytest.mark.parametrize(
    ("shards", "per", "size", "batch", "own"), [(400, 1630, 157_000, 256, 64), (4, 9000, 1 << 20, 64, 64)]
)
def test_a_row_of_a_large_window_asks_for_hardly_more_than_it_needs(
    shards: int, per: int, size: int, batch: int, own: int
) -> None:
    order = build_order(SplitCatalog(np.full(shards, per, np.int64)), OrderOptions(batch))
    for row in (0, 10, order.steps - 1):
        numbers = order.epoch(0).row(row)[:own]
        places = [(number // per, BLOCK + number % per * (size + BLOCK), size) for number in numbers.tolist()]
        ranges = needed_ranges(samples_at(*places), np.full(own, row))
        assert sum(each.stop - each.start for each in ranges) <= 1.5 * own * (size + BLOCK)


def test_minutiae_are_read_with_their_images() -> None:
    minutiae = np.zeros((2, MINUTIAE_FIELD_COUNT), np.int64)
    minutiae[1, MinutiaeField.OFFSET], minutiae[1, MinutiaeField.SIZE] = 5 << 20, 60
    found = replace(samples_at((0, BLOCK, 70), (1, BLOCK, 70)), minutiae=minutiae)

    ranges = needed_ranges(found, np.array([3, 4]))

    assert ranges == [(0, 0, BLOCK + 70, 3), (1, 0, BLOCK + 70, 4), (1, (5 << 20) - BLOCK, (5 << 20) + 60, 4)]


def test_rows_before_the_first_one_are_not_read() -> None:
    found = samples_at((0, BLOCK, 70), (0, 5 * BLOCK, 70), (0, 9 * BLOCK, 70))

    assert needed_ranges(found, np.array([6, 7, 8]), served=6) == [(0, 4 * BLOCK, 9 * BLOCK + 70, 8)]


def test_nobody_is_asked_for_nowhere(folder: Path) -> None:
    found = SampleIndex(open_dataset(folder), "train", minutiae=False).rows(np.array([EMPTY_SLOT]))
    assert needed_ranges(found, np.zeros(1, np.int64)) == []


def test_rows_that_were_served_are_read_no_more(folder: Path) -> None:
    """A disk that is slower than the loop does not make the list of what is wanted grow."""
    lookup = SampleIndex(open_dataset(folder), "train", minutiae=False)
    blocked = threading.Event()
    shards = ShardFiles(folder, lookup.shards)
    bring = mock.patch.object(ReadAhead, "_bring", side_effect=lambda _: blocked.wait(10))
    with bring as brought, closing(ReadAhead(shards)) as ahead:
        for row in range(50):
            ahead.ask(lookup.rows(np.arange(IMAGES)), np.full(IMAGES, row))
            ahead.served(row - 4)
        waiting = len(ahead)
        ahead.served(49)
        blocked.set()

    assert waiting <= 6 * len(lookup.shards)
    assert brought.call_count <= 1, "the one that was begun before"


def test_what_was_forgotten_is_brought(folder: Path, disk_path: Path) -> None:
    folder = shutil.copytree(folder, disk_path / "packed")
    lookup = SampleIndex(open_dataset(folder), "train", minutiae=False)
    shards = ShardFiles(folder, lookup.shards)
    descriptor = shards[0].descriptor
    os.sync()
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    if is_cached(descriptor, 0):
        pytest.skip("this file system keeps everything in memory, or cannot say")

    with closing(ReadAhead(shards)) as ahead:
        ahead.ask(lookup.rows(np.arange(lookup.shards[0].samples)), np.zeros(lookup.shards[0].samples, np.int64))
        for _ in range(1000):
            if is_cached(descriptor, 0):
                break
            threading.Event().wait(0.01)

    assert is_cached(descriptor, 0)


def test_closing_ends_the_thread_whatever_is_still_wanted(folder: Path) -> None:
    before = set(threading.enumerate())
    lookup = SampleIndex(open_dataset(folder), "train", minutiae=False)
    ahead = ReadAhead(ShardFiles(folder, lookup.shards))
    for _ in range(50):
        ahead.ask(lookup.rows(np.arange(IMAGES)), np.zeros(IMAGES, np.int64))

    ahead.close()

    assert set(threading.enumerate()) == before


def test_a_shard_that_is_not_there_is_left_to_the_one_who_reads_it(folder: Path, tmp_path: Path) -> None:
    lookup = SampleIndex(open_dataset(folder), "train", minutiae=False)
    with closing(ReadAhead(ShardFiles(tmp_path, lookup.shards))) as ahead:
        ahead.ask(lookup.rows(np.arange(IMAGES)), np.zeros(IMAGES, np.int64))

"""Asking the kernel ahead: the right stretches, really brought, and nothing where all is there."""

import os
import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from shardkit.format.opened import open_dataset
from shardkit.format.tar import BLOCK
from shardkit.stream.ahead import Ahead, is_cached, stretches
from shardkit.stream.files import OpenShards
from shardkit.stream.lookup import NOBODY, Lookup
from tests.packed import packed
from tests.pictures import png
from tests.trees import planted

IMAGES = 24


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("ahead")
    planted(root / "source", {f"{n:02}/a.png": png(seed=n, shape=(150, 200)) for n in range(IMAGES)})
    return packed(root, shard_size="200KB", codec="raw")


def test_a_stretch_goes_from_the_first_header_to_the_last_byte_of_what_is_wanted_of_a_shard(folder: Path) -> None:
    dataset = open_dataset(folder)
    lookup = Lookup(dataset, "train", minutiae=False)
    samples = [(shard, each) for shard, row in enumerate(lookup.shards) for each in dataset.samples(row)]
    wanted = [17, NOBODY, 3, 5, 16]

    found = stretches(lookup.find(np.array(wanted)))

    expected: dict[int, list[int]] = {}
    for number in wanted:
        if number != NOBODY:
            shard, sample = samples[number]
            start, stop = sample.image.offset - BLOCK, sample.image.offset + sample.image.size
            known = expected.setdefault(shard, [start, stop])
            expected[shard] = [min(known[0], start), max(known[1], stop)]
    assert [(each.shard, [each.start, each.stop]) for each in found] == sorted(expected.items())


def test_nobody_is_asked_for_nowhere(folder: Path) -> None:
    assert stretches(Lookup(open_dataset(folder), "train", minutiae=False).find(np.array([NOBODY]))) == []


def test_what_was_forgotten_is_brought(folder: Path) -> None:
    lookup = Lookup(open_dataset(folder), "train", minutiae=False)
    shards = OpenShards(folder, lookup.shards)
    descriptor = shards[0].descriptor
    os.sync()
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    if is_cached(descriptor, 0):
        pytest.skip("this file system keeps everything in memory, or cannot say")

    with closing(Ahead(shards)) as ahead:
        ahead.ask(lookup.find(np.arange(lookup.shards[0].samples)))
        for _ in range(1000):
            if is_cached(descriptor, 0):
                break
            threading.Event().wait(0.01)

    assert is_cached(descriptor, 0)


def test_closing_ends_the_thread_whatever_is_still_wanted(folder: Path) -> None:
    before = set(threading.enumerate())
    lookup = Lookup(open_dataset(folder), "train", minutiae=False)
    ahead = Ahead(OpenShards(folder, lookup.shards))
    for _ in range(50):
        ahead.ask(lookup.find(np.arange(IMAGES)))

    ahead.close()

    assert set(threading.enumerate()) == before


def test_a_shard_that_is_not_there_is_left_to_the_one_who_reads_it(folder: Path, tmp_path: Path) -> None:
    lookup = Lookup(open_dataset(folder), "train", minutiae=False)
    with closing(Ahead(OpenShards(tmp_path, lookup.shards))) as ahead:
        ahead.ask(lookup.find(np.arange(IMAGES)))

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shardkit.stream.order.layout import ShardWalk

SHARDS = st.lists(st.integers(0, 9), min_size=1, max_size=9)


@given(sizes=SHARDS, epoch=st.integers(0, 9))
def test_the_way_comes_by_whole_shards(sizes: list[int], epoch: int) -> None:
    shards = np.array(sizes)
    shard_of = np.repeat(np.arange(len(sizes)), sizes)
    way = ShardWalk.shuffled(shards, 1, epoch).samples(np.arange(sum(sizes)))
    changes = int((np.diff(shard_of[way]) != 0).sum())

    assert sorted(way.tolist()) == list(range(sum(sizes)))
    assert changes == max(np.count_nonzero(shards) - 1, 0)
    assert (np.diff(way)[np.diff(shard_of[way]) == 0] == 1).all(), "a shard is gone through from its first sample on"


@given(sizes=SHARDS)
def test_places_lead_back(sizes: list[int]) -> None:
    disk = ShardWalk.shuffled(np.array(sizes), 1, 2)
    places = np.arange(sum(sizes))

    assert (disk.places(disk.samples(places)) == places).all()

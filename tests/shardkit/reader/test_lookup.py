"""Ranges name every stretch that may hold a name, and not one that cannot."""

from hypothesis import given
from hypothesis import strategies as st

from shardkit.reader.index import Bounds
from shardkit.reader.lookup import IntervalIndex

names = st.text("abc", max_size=3)
stretches = st.lists(st.none() | st.tuples(names, names).map(lambda pair: (min(pair), max(pair))))


@given(stretches, names)
def test_the_stretches_that_may_hold_a_name(bounds: list[Bounds | None], name: str) -> None:
    expected = [number for number, each in enumerate(bounds) if each is None or each[0] <= name <= each[1]]

    assert sorted(IntervalIndex(bounds).candidates(name)) == expected


@given(stretches, names)
def test_the_nearest_stretch_begins_last_before_the_name(bounds: list[Bounds | None], name: str) -> None:
    nearest = IntervalIndex(bounds).nearest(name)

    known = [each for each in bounds if each is not None]
    if nearest is None:
        assert not bounds
    elif (chosen := bounds[nearest]) is not None:
        before = [each for each in known if each[0] <= name]
        assert chosen == max(before, default=min(known))


def test_of_disjoint_stretches_only_one_is_looked_at() -> None:
    ranges = IntervalIndex([(f"{number:03}", f"{number:03}z") for number in range(1000)])

    assert list(ranges.candidates("500/04")) == [500]

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainer.augment.random_draws import ASPECTS, Draw, Erasure, erase_rectangles, erasure_rectangles, uniform_draws

words = st.integers(-(2**63), 2**63 - 1)


def one(seed: int, epoch: int, number: int) -> list[float]:
    drawn: list[float] = uniform_draws(seed, epoch, np.array([number]))[:, 0].tolist()
    return drawn


def by_hand(*parts: int) -> float:
    """The same in Python's integers."""
    most, key = (1 << 64) - 1, 0
    for part in parts:
        key = (key + part + 0x9E3779B97F4A7C15) & most
        key = ((key ^ (key >> 30)) * 0xBF58476D1CE4E5B9) & most
        key = ((key ^ (key >> 27)) * 0x94D049BB133111EB) & most
        key ^= key >> 31
    return (key >> 11) / 2**53


def test_these_values_stay() -> None:
    """A run that is resumed under a newer version draws what it would have drawn."""
    assert one(0, 0, 0) == [
        0.1296456182997474,
        0.41232273959211374,
        0.31059630345365596,
        0.9281083633343205,
        0.22787309052828464,
        0.8262538715367527,
        0.4680567174425684,
        0.225862063089049,
        0.6038839993135967,
        0.2494831123604191,
        0.8895722972142523,
    ]
    assert one(7, 3, 123_456) == [
        0.9359817527710729,
        0.7513574917669823,
        0.1638781550753513,
        0.8831361995181228,
        0.9422943552046488,
        0.6522750030545368,
        0.25237639917546517,
        0.7746785616195252,
        0.2440552697955657,
        0.9802216875990107,
        0.9167542829711185,
    ]


@given(words, st.integers(0, 2**31), words)
def test_a_draw_is_a_function_of_its_four_numbers(seed: int, epoch: int, number: int) -> None:
    drawn = one(seed, epoch, number)
    assert drawn == [by_hand(seed, epoch, number, draw) for draw in Draw]
    assert all(0 <= each < 1 for each in drawn)


@given(st.lists(st.integers(-1, 10**9), min_size=1, max_size=20), st.integers(0, 20))
def test_a_batch_may_be_cut_anywhere(numbers: list[int], cut: int) -> None:
    whole = uniform_draws(1, 2, np.array(numbers, np.int64))
    parts = [uniform_draws(1, 2, np.array(part, np.int64)) for part in (numbers[:cut], numbers[cut:])]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


def test_draws_fill_their_range_evenly_and_do_not_follow_each_other() -> None:
    drawn = np.concatenate([uniform_draws(5, epoch, np.arange(20_000)) for epoch in (0, 1)])
    for line in drawn:
        counts, _ = np.histogram(line, 20, (0, 1))
        assert np.abs(counts - 1000).max() < 150
    beside = np.corrcoef(drawn)
    assert np.abs(beside - np.eye(len(drawn))).max() < 0.03
    after = np.corrcoef(drawn[0, 1:], drawn[0, :-1])[0, 1]
    assert abs(after) < 0.03


SIZE = (160, 120)


def chosen(samples: int, area: float) -> Erasure:
    shares = torch.rand((3, samples), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return Erasure(torch.full((samples,), area, dtype=torch.float64), *shares)


@pytest.mark.parametrize("area", [0.02, 0.2])
def test_rectangles_have_their_area_and_every_shape_and_place(area: float) -> None:
    top, bottom, left, right = erasure_rectangles(chosen(4000, area), SIZE).unbind(1)
    height, width = bottom - top, right - left
    assert (height * width / math.prod(SIZE) - area).abs().max() < 0.05 * area + 0.003
    shapes = height / width
    assert ASPECTS[0] * 0.9 < shapes.min() < 0.35
    assert 2.8 < shapes.max() < ASPECTS[1] * 1.1
    assert (shapes > 1).double().mean().item() == pytest.approx(0.5, abs=0.05)
    assert [int(each) for each in (top.min(), bottom.max(), left.min(), right.max())] == [0, SIZE[0], 0, SIZE[1]]


def test_one_that_is_too_long_ends_with_the_picture() -> None:
    slim = Erasure(*torch.tensor([[1.0], [1.0], [0.9], [0.9]], dtype=torch.float64))
    [[top, bottom, left, right]] = erasure_rectangles(slim, (10, 10)).tolist()
    assert (top, bottom, right - left) == (0, 10, round(10 / ASPECTS[1] ** 0.5))


def test_no_area_is_no_rectangle() -> None:
    images = torch.ones(5, 1, 12, 9)
    assert torch.equal(erase_rectangles(images, erasure_rectangles(chosen(5, 0), (12, 9))), images)


def test_within_its_bounds_each_picture_is_zero_in_all_channels() -> None:
    images = torch.ones(2, 3, 6, 7)
    shown = erase_rectangles(images, torch.tensor([[1, 3, 2, 7], [0, 6, 0, 1]]))
    expected = torch.ones(2, 3, 6, 7)
    expected[0, :, 1:3, 2:7] = 0
    expected[1, :, :, 0] = 0
    assert torch.equal(shown, expected)
    assert images.all()

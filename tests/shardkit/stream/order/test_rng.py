import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shardkit.stream.order.rng import ORDER_VERSION, key_words, permutation, random_below, random_words

COUNTS = st.integers(0, 300)
KEYS = st.lists(st.integers(-(2**70), 2**70), max_size=4).map(tuple)


def test_an_order_is_for_ever() -> None:
    """Were one of these another, every order that was ever trained on would be lost: raise ORDER_VERSION then."""
    assert ORDER_VERSION == 1
    assert key_words(1, 2, 3).tolist() == [7702586659592502839]
    assert permutation(10).tolist() == [2, 4, 6, 8, 5, 1, 7, 0, 9, 3]
    assert permutation(10, -1, 2, 3).tolist() == [1, 8, 6, 9, 4, 3, 7, 0, 5, 2]
    assert random_below(1000, 5, 7) == 616


@given(count=COUNTS, key=KEYS)
def test_every_number_stands_once_in_a_permutation(count: int, key: tuple[int, ...]) -> None:
    assert sorted(permutation(count, *key).tolist()) == list(range(count))


@given(count=st.integers(1, 10**9), key=KEYS)
def test_numbers_below_are_below(count: int, key: tuple[int, ...]) -> None:
    assert 0 <= random_below(count, *key) < count


def test_numbers_below_are_spread_evenly() -> None:
    found = np.bincount([random_below(10, seed) for seed in range(5000)], minlength=10)

    assert (abs(found - 500) < 5 * 500**0.5).all()


def test_each_place_holds_each_number_as_often() -> None:
    """Four standard deviations of what chance would do, over 20 x 20 pairs."""
    found = np.zeros((20, 20), int)
    for seed in range(4000):
        found[np.arange(20), permutation(20, seed)] += 1

    assert abs(found - 200).max() < 4.5 * 200**0.5


def test_each_part_of_a_key_and_their_order_count() -> None:
    keys = [(), (0,), (1,), (0, 0), (0, 1), (1, 0), (1, 1), (-1,), (2**63,)]

    assert len({tuple(permutation(30, *key).tolist()) for key in keys}) == len(keys)


def test_arrays_in_a_key_give_a_word_for_each_element() -> None:
    words = key_words(7, np.arange(5), 9)

    assert words.tolist() == [key_words(7, each, 9)[0] for each in range(5)]


def test_a_permutation_sorts_what_its_key_draws() -> None:
    words = random_words(key_words(3, 4), np.arange(40))

    assert permutation(40, 3, 4).tolist() == sorted(range(40), key=lambda number: int(words[number]))

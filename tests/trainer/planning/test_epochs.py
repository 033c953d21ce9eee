"""Epochs for a number of samples; mistake 14 of the guides among them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.planning import epochs_for, epochs_from_table


@pytest.mark.parametrize(("samples", "epochs"), [(50_000, 15), (1_000_000, 10), (10_000_000, 5), (50_000_000, 3)])
def test_the_guides_table_and_not_their_formula(samples: int, epochs: int) -> None:
    """`max(5, min(15, 50000 / n))` said 5 at 50,000 samples, where the table says 15."""
    assert epochs_from_table(samples) == epochs
    assert epochs_for(samples, samples // 64) == epochs
    assert epochs_for(samples, 10) == epochs


def test_half_way_in_the_logarithm() -> None:
    assert epochs_from_table(200_000) == 13  # 15 - 5 x log 4 / log 20 = 12.7
    assert epochs_from_table(3_000_000) == 8  # 10 - 5 x log 3 / log 10 = 7.6
    assert epochs_from_table(1_000_000_000) == 3
    assert epochs_from_table(1) == 15


@given(st.integers(1, 10**9), st.integers(1, 10**9))
def test_more_samples_never_ask_for_more_epochs(one: int, other: int) -> None:
    assert epochs_from_table(min(one, other)) >= epochs_from_table(max(one, other)) >= 3


def test_few_samples_are_seen_until_there_are_steps_enough() -> None:
    assert epochs_for(900, 14) == 57  # the demo
    assert epochs_for(49_000, 765) == 15

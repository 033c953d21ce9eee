from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardkit.errors import UsageError
from shardkit.pack.plan import arrays
from shardkit.pack.plan.arrays import circle_positions, fit_sample_thresholds, sample_splitting_record, splits_of
from shardkit.pack.plan.split import Thresholds, parse_ratios

RATIOS = st.lists(st.integers(1, 9), min_size=1, max_size=5).map(
    lambda shares: {f"s{number}": share / sum(shares) for number, share in enumerate(shares)}
)

GOLDEN = ["f082f9a1db566bda", "a737eb94dac21a32", "499ea78cc81fed0f"]


@given(ratios=RATIOS, samples=st.integers(5, 3000))
def test_splits_get_their_shares_to_the_sample(ratios: dict[str, float], samples: int) -> None:
    with mock.patch.object(arrays, "_CHUNK", 256):
        counts = np.bincount(
            splits_of(fit_sample_thresholds(ratios, samples), np.arange(samples)), minlength=len(ratios)
        )
    assert counts.sum() == samples
    assert counts.min() > 0
    if samples > 100:
        assert np.abs(counts - np.array([*ratios.values()]) * samples).max() <= 1


def test_no_two_samples_share_a_place_and_neighbours_part() -> None:
    found = circle_positions(np.arange(100_000))
    assert len(np.unique(found)) == len(found)
    assert abs(np.corrcoef(found[1:].astype(float), found[:-1].astype(float))[0, 1]) < 0.02


def test_places_never_change() -> None:
    """A dataset packed today and one packed in ten years split alike."""
    assert [f"{place:016x}" for place in circle_positions(np.array([0, 1, 49_999_999])).tolist()] == GOLDEN


def test_what_is_recorded_splits_the_same() -> None:
    thresholds = fit_sample_thresholds(parse_ratios("train=0.7,val=0.3"), 1000)
    recorded = sample_splitting_record(thresholds)
    assert recorded["by"] == "sample"
    assert Thresholds.recorded(recorded["thresholds"]) == thresholds


def test_fewer_samples_than_splits_are_refused() -> None:
    with pytest.raises(UsageError, match="1 samples cannot fill 2 splits"):
        fit_sample_thresholds(parse_ratios("train=0.7,val=0.3"), 1)

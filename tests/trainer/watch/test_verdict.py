"""Whether the data is the bottleneck; mistake 6 of the guides: the wait is measured, not the copy."""

from hypothesis import given
from hypothesis import strategies as st

from tests.trainer.watch.figures import measured
from trainer.metrics.console import DataBoundDetector, explain_data_bound


def test_it_names_the_share_the_rank_and_the_settings_in_order() -> None:
    said = explain_data_bound(measured(seconds=10.0, waits=(0.1, 4.3)))
    assert said is not None
    assert said.startswith("The data is the bottleneck: rank 1 waited for it 43 % of the time.")
    places = [said.index(each) for each in ("data.threads", "--codec zstd", "lz4", "shardkit bench")]
    assert places == sorted(places)
    assert "\n" not in said


def test_alone_there_is_no_rank_to_name() -> None:
    assert "rank" not in (explain_data_bound(measured(seconds=10.0, waits=(4.3,))) or "rank")


@given(st.lists(st.floats(0, 100), max_size=8), st.floats(0, 100))
def test_it_is_said_exactly_above_a_fifth(waits: list[float], seconds: float) -> None:
    found = measured(seconds=seconds, waits=tuple(waits))
    assert 0 <= found.data_wait <= 1
    assert (explain_data_bound(found) is None) == (found.data_wait <= 0.2)


def test_the_limit_is_the_one_that_the_guides_name() -> None:
    assert explain_data_bound(measured(seconds=100.0, waits=(20.0,))) is None
    assert explain_data_bound(measured(seconds=100.0, waits=(20.5,))) is not None


def test_the_slowest_rank_counts_and_not_the_mean() -> None:
    assert measured(seconds=10.0, waits=(0.0, 0.0, 0.0, 2.5)).data_wait == 0.25


def said(*waits: float) -> list[bool]:
    verdicts = DataBoundDetector()
    return [verdicts.of(measured(seconds=1.0, waits=(wait,))) is not None for wait in waits]


def test_it_is_not_repeated_until_the_data_kept_up() -> None:
    assert said(0.0, 0.5, 0.6, 0.1, 0.0, 0.4, 0.4) == [False, True, False, False, False, True, False]


def test_the_opening_of_the_stream_is_not_judged_but_hides_nothing() -> None:
    assert said(0.9, 0.0) == [False, False]
    assert said(0.9, 0.5, 0.5) == [False, True, False]

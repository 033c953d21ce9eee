"""Console lines: what stands in them, how wide they are, and that columns lie below each other."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trainer.watch.figures import IDLE, figures, measured
from trainer.metrics.console import LINE_WIDTH, format_event, format_steps, format_validation


def test_a_record() -> None:
    assert format_steps(measured(), IDLE, 360.0) == (
        "step 1,200/2,515  epoch  4.80  loss   2.317  lr 2.1e-03     400/s  wait   0.3 %    1.2 GB  eta 6 min"
    )


def test_a_gpu_and_skipped_updates_are_told_where_there_are_any() -> None:
    said = format_steps(measured(skipped=3), replace(IDLE, gpu_utilisation=0.97), None)
    assert "gpu  97 %" in said
    assert said.endswith("skipped 3")


FIGURES = st.fixed_dictionaries(
    {
        "step": st.integers(0, 10**6),
        "steps": st.just(10**6),
        "epoch": st.floats(0, 1e5),
        "loss": st.floats(0, 1e5),
        "lr": st.floats(1e-9, 10),
        "seconds": st.floats(0.1, 1e4),
        "skipped": st.integers(0, 1000),
    }
)


@given(FIGURES, st.none() | st.floats(0, 1), st.floats(0, 1e7))
def test_no_line_is_too_wide(given: dict[str, Any], gpu: float | None, eta: float) -> None:
    said = format_steps(measured(**given), replace(IDLE, gpu_utilisation=gpu), eta)
    assert len(said) <= LINE_WIDTH
    assert all(each in said for each in ("step", "loss", "/s", "wait", "eta"))


def test_in_a_narrow_window_the_least_missed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.metrics.console.terminal_width", lambda: 80)
    assert format_steps(measured(), IDLE, 360.0) == (
        "step 1,200/2,515  loss   2.317  lr 2.1e-03     400/s  wait   0.3 %  eta 6 min"
    )


def test_columns_lie_below_each_other() -> None:
    first = format_steps(measured(10, epoch=0.04, loss=12.3, samples=64), IDLE, 1e4)
    last = format_steps(measured(2510, epoch=12.25, loss=0.012, samples=12_800, waits=(1.6,)), IDLE, 10.0)
    for each in ("epoch", "loss", "lr", "/s", "wait", "GB", "eta"):
        assert first.index(each) == last.index(each)


def test_a_validation() -> None:
    assert format_validation(1200, "full", figures()) == (
        "full validation, step 1,200: EER 1.8 % [1.3…2.1 %], TAR 97.1 % at FAR 0.01, TAR 93.0 % at FAR 0.001"
    )


def test_one_with_many_rates_is_cut() -> None:
    said = format_validation(1200, "subset", figures(tar={f"1e-0{each}": 0.5 for each in range(1, 8)}))
    assert len(said) <= LINE_WIDTH
    assert said.endswith("…")


def test_one_without_pairs() -> None:
    assert format_validation(3, "test", {"eer": None}) == "test validation, step 3: nothing that could be judged"


def test_an_event_tells_its_single_values() -> None:
    assert format_event("resumed", {"step": 1200, "world_size": 2, "identity": {"run.seed": 0}}) == (
        "resumed: step 1,200, world size 2"
    )
    assert format_event("woke", {}) == "woke"

"""Console lines: what stands in them, how wide they are, and that columns lie below each other."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trainer.metrics.figures import FACTS, IDLE, figures, measured
from trainer.config.schema import Config, Data, Optim, Run
from trainer.metrics.console import (
    BANNER_WIDTH,
    LINE_WIDTH,
    DataBoundDetector,
    EtaEstimator,
    explain_data_bound,
    format_banner,
    format_bytes,
    format_count,
    format_duration,
    format_error_rate,
    format_event,
    format_percent,
    format_steps,
    format_validation,
    format_value,
)

CONFIG = Config(run=Run(folder="runs/first"), data=Data(path="packed", global_batch=64, micro_batch=16))


def test_all_that_was_asked_for() -> None:
    assert format_banner(CONFIG, FACTS).splitlines() == [
        "folder     runs/first",
        "data       packed, generation 1: train, 3,200 samples of 400 subjects, judged on",
        "           val",
        "model      small, 281,344 parameters",
        "head       cosface, 400 classes",
        "batch      2 x 16 x 2 = 64 (ranks x micro-batch x accumulation)",
        "precision  fp32, head and loss in fp32",
        "LR         0.003 (linear scaling), adamw, cosine, after a warm-up of 0.5 epochs",
        "steps      2,515 (10 epochs of 252), seed 0",
        "device     2 ranks on x86_64, 1 thread each",
    ]


def test_what_is_special_is_told() -> None:
    config = replace(CONFIG, data=replace(CONFIG.data, val=""), optim=Optim(reduce="exact", warmup=0.0))
    said = " ".join(format_banner(config, {**FACTS, "precision": "fp16", "step": 1200}).split())
    for each in ("fp16 (AMP, scaled loss)", "gradients added exactly", "goes on behind step 1,200", "never judged"):
        assert each in said
    assert "warm-up" not in said


@given(st.integers(1, 10**9), st.integers(1, 512), st.text("abc /", max_size=60))
def test_it_fits_a_narrow_window(many: int, ranks: int, device: str) -> None:
    facts = {**FACTS, "samples": many, "parameters": many, "classes": many, "world_size": ranks, "device": device}
    assert all(len(line) <= BANNER_WIDTH for line in format_banner(CONFIG, facts).splitlines())


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


def test_the_start_counts_until_there_is_more() -> None:
    pace = EtaEstimator(0)
    assert pace.seconds_left(measured(10, steps=100, elapsed=50.0)) == pytest.approx(450.0)
    assert pace.seconds_left(measured(20, steps=100, elapsed=10.0)) == pytest.approx(80.0)
    assert pace.seconds_left(measured(30, steps=100, elapsed=20.0)) == pytest.approx(70 * 30 / 20)


@given(st.integers(0, 1000), st.integers(2, 20), st.floats(0.01, 100))
def test_a_resumed_run_counts_from_where_it_was_taken_up(begun: int, records: int, seconds: float) -> None:
    pace, steps = EtaEstimator(begun), begun + records
    for step in range(begun + 1, steps + 1):
        left = pace.seconds_left(measured(step, steps=steps, elapsed=seconds))
        assert left == pytest.approx((steps - step) * seconds)


def test_without_a_step_nobody_knows() -> None:
    assert EtaEstimator(5).seconds_left(measured(5)) is None


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


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (45.4, "45 s"),
        (360, "6 min"),
        (12_000, "3 h 20 min"),
        (7200, "2 h"),
        (7140, "119 min"),
        (187_200, "2 d 4 h"),
    ],
)
def test_durations(seconds: float, said: str) -> None:
    assert format_duration(seconds) == said


@given(st.floats(0, 1e8))
def test_no_unit_overflows(seconds: float) -> None:
    words = format_duration(seconds).split()
    said = dict(zip(words[1::2], map(int, words[::2]), strict=True))
    assert said.get("h", 0) < 24 or "d" not in said
    assert said.get("min", 0) < 60 or "h" not in said
    lengths = {"s": 1, "min": 60, "h": 3600, "d": 86400}
    meant = sum(lengths[unit] * each for unit, each in said.items())
    assert abs(meant - seconds) <= (0.5 if seconds < 120 else 30 if seconds < 2 * 86400 else 1800)


def test_sizes_and_shares() -> None:
    assert [format_bytes(640), format_bytes(52_400_000), format_bytes(1.2e9)] == ["640 B", "52.4 MB", "1.2 GB"]
    assert format_percent(0.0034) == "0.3 %"
    assert [format_count(1, "rank"), format_count(1200, "rank")] == ["1 rank", "1,200 ranks"]


def test_a_tiny_loss_is_not_said_to_be_zero() -> None:
    assert [format_value(each) for each in (0.0, 2.3171, 1e-5, 12345.0)] == ["0.000", "2.317", "1.00e-05", "1.23e+04"]
    assert format_value(float("nan")) == "nan"


@given(st.floats(0, 1), st.integers(1, 10**9))
def test_no_digit_is_told_that_less_than_one_of_them_would_change(share: float, counted: int) -> None:
    told = format_error_rate(share, counted)
    digits = len(told.removesuffix(" %").partition(".")[2])
    assert digits == 0 or 100 / counted <= 10**-digits
    assert digits <= 2


@pytest.mark.parametrize(("counted", "told"), [(36, "12 %"), (2_800, "12.3 %"), (36_000, "12.35 %")])
def test_more_pairs_tell_more_digits(counted: int, told: str) -> None:
    assert format_error_rate(0.12345, counted) == told

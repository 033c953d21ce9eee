"""Combinations that cannot be meant: refused with their figures, and what is named instead is accepted."""

import re
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from trainer.config.checks import check_config, rank_split_error
from trainer.config.files import RECIPES, load_config
from trainer.config.ranges import RANGES
from trainer.config.schema import Config, Data
from trainer.config.settings import settings, values_of, with_values
from trainer.errors import UsageError

GOOD = with_values(Config(), {"data.path": "packed"})


def _said(values: dict[str, Any], ranks: int = 1, device: str = "cuda") -> str:
    with pytest.raises(UsageError) as error:
        check_config(with_values(GOOD, values), ranks, device)
    return str(error.value)


def test_the_defaults_are_good() -> None:
    for ranks in (1, 2):
        for device in ("cpu", "cuda"):
            check_config(GOOD, ranks, device)


@pytest.mark.parametrize("recipe", sorted(RECIPES.glob("*.toml")), ids=lambda each: each.stem)
def test_recipes_are_good(recipe: Any) -> None:  # noqa: ANN401 - a Path
    check_config(load_config(["--config", str(recipe), "--data.path", "packed"]), 1, "cuda")


def test_every_figure_has_its_range() -> None:
    figures = {
        name
        for name, value in values_of(Config()).items()
        if isinstance(value, int | float | tuple) and not isinstance(value, bool)
    }
    assert figures == set(RANGES)


@pytest.mark.parametrize("name", [name for name in RANGES if name != "augment.mean"])
def test_nothing_may_be_negative(name: str) -> None:
    old = values_of(GOOD)[name]
    new = (-1.0,) * max(1, len(old)) if isinstance(old, tuple) else -1
    assert _said({name: new}).startswith(f"{name} is -1")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", [name for name, each in settings().items() if each.kind is float])
def test_no_number_is_refused(name: str, value: float) -> None:
    assert name in _said({name: value})


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"data.path": ""}, "No dataset is named."),
        ({"data.train": ""}, "Name the split to learn from"),
        ({"run.epochs": 0}, "run.epochs is 0. It must be at least 1."),
        ({"ema.decay": 1.0}, "ema.decay is 1.0. It must be at least 0 and less than 1."),
        ({"validate.far": (0.01, 0.0)}, "validate.far is 0.0. It must be more than 0 and less than 1."),
        ({"data.size": 20000}, "data.size is 20,000. It must be at least 0 and at most 16,384."),
        ({"data.sampler": "pk"}, "data.impressions_per_subject is 0. Set it to 2 or more"),
        ({"data.sampler": "pk", "data.impressions_per_subject": 5}, "Set it to a multiple of 5, 30 for example."),
        ({"data.sampler": "pk", "data.impressions_per_subject": 32}, "Set it to a multiple of 32, 64 for example."),
        ({"data.impressions_per_subject": 4}, 'not "uniform". Set it to 0, or data.sampler = "pk".'),
        ({"data.sampler": "pairs", "data.micro_batch": 1}, "data.micro_batch is 1. Set it to 2."),
        ({"loss.classes": 0.0}, "nothing tells subjects apart"),
        ({"loss.triplet": 0.4}, 'Set data.sampler to "pk"'),
        ({"loss.focal": 0.2, "data.sampler": "balanced"}, "loss.focal compares samples of one subject"),
        (
            {"loss.center": 0.1, "loss.classes": 0.0, "loss.pairs": 1.0, "data.sampler": "pairs"},
            "all centres would fall together",
        ),
        ({"augment.erase": 0.5, "loss.minutiae_map": 0.3}, "would have to be guessed"),
        ({"validate.metric": "accuracy", "head.sharded": True}, "which asks the heads for names"),
        ({"head.sampled": 0.1}, "Set head.sharded to true."),
        ({"head.sharded": True, "head.name": "softmax"}, "a head of cosines"),
        ({"head.sharded": True, "loss.label_smoothing": 0.1}, "Set loss.label_smoothing to 0."),
        ({"head.sharded": True, "optim.sharded": True}, "Set optim.sharded to false."),
        ({"augment.contrast": (2.0, 1.0)}, "augment.contrast is 2 to 1. Write the lesser figure first."),
        ({"augment.gain": (2.0, 1.0)}, "augment.gain is 2 to 1."),
        ({"augment.erase_area": (0.2, 0.1)}, "augment.erase_area is 0.2 to 0.1."),
        ({"augment.flip": 0.5, "loss.minutiae_map": 0.3}, "Set augment.flip to 0; for faces, loss.minutiae_map to 0."),
        ({"augment.crop": (160, 0)}, "augment.crop is 160 0. Give a height and a width"),
        ({"optim.warmup": 10.0}, "optim.warmup is 10 epochs, and the run has 10"),
        ({"optim.schedule": "step"}, "[3.333, 6.667] for example"),
        (
            {"optim.schedule": "step", "optim.milestones": (5.0, 3.0)},
            "optim.milestones is [5, 3]. Write each epoch once",
        ),
        ({"optim.milestones": (3.0, 3.0)}, "optim.milestones is [3, 3]. Write each epoch once"),
        ({"validate.every_epochs": 0}, "validate.every_epochs and validate.every_steps are both 0"),
        ({"validate.subset": 1}, "one sample makes no pair"),
    ],
)
def test_what_cannot_be_meant(values: dict[str, Any], says: str) -> None:
    said = _said(values)
    assert says in said
    assert "\n" not in said


@pytest.mark.parametrize(
    "values",
    [
        {"data.sampler": "pk", "data.impressions_per_subject": 4},
        {"data.sampler": "pairs"},
        {"data.val": "", "validate.every_epochs": 0},
        {"validate.every_epochs": 0, "validate.every_steps": 5},
        {"optim.schedule": "step", "optim.milestones": (3.0, 5.0)},
        {"optim.warmup": 0.0},
        {"augment.crop": (160, 128)},
        {"system.channels_last": True, "amp.dtype": "fp16"},
    ],
)
def test_what_can_be_meant(values: dict[str, Any]) -> None:
    check_config(with_values(GOOD, values), 1, "cuda")


def test_what_a_cpu_cannot() -> None:
    assert "system.channels_last is true on a CPU" in _said({"system.channels_last": True}, device="cpu")
    assert 'amp.dtype is "fp16" on a CPU' in _said({"amp.dtype": "fp16"}, device="cpu")
    check_config(with_values(GOOD, {"amp.dtype": "bf16"}), 1, "cpu")


def test_all_mistakes_are_told_at_once() -> None:
    said = _said({"validate.subset": 1, "optim.schedule": "step"}, ranks=3).splitlines()
    assert [line.split(maxsplit=1)[0] for line in said] == ["data.global_batch", "optim.schedule", "validate.subset"]


def test_a_row_that_three_ranks_cannot_share() -> None:
    said = _said({}, ranks=3)
    assert "data.global_batch is 64, and 3 ranks with data.micro_batch = 32 take 96 samples at once" in said
    assert said.endswith("Set data.global_batch = 96, or start 2 ranks.")


def test_a_micro_batch_that_does_not_fit() -> None:
    said = rank_split_error(Data(global_batch=64, micro_batch=20), 2)
    assert "Set data.global_batch = 40 or 80, or data.micro_batch = 16 or 32." in said


@given(st.integers(1, 200), st.integers(1, 64), st.integers(1, 16))
def test_each_remedy_helps(global_batch: int, micro_batch: int, ranks: int) -> None:
    said = rank_split_error(Data(global_batch=global_batch, micro_batch=micro_batch), ranks)
    assert bool(said) == bool(global_batch % (ranks * micro_batch))
    assume(said)
    remedies = said.split(" it. ")[1]
    for each in re.findall(r"global_batch = (\d+)(?: or (\d+))?", remedies):
        assert all(
            not rank_split_error(Data(global_batch=int(new), micro_batch=micro_batch), ranks) for new in each if new
        )
    for each in re.findall(r"micro_batch = (\d+)(?: or (\d+))?", remedies):
        assert all(
            not rank_split_error(Data(global_batch=global_batch, micro_batch=int(new)), ranks) for new in each if new
        )
    for each in re.findall(r"start (\d+)(?: or (\d+))?", remedies):
        assert all(
            not rank_split_error(Data(global_batch=global_batch, micro_batch=micro_batch), int(new))
            for new in each
            if new
        )


def test_ranks_that_cannot_share_64_blocks_of_classes() -> None:
    values = {"head.sharded": True, "data.global_batch": 96}
    assert "Start 2 or 4 ranks, or set head.sharded to false." in _said(values, ranks=3)
    check_config(with_values(GOOD, {"data.global_batch": 96}), 3, "cpu")
    check_config(with_values(GOOD, {"head.sharded": True}), 2, "cpu")

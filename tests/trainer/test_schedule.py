"""What is due at a step, and the learning rate there: nothing but functions of the step."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.config.schema import Checkpoint, Log, Optim, Validate
from trainer.schedule import Schedule, peak_lr

PLAIN = Schedule(10, 100, 0.4, Optim(warmup=2.0), Validate(), Checkpoint(), Log())


def test_the_linear_rule_of_the_guides() -> None:
    assert peak_lr(Optim(base_lr=0.1, base_batch=256, scale="linear"), 1024, 7) == pytest.approx(0.4)
    assert peak_lr(Optim(base_lr=0.1, base_batch=256, scale="sqrt"), 1024, 7) == pytest.approx(0.2)
    assert peak_lr(Optim(base_lr=0.1, base_batch=256, scale="none"), 1024, 7) == pytest.approx(0.1)
    falling = Optim(base_lr=1e-3, scale="none", base_samples=50_000)
    assert peak_lr(falling, 1024, 200_000) == pytest.approx(5e-4)


def test_warm_up_then_cosine_to_one_percent() -> None:
    assert PLAIN.lr(0) == pytest.approx(0.04)
    assert PLAIN.lr(10) == pytest.approx(0.4 * 0.55)
    assert PLAIN.lr(20) == pytest.approx(0.4)
    assert PLAIN.lr(99) == pytest.approx(0.004)


def test_steps_of_ten() -> None:
    stepped = replace(PLAIN, optim=Optim(warmup=0.0, schedule="step", milestones=(3.0, 6.0)))
    assert [stepped.lr(step) for step in (0, 29, 30, 59, 60)] == pytest.approx([0.4, 0.4, 0.04, 0.04, 0.004])


@given(st.sampled_from(["cosine", "polynomial", "constant"]), st.integers(0, 98))
def test_behind_the_warm_up_it_never_rises(curve: str, step: int) -> None:
    schedule = replace(PLAIN, optim=Optim(warmup=0.0, schedule=curve))  # type: ignore[arg-type]  # one of its names
    assert schedule.lr(step) >= schedule.lr(step + 1) >= 0


def test_every_epoch_and_at_the_end() -> None:
    schedule = replace(PLAIN, steps=25)
    assert [step for step in range(26) if schedule.due(step).save] == [10, 20, 25]
    assert [step for step in range(26) if schedule.due(step).validate] == [10, 20, 25]
    assert [step for step in range(26) if schedule.due(step).stop] == [25]


def test_the_untrained_are_judged_where_that_is_asked() -> None:
    schedule = replace(PLAIN, validate=Validate(first=True, subset=100))
    assert (schedule.due(0).validate, PLAIN.due(0).validate) == ("full", None)
    assert schedule.due(10).validate == "subset"


def test_steps_and_epochs_together() -> None:
    schedule = replace(PLAIN, steps=20, checkpoint=Checkpoint(every_steps=4, every_epochs=1))
    assert [step for step in range(21) if schedule.due(step).save] == [4, 8, 10, 12, 16, 20]


def test_every_tenth_validation_is_full_and_so_is_the_last() -> None:
    schedule = replace(PLAIN, steps=215, validate=Validate(subset=100, full_every=10))
    kinds = {step: schedule.due(step).validate for step in range(216)}
    assert [step for step, kind in kinds.items() if kind == "full"] == [100, 200, 215]
    assert kinds[10] == kinds[110] == "subset"


@given(st.integers(0, 9), st.integers(0, 4), st.integers(1, 60))
def test_validations_are_counted_as_they_come(every_steps: int, every_epochs: int, step: int) -> None:
    schedule = replace(
        PLAIN, validate=Validate(subset=1, full_every=3, every_steps=every_steps, every_epochs=every_epochs)
    )
    there = [each for each in range(1, step + 1) if schedule.due(each).validate]
    fulls = [each for each in there if schedule.due(each).validate == "full"]
    assert fulls == there[2::3]

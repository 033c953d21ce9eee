"""What stands in a record, and which of it can be drawn."""

from dataclasses import fields, replace
from math import inf, nan

from tests.trainer.watch.figures import IDLE, figures, measured
from trainer.metrics.machine import SystemStats
from trainer.metrics.records import CLOCK_FIELDS, event_record, scalars, step_record, validation_record


def test_a_record_has_the_fields_that_are_promised() -> None:
    assert set(step_record(measured(), IDLE, 1.0)) == {
        *(
            "kind",
            "step",
            "epoch",
            "loss",
            "terms",
            "lr",
            "grad_norm",
            "skipped",
            "scale",
            "samples_per_second",
            "seconds",
        ),
        *("data_wait", "waits", "memory_mb", "gpu_utilisation", "io_wait", "disk_mb_per_second", "eta_seconds"),
    }


def test_without_the_clock_two_equal_runs_record_the_same() -> None:
    one = step_record(measured(seconds=1.0, waits=(0.1,), samples=640), IDLE, 1.0)
    busy = SystemStats(**dict.fromkeys((each.name for each in fields(SystemStats)), 0.5))
    other = step_record(measured(seconds=2.0, waits=(0.3,), samples=320), busy, 9.0)
    differing = {name for name in one if one[name] != other[name]}
    assert differing == CLOCK_FIELDS - {"time"}


def test_figures_cannot_change_what_a_record_is_of() -> None:
    record = validation_record(7, "full", {**figures(), "step": 3})
    assert (record["kind"], record["step"]) == ("full", 7)


def test_curves_have_the_names_of_their_figures() -> None:
    drawn = scalars(validation_record(7, "full", figures()))
    assert drawn == {
        "full/eer": 0.018,
        "full/tar/0.01": 0.971,
        "full/tar/0.001": 0.93,
        "full/mated": 2800.0,
        "full/non_mated": 300_000.0,
    }
    assert scalars(step_record(measured(), IDLE, 1.0))["train/loss"] == 2.317


def test_what_is_no_number_is_not_drawn() -> None:
    drawn = scalars(step_record(replace(measured(), loss=nan, grad_norm=inf), IDLE, None))
    assert not {"train/loss", "train/grad_norm", "train/scale", "train/eta_seconds", "train/waits"} & set(drawn)
    assert scalars(event_record("started", {"step": 3})) == {}

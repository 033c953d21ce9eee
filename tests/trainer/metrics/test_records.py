"""`metrics.jsonl` over kills, resumes and full disks."""

import json
from dataclasses import fields, replace
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trainer.metrics.figures import IDLE, figures, measured
from trainer.errors import NoSpace
from trainer.metrics.machine import SystemStats
from trainer.metrics.records import (
    CLOCK_FIELDS,
    METRICS_FILE,
    JsonLines,
    event_record,
    read_records,
    scalars,
    step_record,
    validation_record,
)


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


def written(path: Path, *told: dict[str, Any]) -> None:
    lines = JsonLines(path)
    for each in told:
        lines.write(each)
    lines.close()


def step(number: int, **other: object) -> dict[str, Any]:
    return {"kind": "step", "step": number, **other}


def test_a_record_is_there_at_once(tmp_path: Path) -> None:
    lines = JsonLines(tmp_path / "new" / METRICS_FILE)
    lines.write(step(1))
    assert read_records(tmp_path / "new" / METRICS_FILE) == [step(1)]
    lines.close()


def test_without_a_file_there_are_none(tmp_path: Path) -> None:
    assert read_records(tmp_path / METRICS_FILE) == []


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_read_back_as_the_same_bits(value: float) -> None:
    line = json.dumps({"loss": value})
    assert json.loads(line)["loss"].hex() == value.hex()


def test_what_is_no_number_becomes_null_and_other_programs_can_read_it(tmp_path: Path) -> None:
    written(tmp_path / METRICS_FILE, step(1, grad_norm=float("inf"), tar={0.01: float("nan")}, folder=tmp_path))
    told = json.loads((tmp_path / METRICS_FILE).read_text(), parse_constant=pytest.fail)
    assert told == step(1, grad_norm=None, tar={"0.01": None}, folder=str(tmp_path))


@pytest.mark.parametrize("length", range(1, len('{"kind": "step", "step": 3}\n')))
def test_half_a_line_is_passed_over_and_the_next_one_begins_anew(tmp_path: Path, length: int) -> None:
    path = tmp_path / METRICS_FILE
    written(path, step(1), step(2), step(3))
    whole = path.read_bytes()
    path.write_bytes(whole[:-length])
    kept = [step(1), step(2), step(3)] if length == 1 else [step(1), step(2)]
    assert read_records(path) == kept
    written(path, step(4))
    assert read_records(path) == [*kept, step(4)]


def test_a_resumed_run_keeps_what_its_checkpoint_knows(tmp_path: Path) -> None:
    path = tmp_path / METRICS_FILE
    event = {"kind": "event", "name": "ended", "why": "it was asked to stop"}
    written(path, step(10), {"kind": "full", "step": 10, "eer": 0.2}, event, step(20), step(30))
    path.write_bytes(path.read_bytes() + b'{"kind": "step", "st')
    lines = JsonLines(path)
    lines.keep_up_to(20)
    assert path.read_text().count("\n") == 4
    lines.write(step(30, again=True))
    lines.close()
    assert [each.get("step") for each in read_records(path)] == [10, 10, None, 20, 30]
    assert read_records(path)[-1] == step(30, again=True)


def test_kept_lines_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / METRICS_FILE
    kept = b'{"kind":"step",  "step":1, "loss":0.10000000000000001}\n'
    path.write_bytes(kept + b'{"kind": "step", "step": 2}\n')
    JsonLines(path).keep_up_to(1)
    assert path.read_bytes() == kept


def test_it_appears_whole_by_publication(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill in the middle of a resume leaves the old file."""
    path = tmp_path / METRICS_FILE
    written(path, step(1), step(2))
    before = path.read_bytes()

    def killed(_: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("trainer.metrics.records.publish", killed)
    with pytest.raises(KeyboardInterrupt):
        JsonLines(path).keep_up_to(1)
    assert path.read_bytes() == before


def test_nothing_to_drop_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / METRICS_FILE
    written(path, step(1))
    before = path.stat()
    JsonLines(path).keep_up_to(1)
    assert path.stat().st_ino == before.st_ino
    JsonLines(tmp_path / "none").keep_up_to(5)
    assert not (tmp_path / "none").exists()


def test_a_validation_that_is_done_again_is_not_recorded_twice(tmp_path: Path) -> None:
    """The subset was judged, then the run was stopped in the full validation that it asked for."""
    path = tmp_path / METRICS_FILE
    subset, full = {"kind": "subset", "step": 20, "eer": 0.2}, {"kind": "full", "step": 20, "eer": 0.3}
    written(path, step(20), subset)
    lines = JsonLines(path)
    lines.keep_up_to(20)
    lines.write(subset)
    lines.write(full)
    lines.close()
    assert read_records(path) == [step(20), subset, full]


def test_lines_of_others_are_no_records(tmp_path: Path) -> None:
    (tmp_path / METRICS_FILE).write_bytes(b'12\n["a"]\n{"no": "kind"}\n\xff\n{"kind": "step", "step": 1}\n')
    assert read_records(tmp_path / METRICS_FILE) == [step(1)]


def test_a_full_disk_ends_the_run_with_a_sentence() -> None:
    lines = JsonLines(Path("/dev/full"))
    with pytest.raises(NoSpace, match=r"/dev/full: No space left on device, .* goes on from the last checkpoint"):
        lines.write(step(1))
    lines.close()

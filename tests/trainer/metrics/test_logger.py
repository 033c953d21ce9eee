"""A run folder driven by hand: begun, killed, resumed, and what the console said meanwhile."""

import io
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # type: ignore[import-untyped]

from shardkit import ShardkitError
from tests.trainer.metrics.figures import figures, measured
from trainer.config.schema import Log
from trainer.metrics import logger
from trainer.metrics.logger import TENSORBOARD_FOLDER, MetricsLogger, Sinks
from trainer.metrics.records import CLOCK_FIELDS, METRICS_FILE, read_records

BOTH = Log(tensorboard=True, wandb=True)

RECORD = {"kind": "step", "step": 10, "loss": 2.5}

Told = list[tuple[int, dict[str, float]]]


class Kept:
    """A sink that remembers, and fails when it is asked to."""

    def __init__(self, fails: str = "") -> None:
        self.fails, self.told, self.behind, self.closed = fails, Told(), -1, 0

    def __call__(self, _: Path, behind: int) -> "Kept":
        self._maybe("open")
        self.behind = behind
        return self

    def write(self, step: int, scalars: Mapping[str, float]) -> None:
        self._maybe("write")
        self.told.append((step, dict(scalars)))

    def close(self) -> None:
        self._maybe("close")
        self.closed += 1

    def _maybe(self, when: str) -> None:
        if self.fails == when:
            raise RuntimeError(f"cannot {when}")


@pytest.fixture
def said() -> list[str]:
    return []


def two(monkeypatch: pytest.MonkeyPatch, one: Kept, other: Kept) -> None:
    monkeypatch.setattr(logger, "SINKS", {"tensorboard": one, "wandb": other})


@pytest.mark.parametrize("fails", ["open", "write", "close"])
def test_one_that_fails_is_told_once_and_the_other_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: list[str], fails: str
) -> None:
    bad, good = Kept(fails), Kept()
    two(monkeypatch, bad, good)
    found = Sinks(tmp_path, BOTH, said.append)
    found.write(RECORD)
    found.write({**RECORD, "step": 20})
    found.close()
    assert good.told == [(10, {"train/loss": 2.5}), (20, {"train/loss": 2.5})]
    assert good.closed == 1
    assert len(said) == 1
    assert f"log.tensorboard failed and is left out from now on (RuntimeError: cannot {fails})" in said[0]


def test_only_who_is_asked_for_hears_of_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: list[str]) -> None:
    one, other = Kept(), Kept()
    two(monkeypatch, one, other)
    found = Sinks(tmp_path, Log(tensorboard=False, wandb=True), said.append)
    found.resume(7)
    found.write(RECORD)
    found.write({"kind": "event", "name": "ended"})
    found.close()
    found.close()
    assert one.told == []
    assert (len(other.told), other.behind, other.closed) == (1, 7, 1)


def test_a_missing_one_is_told_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: list[str]
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    found = Sinks(tmp_path, Log(tensorboard=False, wandb=True), said.append)
    found.write(RECORD)
    found.write(RECORD)
    assert len(said) == 1
    assert said[0].startswith("log.wandb is asked for and cannot be imported here")
    assert "`pip install wandb`, or set log.wandb = false" in said[0]


def test_weights_and_biases_stay_offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: list[str]) -> None:
    asked: dict[str, Any] = {}
    logged: list[dict[str, float]] = []
    run = SimpleNamespace(
        define_metric=lambda name, step_metric: asked.update(axis=(name, step_metric)),
        log=logged.append,
        finish=lambda: asked.update(finished=True),
    )
    library = ModuleType("wandb")

    def init(**options: object) -> SimpleNamespace:
        asked.update(options)
        return run

    vars(library).update(init=init, Settings=dict)
    monkeypatch.setitem(sys.modules, "wandb", library)
    found = Sinks(tmp_path / "first", Log(tensorboard=False, wandb=True), said.append)
    found.write(RECORD)
    found.close()
    assert said == []
    assert (asked["mode"], asked["dir"], asked["group"]) == ("offline", str(tmp_path / "first"), "first")
    assert asked["axis"] == ("*", "step")
    assert asked["finished"]
    assert logged == [{"step": 10, "train/loss": 2.5}]


def wrote(folder: Path, behind: int, losses: dict[int, float]) -> None:
    watch = MetricsLogger(folder, Log(tensorboard=True), talk=io.StringIO())
    watch.resume(behind)
    for step, loss in losses.items():
        watch.record(measured(step, loss=loss))
    watch.validated(max(losses), "full", figures(0.05))
    watch.close()


def test_killed_and_resumed(tmp_path: Path) -> None:
    wrote(tmp_path, 0, {10: 5.0, 20: 4.0, 30: 3.5})
    wrote(tmp_path, 20, {30: 3.0, 40: 2.0})
    read = EventAccumulator(str(tmp_path / TENSORBOARD_FOLDER))
    read.Reload()
    losses = [(each.step, each.value) for each in read.Scalars("train/loss")]
    assert losses == [(10, 5.0), (20, 4.0), (30, 3.0), (40, 2.0)]
    assert [each.step for each in read.Scalars("full/eer")] == [40]
    assert "full/tar/0.01" in read.Tags()["scalars"]


QUIET = Log(tensorboard=False)


class Broken(io.StringIO):
    """A pipe that nobody reads any more."""

    asked = 0

    def write(self, _: str) -> int:
        self.asked += 1
        raise BrokenPipeError


def told(folder: Path) -> list[dict[str, object]]:
    """What is compared of two runs."""
    return [
        {name: value for name, value in each.items() if name not in CLOCK_FIELDS}
        for each in read_records(folder / METRICS_FILE)
        if each["kind"] != "event"
    ]


def ran(folder: Path, begun: int, last: int, *, slow: float = 1.0) -> None:
    watch = MetricsLogger(folder, QUIET, talk=io.StringIO())
    watch.resume(begun)
    watch.event("resumed" if begun else "started", step=begun, versions={"torch": "2.13.0"})
    for step in range(begun + 1, last + 1):
        watch.record(measured(step, loss=1 / step, lr=0.1 / step, seconds=slow, waits=(slow / 100,)))
        if step % 4 == 0:
            watch.validated(step, "full", figures(1 / step))
            watch.saved(step, 0.1 * slow, 1000)
    watch.close()


def test_killed_and_resumed_it_has_the_records_of_a_straight_run(tmp_path: Path) -> None:
    ran(tmp_path / "straight", 0, 12)
    ran(tmp_path / "killed", 0, 10, slow=3.0)
    with (tmp_path / "killed" / METRICS_FILE).open("ab") as file:
        file.write(b'{"kind": "step", "step": 11, "lo')
    ran(tmp_path / "killed", 8, 12, slow=2.0)
    assert told(tmp_path / "killed") == told(tmp_path / "straight")
    assert len(told(tmp_path / "straight")) == 15


def test_events_of_every_start_are_kept(tmp_path: Path) -> None:
    ran(tmp_path, 0, 6)
    ran(tmp_path, 4, 8)
    events = [(each["name"], each["step"]) for each in read_records(tmp_path / METRICS_FILE) if each["kind"] == "event"]
    assert events == [("started", 0), ("saved", 4), ("resumed", 4), ("saved", 8)]


def test_a_record_tells_everything_and_the_time(tmp_path: Path) -> None:
    watch = MetricsLogger(tmp_path, QUIET, talk=io.StringIO())
    watch.record(measured(10, steps=20, seconds=2.0, elapsed=2.0, waits=(0.1, 0.5)))
    watch.close()
    (record,) = read_records(tmp_path / METRICS_FILE)
    assert record["data_wait"] == 0.25
    assert record["waits"] == [0.1, 0.5]
    assert record["eta_seconds"] == 2.0
    assert record["memory_mb"] > 10
    assert record["time"] > 1.7e9


def test_time_left_is_counted_from_where_the_run_was_taken_up(tmp_path: Path) -> None:
    watch = MetricsLogger(tmp_path, QUIET, talk=io.StringIO())
    watch.resume(90)
    watch.record(measured(95, steps=100, elapsed=10.0))
    watch.close()
    assert read_records(tmp_path / METRICS_FILE)[0]["eta_seconds"] == 10.0


def test_the_verdict_is_told_behind_its_record(tmp_path: Path) -> None:
    talk = io.StringIO()
    watch = MetricsLogger(tmp_path, QUIET, talk=talk)
    said = []
    for step, wait in enumerate([0.5, 0.6, 0.6, 0.1, 0.4]):
        watch.record(measured(step, seconds=1.0, waits=(wait,)))
        said.append(talk.getvalue().count("The data is the bottleneck"))
    watch.close()
    assert said == [0, 1, 1, 1, 2]


def test_words_for_people_are_no_records(tmp_path: Path) -> None:
    talk = io.StringIO()
    watch = MetricsLogger(tmp_path, QUIET, talk=talk)
    watch.say("Good morning.")
    watch.saved(1200, 0.4, 3_400_000)
    watch.close()
    assert talk.getvalue() == "Good morning.\nsaved step 1,200: 3.4 MB, written in 0 s\n"
    assert [each["name"] for each in read_records(tmp_path / METRICS_FILE)] == ["saved"]


def test_a_console_that_went_away_ends_no_run(tmp_path: Path) -> None:
    closed, broken = io.StringIO(), Broken()
    closed.close()
    for name, talk in (("closed", closed), ("broken", broken)):
        watch = MetricsLogger(tmp_path / name, QUIET, talk=talk)
        watch.record(measured(1))
        watch.record(measured(2))
        watch.close()
        assert len(read_records(tmp_path / name / METRICS_FILE)) == 2
    assert broken.asked == 1


def test_records_that_cannot_be_written_end_it(tmp_path: Path) -> None:
    (tmp_path / METRICS_FILE).mkdir()
    watch = MetricsLogger(tmp_path, QUIET, talk=io.StringIO())
    with pytest.raises(ShardkitError, match=METRICS_FILE):
        watch.record(measured(1))


def test_two_threads_speak_one_after_the_other(tmp_path: Path) -> None:
    """The one that writes checkpoints tells of them itself."""
    watch = MetricsLogger(tmp_path, QUIET, talk=io.StringIO())

    def speak(start: int) -> None:
        for step in range(start, start + 200):
            watch.saved(step, 0.0, 1)

    threads = [threading.Thread(target=speak, args=(start,)) for start in (0, 1000)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    watch.close()
    assert len((tmp_path / METRICS_FILE).read_text().splitlines()) == len(read_records(tmp_path / METRICS_FILE)) == 400

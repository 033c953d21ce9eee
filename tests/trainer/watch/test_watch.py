"""A run folder driven by hand: begun, killed, resumed, and what the console said meanwhile."""

import io
import threading
from pathlib import Path

import pytest

from shardkit import ShardkitError
from tests.trainer.watch.figures import figures, measured
from trainer.config.schema import Log
from trainer.metrics.logger import MetricsLogger
from trainer.metrics.records import CLOCK_FIELDS, METRICS_FILE, read_records

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

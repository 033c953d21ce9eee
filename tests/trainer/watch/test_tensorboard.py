"""TensorBoard reads with its own reader what a killed and resumed run wrote: each step once."""

import io
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # type: ignore[import-untyped]  # it has no types

from tests.trainer.watch.figures import figures, measured
from trainer.config.schema import Log
from trainer.metrics.logger import TENSORBOARD_FOLDER, MetricsLogger


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

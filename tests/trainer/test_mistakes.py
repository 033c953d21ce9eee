"""The first eight mistakes of the users' own guides (FEATURES), each as near to a run as it can be seen."""

import json
import signal
import time
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import shardkit
from shardkit import StreamingDataset
from tests.trainer.jobs import arguments, finish, metrics, start, state, steps
from tests.trainer.ranks import Ranks
from tests.trainer.test_never_lost import assert_same_run
from trainer.__main__ import main
from trainer.augment.pipeline import Augmentation
from trainer.build import build_network, build_state
from trainer.checkpoint.store import find_latest, load_tensors
from trainer.checkpoint.writer import CheckpointWriter
from trainer.config import schema
from trainer.config.checks import check_config
from trainer.config.schema import Amp, Config, Data, Model
from trainer.data import BatchLoader, InputShape
from trainer.distributed.world import World
from trainer.errors import UsageError
from trainer.evaluation.embedding import verify_split
from trainer.evaluation.verification import Verification
from trainer.network import Network
from trainer.train_step import TrainStep

CPU = torch.device("cpu")
SEEN = InputShape(1, (32, 32))
ALONE = World(0, 1, CPU)


def test_1_rotation_keeps_the_newest_by_number_and_not_by_name(data: Path, tmp_path: Path) -> None:
    """Sorted by name, step 9 is newer than step 10, and from there on the newest went."""
    often: dict[str, object] = {"checkpoint.every_steps": 1, "checkpoint.keep": 3}
    assert main(arguments(data, tmp_path / "run", **often)) == 0
    best = json.loads((tmp_path / "run" / "checkpoints" / "best.json").read_text())["step"]
    assert set(steps(tmp_path / "run")) == {10, 11, 12, best}


@pytest.mark.parametrize("size", [2, 5, 7, 8, 20, 1000])
def test_2_a_subset_is_never_empty_and_has_every_subject_where_they_fit(data: Path, size: int) -> None:
    """10,000 // 20,000 samples of each subject were none."""
    whole = shardkit.open(data).splits["val"]
    feed = BatchLoader(Data(str(data), global_batch=16, micro_batch=4), "val", ALONE, subset=size, judging=True)
    labels = torch.cat([each.labels[each.numbers >= 0] for row in feed.epoch() for each in row.micro_batches])
    assert len(labels) == min(size, whole.samples) > 0
    assert len(set(labels.tolist())) == min(size, whole.subjects)


def verdict(data: Path, world: World, network: Network) -> tuple[Verification, int]:
    """What a rank says of a split, and how many pictures it looked at."""
    own = list[int]()
    network.backbone.register_forward_hook(lambda _, images, __: own.append(len(images[0])))
    feed = BatchLoader(Data(str(data), global_batch=16, micro_batch=4), "train", world, judging=True)
    augment = Augmentation(schema.Augment(ridge_period=0), 0)
    found = verify_split(network, feed, augment, world, (0.1,), lambda: True)
    assert found
    return found, sum(own)


@pytest.mark.parametrize("size", [2, 4])
def test_3_every_rank_validates_its_share_and_the_figures_are_the_same(data: Path, size: int) -> None:
    """On rank 0 alone it took so long that the other ranks gave up waiting."""
    network = build_network(Config(model=Model(width=0.25, embedding=16), amp=Amp("off")), 17, SEEN, ALONE)
    alone, whole = verdict(data, ALONE, deepcopy(network))
    together = Ranks(size).each(lambda world: verdict(data, world, deepcopy(network)))
    assert [found.as_json() for found, _ in together] == [alone.as_json()] * size
    assert [share for _, share in together] == [whole // size] * size


def test_4_a_start_for_each_epoch_forgets_nothing(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience, optimiser, averages and the stream go on, however often the process is started anew."""
    options: dict[str, object] = {"checkpoint.every_steps": 0, "validate.patience": 2}
    assert main(arguments(data, tmp_path / "straight", **options)) == 0
    own: Any = TrainStep.__call__

    def stopped(self: TrainStep, *words: Any) -> Any:  # noqa: ANN401 - as it was called
        if self._state.progress.step in {3, 7}:
            signal.raise_signal(signal.SIGTERM)
        return own(self, *words)

    monkeypatch.setattr(TrainStep, "__call__", stopped)
    assert [main(arguments(data, tmp_path / "run", **options)) for _ in range(3)] == [143, 143, 0]
    assert_same_run(tmp_path / "run", tmp_path / "straight")


def test_5_the_scale_of_fp16_is_part_of_a_checkpoint(tmp_path: Path) -> None:
    """Made anew at each epoch, it began each with overflows."""
    config = Config(model=Model(width=0.25, embedding=8), amp=Amp("fp16", init_scale=1024.0, growth_interval=100))
    before, after = (build_state(config, build_network(config, 3, SEEN, ALONE), ALONE) for _ in range(2))
    assert before.scaler
    assert after.scaler
    for finite in (True, False, False, True, True):
        before.scaler.update(finite)
    writer = CheckpointWriter(tmp_path, 3)
    writer.save(5, before.tensors(leads=True), before.facts())
    writer.close()

    assert state(tmp_path, 5)["scaler"] == {"scale": 256.0, "clean": 2}
    there = find_latest(tmp_path, pytest.fail)
    assert there
    after.load(load_tensors(there.folder), there.state)
    assert after.scaler == before.scaler
    assert (after.scaler.scale, after.scaler.interval) == (256.0, 100)


def test_6_the_wait_is_measured_from_before_the_batch_is_asked_for(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begun when the batch was there, a clock measures how it is copied."""
    own: Any = StreamingDataset.__iter__

    def slow(stream: StreamingDataset) -> Iterator[Any]:
        for batch in own(stream):
            time.sleep(0.05)
            yield batch

    monkeypatch.setattr(StreamingDataset, "__iter__", slow)
    waits = [row.waited for row in BatchLoader(Data(str(data), global_batch=16, micro_batch=4), "train", ALONE).epoch()]
    assert len(waits) == 4
    assert min(waits) >= 0.05


@given(st.integers(1, 16), st.integers(1, 64), st.integers(1, 1024))
def test_7_no_window_of_accumulation_is_ever_partial(ranks: int, micro_batch: int, global_batch: int) -> None:
    """The last one was dropped, or applied with the wrong weight: here none can be begun."""
    config = Config(data=Data("packed", global_batch=global_batch, micro_batch=micro_batch))
    try:
        check_config(config, ranks, "cpu")
    except UsageError:
        assert global_batch % (ranks * micro_batch)
    else:
        assert global_batch // micro_batch // ranks * micro_batch * ranks == global_batch


def test_7_every_row_of_an_epoch_is_a_whole_one(data: Path) -> None:
    """Of 68 samples 4 rows of 16: what is left over is served in other epochs, and no row has it."""
    for size in (1, 2, 4):
        feed = BatchLoader(Data(str(data), global_batch=16, micro_batch=4), "train", World(0, size, CPU))
        shapes = [[len(each.labels) for each in row.micro_batches] for row in feed.epoch()]
        assert shapes == [[4] * (4 // size)] * 4


def test_8_nothing_drifts_apart_between_ranks(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Centres did. Here it is seen of what exists, behind twelve steps of two real ranks: weights, running statistics,
    averages and counters. And mistake 3 once more: each of them judged its half.
    """
    monkeypatch.setenv("TRAINER_DIGESTS", str(tmp_path))
    ended = finish(start(2, arguments(data, tmp_path / "run"), module="digests"))
    assert ended.code == 0, ended.said
    one, other = (json.loads((tmp_path / f"rank-{rank}.json").read_text()) for rank in range(2))
    assert one == other
    assert any("running_mean" in each for each in one["names"])
    assert one["progress"]["step"] == 12

    validations = sum("eer" in each for each in metrics(tmp_path / "run"))
    assert one["judged"] == validations * 32 / 2  # 28 samples in two rows of 16

"""Every switch runs, and what it leaves in a checkpoint goes on; those that only trade memory change no bit."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
import torch

import shardkit
from tests.trainer.conftest import Straight
from tests.trainer.jobs import arguments, job, metrics, steps, tensors
from tests.trainer.test_never_lost import assert_same_run
from trainer.__main__ import main
from trainer.metrics.records import CLOCK_FIELDS

Options = dict[str, object]
SHORT: Options = {"run.steps": 4, "optim.schedule": "constant", "validate.every_steps": 2}


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """Some switches are those of the whole process."""
    before = torch.are_deterministic_algorithms_enabled()
    with mock.patch.dict(os.environ):
        yield
    if torch.are_deterministic_algorithms_enabled() != before:
        torch.use_deterministic_algorithms(before)


def weights(data: Path, folder: Path, **options: object) -> dict[str, torch.Tensor]:
    assert main(arguments(data, folder, **{**SHORT, **options})) == 0
    return tensors(folder, 4)


def forget(folder: Path, *gone: int) -> None:
    for step in gone:
        shutil.rmtree(folder / "checkpoints" / f"step-{step:010d}")


def different(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> list[str]:
    assert one.keys() == other.keys()
    return [name for name in one if not torch.equal(one[name], other[name])]


@pytest.mark.parametrize(
    "options",
    [
        {"system.activation_checkpoint": "true", "amp.dtype": "bf16"},
        {"system.activation_offload": "true", "ema.decay": 0},
        {"system.deterministic": "true"},
        {"optim.name": "sgd", "optim.scale": "sqrt"},
        {"optim.name": "adam", "optim.clip": 0, "head.name": "softmax", "loss.label_smoothing": 0.1},
        {"data.sampler": "pk", "data.impressions_per_subject": 2},
        {"data.sampler": "pairs", "data.cache_validation": "false"},
        {"data.sampler": "balanced", "data.color": "rgb"},
        {"augment.enhance": "gabor", "augment.ridge_period": 9},
    ],
    ids=lambda options: " ".join(str(each).rpartition(".")[2] for each in options),
)
def test_it_runs_and_goes_on(data: Path, tmp_path: Path, options: Options) -> None:
    straight = weights(data, tmp_path, **options)
    records = metrics(tmp_path, *CLOCK_FIELDS)
    forget(tmp_path, 4)
    assert steps(tmp_path) == [2]
    assert different(weights(data, tmp_path, **options), straight) == []
    assert metrics(tmp_path, *CLOCK_FIELDS) == records
    assert all(each.isfinite().all() for each in straight.values())


@pytest.mark.parametrize("switch", ["activation_checkpoint", "activation_offload", "deterministic"])
def test_what_trades_memory_or_speed_changes_no_bit(data: Path, tmp_path: Path, switch: str) -> None:
    without = weights(data, tmp_path / "without")
    with_it = weights(data, tmp_path / "with", **{f"system.{switch}": "true"})
    assert different(without, with_it) == []


@pytest.mark.parametrize(
    "options",
    [
        {"amp.dtype": "bf16"},
        {"data.color": "rgb"},
        {"data.sampler": "pairs"},
        {"optim.name": "adam"},
        {"augment.enabled": "false"},
        {"model.dropout": 0},
    ],
    ids=str,
)
def test_what_is_meant_to_matter_does(data: Path, tmp_path: Path, options: Options) -> None:
    """So the switch is connected: the same run without it has other weights."""
    without, with_it = weights(data, tmp_path / "without"), weights(data, tmp_path / "with", **options)
    assert "model/backbone.embed.weight" in different(without, {**without, **with_it})


def test_a_cpu_multiplies_in_full_precision_whatever_was_allowed(data: Path, tmp_path: Path) -> None:
    """Behind the first validation oneDNN was allowed TF32, and before it was not: a resume had other bits."""
    torch.set_float32_matmul_precision("high")
    weights(data, tmp_path)
    assert torch.get_float32_matmul_precision() == "highest"


def test_color_is_what_the_network_sees(data: Path, tmp_path: Path) -> None:
    assert weights(data, tmp_path, **{"data.color": "rgb"})["model/backbone.stem.weight"].shape[1] == 3


def test_a_damaged_sample_is_told_and_replaced(
    data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    hurt, key = damaged(data, tmp_path / "hurt")
    whole: Options = {"run.steps": 12, "run.epochs": 3}
    assert main(arguments(hurt, tmp_path / "raised", **whole)) != 0
    assert key in " ".join(capsys.readouterr().err.split())

    assert main(arguments(hurt, tmp_path / "run", **whole, **{"data.on_bad": "substitute"})) == 0
    assert steps(tmp_path / "run")[-1] == 12
    assert [each for each in caplog.messages if each.startswith(f"{key} is bad and ")]


def damaged(data: Path, folder: Path) -> tuple[Path, str]:
    """A copy, in which a bit of one training sample's pixels has turned over; and that sample's key."""
    shutil.copytree(data, folder)
    dataset = shardkit.open(folder)
    shard = dataset["train"].shards[0]
    sample = dataset.samples(shard)[0]
    with (folder / shard.name).open("r+b") as tar:
        tar.seek(sample.image.offset + sample.image.size - 1)
        [byte] = tar.read(1)
        tar.seek(-1, os.SEEK_CUR)
        tar.write(bytes([byte ^ 1]))
    return folder, sample.key


def test_a_sharded_optimiser_changes_no_bit_and_can_be_put_together_again(
    data: Path, tmp_path: Path, straight: Straight
) -> None:
    """Killed and taken up on two ranks it ends as a whole one does; and one rank goes on from what they saved."""
    words = arguments(data, tmp_path / "run", **{"optim.sharded": "true"})
    ended = job(2, words, f"kill rank=1 step=7 once={tmp_path / 'fired'}", restarts=1)
    assert ended.code == 0, ended.said
    assert (tmp_path / "fired").exists()
    assert_same_run(tmp_path / "run", straight(2))

    together = tensors(tmp_path / "run", 12)
    forget(tmp_path / "run", 12)
    assert main(words) == 0
    alone = tensors(tmp_path / "run", 12)
    assert alone.keys() == together.keys()
    for name, each in together.items():
        torch.testing.assert_close(alone[name], each, atol=1e-2, rtol=1e-2)


@pytest.mark.campaign
@pytest.mark.filterwarnings("ignore")
def test_a_compiled_network_goes_on_under_its_own_names(data: Path, tmp_path: Path) -> None:
    """Long, for it needs a compiler and takes its time."""
    compiled: Options = {"system.compile": "true"}
    straight = weights(data, tmp_path / "compiled", **compiled)
    assert straight.keys() == weights(data, tmp_path / "plain").keys()
    forget(tmp_path / "compiled", 4)
    assert different(weights(data, tmp_path / "compiled", **compiled), straight) == []

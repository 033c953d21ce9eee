"""`trainer replay`: the step that was, its pictures, and the sample behind a NaN; the run stays as it is."""

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import shardkit
from tests.trainer.cli.said import said
from tests.trainer.jobs import metrics
from trainer.augment.pipeline import Augmentation
from trainer.cli.replay import render_sheet
from trainer.models.layers import Features
from trainer.network import Network
from trainer.train_step import TrainStep

BEFORE = {1: 0, 5: 4, 12: 10}
"""Steps, and the checkpoint that each is reached from."""


def facts(run: Path, step: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "replay" / f"step-{step:010d}" / "step.json").read_text())
    return found


@pytest.mark.parametrize("step", BEFORE)
def test_its_figures_are_those_of_the_run(run: Path, step: int, capsys: pytest.CaptureFixture[str]) -> None:
    before = {each: each.stat().st_mtime_ns for each in (run / "checkpoints").rglob("*")}
    text = said(capsys, "replay", run, step)
    (recorded,) = (each for each in metrics(run) if each["kind"] == "step" and each["step"] == step)
    assert facts(run, step)["loss"] == recorded["loss"]
    assert facts(run, step)["norm"] == recorded["grad_norm"]
    assert f"Step {step}: loss {recorded['loss']:.6g}, gradients {recorded['grad_norm']:.6g}." in text
    assert ("steps are done again first" in text) == (step - 1 > BEFORE[step])
    assert {each: each.stat().st_mtime_ns for each in (run / "checkpoints").rglob("*")} == before


def test_losses_and_gradients_add_up(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "replay", run, 3)
    found = facts(run, 3)
    assert np.mean([each["loss"] for each in found["samples"]]) == pytest.approx(found["loss"], rel=1e-5)
    assert np.linalg.norm(list(found["gradients"].values())) == pytest.approx(found["norm"], rel=1e-5)
    assert len({each["key"] for each in found["samples"]}) == 16


def test_its_pictures_are_a_png_of_one_row(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "replay", run, 3)
    sheet = cv2.imread(str(run / "replay" / "step-0000000003" / "images.png"), cv2.IMREAD_UNCHANGED)
    assert sheet is not None
    assert sheet.shape == (4 * 34, 4 * 34)  # 16 pictures of 32 x 32, each with a gap of 2
    cells = sheet.reshape(4, 34, 4, 34).transpose(0, 2, 1, 3)[:, :, :32, :32].reshape(16, -1)
    assert (cells.min(1) == 0).all()
    assert (cells.max(1) == 255).all()


def _seventh(run: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> tuple[str, int]:
    """Of step 3: its key and its number in the index."""
    said(capsys, "replay", run, 3)
    key = facts(run, 3)["samples"][6]["key"]
    dataset = shardkit.open(data)
    keys = [each.key for shard in dataset["train"].shards for each in dataset.samples(shard)]
    return key, keys.index(key)


def _shown_as(monkeypatch: pytest.MonkeyPatch, number: int, value: float) -> None:
    own = Augmentation.__call__

    def call(
        self: Augmentation, images: torch.Tensor, numbers: torch.Tensor, epoch: int, *, learning: bool
    ) -> torch.Tensor:
        shown = own(self, images, numbers, epoch, learning=learning)
        shown[numbers == number] = value
        return shown

    monkeypatch.setattr(Augmentation, "__call__", call)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (float("nan"), "its picture, as the network saw it, holds what is no finite number"),
        (3e38, "its picture is sound, and yet the network makes no finite loss of it"),
    ],
)
def test_the_sample_behind_a_nan_is_named(  # noqa: PLR0917 - what pytest hands in
    run: Path, data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, value: float, why: str
) -> None:
    key, number = _seventh(run, data, capsys)
    _shown_as(monkeypatch, number, value)
    text = said(capsys, "replay", run, 3)
    assert f"Behind it: {key}: {why} Greatest losses: nan" in text
    found = facts(run, 3)
    assert [each["key"] for each in found["samples"] if not each["finite"]] == [key]
    assert sum(each["loss"] is None for each in found["samples"]) == 4  # the batch norm carried it on
    assert (found["loss"], found["gradients"]) == (None, {})


def test_weights_that_are_no_numbers_are_told_from_samples(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def blind(self: Network, images: torch.Tensor) -> Features:
        return Features((own(self, images).vector * float("nan"),))

    own = Network.features
    monkeypatch.setattr(Network, "features", blind)
    assert "No sample has a finite loss, even by itself" in said(capsys, "replay", run, 3)


def test_a_folder_that_cannot_be_written_to_is_told(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = shutil.copytree(run, tmp_path / "run", ignore=shutil.ignore_patterns("replay"))
    (mine / "replay").touch()
    assert "the pictures cannot be laid down here" in said(capsys, "replay", mine, 3, code=2)


def test_gradients_that_overflow_are_told(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TrainStep, "_reduce_and_clip", lambda *_: float("inf"))
    text = said(capsys, "replay", run, 3)
    assert "gradients inf." in text
    assert "the row's loss or gradients are not finite: something overflows" in text
    assert facts(run, 3)["norm"] is None


SIDES = st.integers(1, 9)


@given(count=st.integers(1, 12), channels=st.sampled_from([1, 3]), height=SIDES, width=SIDES, seed=st.integers(0, 99))
def test_each_picture_is_in_its_place(count: int, channels: int, height: int, width: int, seed: int) -> None:
    images = torch.rand(count, channels, height, width, generator=torch.Generator().manual_seed(seed))
    whole = cv2.imdecode(np.frombuffer(render_sheet(images), np.uint8), cv2.IMREAD_UNCHANGED)
    assert whole is not None
    columns = whole.shape[1] // (width + 2)
    for number, image in enumerate(images):
        row, column = divmod(number, columns)
        found = whole[row * (height + 2) :, column * (width + 2) :][:height, :width]
        grey = image.mean(0)
        expected = (grey - grey.min()) / (grey.max() - grey.min()).clamp(min=1e-12) * 255
        assert np.abs(found - expected.numpy()).max() <= 0.5 + 1e-3


def test_what_is_no_number_is_shown_as_black() -> None:
    images = torch.full((1, 1, 4, 4), float("nan"))
    images[0, 0, 0, 0] = 1.0
    whole = cv2.imdecode(np.frombuffer(render_sheet(images), np.uint8), cv2.IMREAD_UNCHANGED)
    assert whole is not None
    assert (whole[0, 0], whole[1, 1]) == (255, 0)

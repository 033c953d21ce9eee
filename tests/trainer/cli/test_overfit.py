"""`trainer overfit`: learns by heart, or says where to look; it writes nothing."""

from pathlib import Path

import pytest
import torch

from tests.trainer.cli.said import said
from tests.trainer.jobs import arguments
from trainer.cli import overfit
from trainer.config.files import load_config


def test_one_row_is_learnt_by_heart(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "overfit", *arguments(data, tmp_path / "run"))
    assert "Learnt by heart: loss 0.0" in text
    assert not (tmp_path / "run").exists()


def test_a_rate_at_which_nothing_is_learnt_is_told_with_what_to_do(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overfit, "STEPS", 26)
    text = said(capsys, "overfit", *arguments(data, tmp_path / "run", **{"optim.base_lr": 1e-9}), code=1)
    assert "step 1 loss" in text
    assert "step 25 loss" in text
    assert "after 26 steps on one row of the same samples, at learning rate 2.5e-10 (classes 1" in text
    assert "Look, in this order, at:" in text
    order = ["optim.base_lr", "labels", "pictures", "model.init"]
    assert sorted(order, key=text.index) == order


def test_labels_that_say_nothing_are_not_learnt(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One picture under two names: no wiring brings that to nearly 0."""
    alike = torch.nn.functional.cross_entropy
    monkeypatch.setattr(overfit, "STEPS", 40)
    monkeypatch.setattr(
        torch.nn.functional,
        "cross_entropy",
        lambda scores, labels, **words: (alike(scores, labels, **words) + alike(scores, 1 + labels % 2, **words)) / 2,
    )
    text = said(capsys, "overfit", *arguments(data, tmp_path / "run"), code=1)
    assert "do samples of one subject share one?" in text


def test_nothing_is_left_that_keeps_from_learning_by_heart(data: Path, tmp_path: Path) -> None:
    words = arguments(data, tmp_path, **{"loss.label_smoothing": 0.1, "optim.weight_decay": 1.0, "optim.warmup": 1.0})
    config = overfit.overfit_config(load_config(words))
    assert not config.augment.enabled
    assert (config.model.dropout, config.loss.label_smoothing, config.optim.weight_decay) == (0, 0, 0)
    assert (config.optim.schedule, config.optim.warmup) == ("constant", 0)
    assert config.data.global_batch == 16

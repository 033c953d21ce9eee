"""Another number of ranks: the same rows and draws, the gradient of a step to 1e-5, and with `exact` the same bits."""

from pathlib import Path

import pytest
import torch

from tests.trainer.conftest import Straight
from tests.trainer.jobs import arguments, job, state, tensors

LAST = 12
EXACT: dict[str, object] = {"optim.reduce": "exact", "head.name": "adaface", "loss.center": 0.125}
"""Lengths of embeddings and centres of classes move by the row, too."""
SPREAD: dict[str, object] = {**EXACT, "head.sharded": "true", "head.sampled": 0.3}
PLAIN: dict[str, object] = {
    "run.steps": 1,
    "optim.name": "sgd",
    "optim.clip": 0,
    "optim.weight_decay": 0,
    "validate.every_epochs": 0,
    "data.val": "",
}
"""After its first step the momentum of SGD is the gradient."""


@pytest.mark.parametrize("ranks", [2, pytest.param(4, marks=pytest.mark.campaign)])
def test_the_gradient_of_a_step_is_the_same_to_a_hundred_thousandth(straight: Straight, ranks: int) -> None:
    alone, together = (gradient(straight(size, **PLAIN)) for size in (1, ranks))
    assert (alone - together).norm() / alone.norm() < 1e-5
    assert (alone - together).norm() > 0  # they were summed in another order: something was compared


def gradient(folder: Path) -> torch.Tensor:
    momenta = {name: each for name, each in tensors(folder, 1).items() if name.endswith("momentum_buffer")}
    assert momenta
    return torch.cat([momenta[name].flatten().double() for name in sorted(momenta)])


@pytest.mark.parametrize("options", [SPREAD, pytest.param(EXACT, marks=pytest.mark.campaign)], ids=["spread", "whole"])
def test_summed_exactly_any_number_of_ranks_gives_one_digest(
    data: Path, tmp_path: Path, straight: Straight, options: dict[str, object]
) -> None:
    """Killed on four ranks, gone on with on two, and yet the bits of one rank; also where two own what four owned."""
    alone = straight(1, **options)
    words = arguments(data, tmp_path / "run", **options)
    assert job(4, words, "kill rank=3 step=7").code
    ended = job(2, words)
    assert ended.code == 0, ended.said
    assert "world size 4 and goes on at 2: same rows, draws and learning rates, and bits." in " ".join(
        ended.said.split()
    )

    ours, theirs = tensors(tmp_path / "run", LAST), tensors(alone, LAST)
    assert [name for name in theirs if not torch.equal(ours[name], theirs[name])] == []
    assert state(tmp_path / "run", LAST)["progress"] == state(alone, LAST)["progress"]


def test_the_stream_goes_on_where_it_was(straight: Straight) -> None:
    one, two = (state(straight(size, **PLAIN), 1)["stream"] for size in (1, 2))
    assert one == two
    assert one["order_digest"]

"""What is learnt by: terms by name, each with its weight, and none that a backbone or the data cannot serve."""

from dataclasses import replace

import pytest
import torch

from trainer.build import build_network, build_objective
from trainer.config.schema import Config, Loss
from trainer.config.settings import with_values
from trainer.data import InputShape
from trainer.distributed.world import World
from trainer.errors import UsageError
from trainer.models.layers import Features
from trainer.network import Objective, Targets

SEEN, ALONE = InputShape(1, (32, 32)), World(0, 1, torch.device("cpu"))
PARTS, LABELS = (8, 8), torch.tensor([0, 0, 1, 1, 2, 2])
WHOLE = Loss(center=0.125, minutiae_map=0.3, triplet=0.4, pairs=0.4, focal=0.2)


class Painter(torch.nn.Module):
    """As much of a backbone as an objective looks at."""

    parts, paints = PARTS, True


def objective(loss: Loss, **values: object) -> Objective:
    torch.manual_seed(0)
    return build_objective(with_values(Config(loss=loss), values), Painter(), 3, ALONE)


def seen() -> tuple[Features, Targets]:
    chance = torch.Generator().manual_seed(1)
    vectors = tuple(torch.randn(6, part, generator=chance) for part in PARTS)
    shown = torch.rand(6, 6, 128, 128, generator=chance)
    return Features(vectors, minutiae=shown), Targets(LABELS, shown + 1, torch.tensor([1, 1, 0, 0, 0, 1]).bool())


def test_each_weight_that_is_not_0_is_a_term() -> None:
    assert objective(WHOLE).names == ("classes", "center", "minutiae_map", "triplet", "pairs")
    assert objective(replace(WHOLE, center=0.0, triplet=0.0, pairs=0.0)).names == ("classes", "minutiae_map", "pairs")
    assert objective(replace(WHOLE, classes=0.0)).names[0] == "center"


@pytest.mark.parametrize(
    ("name", "term"),
    [("classes", 0), ("center", 1), ("minutiae_map", 2), ("triplet", 3)],
)
def test_a_term_goes_with_its_weight(name: str, term: int) -> None:
    once, twice = (objective(replace(WHOLE, **{name: factor * 0.3}))(*seen()) for factor in (1, 2))
    assert twice[term].item() == pytest.approx(2 * once[term].item(), rel=1e-5)
    assert torch.equal(twice[torch.arange(5) != term], once[torch.arange(5) != term])


def test_centres_lie_among_unit_vectors() -> None:
    """However long a vector is: else all would fall to 0, where centres begin."""
    features, targets = seen()
    longer = features._replace(parts=tuple(7 * part for part in features.parts))
    own = objective(WHOLE)
    assert own(longer, targets)[1].item() == pytest.approx(own(features, targets)[1].item(), rel=1e-5)


def test_pairs_and_their_focal_loss_are_one_term() -> None:
    bce, focal, both = (
        objective(Loss(minutiae_map=0.1, pairs=pairs, focal=focal))(*seen())[-1].item()
        for pairs, focal in ((0.4, 0.0), (0.0, 0.2), (0.4, 0.2))
    )
    assert both == pytest.approx(bce + focal)


def test_the_map_of_one_that_is_off_by_1_costs_its_weight() -> None:
    """Whatever those show that have no minutiae."""
    features, targets = seen()
    assert objective(WHOLE)(features, targets)[2].item() == pytest.approx(0.3, rel=1e-4)
    assert features.minutiae is not None
    features.minutiae[2:5] = 9
    assert objective(WHOLE)(features, targets)[2].item() == pytest.approx(0.3, rel=1e-4)


def test_every_part_has_a_head_and_centres_and_what_is_seen_again_is_learnt_by_the_first() -> None:
    features, targets = seen()
    own = objective(WHOLE)
    alone, again = own(features, targets), own(features._replace(again=features.parts[0]), targets)
    first = own(Features(features.parts, minutiae=features.minutiae), targets)
    assert torch.equal(alone, first)
    assert again[0] > alone[0]
    assert torch.equal(again[1:], alone[1:])
    names = set(own.state_dict())
    assert {f"classes.heads.{part}.weight" for part in range(2)} <= names
    assert {f"center.parts.{part}.centres" for part in range(2)} <= names


def test_sample_by_sample_it_is_the_mean() -> None:
    features, targets = seen()
    own = objective(Loss(minutiae_map=0.1))
    assert own.of_each(features, targets).mean().item() == pytest.approx(own(features, targets)[0].item(), rel=1e-5)


def test_names_are_guessed_without_a_margin() -> None:
    own = objective(Loss(minutiae_map=0.1), **{"head.margin": 0.9})
    features, _ = seen()
    scores = [
        torch.nn.functional.normalize(part)
        @ torch.nn.functional.normalize(own.state_dict()[f"classes.heads.{n}.weight"]).T
        for n, part in enumerate(features.parts)
    ]
    assert torch.equal(own.guessed(features), sum(scores).argmax(1))  # type: ignore[union-attr]  # a sum of tensors


def test_a_map_that_nobody_paints_is_refused() -> None:
    with pytest.raises(UsageError, match=r"which paints no map of minutiae. Set it to 0"):
        build_network(Config(loss=Loss(minutiae_map=0.3)), 3, SEEN, ALONE)
    with pytest.raises(UsageError, match=r'Set it to 0.3, as published, or take "deepprint-tex"'):
        objective(Loss())

"""From the sections [head] and [loss] to the terms that are learnt by."""

from functools import partial

from torch import nn

from trainer.augment.draws import key_of
from trainer.config.sections import Config, Loss
from trainer.errors import UsageError
from trainer.heads.dense import head
from trainer.heads.margins import margin_of
from trainer.heads.sharded import AsTold, Sharded
from trainer.losses.center import Center
from trainer.losses.classes import CrossEntropy
from trainer.losses.pairs import Pairs
from trainer.losses.triplet import Triplet
from trainer.state.objective import Classes, Objective
from trainer.state.terms import Centers, MinutiaeMap, Triplets, TwoOfOne
from trainer.step import FIRST_WEIGHTS
from trainer.world.ranks import World


def objective_of(config: Config, backbone: nn.Module, classes: int, world: World) -> Objective:
    """A term for each weight that is not 0."""
    loss, parts = config.loss, lengths_of(backbone)
    _refuse_other_map(config, backbone)
    terms: dict[str, nn.Module] = {}
    if loss.classes:
        terms["classes"] = (
            _sharded(config, parts, classes, world) if config.head.sharded else _classes(config, parts, classes)
        )
    if loss.center:
        terms["center"] = Centers([Center(classes, part, loss.center_rate) for part in parts], loss.center)
    if loss.minutiae_map:
        terms["minutiae_map"] = MinutiaeMap(loss.minutiae_map)
    if loss.triplet:
        terms["triplet"] = Triplets(Triplet(loss.triplet_margin), loss.triplet)
    if loss.pairs or loss.focal:
        terms["pairs"] = _pairs(loss, adjacent=config.data.sampler == "pairs")
    return Objective(terms)


def lengths_of(backbone: nn.Module) -> tuple[int, ...]:
    """Of its vectors."""
    parts: tuple[int, ...] = backbone.parts  # type: ignore[assignment]  # nn.Module says what its attributes may be
    return parts


def _classes(config: Config, parts: tuple[int, ...], classes: int) -> Classes:
    own = config.head
    heads = nn.ModuleList(
        head(own.name, embedding=part, classes=classes, margin=own.margin, scale=own.scale) for part in parts
    )
    return Classes(heads, CrossEntropy(config.loss.label_smoothing), config.loss.classes)


def _sharded(config: Config, parts: tuple[int, ...], classes: int, world: World) -> Classes:
    own = config.head
    heads = nn.ModuleList(
        Sharded(
            part,
            classes,
            margin_of(own.name, own.margin),
            own.scale,
            world,
            partial(key_of, config.run.seed, FIRST_WEIGHTS, place),
        )
        for place, part in enumerate(parts)
    )
    return Classes(heads, AsTold(), config.loss.classes)


def _pairs(loss: Loss, *, adjacent: bool) -> TwoOfOne:
    return TwoOfOne(Pairs(adjacent=adjacent, gamma=loss.focal_gamma), loss.pairs, loss.focal)


def _refuse_other_map(config: Config, backbone: nn.Module) -> None:
    """Who paints a map learns by it, and nobody else can."""
    paints, weight = getattr(backbone, "paints", False), config.loss.minutiae_map
    if paints and not weight:
        raise UsageError(
            f"model.name is {config.model.name!r}, which learns where minutiae are, and loss.minutiae_map is 0. Set it "
            'to 0.3, as published, or take "deepprint-tex", which needs none.'
        )
    if weight and not paints:
        raise UsageError(
            f"loss.minutiae_map is {weight:g}, and model.name is {config.model.name!r}, which paints no map of "
            'minutiae. Set it to 0, or take "deepprint-texminu".'
        )

"""From the sections [head] and [loss] to the terms that are learnt by."""

from torch import nn

from trainer.config.sections import Config
from trainer.heads.dense import head
from trainer.losses.classes import CrossEntropy
from trainer.state.objective import Classes, Objective


def objective_of(config: Config, parts: tuple[int, ...], classes: int) -> Objective:
    """`parts` are the lengths of the backbone's vectors."""
    terms: dict[str, nn.Module] = {}
    if config.loss.classes:
        terms["classes"] = _classes(config, parts, classes)
    return Objective(terms)


def _classes(config: Config, parts: tuple[int, ...], classes: int) -> Classes:
    own = config.head
    heads = nn.ModuleList(
        head(own.name, embedding=part, classes=classes, margin=own.margin, scale=own.scale) for part in parts
    )
    return Classes(heads, CrossEntropy(config.loss.label_smoothing), config.loss.classes)

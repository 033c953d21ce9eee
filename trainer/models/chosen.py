"""A backbone by its name, and what it weighs without being built."""

from collections.abc import Callable
from difflib import get_close_matches

import torch
from torch import nn

from trainer.models.small import Small

Build = Callable[[int, int, int, float], nn.Module]
BACKBONES: dict[str, Build] = {"small": Small}


def backbone(name: str, *, channels: int, width: int, embedding: int, dropout: float = 0.0) -> nn.Module:
    if name not in BACKBONES:
        near = get_close_matches(name, BACKBONES, 1)
        meant = f" Did you mean {near[0]!r}?" if near else ""
        raise LookupError(f"model.name is {name!r}, and there is {', '.join(BACKBONES)}.{meant}")
    return BACKBONES[name](channels, width, embedding, dropout)


def parameters(name: str, width: int, embedding: int, channels: int = 1) -> int:
    with torch.device("meta"):
        net = backbone(name, channels=channels, width=width, embedding=embedding)
    return sum(each.numel() for each in net.parameters())

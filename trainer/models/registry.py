"""Backbones by name, and their parameter counts without building them. Add a new backbone here."""

from collections.abc import Callable
from difflib import get_close_matches

import torch
from torch import nn

from trainer.models import deepprint
from trainer.models.convnets import Cnn, Small
from trainer.models.dcal import DualCrossAttentionViT
from trainer.models.iresnet import iresnet18, iresnet50, iresnet100
from trainer.models.layers import BackboneSpec

BACKBONES: dict[str, Callable[[BackboneSpec], nn.Module]] = {
    "small": Small,
    "cnn": Cnn,
    "iresnet18": iresnet18,
    "iresnet50": iresnet50,
    "iresnet100": iresnet100,
    "twins": DualCrossAttentionViT,
    "deepprint-tex": deepprint.tex,
    "deepprint-minu": deepprint.minu,
    "deepprint-texminu": deepprint.tex_minu,
    "deepprint-loc-tex": deepprint.loc_tex,
    "deepprint-loc-minu": deepprint.loc_minu,
    "deepprint-loc-texminu": deepprint.loc_tex_minu,
}
"""Each gives `Features`, has the lengths of its parts as `parts`, what can be computed again in `blocks`, and says by
`paints` if it learns to paint a map of minutiae."""


def make_backbone(name: str, shape: BackboneSpec) -> nn.Module:
    if name not in BACKBONES:
        near = get_close_matches(name, BACKBONES, 1)
        meant = f" Did you mean {near[0]!r}?" if near else ""
        raise LookupError(f"model.name is {name!r}, and there is {', '.join(BACKBONES)}.{meant}")
    return BACKBONES[name](shape)


def count_parameters(name: str, shape: BackboneSpec) -> int:
    with torch.device("meta"):
        net = make_backbone(name, shape)
    return sum(each.numel() for each in net.parameters())

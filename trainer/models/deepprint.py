"""DeepPrint (Engelsma, Cao and Jain, 2019): a vector of the print's texture, one of its minutiae, or both.

Texture is what is left of Inception-v4 behind its stem. Layers of minutiae are those of the public reimplementation
(Rohwedder and others, 2023); there its four convolutions follow each other with nothing between, which is one linear
filter, and here a ReLU is behind each. A localisation network in front straightens the print. The map of minutiae is
taken back to the picture as it came, since there the true minutiae lie; the reimplementation compares them as they are.
"""

from functools import partial
from itertools import chain, pairwise

import torch
from torch import nn
from torch.nn import functional

from trainer.models.chains import Chain
from trainer.models.features import Features, Shape
from trainer.models.inception import BEHIND_STEM, LEAST, STEM, A
from trainer.models.localisation import Localisation
from trainer.models.minutiae_map import Painter
from trainer.models.windows import shown, taken_back

LOOKING = Chain((A,) * 6)
"""For minutiae: no reduction, so that the maps stay as fine as the stem made them."""
SHRINKING = ((768, 1), (768, 2), (896, 1), (1024, 2))
"""Channels and stride of what makes a vector of these maps."""


class Texture(nn.Module):
    def __init__(self, inside: int, length: int, shape: Shape) -> None:
        super().__init__()
        self.blocks = BEHIND_STEM.built(inside, shape.wide)
        self.dropout = nn.Dropout(shape.dropout)
        self.embed = nn.Linear(BEHIND_STEM.outside(inside, shape.wide), length)

    def forward(self, maps: torch.Tensor) -> Features:
        return Features((unit(self.embed(self.dropout(self.blocks(maps).mean((2, 3))))),))


class Minutiae(nn.Module):
    def __init__(self, inside: int, length: int, shape: Shape) -> None:
        super().__init__()
        self.blocks = LOOKING.built(inside, shape.wide)
        inside = LOOKING.outside(inside, shape.wide)
        self.shrink = shrinking(inside, shape)
        self.dropout = nn.Dropout(shape.dropout)
        self.embed = nn.Linear(shape.wide(SHRINKING[-1][0]), length)
        self.paint = Painter(inside, shape)

    def forward(self, maps: torch.Tensor) -> Features:
        """The map of minutiae is for learning alone."""
        maps = self.blocks(maps)
        vector = unit(self.embed(self.dropout(self.shrink(maps).amax((2, 3)))))
        return Features((vector,), minutiae=self.paint(maps) if self.training else None)


class DeepPrint(nn.Module):
    """Names of what is in it stay the same in all forms, so that one can start from the weights of another."""

    def __init__(self, branches: tuple[str, ...], shape: Shape, *, localised: bool = False) -> None:
        super().__init__()
        check(len(branches), shape)
        self.parts = (shape.embedding // len(branches),) * len(branches)
        self.paints = "minutiae" in branches
        self.localisation = Localisation(shape) if localised else None
        self.stem = STEM.built(shape.channels, shape.wide)
        inside = STEM.outside(shape.channels, shape.wide)
        self.branches = nn.ModuleDict({name: BRANCHES[name](inside, self.parts[0], shape) for name in branches})

    @property
    def blocks(self) -> nn.ModuleList:
        """They belong to the stem and the branches."""
        owners = [self.stem, *(each.get_submodule("blocks") for each in self.branches.values())]
        return nn.ModuleList(block for owner in owners for block in owner.children())

    def forward(self, images: torch.Tensor) -> Features:
        if self.localisation is None:
            return self._told(images)
        window = self.localisation(images)
        told = self._told(shown(images, window))
        if told.minutiae is None:
            return told
        height, width = images.shape[-2:]
        return told._replace(minutiae=taken_back(told.minutiae.float(), window, height / width))

    def _told(self, images: torch.Tensor) -> Features:
        maps = self.stem(images)
        told = [branch(maps) for branch in self.branches.values()]
        return Features(tuple(part for each in told for part in each.parts), minutiae=told[-1].minutiae)


BRANCHES = {"texture": Texture, "minutiae": Minutiae}
"""In this order."""

tex = partial(DeepPrint, ("texture",))
minu = partial(DeepPrint, ("minutiae",))
tex_minu = partial(DeepPrint, ("texture", "minutiae"))
loc_tex = partial(tex, localised=True)
loc_minu = partial(minu, localised=True)
loc_tex_minu = partial(tex_minu, localised=True)


def shrinking(inside: int, shape: Shape) -> nn.Sequential:
    widths = pairwise([inside, *(shape.wide(channels) for channels, _ in SHRINKING)])
    layers = [
        (nn.Conv2d(*width, 3, stride, 1), nn.ReLU()) for width, (_, stride) in zip(widths, SHRINKING, strict=True)
    ]
    return nn.Sequential(*chain.from_iterable(layers))


def unit(vectors: torch.Tensor) -> torch.Tensor:
    """In float32, since bfloat16 rounds each number by up to 1 in 500."""
    return functional.normalize(vectors.float())


def check(branches: int, shape: Shape) -> None:
    height, width = shape.size
    if min(shape.size) < LEAST:
        raise ValueError(
            f"DeepPrint halves a picture five times, and nothing is left of {height} x {width}. Give it sides of at "
            f"least {LEAST}: a larger data.size or augment.crop, or a smaller augment.shrink."
        )
    if shape.embedding % branches or shape.embedding < branches:
        raise ValueError(
            f"Texture and minutiae give half of the vector each, and model.embedding is {shape.embedding}: choose an "
            "even number."
        )

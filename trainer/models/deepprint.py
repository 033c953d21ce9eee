"""DeepPrint (Engelsma, Cao and Jain, 2019): texture branch, minutiae branch, or both, with optional localization.

Texture is Inception-v4 after its stem. Minutiae and localization have the layers of the public reimplementation
(Rohwedder et al., 2023), with a ReLU after each: without one, its four convolutions are one linear filter. The map is
taken back to the original image, where the true minutiae are (there it is compared as it is), and made only in
training. Localization outputs a turn and a center; the turn stays below 60°, as in the paper, the center within half
the way to the border, our choice. Windows are sampled by hand: the CUDA backward of `grid_sample` is not deterministic.
"""

import math
from functools import partial
from itertools import chain, pairwise
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from trainer.models.inception import BODY, INCEPTION_A, MIN_SIDE, STEM, Chain
from trainer.models.layers import BackboneSpec, Features


class Pose(NamedTuple):
    turns: torch.Tensor
    """B, radians: by so much what stands in the window was turned counter-clockwise, as one sees it."""
    middles: torch.Tensor
    """B x 2: x and y of the window's middle in the picture, whose borders are at -1 and 1."""

    def maps(self, ratio: float) -> torch.Tensor:
        """B x 2 x 3: of a place (x, y, 1) in the window the place in the picture, which is `ratio` as high as wide."""
        cosine, sine = torch.cos(self.turns), torch.sin(self.turns)
        rows = [
            torch.stack([cosine, -sine * ratio, self.middles[:, 0]], dim=1),
            torch.stack([sine / ratio, cosine, self.middles[:, 1]], dim=1),
        ]
        return torch.stack(rows, dim=1)

    def back(self, ratio: float) -> torch.Tensor:
        """Of a place in the picture the place in the window."""
        upright = Pose(-self.turns, torch.zeros_like(self.middles)).maps(ratio)[:, :, :2]
        return torch.cat([upright, -(upright * self.middles[:, None]).sum(2, keepdim=True)], dim=2)


def sample_window(images: torch.Tensor, window: Pose) -> torch.Tensor:
    """Beyond its border a picture goes on as it ends there: prints are white around, whatever white is."""
    height, width = images.shape[-2:]
    return _sample_bilinear(images, _places(window.maps(height / width), height, width))


def unwarp_map(minutiae: torch.Tensor, window: Pose, ratio: float) -> torch.Tensor:
    """A map of minutiae in the window becomes one of the whole picture: there lie those that it is compared with.
    Nothing is known of what the window did not show.
    """
    places = _places(window.back(ratio), *minutiae.shape[-2:])
    there = _sample_bilinear(minutiae, places) * (places.abs() <= 1).all(-1)[:, None]
    return (_mixing(window.turns, minutiae.shape[1])[..., None, None] * there[:, None]).sum(2)


def _mixing(turns: torch.Tensor, layers: int) -> torch.Tensor:
    """B x layers x layers: how much of each layer is in one of the picture, since what turns changes its direction.
    As trigonometric functions through the layers go, which are samples of a circle.
    """
    own = torch.arange(layers, device=turns.device) * (2 * math.pi / layers)
    apart = turns[:, None, None] + own[:, None] - own
    waves = sum((torch.cos(apart * each) for each in range(1, (layers + 1) // 2)), torch.zeros_like(apart))
    last = torch.cos(apart * (layers / 2)) if layers % 2 == 0 else 0
    return (1 + 2 * waves + last) / layers


def _places(maps: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """B x H x W x 2: the place that each pixel shows, as a map has it."""
    down, along = (torch.arange(1, 2 * side, 2, device=maps.device) / side - 1 for side in (height, width))
    x, y = along[:, None], down[:, None, None]
    return maps[:, None, None, :, 0] * x + maps[:, None, None, :, 1] * y + maps[:, None, None, :, 2]


def _sample_bilinear(images: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Bilinear."""
    height, width = images.shape[-2:]
    x, y = (
        (((each + 1) * side - 1) / 2).clamp(0, side - 1)
        for each, side in zip(places.unbind(-1), (width, height), strict=True)
    )
    left, top = x.detach().floor(), y.detach().floor()
    along, down = (x - left)[:, None], (y - top)[:, None]
    right, bottom = (left + 1).clamp(max=width - 1), (top + 1).clamp(max=height - 1)
    upper, lower = (
        _pixels(images, row, left) * (1 - along) + _pixels(images, row, right) * along for row in (top, bottom)
    )
    return upper * (1 - down) + lower * down


def _pixels(images: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    number = (rows.long() * images.shape[3] + columns.long()).flatten(1)
    picked = images.flatten(2).gather(2, number[:, None].expand(-1, images.shape[1], -1))
    return picked.view(*images.shape[:2], *rows.shape[1:])


LOCALIZATION_SIDE = 128
"""Pixels of what the small net looks at."""

LOCALIZATION_CHANNELS = (24, 32, 48, 64)

HIDDEN = 64

MAX_TURN = math.radians(60)

MAX_OFFSET = 0.5


class LocalizationNet(nn.Module):
    def __init__(self, shape: BackboneSpec) -> None:
        super().__init__()
        first, second, third, fourth = map(shape.scaled, LOCALIZATION_CHANNELS)
        self.looking = nn.Sequential(
            nn.Conv2d(shape.channels, first, 5, padding=2),
            nn.MaxPool2d(2),
            nn.Conv2d(first, second, 3, padding=1),
            nn.MaxPool2d(2),
            nn.Conv2d(second, third, 3, padding=1),
            nn.MaxPool2d(2),
            nn.Conv2d(third, fourth, 3, padding=1),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(fourth * (LOCALIZATION_SIDE >> len(LOCALIZATION_CHANNELS)) ** 2, shape.scaled(HIDDEN)),
            nn.ReLU(),
        )
        self.telling = nn.Linear(shape.scaled(HIDDEN), 3)
        nn.init.zeros_(self.telling.weight)
        nn.init.zeros_(self.telling.bias)

    def forward(self, images: torch.Tensor) -> Pose:
        """The whole picture as it is, until something is learnt. In float32: bfloat16 jumps by thirds of a pixel."""
        seen = self.looking(
            functional.interpolate(images, (LOCALIZATION_SIDE, LOCALIZATION_SIDE), mode="bilinear", antialias=True)
        )
        with torch.autocast(images.device.type, enabled=False):
            told = torch.tanh(self.telling(seen.float()))
        return Pose(MAX_TURN * told[:, 0], MAX_OFFSET * told[:, 1:])


LAYERS = 6

MAP_SIDE = 128

MAP_CHANNELS = (128, 128, 32)


class MinutiaMapHead(nn.Module):
    def __init__(self, inside: int, shape: BackboneSpec) -> None:
        super().__init__()
        wide, same, narrow = map(shape.scaled, MAP_CHANNELS)
        self.layers = nn.Sequential(
            nn.ConvTranspose2d(inside, wide, 3, 2),
            nn.ReLU(),
            nn.Conv2d(wide, same, 7),
            nn.ReLU(),
            nn.ConvTranspose2d(same, narrow, 3, 2),
            nn.ReLU(),
            nn.Conv2d(narrow, LAYERS, 3),
        )

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """B x 6 x 128 x 128. Of 35 x 35 the layers make one row and one column too many; other sizes are stretched."""
        painted: torch.Tensor = self.layers(maps)[..., :-1, :-1]
        if painted.shape[-2:] == (MAP_SIDE, MAP_SIDE):
            return painted
        return functional.interpolate(painted, (MAP_SIDE, MAP_SIDE), mode="bilinear")


MINUTIA_STEM = Chain((INCEPTION_A,) * 6)
"""For minutiae: no reduction, so that the maps stay as fine as the stem made them."""

MINUTIA_CONVS = ((768, 1), (768, 2), (896, 1), (1024, 2))
"""Channels and stride of what makes a vector of these maps."""


class TextureBranch(nn.Module):
    def __init__(self, inside: int, length: int, shape: BackboneSpec) -> None:
        super().__init__()
        self.blocks = BODY.built(inside, shape.scaled)
        self.dropout = nn.Dropout(shape.dropout)
        self.embed = nn.Linear(BODY.outside(inside, shape.scaled), length)

    def forward(self, maps: torch.Tensor) -> Features:
        return Features((normalize(self.embed(self.dropout(self.blocks(maps).mean((2, 3))))),))


class MinutiaeBranch(nn.Module):
    def __init__(self, inside: int, length: int, shape: BackboneSpec) -> None:
        super().__init__()
        self.blocks = MINUTIA_STEM.built(inside, shape.scaled)
        inside = MINUTIA_STEM.outside(inside, shape.scaled)
        self.shrink = build_minutia_convs(inside, shape)
        self.dropout = nn.Dropout(shape.dropout)
        self.embed = nn.Linear(shape.scaled(MINUTIA_CONVS[-1][0]), length)
        self.paint = MinutiaMapHead(inside, shape)

    def forward(self, maps: torch.Tensor) -> Features:
        """The map of minutiae is for learning alone."""
        maps = self.blocks(maps)
        vector = normalize(self.embed(self.dropout(self.shrink(maps).amax((2, 3)))))
        return Features((vector,), minutiae=self.paint(maps) if self.training else None)


class DeepPrint(nn.Module):
    """Names of what is in it stay the same in all forms, so that one can start from the weights of another."""

    def __init__(self, branches: tuple[str, ...], shape: BackboneSpec, *, localised: bool = False) -> None:
        super().__init__()
        check_spec(len(branches), shape)
        self.parts = (shape.embedding // len(branches),) * len(branches)
        self.paints = "minutiae" in branches
        self.localisation = LocalizationNet(shape) if localised else None
        self.stem = STEM.built(shape.channels, shape.scaled)
        inside = STEM.outside(shape.channels, shape.scaled)
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
        told = self._told(sample_window(images, window))
        if told.minutiae is None:
            return told
        height, width = images.shape[-2:]
        return told._replace(minutiae=unwarp_map(told.minutiae.float(), window, height / width))

    def _told(self, images: torch.Tensor) -> Features:
        maps = self.stem(images)
        told = [branch(maps) for branch in self.branches.values()]
        return Features(tuple(part for each in told for part in each.parts), minutiae=told[-1].minutiae)


BRANCHES = {"texture": TextureBranch, "minutiae": MinutiaeBranch}
"""In this order."""

tex = partial(DeepPrint, ("texture",))

minu = partial(DeepPrint, ("minutiae",))

tex_minu = partial(DeepPrint, ("texture", "minutiae"))

loc_tex = partial(tex, localised=True)

loc_minu = partial(minu, localised=True)

loc_tex_minu = partial(tex_minu, localised=True)


def build_minutia_convs(inside: int, shape: BackboneSpec) -> nn.Sequential:
    widths = pairwise([inside, *(shape.scaled(channels) for channels, _ in MINUTIA_CONVS)])
    layers = [
        (nn.Conv2d(*width, 3, stride, 1), nn.ReLU()) for width, (_, stride) in zip(widths, MINUTIA_CONVS, strict=True)
    ]
    return nn.Sequential(*chain.from_iterable(layers))


def normalize(vectors: torch.Tensor) -> torch.Tensor:
    """In float32, since bfloat16 rounds each number by up to 1 in 500."""
    return functional.normalize(vectors.float())


def check_spec(branches: int, shape: BackboneSpec) -> None:
    height, width = shape.size
    if min(shape.size) < MIN_SIDE:
        raise ValueError(
            f"DeepPrint halves a picture five times, and nothing is left of {height} x {width}. Give it sides of at "
            f"least {MIN_SIDE}: a larger data.size or augment.crop, or a smaller augment.shrink."
        )
    if shape.embedding % branches or shape.embedding < branches:
        raise ValueError(
            f"Texture and minutiae give half of the vector each, and model.embedding is {shape.embedding}: choose an "
            "even number."
        )

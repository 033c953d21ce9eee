"""Where on the sensor the finger lies, and how it is turned: a small net looks, and the trunk sees it straightened.

Layers are those of the public reimplementation of DeepPrint (Rohwedder and others, 2023), and so are its three figures:
a turn, and two of where the middle lies. There they have no bounds. Here a turn stays below 60 degrees, as in the paper
(Engelsma and others, 2019), and the middle within half of the way to the border, which is our choice.
"""

import math

import torch
from torch import nn
from torch.nn import functional

from trainer.models.features import Shape
from trainer.models.windows import Window

SIDE = 128
"""Pixels of what the small net looks at."""
CHANNELS = (24, 32, 48, 64)
HIDDEN = 64
MOST_TURN = math.radians(60)
MOST_OFF = 0.5


class Localisation(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        first, second, third, fourth = map(shape.wide, CHANNELS)
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
            nn.Linear(fourth * (SIDE >> len(CHANNELS)) ** 2, shape.wide(HIDDEN)),
            nn.ReLU(),
        )
        self.telling = nn.Linear(shape.wide(HIDDEN), 3)
        nn.init.zeros_(self.telling.weight)
        nn.init.zeros_(self.telling.bias)

    def forward(self, images: torch.Tensor) -> Window:
        """The whole picture as it is, until something is learnt. In float32: bfloat16 jumps by thirds of a pixel."""
        seen = self.looking(functional.interpolate(images, (SIDE, SIDE), mode="bilinear", antialias=True))
        with torch.autocast(images.device.type, enabled=False):
            told = torch.tanh(self.telling(seen.float()))
        return Window(MOST_TURN * told[:, 0], MOST_OFF * told[:, 1:])

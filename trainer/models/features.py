"""What a backbone is asked to be, and what it makes of a picture."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch.nn import functional


@dataclass(frozen=True)
class Shape:
    channels: int
    size: tuple[int, int]
    """Height and width of the pictures."""
    embedding: int
    """Numbers of the whole vector; where it has two parts, each has half of them."""
    width: float = 1.0
    """A factor on the channels of every layer; 1 is as published."""
    dropout: float = 0.0
    patch: int = 16
    """Side of a transformer's patches."""
    blocks: tuple[int, int, int] = (12, 1, 12)
    """Of a transformer with two attentions: self, from one picture to its own salient part, and from picture to
    picture."""

    def wide(self, channels: int) -> int:
        """So many channels of the published net in this one: a multiple of 4, where it is not the whole."""
        return channels if self.width == 1 else max(4, round(channels * self.width / 4) * 4)


class Features(NamedTuple):
    parts: tuple[torch.Tensor, ...]
    """Vectors, each with a head of its own: most backbones have one, and DeepPrint with texture and minutiae two."""
    again: torch.Tensor | None = None
    """The first part once more, seen beside another picture: learnt under the same head, and never compared."""
    minutiae: torch.Tensor | None = None
    """B x 6 x 128 x 128: where the backbone believes minutiae to be."""

    @property
    def vector(self) -> torch.Tensor:
        """What is compared: the only part as it is, or all of them, each as long as the other."""
        if len(self.parts) == 1:
            return self.parts[0]
        return torch.cat([functional.normalize(part) for part in self.parts], dim=1)

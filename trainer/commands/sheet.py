"""Pictures side by side as one PNG."""

from math import ceil, sqrt

import torch
from torch.nn import functional

from trainer.cases.png import png

_GAP = 2


def sheet(images: torch.Tensor) -> bytes:
    """Of B x C x h x w floats: each stretched to black and white by itself, channels averaged."""
    grey = torch.nan_to_num(images.float().mean(1))
    low, high = grey.amin((1, 2), keepdim=True), grey.amax((1, 2), keepdim=True)
    bytes_ = ((grey - low) / (high - low).clamp(min=1e-12) * 255).round().to(torch.uint8)
    return png(_grid(functional.pad(bytes_, (0, _GAP, 0, _GAP), value=128)).numpy())


def _grid(cells: torch.Tensor) -> torch.Tensor:
    count, height, width = cells.shape
    columns = ceil(sqrt(count * height / width))
    rows = ceil(count / columns)
    blank = cells.new_full((rows * columns - count, height, width), 128)
    whole = torch.cat([cells, blank]).view(rows, columns, height, width)
    return whole.permute(0, 2, 1, 3).reshape(rows * height, columns * width)

"""Stored pixels averaged to fewer, in whole numbers: sums of them are exact, and narrow ones are quickly added."""

import torch

WHITE = {torch.uint8: 255, torch.uint16: 65535}


def shrunk(images: torch.Tensor, side: int) -> torch.Tensor:
    """Means of side x side pixels, in 0…1; what does not fill such a square, on the right and below, is left out."""
    most = WHITE[images.dtype] * side * side
    dtype = torch.int16 if most <= torch.iinfo(torch.int16).max else torch.int32
    rows = _summed(images, -2, side, dtype)
    return _summed(rows, -1, side, dtype).float().div_(most)


def _summed(pixels: torch.Tensor, axis: int, side: int, dtype: torch.dtype) -> torch.Tensor:
    """Of each `side` neighbours along an axis."""
    first, *others = pixels.unfold(axis, side, side).unbind(-1)
    total = first.to(dtype, copy=True)
    for each in others:
        total += each.to(dtype)
    return total

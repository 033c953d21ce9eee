"""Stored pixels averaged to fewer.

Whole numbers become 0…1, and are added as such: their sums are exact, and narrow ones are quickly added. Floats are no
pixels but values of arrays: they are taken as they are.
"""

import torch

WHITE = {torch.uint8: 255, torch.uint16: 65535}


def shrunk(images: torch.Tensor, side: int) -> torch.Tensor:
    """Means of side x side pixels; what does not fill such a square, on the right and below, is left out."""
    most = WHITE.get(images.dtype, 1) * side * side
    dtype = _sums(images.dtype, most)
    rows = _summed(images, -2, side, dtype)
    return _summed(rows, -1, side, dtype).float().div_(most)


def _sums(dtype: torch.dtype, most: int) -> torch.dtype:
    """What holds them."""
    if dtype not in WHITE:
        return dtype
    return torch.int16 if most <= torch.iinfo(torch.int16).max else torch.int32


def _summed(pixels: torch.Tensor, axis: int, side: int, dtype: torch.dtype) -> torch.Tensor:
    """Of each `side` neighbours along an axis."""
    first, *others = pixels.unfold(axis, side, side).unbind(-1)
    total = first.to(dtype, copy=True)
    for each in others:
        total += each.to(dtype)
    return total

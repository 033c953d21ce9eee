"""How light a picture is and how strong its contrast, as another sensor or a drier finger would have left it.

A picture in colour has one mean for all its channels, so that gray stays gray and a hue stays what it is.
"""

import torch

_WHOLE = 65535
"""A mean is taken from pixels in whole numbers: such sums are exact, in whatever order and batch a device adds."""


def lit(images: torch.Tensor, contrast: torch.Tensor, gain: torch.Tensor, *, pixels: bool = True) -> torch.Tensor:
    """Images with their distance from their own mean stretched, and then all of it made lighter or darker.

    Pixels end at black and white, 0 and 1; values of arrays have no end.
    """
    mean = _mean(images, torch.int32 if pixels else torch.int64)
    stretched = (images - mean) * _each(contrast) + mean
    shown = stretched * _each(gain)
    return shown.clamp_(0, 1) if pixels else shown


def _mean(images: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    whole = (images * _WHOLE).round().to(dtype)
    total = whole.sum((1, 2, 3), dtype=torch.int64)
    return _each((total.double() / (_WHOLE * images[0].numel())).float())


def _each(factors: torch.Tensor) -> torch.Tensor:
    return factors[:, None, None, None]

"""How light a picture is and how strong its contrast, as another sensor or a drier finger would have left it."""

import torch

_WHOLE = 65535
"""A mean is taken from pixels in whole numbers: such sums are exact, in whatever order and batch a device adds."""


def lit(images: torch.Tensor, contrast: torch.Tensor, gain: torch.Tensor) -> torch.Tensor:
    """Images in 0…1 with their distance from their own mean stretched, and then all of it made lighter or darker."""
    mean = _mean(images)
    stretched = (images - mean) * _each(contrast) + mean
    return (stretched * _each(gain)).clamp_(0, 1)


def _mean(images: torch.Tensor) -> torch.Tensor:
    whole = (images * _WHOLE).round().to(torch.int32)
    total = whole.sum((1, 2, 3), dtype=torch.int64)
    return _each((total.double() / (_WHOLE * images[0].numel())).float())


def _each(factors: torch.Tensor) -> torch.Tensor:
    return factors[:, None, None, None]

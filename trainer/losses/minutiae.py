"""How far the painted map of minutiae is from the true one, in the mean over samples of which any are known."""

import torch


def minutiae_map_loss(painted: torch.Tensor, true: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Mean squared error of B x 6 x 128 x 128; `known` says of each sample whether it has minutiae."""
    each = (painted - true).square().mean((1, 2, 3))
    return (each * known).sum() / known.sum().clamp(min=1)

"""What one block says of one micro-batch, and learns from it: plain arithmetic, always in the same shapes.

Scores are s cos. They are not kept, but computed a second time for the backward: B x classes of a block is all that
ever lies in memory. Lengths of class vectors divide the scores, so there is no second copy of the vectors either.
"""

from typing import NamedTuple

import torch

from trainer.heads.blocks import Block

_SHORTEST = 1e-12


class Sight(NamedTuple):
    """A block as it is compared."""

    block: Block
    weight: torch.Tensor
    lengths: torch.Tensor
    scale: float


class Asked(NamedTuple):
    """Of one micro-batch: its embeddings, of length 1, and their labels."""

    units: torch.Tensor
    labels: torch.Tensor


class Back(NamedTuple):
    """What the loss says of each sample's figures."""

    logs: torch.Tensor
    """Of the sums over other classes, of all blocks."""
    others: torch.Tensor
    """The gradient of that."""
    mine: torch.Tensor
    """The gradient of the true cosine."""


def sight_of(block: Block, scale: float) -> Sight:
    weight = block.compared()
    return Sight(block, weight, weight.norm(dim=1).clamp_min(_SHORTEST), scale)


def told(sight: Sight, asked: Asked) -> tuple[torch.Tensor, torch.Tensor]:
    """For each sample the sum over other classes of exp(s (cos - 1)), and its own cosine, or 0 where it is not here."""
    if not len(sight.weight):
        return asked.units.new_zeros(len(asked.labels)), asked.units.new_zeros(len(asked.labels))
    cosines, (held, place) = _cosines(sight, asked), sight.block.places(asked.labels)
    own = cosines.gather(1, place[:, None])
    mine = torch.where(held[:, None], own, 0.0)
    cosines.scatter_(1, place[:, None], torch.where(held[:, None], -torch.inf, own))
    return cosines.sub_(1).mul_(sight.scale).exp_().sum(1), mine.squeeze(1)


def learnt(sight: Sight, asked: Asked, back: Back) -> tuple[torch.Tensor, torch.Tensor]:
    """The gradients of the embeddings, and of the block's rows."""
    if not len(sight.weight):
        return torch.zeros_like(asked.units), torch.zeros_like(sight.weight)
    cosines, (held, place) = _cosines(sight, asked), sight.block.places(asked.labels)
    steep = cosines.sub(1).mul_(sight.scale).sub_(back.logs[:, None]).exp_().mul_(sight.scale * back.others[:, None])
    steep.scatter_(1, place[:, None], torch.where(held, back.mine, steep.gather(1, place[:, None]).squeeze(1))[:, None])
    along = torch.linalg.vecdot(steep, cosines, dim=0).div_(sight.lengths**2)
    steep.div_(sight.lengths)
    of_rows = steep.T @ asked.units
    return steep @ sight.weight, of_rows.addcmul_(sight.weight, along[:, None], value=-1)


def _cosines(sight: Sight, asked: Asked) -> torch.Tensor:
    return (asked.units @ sight.weight.T).div_(sight.lengths)

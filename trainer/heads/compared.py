"""Embeddings against classes that lie on many ranks: the sum over other classes, and the cosine of the true one.

Ranks run their micro-batches side by side. Embeddings go to all, and what blocks say of them comes back. No cosine is
above 1, so exp(s (cos - 1)) needs no greatest score beforehand, and one exchange does. What blocks say is added in
their order, and what goes back to an embedding as whole numbers: the same bits on any number of ranks.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import torch

from trainer.heads.blocks import Block
from trainer.heads.scores import Asked, Back, learnt, sight_of, told

_TINY = torch.finfo(torch.float32).tiny
_GRAIN_BITS = 40
"""Below the greatest that an embedding's gradient can be: 64 such numbers add up exactly in float64."""


class Ranks(Protocol):
    @property
    def rank(self) -> int: ...

    @property
    def size(self) -> int: ...

    def sum(self, values: torch.Tensor) -> torch.Tensor: ...

    def gathered(self, values: torch.Tensor) -> torch.Tensor: ...


class Compared(torch.autograd.Function):
    """Of B embeddings of length 1: log of the sum over other classes of exp(s cos), and the true cosine; in float64."""

    @staticmethod
    def forward(  # noqa: PLR0917 - torch allows no names
        ctx: Any,  # noqa: ANN401 - torch's, of no type
        units: torch.Tensor,
        labels: torch.Tensor,
        blocks: Sequence[Block],
        scale: float,
        ranks: Ranks,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        everyone = _everyone(units, labels, ranks)
        sums, cosines = _exchanged(_said(everyone, blocks, scale), ranks)
        logs = sums.clamp_min(_TINY).log()
        ctx.blocks, ctx.scale, ctx.ranks = blocks, scale, ranks
        ctx.save_for_backward(logs, *(each for asked in everyone for each in asked))
        return scale + logs[ranks.rank], cosines[ranks.rank]

    @staticmethod
    def backward(
        ctx: Any,  # noqa: ANN401 - torch's, of no type
        others: torch.Tensor,
        mine: torch.Tensor,
    ) -> tuple[torch.Tensor | None, ...]:
        logs, *flat = ctx.saved_tensors
        everyone = [Asked(*pair) for pair in zip(flat[::2], flat[1::2], strict=True)]
        wanted = ctx.ranks.gathered(torch.stack([others, mine])[None])
        grains = _grain(ctx.scale * wanted[:, 0].abs() + wanted[:, 1].abs())[..., None]
        whole = torch.zeros_like(torch.stack([each.units for each in everyone]), dtype=torch.float64)
        floats = [Back(*(part.float() for part in (log, *want))) for log, want in zip(logs, wanted, strict=True)]
        for block in ctx.blocks:
            sight = sight_of(block, ctx.scale)
            for place, (asked, back) in enumerate(zip(everyone, floats, strict=True)):
                of_units, of_rows = learnt(sight, asked, back)
                whole[place] += of_units.double().div_(grains[place]).round_()
                block.take(block, of_rows)
        own = ctx.ranks.sum(whole)[ctx.ranks.rank] * grains[ctx.ranks.rank]
        return own.float(), None, None, None, None


def _everyone(units: torch.Tensor, labels: torch.Tensor, ranks: Ranks) -> list[Asked]:
    """Each micro-batch in memory of its own: where a tensor begins decides which kernel runs, and so its bits."""
    parts = ((each.clone() for each in ranks.gathered(whole).chunk(ranks.size)) for whole in (units, labels))
    return [Asked(*pair) for pair in zip(*parts, strict=True)]


def _said(everyone: Sequence[Asked], blocks: Sequence[Block], scale: float) -> torch.Tensor:
    """A line for each block with its sums, and one with the cosines of true classes that lie here."""
    said = everyone[0].units.new_zeros(len(blocks) + 1, len(everyone), len(everyone[0].labels), dtype=torch.float64)
    for line, block in enumerate(blocks):
        sight = sight_of(block, scale)
        for place, asked in enumerate(everyone):
            said[line, place], mine = told(sight, asked)
            said[-1, place] += mine
    return said


def _exchanged(said: torch.Tensor, ranks: Ranks) -> tuple[torch.Tensor, torch.Tensor]:
    """Sums over all blocks in their order, and true cosines: one rank has each, and the others have said 0."""
    heard = ranks.gathered(said[None])
    sums, cosines = heard[:, :-1].flatten(0, 1), heard[:, -1]
    return torch.stack([sums[:, place].contiguous().sum(0) for place in range(ranks.size)]), cosines.sum(0)


def _grain(greatest: torch.Tensor) -> torch.Tensor:
    """What gradients up to `greatest` are counted in."""
    return torch.ldexp(torch.ones_like(greatest), torch.frexp(greatest).exponent - _GRAIN_BITS)

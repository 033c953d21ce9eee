"""Classification head for many classes, spread over ranks, with optional sampling of classes (partial FC).

Classes are in 64 fixed blocks of consecutive classes. A block is computed, sampled and saved separately, in fixed
shapes, so its bits do not depend on its owner. Sampling takes all classes of the batch and random others. Embeddings go
to all ranks; per block, exp(s (cos - 1)) needs no maximum, so one exchange is enough. Blocks are added in order and
gradients of embeddings as integers: bit-identical on any number of ranks. Scores are computed again in the backward, so
at most those of one micro-batch against one block are in memory. The head returns losses, since no rank ever has all
scores.
"""

from collections.abc import Callable, Sequence
from math import ceil
from typing import Any, NamedTuple, Protocol, cast

import torch
from torch import nn
from torch.nn import functional

from trainer.heads.margin import Margin


def sample_classes(labels: torch.Tensor, classes: int, share: float, key: int) -> torch.Tensor:
    """Of 0…classes, in order. `labels` are those of the row; the draw is that of the key, on any device."""
    own = torch.unique(labels)
    count = max(len(own), ceil(share * classes))
    shuffled = torch.randperm(classes, generator=torch.Generator().manual_seed(key)).to(labels.device)
    others = shuffled[~torch.isin(shuffled, own)]
    return torch.cat([own, others[: count - len(own)]]).sort().values


BLOCKS = 64

_STD = 0.01

GradSink = Callable[["Block", torch.Tensor], None]
"""Of a block, and the gradient of those of its rows that are compared."""


def block_bounds(number: int, classes: int) -> tuple[int, int]:
    """The first class of a block, and the one behind its last."""
    return number * classes // BLOCKS, (number + 1) * classes // BLOCKS


def owned_blocks(rank: int, size: int) -> range:
    """The blocks of a rank: as many on each."""
    each = BLOCKS // size
    if each * size != BLOCKS:
        raise ValueError(
            f"{BLOCKS} blocks of classes cannot be shared by {size} ranks. Start 1, 2, 4, 8, 16, 32 or 64."
        )
    return range(rank * each, (rank + 1) * each)


class Block(nn.Module):
    rows: torch.Tensor | None
    """Of the weight, in order: those that this row of samples is compared with; none: all."""

    def __init__(self, number: int, classes: int, embedding: int, key: int) -> None:
        """`key` decides its first weights."""
        super().__init__()
        self.number, self.classes = number, classes
        self.first, behind = block_bounds(number, classes)
        chance = torch.Generator().manual_seed(key)
        self.weight = nn.Parameter(torch.randn(behind - self.first, embedding, generator=chance) * _STD)
        self.rows, self.take = None, add_gradient

    take: GradSink
    """Where its gradients go."""

    def sample(self, labels: torch.Tensor, share: float, key: int) -> None:
        """The classes of these labels, and others, up to a share of all."""
        mine = labels - self.first
        self.rows = sample_classes(mine[(mine >= 0) & (mine < len(self.weight))], len(self.weight), share, key)

    def active_weight(self) -> torch.Tensor:
        weight = self.weight.detach()
        return weight if self.rows is None else weight[self.rows]

    def locate(self, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """For each label whether its class is compared here, and at which place; at any, where it is not."""
        mine = labels - self.first
        held = (mine >= 0) & (mine < len(self.weight))
        mine = mine.clamp(0, max(0, len(self.weight) - 1))
        return held, mine if self.rows is None else torch.searchsorted(self.rows, mine).clamp(max=len(self.rows) - 1)


@torch.no_grad()
def add_gradient(block: Block, gradient: torch.Tensor) -> None:
    """As autograd adds: to what is there."""
    weight, rows = block.weight, block.rows
    if weight.grad is None:
        weight.grad = torch.zeros_like(weight)
    if rows is None:
        weight.grad.add_(gradient)
    else:
        weight.grad.index_add_(0, rows, gradient)


def find_blocks(network: nn.Module) -> dict[str, Block]:
    """By the names of their weights."""
    return {f"{name}.weight": each for name, each in network.named_modules() if isinstance(each, Block)}


_SHORTEST = 1e-12


class BlockView(NamedTuple):
    """A block as it is compared."""

    block: Block
    weight: torch.Tensor
    lengths: torch.Tensor
    scale: float


class Queries(NamedTuple):
    """Of one micro-batch: its embeddings, of length 1, and their labels."""

    units: torch.Tensor
    labels: torch.Tensor


class OutputGrads(NamedTuple):
    """What the loss says of each sample's figures."""

    logs: torch.Tensor
    """Of the sums over other classes, of all blocks."""
    others: torch.Tensor
    """The gradient of that."""
    mine: torch.Tensor
    """The gradient of the true cosine."""


def view_of(block: Block, scale: float) -> BlockView:
    weight = block.active_weight()
    return BlockView(block, weight, weight.norm(dim=1).clamp_min(_SHORTEST), scale)


def block_forward(sight: BlockView, asked: Queries) -> tuple[torch.Tensor, torch.Tensor]:
    """For each sample the sum over other classes of exp(s (cos - 1)), and its own cosine, or 0 where it is not here."""
    if not len(sight.weight):
        return asked.units.new_zeros(len(asked.labels)), asked.units.new_zeros(len(asked.labels))
    cosines, (held, place) = _cosines(sight, asked), sight.block.locate(asked.labels)
    own = cosines.gather(1, place[:, None])
    mine = torch.where(held[:, None], own, 0.0)
    cosines.scatter_(1, place[:, None], torch.where(held[:, None], -torch.inf, own))
    return cosines.sub_(1).mul_(sight.scale).exp_().sum(1), mine.squeeze(1)


def block_backward(sight: BlockView, asked: Queries, back: OutputGrads) -> tuple[torch.Tensor, torch.Tensor]:
    """The gradients of the embeddings, and of the block's rows."""
    if not len(sight.weight):
        return torch.zeros_like(asked.units), torch.zeros_like(sight.weight)
    cosines, (held, place) = _cosines(sight, asked), sight.block.locate(asked.labels)
    steep = cosines.sub(1).mul_(sight.scale).sub_(back.logs[:, None]).exp_().mul_(sight.scale * back.others[:, None])
    steep.scatter_(1, place[:, None], torch.where(held, back.mine, steep.gather(1, place[:, None]).squeeze(1))[:, None])
    along = torch.linalg.vecdot(steep, cosines, dim=0).div_(sight.lengths**2)
    steep.div_(sight.lengths)
    of_rows = steep.T @ asked.units
    return steep @ sight.weight, of_rows.addcmul_(sight.weight, along[:, None], value=-1)


def _cosines(sight: BlockView, asked: Queries) -> torch.Tensor:
    return (asked.units @ sight.weight.T).div_(sight.lengths)


_TINY = torch.finfo(torch.float32).tiny

_GRAIN_BITS = 40
"""Below the greatest that an embedding's gradient can be: 64 such numbers add up exactly in float64."""


class Ranks(Protocol):
    @property
    def rank(self) -> int: ...

    @property
    def size(self) -> int: ...

    def all_reduce(self, values: torch.Tensor) -> torch.Tensor: ...

    def all_gather(self, values: torch.Tensor) -> torch.Tensor: ...


class PartialFCFunction(torch.autograd.Function):
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
        everyone = [Queries(*pair) for pair in zip(flat[::2], flat[1::2], strict=True)]
        wanted = ctx.ranks.all_gather(torch.stack([others, mine])[None])
        grains = _grain(ctx.scale * wanted[:, 0].abs() + wanted[:, 1].abs())[..., None]
        whole = torch.zeros_like(torch.stack([each.units for each in everyone]), dtype=torch.float64)
        floats = [OutputGrads(*(part.float() for part in (log, *want))) for log, want in zip(logs, wanted, strict=True)]
        for block in ctx.blocks:
            sight = view_of(block, ctx.scale)
            for place, (asked, back) in enumerate(zip(everyone, floats, strict=True)):
                of_units, of_rows = block_backward(sight, asked, back)
                whole[place] += of_units.double().div_(grains[place]).round_()
                block.take(block, of_rows)
        own = ctx.ranks.all_reduce(whole)[ctx.ranks.rank] * grains[ctx.ranks.rank]
        return own.float(), None, None, None, None


def _everyone(units: torch.Tensor, labels: torch.Tensor, ranks: Ranks) -> list[Queries]:
    """Each micro-batch in memory of its own: where a tensor begins decides which kernel runs, and so its bits."""
    parts = ((each.clone() for each in ranks.all_gather(whole).chunk(ranks.size)) for whole in (units, labels))
    return [Queries(*pair) for pair in zip(*parts, strict=True)]


def _said(everyone: Sequence[Queries], blocks: Sequence[Block], scale: float) -> torch.Tensor:
    """A line for each block with its sums, and one with the cosines of true classes that lie here."""
    said = everyone[0].units.new_zeros(len(blocks) + 1, len(everyone), len(everyone[0].labels), dtype=torch.float64)
    for line, block in enumerate(blocks):
        sight = view_of(block, scale)
        for place, asked in enumerate(everyone):
            said[line, place], mine = block_forward(sight, asked)
            said[-1, place] += mine
    return said


def _exchanged(said: torch.Tensor, ranks: Ranks) -> tuple[torch.Tensor, torch.Tensor]:
    """Sums over all blocks in their order, and true cosines: one rank has each, and the others have said 0."""
    heard = ranks.all_gather(said[None])
    sums, cosines = heard[:, :-1].flatten(0, 1), heard[:, -1]
    return torch.stack([sums[:, place].contiguous().sum(0) for place in range(ranks.size)]), cosines.sum(0)


def _grain(greatest: torch.Tensor) -> torch.Tensor:
    """What gradients up to `greatest` are counted in."""
    return torch.ldexp(torch.ones_like(greatest), torch.frexp(greatest).exponent - _GRAIN_BITS)


class PartialFCHead(nn.Module):
    def __init__(  # noqa: PLR0917 - what a head is made of
        self, embedding: int, classes: int, margin: Margin, scale: float, ranks: Ranks, key: Callable[[int], int]
    ) -> None:
        """`key` of a block decides its first weights."""
        super().__init__()
        self.embedding, self.classes = embedding, classes
        self.margin, self.scale, self._ranks = margin, scale, ranks
        mine = owned_blocks(ranks.rank, ranks.size)
        self.blocks = nn.ModuleDict({f"{each:02}": Block(each, classes, embedding, key(each)) for each in mine})

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The loss of each sample of this rank's micro-batch, while all ranks ask for that of theirs."""
        lengths = embeddings.detach().norm(dim=1)
        if self.training:
            self.margin.look(lengths)
        units = functional.normalize(embeddings)
        others, cosines = PartialFCFunction.apply(units, labels, self.owned, self.scale, self._ranks)  # type: ignore[no-untyped-call]  # torch does not say
        worse = self.margin(cosines.float(), lengths)
        return functional.softplus(others - self.scale * worse.double()).float()

    @property
    def owned(self) -> Sequence[Block]:
        """In their order."""
        return cast("Sequence[Block]", tuple(self.blocks.values()))


class AsTold(nn.Module):
    """For heads that tell losses, and no scores."""

    def forward(self, losses: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        return losses

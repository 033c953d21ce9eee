"""Vision transformer for twins with dual cross-attention (DCAL: Zhu et al., 2022), and attention rollout.

Three views of an image. First: a ViT, whose class token is the first part of the embedding. Salient: the patches that
contributed most attend to the whole image once more; their class token is the second part. Pairwise, only in training:
the weights of the first view see two images and must recognize the subject despite the distractor. Rollout follows the
class token back block by block: a vector per sample, with attention maps recomputed from inputs that autograd keeps
anyway, so blocks may use fused attention. One set of weights serves self-attention and cross-attention.
"""

from collections.abc import Iterator, Sequence
from typing import cast

import torch
from torch import nn
from torch.nn import functional

from trainer.models.layers import BackboneSpec, Features

HEAD_DIM = 64
"""Numbers that a head compares."""


class Attention(nn.Module):
    def __init__(self, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query, self.key, self.value, self.out = (nn.Linear(heads * HEAD_DIM, heads * HEAD_DIM) for _ in range(4))

    def forward(self, tokens: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
        queries, keys, values = map(self._by_head, (self.query(tokens), self.key(others), self.value(others)))
        dropout = self.dropout if self.training else 0.0
        looked = functional.scaled_dot_product_attention(queries, keys, values, dropout_p=dropout)
        out: torch.Tensor = self.out(looked.transpose(1, 2).flatten(2))
        return out

    def maps(self, tokens: torch.Tensor) -> Iterator[torch.Tensor]:
        """How much each token looks at each: B x N x N, one head after the other, for all would fill the memory."""
        queries, keys = map(self._by_head, (self.query(tokens), self.key(tokens)))
        for query, key in zip(queries.unbind(1), keys.unbind(1), strict=True):
            yield (query @ key.mT / HEAD_DIM**0.5).softmax(-1)

    def _by_head(self, tokens: torch.Tensor) -> torch.Tensor:
        return tokens.view(*tokens.shape[:2], self.heads, HEAD_DIM).transpose(1, 2)


class Block(nn.Module):
    """Attention and two layers, each behind a norm and beside a shortcut."""

    def __init__(self, heads: int, dropout: float) -> None:
        super().__init__()
        width = heads * HEAD_DIM
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attention = Attention(heads, dropout)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: torch.Tensor, others: torch.Tensor | None = None) -> torch.Tensor:
        """Where there are no others, tokens look at themselves."""
        asking = self.norm1(tokens)
        asked = asking if others is None else self.norm1(others)
        tokens = tokens + self.dropout(self.attention(asking, asked))
        out: torch.Tensor = tokens + self.dropout(self.mlp(self.norm2(tokens)))
        return out

    def maps(self, tokens: torch.Tensor) -> Iterator[torch.Tensor]:
        return self.attention.maps(self.norm1(tokens))


class Patches(nn.Module):
    def __init__(self, shape: BackboneSpec, width: int) -> None:
        super().__init__()
        self.count = count_patches(shape)
        self.cut = nn.Conv2d(shape.channels, width, shape.patch, shape.patch)
        self.first = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(nn.init.trunc_normal_(torch.empty(1, 1 + self.count, width), std=0.02))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        patches = self.cut(images).flatten(2).mT
        return torch.cat([self.first.expand(len(images), -1, -1), patches], dim=1) + self.positions


def count_patches(shape: BackboneSpec) -> int:
    (height, width), side = shape.size, shape.patch
    if height % side or width % side or 0 in shape.size:
        whole = " ".join(str(max(1, each // side) * side) for each in shape.size)
        raise ValueError(
            f"Patches of {side} x {side} do not fill pictures of {height} x {width}. "
            f"Crop them (augment.crop = {whole}), or choose a model.patch that divides both sides."
        )
    return (height // side) * (width // side)


@torch.no_grad()
def attention_rollout(blocks: Sequence[Block], seen: Sequence[torch.Tensor]) -> torch.Tensor:
    """B x N: the share that each token of the first block has in the class token behind the last. Sums are 1."""
    shares = torch.zeros(seen[0].shape[:2], device=seen[0].device)
    shares[:, 0] = 1
    for block, tokens in reversed(list(zip(blocks, seen, strict=True))):
        shares = (shares + propagate_shares(block, tokens, shares)) / 2
    return shares


def propagate_shares(block: Block, tokens: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    """No matrix product: autocast would round it to 16 bits, where many shares are equal."""
    heads = [(shares.unsqueeze(2) * each).sum(1) for each in block.maps(tokens)]
    return torch.stack(heads).mean(0)


def select_salient(tokens: torch.Tensor, shares: torch.Tensor, count: int) -> torch.Tensor:
    """The class token, and the `count` patches with the greatest shares, the greatest first."""
    patches = 1 + shares[:, 1:].topk(count).indices
    picked = torch.cat([torch.zeros_like(patches[:, :1]), patches], dim=1)
    return tokens[torch.arange(len(tokens), device=tokens.device).unsqueeze(1), picked]


WIDTH = 768
"""Numbers of a token, as in ViT-B."""

SALIENT_FRACTION = 0.3
"""Share of the patches that look again: what was published for telling individuals apart (kinds of birds: 0.1)."""


class DualCrossAttentionViT(nn.Module):
    def __init__(self, shape: BackboneSpec) -> None:
        super().__init__()
        check_spec(shape)
        heads = max(1, round(shape.scaled(WIDTH) / HEAD_DIM))
        self.alone, again, self.beside = shape.blocks
        self.parts = (shape.embedding // 2, shape.embedding // 2)
        self.patches = Patches(shape, heads * HEAD_DIM)
        self.salient = max(1, round(SALIENT_FRACTION * self.patches.count))
        self.blocks = nn.ModuleList(Block(heads, shape.dropout) for _ in range(self.alone + again))
        self.norms = nn.ModuleList(nn.LayerNorm(heads * HEAD_DIM, eps=1e-6) for _ in self.parts)
        self.embed = nn.ModuleList(nn.Linear(heads * HEAD_DIM, length) for length in self.parts)
        self.apply(init_weights)

    def forward(self, images: torch.Tensor) -> Features:
        *seen, whole = self._alone(self.patches(images))
        local = select_salient(whole, attention_rollout(self._first, seen), self.salient)
        for block in self.blocks[self.alone :]:
            local = block(local, whole)
        again = self._part(0, self._beside(seen)) if self.training and self.beside else None
        return Features((self._part(0, whole), self._part(1, local)), again)

    @property
    def _first(self) -> list[Block]:
        """Of the first view; the others are the salient one's."""
        return cast("list[Block]", list(self.blocks[: self.alone]))

    def _alone(self, tokens: torch.Tensor) -> list[torch.Tensor]:
        """What each block saw, and what the last made of it."""
        seen = [tokens]
        for block in self._first:
            seen.append(block(seen[-1]))
        return seen

    def _beside(self, seen: list[torch.Tensor]) -> torch.Tensor:
        """The first blocks see the partner too, as it is alone at that depth. Were both mixed, two partners would look
        at the same tokens at every depth, and their class tokens, which start alike, could not tell whose they are.

        Where these blocks are fewer than the first view has, the others see one picture: so what comes out has gone
        as deep, and the same head can judge it.
        """
        tokens = seen[0]
        for number, (block, alone) in enumerate(zip(self._first, seen, strict=True)):
            tokens = block(tokens, torch.cat([tokens, pair_partners(alone)], dim=1) if number < self.beside else None)
        return tokens

    def _part(self, number: int, tokens: torch.Tensor) -> torch.Tensor:
        part: torch.Tensor = self.embed[number](self.norms[number](tokens[:, 0]))
        return part


def pair_partners(tokens: torch.Tensor) -> torch.Tensor:
    """Of each picture the one half a micro-batch away. The order of pictures was drawn already, so that nothing is
    drawn here; neighbours, which some samplers take from one person, do not meet (of four and more); and each picture
    serves once.
    """
    return tokens.roll(len(tokens) // 2, 0)


def check_spec(shape: BackboneSpec) -> None:
    if shape.embedding % 2 or shape.embedding < 2:  # noqa: PLR2004 - a number for each part
        raise ValueError(
            f"Each of the two views of `twins` gives half of the vector, and model.embedding is {shape.embedding}: "
            "choose an even number."
        )
    alone, again, beside = shape.blocks
    if min(alone, again) < 1 or not 0 <= beside <= alone or alone == beside == 1:
        raise ValueError(
            f"model.blocks is {alone} {again} {beside}: self-attention and the salient view need a block each at "
            "least, and picture-to-picture has the weights of the first, so no more blocks than it, and not the only "
            "one. "
            "Published: 12 1 12; smaller: 6 1 6, 4 1 4."
        )


def init_weights(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)

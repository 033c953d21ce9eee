"""A transformer's block whose tokens look at themselves, or at others: its one set of weights serves both."""

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional

HEAD = 64
"""Numbers that a head compares."""


class Attention(nn.Module):
    def __init__(self, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query, self.key, self.value, self.out = (nn.Linear(heads * HEAD, heads * HEAD) for _ in range(4))

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
            yield (query @ key.mT / HEAD**0.5).softmax(-1)

    def _by_head(self, tokens: torch.Tensor) -> torch.Tensor:
        return tokens.view(*tokens.shape[:2], self.heads, HEAD).transpose(1, 2)


class Block(nn.Module):
    """Attention and two layers, each behind a norm and beside a shortcut."""

    def __init__(self, heads: int, dropout: float) -> None:
        super().__init__()
        width = heads * HEAD
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

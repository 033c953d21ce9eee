"""Which patches a transformer's verdict came from: attention rollout, walked from the verdict back to the picture.

A block mixes tokens by its attention, and lets as much pass by. The class token is followed back through that, block
by block: a vector is enough, no product of maps is made, and a block's maps are computed anew from what it saw, which
autograd keeps anyway. So blocks may use attention that never writes its maps down.
"""

from collections.abc import Sequence

import torch

from trainer.models.attention import Block


@torch.no_grad()
def origins(blocks: Sequence[Block], seen: Sequence[torch.Tensor]) -> torch.Tensor:
    """B x N: the share that each token of the first block has in the class token behind the last. Sums are 1."""
    shares = torch.zeros(seen[0].shape[:2], device=seen[0].device)
    shares[:, 0] = 1
    for block, tokens in reversed(list(zip(blocks, seen, strict=True))):
        shares = (shares + back(block, tokens, shares)) / 2
    return shares


def back(block: Block, tokens: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    """No matrix product: autocast would round it to 16 bits, where many shares are equal."""
    heads = [(shares.unsqueeze(2) * each).sum(1) for each in block.maps(tokens)]
    return torch.stack(heads).mean(0)


def salient(tokens: torch.Tensor, shares: torch.Tensor, count: int) -> torch.Tensor:
    """The class token, and the `count` patches with the greatest shares, the greatest first."""
    patches = 1 + shares[:, 1:].topk(count).indices
    picked = torch.cat([torch.zeros_like(patches[:, :1]), patches], dim=1)
    return tokens[torch.arange(len(tokens), device=tokens.device).unsqueeze(1), picked]

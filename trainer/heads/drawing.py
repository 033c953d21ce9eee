"""Which classes of a block a row of samples is compared with (partial FC): all of its own, and others by chance."""

from math import ceil

import torch


def drawn(labels: torch.Tensor, classes: int, share: float, key: int) -> torch.Tensor:
    """Of 0…classes, in order. `labels` are those of the row; the draw is that of the key, on any device."""
    own = torch.unique(labels)
    count = max(len(own), ceil(share * classes))
    shuffled = torch.randperm(classes, generator=torch.Generator().manual_seed(key)).to(labels.device)
    others = shuffled[~torch.isin(shuffled, own)]
    return torch.cat([own, others[: count - len(own)]]).sort().values

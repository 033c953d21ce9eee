"""Trading time for memory: activations that are computed again, or kept in the CPU's memory."""

from contextlib import AbstractContextManager, nullcontext
from functools import partial

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint


def recompute(backbone: nn.Module) -> None:
    """Each block keeps its input alone and runs again in the backward. Names of parameters stay as they are."""
    for block in getattr(backbone, "blocks", ()):
        block.forward = partial(checkpoint, block.forward, use_reentrant=False)


def kept_on_cpu(offload: bool) -> AbstractContextManager[None]:  # noqa: FBT001 - its one switch
    """Around a forward: what the backward needs waits in the CPU's memory."""
    if not offload:
        return nullcontext()
    return torch.autograd.graph.save_on_cpu(pin_memory=torch.cuda.is_available())

"""Embeddings as whole numbers: unit vectors times 4,000, rounded, so that every score is exact.

A dot product of floats changes with the order in which a kernel adds, and so with the shape of its tile. Rounded
vectors are shorter than 2^12, so their dot product, and every partial sum of it, is a whole number below 2^24
(Cauchy-Schwarz): float32 holds all of them, and the order no longer matters. TF32 and bf16 do not: their 11 and 8 bits
cut such numbers short.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from trainer.errors import Diverged, UsageError

SCALE = 4000
LIMIT = 1 << 24
"""Above every score and every score's negative."""
WIDEST = 36_863
"""Values of an embedding: rounding adds up to a half in each direction, and 4000 + sqrt(36,864) / 2 is 2^12."""
_AT_ONCE = 4096
_NAMED = 10


def integers(embeddings: torch.Tensor) -> torch.Tensor:
    """Float32 that holds whole numbers, a row for each embedding, where the embeddings are."""
    if embeddings.shape[1] > WIDEST:
        raise UsageError(
            f"Embeddings of {embeddings.shape[1]:,} values are too long to be compared exactly. "
            f"Set model.embedding to {WIDEST:,} or less."
        )
    parts = [_with_length(part) for part in torch.split(embeddings.detach(), _AT_ONCE)]
    _refuse_without_direction(torch.cat([length for _, length in parts]))
    return torch.cat([(whole / length * SCALE).round_().float() for whole, length in parts])


@contextmanager
def exact_products(device: torch.device) -> Iterator[None]:
    """Matrix products in full float32, whatever was allowed outside."""
    allowed = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.no_grad(), torch.autocast(device.type, enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(allowed)


def _with_length(embeddings: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    double = embeddings.double()
    return double, torch.linalg.vector_norm(double, dim=1, keepdim=True)


def _refuse_without_direction(lengths: torch.Tensor) -> None:
    rows = torch.nonzero(~(lengths.isfinite() & (lengths > 0)).flatten()).flatten().tolist()
    if not rows:
        return
    more = f" and {len(rows) - _NAMED:,} more" if len(rows) > _NAMED else ""
    raise Diverged(
        f"{len(rows):,} of {len(lengths):,} embeddings are zero or not finite and point nowhere: "
        f"rows {', '.join(map(str, rows[:_NAMED]))}{more}. The weights that made them have diverged: "
        "judge an earlier checkpoint, or train with a lower optim.base_lr, and amp.dtype off."
    )

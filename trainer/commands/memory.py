"""The largest micro-batch that a GPU holds. Nothing is changed by it: the micro-batch is part of a run's identity."""

from dataclasses import replace

import torch

from trainer.batches import MicroBatch
from trainer.commands.findings import Findings
from trainer.run.parts import Parts


def largest(parts: Parts, found: Findings) -> None:
    """Doubled until it does not fit."""
    like, fits = parts.first.micro_batches[0], 0
    own = size = len(like.labels)
    while _fits(parts, like, size) and size <= parts.config.data.global_batch:
        fits, size = size, size * 2
    text = f"the largest micro-batch that fits, doubling from {own}: {fits or 'none'}"
    if fits:
        found.good(text)
    else:
        found.bad(f"{text}. Try a smaller data.micro_batch, or system.activation_checkpoint = true.")


def _fits(parts: Parts, like: MicroBatch, size: int) -> bool:
    times = -(-size // len(like.labels))
    larger = replace(
        like,
        images=like.images.repeat(times, 1, 1, 1)[:size],
        labels=like.labels.repeat(times)[:size],
        numbers=like.numbers.repeat(times)[:size],
    )
    try:
        parts.step.warm_up(larger)
    except torch.OutOfMemoryError:
        return False
    finally:
        torch.cuda.empty_cache()
    return True

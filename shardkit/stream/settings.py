"""What a user asks of a stream, checked before anything is opened; the order's part is `Ordering`."""

from dataclasses import dataclass
from difflib import get_close_matches
from operator import index

import torch

from shardkit.errors import UsageError
from shardkit.image.color import Color
from shardkit.image.geometry import Fit
from shardkit.stream.assembly import OnBad
from shardkit.stream.shares import Rank
from shardkit.stream.transform import SampleTransform

_CHOICES = {
    "color": ("keep", "gray", "rgb"),
    "fit": ("pad", "crop", "stretch"),
    "on_bad": ("raise", "substitute"),
    "tail": ("drop", "wrap", "mask"),
    "sampler": ("uniform", "balanced", "pk", "pairs"),
}
_LARGEST_SIDE = 1 << 14


@dataclass(frozen=True)
class Pixels:
    """What is done to samples on their way into a batch. None of it changes which samples come, or when."""

    color: Color = "keep"
    size: int | None = None
    fit: Fit = "pad"
    as_list: bool = False
    minutiae: bool = False
    transform: SampleTransform | None = None
    on_bad: OnBad = "raise"
    check: bool = True
    cache: bool = False

    def __post_init__(self) -> None:
        for name in ("color", "fit", "on_bad"):
            refuse_unknown(name, getattr(self, name))
        if self.size is not None and not 1 <= self.size <= _LARGEST_SIDE:
            raise UsageError(f"size={self.size}: a side has 1 to {_LARGEST_SIDE:,} pixels.")


@dataclass(frozen=True)
class Speed:
    """How fast batches come; None is found out."""

    threads: int | None = None
    ahead: int = 4
    pin_memory: bool | None = None

    def __post_init__(self) -> None:
        for name in ("threads", "ahead"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"{name}={value}: at least one is needed.")

    @property
    def pinned(self) -> bool:
        return torch.cuda.is_available() if self.pin_memory is None else self.pin_memory


def global_batch_of(batch_size: int | None, global_batch: int | None, rank: Rank) -> int:
    """Samples in a row: what is asked for, or the batch of a rank times the ranks."""
    if batch_size is not None and global_batch is not None:
        raise UsageError("Say batch_size= (of a rank) or global_batch= (of all ranks together), not both.")
    asked = batch_size if batch_size is not None else global_batch
    if asked is not None and asked < 1:
        raise UsageError(f"A batch has at least one sample, not {asked}.")
    return global_batch if global_batch is not None else (batch_size or 64) * rank.world_size


def refuse_no_numbers(**asked: object) -> None:
    """What is typed otherwise would fail somewhere below, or, worse, not at all."""
    for name, value in asked.items():
        if value is None:
            continue
        try:
            index(value)  # type: ignore[arg-type]  # that is the question
        except TypeError:
            raise UsageError(f"{name}={value!r}: a whole number is needed.") from None


def refuse_unknown(name: str, value: object) -> None:
    choices = _CHOICES[name]
    if value in choices:
        return
    near = get_close_matches(str(value), choices, n=1)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    raise UsageError(f"{name}={value!r} is none of {', '.join(map(repr, choices))}.{meant}")
